"""Coverage runs on Testdorp in the database: the village of the unit tests, with kinds, services and people."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo import assets, features, neighbourhoods
from geo.coverage import results, run
from geo.coverage.models import Coverage, CoverageRun
from geo.coverage.policy import Policies, Policy
from geo.days import today
from geo.errors import Conflict, InvalidInput
from geo.imports.models import Square
from geo.models import Asset, ImportJob, Neighbourhood
from geo.neighbourhoods import Area, Origin
from geo.rights import VISITOR
from geo.vocabulary import JobStatus, Kind, Level, Status, What
from geo.volunteers.models import Consent
from tests.integration.town import AGREED

KEY = b"a key for these tests"
X, Y = 100_000, 400_000


def area(code: str, west: int, east: int, residents: int | None) -> Area:
    return Area(code, code, Level.buurt, shapely.box(X + west, Y, X + east, Y + 200), {"residents": residents})


@pytest.fixture
def village(session: Session) -> Session:
    """West and East in one wijk, North of unknown residents in another, all in one gemeente."""
    west, east = area("BU99990101", 0, 400, 80), area("BU99990102", 400, 800, 40)
    far = area("BU99990201", 4000, 4400, None)
    first = neighbourhoods.union([west, east], "WK999901", "Wijk 01", Level.wijk)
    second = neighbourhoods.union([far], "WK999902", "Wijk 02", Level.wijk)
    whole = neighbourhoods.union([west, east, far], "GM9999", "Testdorp", Level.gemeente)
    origin = Origin(2024, "paper", None, schematic=True)
    neighbourhoods.load(session, [whole], origin, {})
    neighbourhoods.load(session, [first, second], origin, {"WK999901": "GM9999", "WK999902": "GM9999"})
    parents = {"BU99990101": "WK999901", "BU99990102": "WK999901", "BU99990201": "WK999902"}
    neighbourhoods.load(session, [west, east, far], origin, parents)
    return session


def spot(x: float, y: float) -> BaseGeometry:
    return neighbourhoods.to_wgs84(shapely.Point(X + x, Y + y))


def add(session: Session, **values: Any) -> Asset:
    return assets.create(session, {"kind": Kind.community_room, "name": "Zaal", **values})


def rows(session: Session, made: CoverageRun, **subject: object) -> Mapping[str, Coverage]:
    asked = {"kind": None, "service": None, **subject}
    where = [getattr(Coverage, name).is_not_distinct_from(value) for name, value in asked.items()]
    found = session.scalars(select(Coverage).where(Coverage.run_id == made.id, *where))
    return {row.neighbourhood_id.split(".")[0]: row for row in found}


def compute(session: Session, norm_m: float = 205) -> CoverageRun:
    return run.run(
        session, Policies(Policy(norm_m=norm_m, detour=1)), key=KEY
    )  # 205: a walk of 200 m is off by 0.25 m after two turns


def test_a_room_covers_the_five_points_that_paper_says(village: Session) -> None:
    add(village, place=spot(50, 50))
    found = rows(village, compute(village), kind=Kind.community_room)
    assert found["BU99990101"].covered == pytest.approx(50)
    assert found["BU99990101"].uncovered == pytest.approx(30)
    assert found["BU99990102"].covered == 0


def test_uncovered_residents_add_up_from_buurt_to_wijk_to_gemeente(village: Session) -> None:
    add(village, place=spot(50, 50))
    found = rows(village, compute(village), kind=Kind.community_room)
    for code in ("WK999901", "GM9999"):
        assert found[code].residents == pytest.approx(120)
        assert found[code].uncovered == pytest.approx(70)


def test_where_residents_are_unknown_or_none_there_are_no_figures(village: Session) -> None:
    found = rows(village, compute(village), kind=Kind.community_room)
    for code in ("BU99990201", "WK999902"):
        assert (found[code].residents, found[code].covered_share, found[code].uncovered) == (None, None, None)


def test_kinds_and_services_are_subjects_of_their_own(village: Session) -> None:
    add(village, place=spot(50, 50), services=["meals"])
    made = compute(village)
    assert rows(village, made, service="meals")["BU99990101"].covered == pytest.approx(50)
    assert rows(village, made, service="transport")["BU99990101"].covered == 0
    assert rows(village, made, kind=Kind.care_location)["BU99990101"].covered == 0


def test_an_asset_across_the_border_is_counted_and_named(village: Session) -> None:
    room = add(village, place=spot(450, 50))
    west = rows(village, compute(village), kind=Kind.community_room)["BU99990101"]
    assert (west.assets_in_reach, west.assets_across_border, west.nearest_id) == (1, 1, room.id)


def test_a_catchment_covers_its_neighbourhood_and_no_other(village: Session) -> None:
    add(village, catchment=["BU99990102"])
    found = rows(village, compute(village), kind=Kind.community_room)
    assert found["BU99990102"].covered_by_catchment == pytest.approx(40)
    assert found["BU99990101"].covered == 0


def test_a_catchment_may_be_a_wijk_as_a_whole(village: Session) -> None:
    add(village, catchment=["WK999901"])
    found = rows(village, compute(village), kind=Kind.community_room)
    assert found["GM9999"].covered == pytest.approx(120)


@pytest.mark.parametrize("status", [Status.proposed, Status.archived])
def test_what_the_public_does_not_see_covers_nobody(village: Session, status: Status) -> None:
    add(village, place=spot(50, 50), status=status)
    assert rows(village, compute(village), kind=Kind.community_room)["BU99990101"].covered == 0


def test_an_asset_without_place_or_catchment_covers_nobody_and_is_told_beside_the_run(village: Session) -> None:
    add(village, neighbourhood="BU99990101")
    made = compute(village)
    assert rows(village, made, kind=Kind.community_room)["BU99990101"].covered == 0
    assert made.counts["assets_without_place_or_catchment"] == 1


def test_a_drawn_neighbourhood_gets_the_residents_inside_it(village: Session) -> None:
    outline = neighbourhoods.to_wgs84(shapely.box(X + 300, Y, X + 500, Y + 200))  # two points of ten, two of five
    drawn = neighbourhoods.draw(village, "Onze straat", outline)
    found = rows(village, compute(village), kind=Kind.community_room)
    assert found[drawn.code].residents == pytest.approx(30)


def volunteers(session: Session, number: int, x: float, services: list[str]) -> None:
    for _ in range(number):
        assets.create(session, {"kind": Kind.volunteer, "services": services, "place": spot(x, 50), "consent": AGREED})


def test_volunteers_are_a_number_from_fifteen_up_and_never_a_distance(village: Session) -> None:
    volunteers(village, 20, 50, ["meals"])
    volunteers(village, 10, 450, ["meals"])
    made = compute(village)
    meals = rows(village, made, kind=Kind.volunteer, service="meals")
    assert (meals["BU99990101"].volunteers, meals["BU99990102"].volunteers) == (20, None)
    assert meals["BU99990101"].per_1000 == pytest.approx(250)  # 20 for 80 residents
    assert meals["BU99990102"].per_1000 is None
    assert meals["GM9999"].volunteers == 30
    for row in meals.values():
        assert (row.covered, row.median_m, row.nearest_id, row.assets_in_reach) == (None,) * 4


def test_a_neighbourhood_that_is_all_of_another_says_no_other_number(village: Session) -> None:
    for number in range(11, 15):
        volunteers(village, number if number == 11 else 1, 4050, [["meals"], ["transport"]][number % 2])
        told = [rows(village, compute(village), kind=Kind.volunteer) for _ in "xx"]
        assert told[0]["BU99990201"].volunteers == told[0]["WK999902"].volunteers
        assert told[0]["BU99990201"].volunteers == told[1]["BU99990201"].volunteers


def test_who_no_longer_agrees_to_be_counted_is_not_counted(village: Session) -> None:
    volunteers(village, 20, 50, ["meals"])
    village.execute(update(Consent).values(expires_on=today() - timedelta(1)))
    assert rows(village, compute(village), kind=Kind.volunteer)["BU99990101"].volunteers is None


def test_volunteers_do_not_cover_anybody_as_a_service(village: Session) -> None:
    volunteers(village, 15, 50, ["meals"])
    assert rows(village, compute(village), service="meals")["BU99990101"].covered == 0


def test_drawn_neighbourhoods_get_no_number_of_volunteers(village: Session) -> None:
    volunteers(village, 15, 50, ["meals"])
    drawn = neighbourhoods.draw(village, "Straat", neighbourhoods.to_wgs84(shapely.box(X, Y, X + 300, Y + 200)))
    assert drawn.code not in rows(village, compute(village), kind=Kind.volunteer)


def test_a_run_keeps_what_it_was_made_with(village: Session) -> None:
    made = compute(village, norm_m=400)
    assert (made.norm_m, made.detour, made.lattice_m, made.year) == (400, 1, 100, 2024)
    assert made.counts["points"] == 24
    latest = results.latest(village)
    assert latest is not None
    assert (latest.live, latest.computed_at) == (True, made.computed_at)


def test_runs_are_kept_beside_each_other(village: Session) -> None:
    first, second = compute(village), compute(village)
    assert {kept.id for kept in results.runs(village)} == {first.id, second.id}


def test_without_neighbourhoods_there_is_nothing_to_compute(session: Session) -> None:
    with pytest.raises(InvalidInput, match="load boundaries"):
        compute(session)


def test_two_runs_at_once_are_one_too_many(village: Session) -> None:
    village.flush()
    with Session(village.get_bind().engine) as other:
        other.scalar(select(func.pg_advisory_xact_lock(run.RUN_LOCK)))
        with pytest.raises(Conflict, match="Another coverage run"):
            compute(village)


def test_an_overview_fits_together_where_the_outlines_do(village: Session) -> None:
    shapes = [outline for row, outline in neighbourhoods.outlines(village) if row.level == Level.buurt]
    assert shapely.coverage_is_valid(shapely.set_precision(shapes, 0.01))
    assert village.scalar(select(Neighbourhood.parent_id).where(Neighbourhood.code == "BU99990101")) == "WK999901.2024"


def test_a_figure_of_an_earlier_run_can_still_be_read_on_its_own(village: Session) -> None:
    first, _ = compute(village), compute(village)
    row = rows(village, first, kind=Kind.community_room)["GM9999"]
    read = features.one(village, VISITOR, "coverage", str(row.id))
    assert (read["properties"]["run"], read["properties"]["code"]) == (str(first.id), "GM9999")


@pytest.mark.parametrize(("away", "code"), [(0, "BU99990102"), (200, "BU99990102"), (300, None)])
def test_a_place_in_a_hole_between_outlines_belongs_to_the_nearest(
    village: Session, away: int, code: str | None
) -> None:
    room = add(village, place=spot(800 + away, 100))
    assert room.neighbourhood_id == (None if code is None else f"{code}.2024")


def test_the_live_state_begins_as_a_copy_of_the_newest_run(village: Session) -> None:
    add(village, place=spot(50, 50))
    first = compute(village)
    add(village, place=spot(450, 50))
    second = compute(village)
    live = results.latest(village)
    assert live is not None
    assert village.scalar(select(func.count()).select_from(CoverageRun).where(CoverageRun.live)) == 1
    kept = rows(village, live, kind=Kind.community_room)
    made = rows(village, second, kind=Kind.community_room)
    fields = [c.key for c in Coverage.__table__.columns if c.key not in ("id", "run_id")]
    for code, row in made.items():
        assert [getattr(kept[code], f) for f in fields] == [getattr(row, f) for f in fields]
    assert rows(village, first, kind=Kind.community_room)["BU99990102"].covered == 0  # a dated run stays as it was


def test_all_five_classes_of_people_sum_to_the_residents_and_the_score_is_made_of_them(village: Session) -> None:
    # Confirmed today, open 21 parts a week, but for whoever walks more than 205 m: five points of ten in West.
    add(village, place=spot(50, 50), confirmed_on=today(), opening_hours="24/7", capacity=3)
    west = rows(village, compute(village), kind=Kind.community_room)["BU99990101"]
    assert (west.people_none, west.people_doubtful, west.people_closed, west.people_full) == (30, 0, 0, 0)
    assert west.people_served == pytest.approx(50)
    assert west.gap == pytest.approx(37.5)
    assert west.why["reason"] == "none"
    assert west.open_hours == pytest.approx(126 * 50 / 80)


def test_what_nobody_ever_confirmed_is_doubtful_and_worth_checking(village: Session) -> None:
    room = add(village, place=spot(50, 50))
    west = rows(village, compute(village), kind=Kind.community_room)["BU99990101"]
    assert (west.people_doubtful, west.certain_share) == (50, 0)
    assert west.why["checks"] == west.why["carriers"] == west.why["fragile"] == [[str(room.id), 50]]


def squares(session: Session, *told: tuple[float, float, int | None]) -> None:
    """Store CBS squares of (x, y, residents), half of them 65 or older."""
    job = ImportJob(
        what=What.squares, status=JobStatus.done, file_name="paper", sha256="", bytes=0, made_by="test",
    )  # fmt: skip
    session.add(job)
    session.flush()
    for x, y, people in told:
        code = f"E{(X + x) // 100:04.0f}N{(Y + y) // 100:04.0f}"
        older = None if people is None else people // 2
        session.add(
            Square(
                id=f"{code}.2024",
                code=code,
                year=2024,
                x=X + x,
                y=Y + y,
                residents=people,
                residents_65=older,
                job_id=job.id,
            )
        )
    session.flush()


def test_where_there_are_squares_people_live_in_them_and_the_interval_is_narrow(village: Session) -> None:
    squares(village, (50, 50, 60), (350, 150, 16), (150, 50, None))
    add(village, place=spot(50, 50))
    found = rows(village, compute(village), kind=Kind.community_room)
    west, east = found["BU99990101"], found["BU99990102"]
    assert (west.demand_source, east.demand_source, found["WK999901"].demand_source) == ("squares", "lattice", "mixed")
    assert (west.residents, west.covered, west.unknown_residents) == (76, 60, 4)
    assert [west.covered_lo, west.covered_hi] == pytest.approx([60 / 76, 60 / 76])
    # Of (450, 150) and (450, 50), 400 m away, the farthest corner of East is 380 m off: those two might be in reach.
    assert (east.covered_lo, east.covered_hi) == (0, 0.25)
    assert west.groups["residents_65"] == {"residents": 38, "covered_share": pytest.approx(30 / 38, abs=1e-6)}


def test_a_policy_of_a_kind_holds_for_that_kind_only_and_is_kept_with_the_run(village: Session) -> None:
    add(village, place=spot(50, 50), services=["meals"])
    near = Policy(norm_m=205, detour=1)
    made = run.run(village, Policies(near, {"community_room": near._replace(norm_m=1000)}), key=KEY)
    assert rows(village, made, kind=Kind.community_room)["BU99990101"].covered == 80
    assert rows(village, made, service="meals")["BU99990101"].covered == pytest.approx(50)
    assert run.policies_of(made).of("community_room").norm_m == 1000


def test_who_lives_nearer_to_the_edge_of_the_data_than_to_an_asset_is_told(village: Session) -> None:
    add(village, place=spot(50, 50))
    west = rows(village, compute(village), kind=Kind.community_room)["BU99990101"]
    assert west.edge_share == pytest.approx(7 / 8)  # all live 50 m from the edge; only at (50, 50) a room is nearer
