"""A volunteer on the map of neighbours: which spot is kept, who sees it, and what 10,000 questions tell beyond it.

Testdorp with its three squares of a kilometre, and six people on every square of 100 metres.
"""

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo import assets, features, neighbourhoods, whereabouts
from geo.collections import Wanted
from geo.coverage.demand import SQUARE_RADIUS_M
from geo.coverage.models import DemandAddress
from geo.days import today
from geo.imports.models import Square
from geo.models import Asset, ImportJob
from geo.neighbourhoods import Area, Origin, to_rd, to_wgs84
from geo.people import accounts
from geo.rights import Viewer
from geo.vocabulary import JobStatus, Kind, Level, Means, Purpose, Role, What
from geo.volunteers import consents, spots
from geo.volunteers.models import Consent, SecretReading, Volunteer
from tests.integration.people import Person, signed_in
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, COVERAGE, EAST, WEST, Town, covered

NEIGHBOURS = "/v1/collections/neighbours"
ITEMS = f"{NEIGHBOURS}/items"
HOME = (92500.0, 465500.0)  # the middle of West
OFFERED = ("meals", "transport", "language")
PAGES = (
    "/", "/?service=meals", "/gaps?kind=volunteer", f"/gaps/{WEST}?kind=volunteer",
    "/gaps?kind=volunteer&service=meals", ASSETS, ACTIVITIES,
)  # fmt: skip
MOMENT = re.compile(r'"timeStamp":"[^"]*"|nonce="[^"]*"|nonce-[^\'"]*|name="csrf" value="[^"]*"|[0-9a-f]{32}')


@pytest.fixture(scope="module")
def peopled(hamlet: Town) -> Town:
    """Give Testdorp with six people on every square of 100 metres."""
    with hamlet.sessions() as session:
        job = imported(session, What.squares)
        for x in range(92050, 94000, 100):
            for y in range(465050, 467000, 100):
                code = f"E{x // 100:04}N{y // 100:04}"
                session.add(Square(id=f"{code}.2024", code=code, year=2024, x=x, y=y, residents=6, job_id=job))
        session.commit()
    return hamlet


@pytest.fixture
def session(peopled: Town) -> Iterator[Session]:
    """Give a session on Testdorp of which nothing stays."""
    with peopled.sessions() as session:
        yield session
        session.rollback()


def imported(session: Session, what: What) -> UUID:
    job = ImportJob(
        what=what, status=JobStatus.done, file_name="paper", sha256="", bytes=0, made_by="test",
    )  # fmt: skip
    session.add(job)
    session.flush()
    return job.id


def add(session: Session, place: tuple[float, float] | None = HOME, *purposes: str, **values: Any) -> UUID:
    """Add a volunteer who agrees to be counted and shown, or to the purposes named."""
    told = {"kind": Kind.volunteer, "services": ["meals"], "consent": {"purposes": purposes or ("offer", "map")}}
    where = {"neighbourhood": WEST} if place is None else {"place": to_wgs84(shapely.Point(place))}
    return assets.create(session, {**told, **where, **values}).id


def spot(session: Session, asset_id: UUID) -> tuple[float, float] | None:
    """Give where a volunteer is shown, RD New metres."""
    session.expire_all()
    kept = session.get_one(Volunteer, asset_id).spot
    if kept is None:
        return None
    x, y = shapely.get_coordinates(to_rd(to_shape(kept)))[0]
    return float(x), float(y)


def away(one: tuple[float, float] | None, other: tuple[float, float]) -> float:
    assert one is not None
    return float(shapely.Point(one).distance(shapely.Point(other)))


def move(session: Session, asset_id: UUID, place: tuple[float, float]) -> None:
    assets.change(session, asset_id, {"place": to_wgs84(shapely.Point(place))}, None)


def test_who_wants_to_be_on_the_map_gets_one_spot_beyond_the_twenty_who_live_nearest(session: Session) -> None:
    made = [add(session) for _ in range(20)]
    shown = [spot(session, each) for each in made]
    least = 2**0.5 * 50 + SQUARE_RADIUS_M  # the four squares around the crossing hold 24
    assert all(least <= away(each, HOME) <= 2 * least for each in shown)
    assert len(set(shown)) == 20
    assert spot(session, add(session, HOME, "offer")) is None


def test_off_the_map_and_on_again_is_the_same_spot(session: Session) -> None:
    made = add(session)
    before = spot(session, made)
    consents.withdraw(session, made, Purpose.map)
    spots.settle(session, made)
    assert spot(session, made) is None
    consents.give(session, made, [Purpose.map], Means.online)
    spots.settle(session, made)
    assert away(spot(session, made), before or HOME) < 0.01


def test_a_small_correction_or_an_account_while_off_the_map_gives_no_second_spot(session: Session) -> None:
    here = (HOME[0] - 2.0, HOME[1] - 2.0)
    for person in range(12):
        made = add(session, here)
        before, shown_as = spot(session, made), session.get_one(Volunteer, made).spot_id
        consents.withdraw(session, made, Purpose.map)
        email = f"buur{person}@example.nl"
        accounts.create(session, email, "Buur", Role.contributor)
        place = to_wgs84(shapely.Point(HOME[0] + 2, HOME[1] + 2))  # over the edge of four squares of 100 m
        assets.change(session, made, {"place": place, "account": email}, None)
        assert spot(session, made) is None
        consents.give(session, made, [Purpose.map], Means.online)
        spots.settle(session, made)
        after = spot(session, made)
        assert (after == before) == (session.get_one(Volunteer, made).spot_id == shown_as)
        assert after == before


def test_another_spot_has_another_id(session: Session) -> None:
    made = add(session)
    before = session.get_one(Volunteer, made).spot_id
    move(session, made, (93500, 465500))
    session.expire_all()
    assert session.get_one(Volunteer, made).spot_id != before


def test_when_boundaries_change_no_spot_lies_outside_the_own_neighbourhood(session: Session) -> None:
    made = [add(session) for _ in range(12)]
    before = [spot(session, each) for each in made]
    halves = [(f"{WEST}", 92000, 92600), (EAST, 92600, 94000)]
    areas = [Area(code, code, Level.buurt, shapely.box(west, 465000, east, 466000), {}) for code, west, east in halves]
    neighbourhoods.load(session, areas, Origin(2026, "paper", None, schematic=False), {})
    whereabouts.repoint(session)
    after = [spot(session, each) for each in made]
    assert any(each and each[0] > 92600 for each in before)
    assert all(each and 92000 <= each[0] <= 92600 for each in after)
    for one, other in zip(before, after, strict=True):
        assert one
        assert other == (one if one[0] <= 92600 else pytest.approx((92300, 465500), abs=0.2))


def test_a_corrected_place_keeps_the_spot_and_another_house_gets_another(session: Session) -> None:
    made = add(session)
    before = spot(session, made)
    for step in (1, 2, 3):
        move(session, made, (HOME[0] + step, HOME[1] - step))
        assert spot(session, made) == before
    move(session, made, (93500, 465500))
    assert away(spot(session, made), (93500, 465500)) < 300


def test_when_residents_are_counted_anew_nobody_gets_a_second_spot(session: Session) -> None:
    made = [add(session) for _ in range(12)]
    before = [spot(session, each) for each in made]
    job = imported(session, What.dwellings)
    session.execute(update(ImportJob).where(ImportJob.id == job).values(done_at=today()))
    for n in range(900):
        x, y = 92000 + 15 + n % 30 * 30, 465000 + 15 + n // 30 * 30
        session.add(DemandAddress(job_id=job, id=f"{n}", x=x, y=y, residents=None))
    session.flush()
    for each in made:
        assets.change(session, each, {"services": ["transport"]}, None)
    assert [spot(session, each) for each in made] == before


def test_two_spots_of_who_moves_house_lie_on_no_line_with_a_home(session: Session) -> None:
    far = (HOME[0] + 120, HOME[1])
    for _ in range(12):
        made = add(session)
        before = spot(session, made)
        move(session, made, far)
        after = spot(session, made)
        if before and after and before != after:
            (a, b), (c, d) = ((x - HOME[0], y - HOME[1]) for x, y in (before, after))
            assert abs(a * d - b * c) / math.hypot(a, b) > 0.5
            assert math.dist((c - 120, d), (a, b)) > 0.5


def test_without_a_place_or_where_few_live_the_spot_is_the_same_for_all(session: Session) -> None:
    middle = spot(session, add(session, None))
    assert away(middle, HOME) < 1
    session.execute(update(Square).values(residents=None))
    for place in ((92100.0, 465900.0), (92700.0, 465200.0)):
        assert away(spot(session, add(session, place)), HOME) < 1


def test_dwellings_go_before_squares_and_the_newest_import_before_others(session: Session) -> None:
    session.execute(update(Square).values(residents=None))
    old, new = imported(session, What.dwellings), imported(session, What.dwellings)
    for job, day, step in ((old, 2, 5), (new, 1, 30)):
        session.execute(update(ImportJob).where(ImportJob.id == job).values(done_at=today() - timedelta(day)))
        for n in range(900):
            x, y = 92000 + 15 + n % 30 * step, 465000 + 15 + n // 30 * step
            session.add(DemandAddress(job_id=job, id=f"{n}", x=x, y=y, residents=None))
    session.flush()
    for _ in range(5):
        assert 100 <= away(spot(session, add(session)), HOME) <= 200  # one for each dwelling: twenty within 100 m


def test_each_reading_of_the_true_place_is_noted(session: Session) -> None:
    made = add(session)
    read = session.scalars(select(SecretReading.why).where(SecretReading.asset_id == made)).all()
    assert set(read) == {"displacement"}
    assert not session.scalars(select(SecretReading).where(SecretReading.asset_id == add(session, HOME, "offer"))).all()


class Seen(NamedTuple):
    """A volunteer as the database keeps it for the map: nothing here says where they live."""

    id: str
    lon: float
    lat: float
    services: list[str]


@pytest.fixture(scope="module")
def shown(peopled: Town) -> list[UUID]:
    """Put thirteen volunteers of West on the map; the first lives in the middle."""
    random = Random(5)
    with peopled.sessions() as session:
        made = [add(session, services=["meals", "language"])]
        for _ in range(12):
            place = 92000 + random.uniform(100, 900), 465000 + random.uniform(100, 900)
            made.append(add(session, place, services=random.sample(OFFERED, random.randint(1, 2))))
        session.commit()
    return made


def kept(town: Town) -> list[Seen]:
    """Read what is kept for the map, in the order of ids."""
    with town.sessions() as session:
        rows = session.execute(
            select(Volunteer.spot_id, Volunteer.spot, Asset.services)
            .join(Asset, Asset.id == Volunteer.asset_id)
            .where(Volunteer.spot.is_not(None))
            .order_by(Volunteer.spot_id)
        ).all()
        places = [to_shape(row.spot).coords[0] for row in rows]
        return [
            Seen(str(row.spot_id), lon, lat, row.services) for row, (lon, lat, *_) in zip(rows, places, strict=True)
        ]


@pytest.fixture(scope="module")
def members(peopled: Town) -> dict[Role, Person]:
    """Give somebody of each role who is signed in."""
    areas = {Role.steward: ["GM9001"], Role.broker: ["GM9001"]}
    roles = [role for role in Role if role != Role.visitor]
    return {role: signed_in(peopled, f"{role}@example.org", role, areas.get(role, ())) for role in roles}


def test_for_who_has_no_account_the_collection_is_not_there(
    peopled: Town, shown: list[UUID], members: dict[Role, Person]
) -> None:
    item = f"{ITEMS}/{kept(peopled)[0].id}"
    for who in ("nobody", ADMIN):
        for path in (NEIGHBOURS, ITEMS, f"{ITEMS}?limit=1", item):
            answer, other = (peopled.get(path.replace("neighbours", name), who) for name in ("neighbours", "nothing"))
            assert answer.status_code == 404
            assert answer.text.replace("neighbours", "nothing") == other.text
        assert "neighbours" not in peopled.get("/v1/collections", who).text
    for member in members.values():
        assert member.client.get(item).status_code == 200
        assert NEIGHBOURS in member.client.get("/v1/collections").text
        assert member.client.get(NEIGHBOURS).json()["filters"] == ["bbox", "service"]


def test_members_see_what_is_offered_and_a_spot_and_nothing_else(
    peopled: Town, shown: list[UUID], members: dict[Role, Person]
) -> None:
    for member in members.values():
        answer = member.client.get(ITEMS)
        assert "no-store" in answer.headers["cache-control"]
        found = answer.json()["features"]
        assert [item["id"] for item in found] == [seen.id for seen in kept(peopled)]
        assert not {str(each) for each in shown} & {item["id"] for item in found}
        for item in found:
            assert set(item) == {"type", "id", "geometry", "properties"}
            assert set(item["properties"]) == {"services", "target_groups", "languages"}
        for wrong in ({"neighbourhood": WEST}, {"q": "a"}, {"kind": "volunteer"}, {"datetime": "2026-11-22"}):
            assert member.client.get(ITEMS, params=wrong).status_code == 400


def test_who_withdraws_or_whose_consent_is_over_is_gone_at_once(session: Session, peopled: Town) -> None:
    viewer = Viewer(Role.contributor, "somebody", account=UUID(int=1))

    def ids() -> set[str]:
        return {item["id"] for item in features.page(session, viewer, "neighbours", Wanted(), limit=100).features}

    for purpose in (Purpose.map, Purpose.offer):
        made = add(session)
        spot_id = str(session.get_one(Volunteer, made).spot_id)
        assert spot_id in ids()
        over = update(Consent).where(Consent.asset_id == made, Consent.purpose == purpose)
        session.execute(over.values(expires_on=today() - timedelta(1)))
        assert spot_id not in ids()


def boxes(random: Random, around: Seen, count: int) -> Iterator[dict[str, Any]]:
    """Ask for boxes of all sizes, half of them with an edge near one spot, some with a service."""
    for number in range(count):
        size = 10 ** random.uniform(-7, -1.5)
        near = size if number % 2 else 0.01
        west, south = around.lon + random.uniform(-near, near), around.lat + random.uniform(-near, near)
        asked = {"bbox": f"{west:.9f},{south:.9f},{west + size:.9f},{south + size:.9f}"}
        yield asked | ({"service": random.choice(OFFERED)} if number % 3 == 0 else {})


def expected(seen: list[Seen], asked: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Answer a question by what is kept for the map alone."""
    west, south, east, north = map(float, asked.get("bbox", "-180,-90,180,90").split(","))
    return [
        (each.id, [round(each.lon, 7), round(each.lat, 7)])
        for each in seen
        if west <= each.lon <= east and south <= each.lat <= north
        and asked.get("service", each.services[0]) in each.services
    ]  # fmt: skip


def test_ten_thousand_questions_tell_what_is_kept_for_the_map_and_nothing_nearer(
    peopled: Town, shown: list[UUID], members: dict[Role, Person]
) -> None:
    seen, random = kept(peopled), Random(2026)
    first = spot_id_of(peopled, shown[0])
    target = next(each for each in seen if each.id == first)
    people = list(members.values())
    viewers = [Viewer(role, "member", member.id) for role, member in members.items()]
    with peopled.sessions() as session:
        for number, asked in enumerate(boxes(random, target, 9_800)):
            if number % 20:  # by the code behind the route, which takes a fraction of the time
                west, south, east, north = map(float, asked["bbox"].split(","))
                service = (asked["service"],) if "service" in asked else ()
                wanted = Wanted(bbox=(west, south, east, north), service=service)
                page = features.page(session, viewers[number % len(people)], "neighbours", wanted, limit=100)
                found: dict[str, Any] = {"features": page.features, "numberMatched": page.matched}
            else:
                found = people[number % len(people)].client.get(ITEMS, params=asked).json()
            told = [(item["id"], item["geometry"]["coordinates"]) for item in found["features"]]
            assert told == expected(seen, asked), asked
            assert found["numberMatched"] == len(told)
    lon, lat = searched(people[0], target, 0), searched(people[1], target, 1)
    x, y = shapely.get_coordinates(to_rd(shapely.Point(lon, lat)))[0]
    assert abs(lon - target.lon) < 1e-9
    assert abs(lat - target.lat) < 1e-9
    assert away((x, y), HOME) >= 100


def spot_id_of(town: Town, asset_id: UUID) -> str:
    with town.sessions() as session:
        return str(session.get_one(Volunteer, asset_id).spot_id)


def searched(member: Person, target: Seen, axis: int) -> float:
    """Find one coordinate of a spot by halving a box a hundred times."""
    edges = [target.lon - 0.02, target.lat - 0.02, target.lon + 0.02, target.lat + 0.02]
    low, high = edges[axis], edges[axis + 2]
    for _ in range(100):
        half = (low + high) / 2
        edges[axis], edges[axis + 2] = low, half
        found = member.client.get(ITEMS, params={"bbox": ",".join(f"{edge:.12f}" for edge in edges)}).json()
        low, high = (low, half) if target.id in {item["id"] for item in found["features"]} else (half, high)
    return high


def answers(town: Town, members: dict[Role, Person], asked: list[dict[str, Any]]) -> list[str]:
    """Ask everything as everybody but administrators, who see when a row was changed; blank what is of the moment."""
    told = []
    for role, member in members.items():
        if role != Role.admin:
            told += [member.client.get(ITEMS, params=each) for each in asked]
            told += [member.client.get(path) for path in (*PAGES, f"{COVERAGE}?limit=10000", NEIGHBOURS)]
    told += [town.get(path) for path in PAGES]
    assert {answer.status_code for answer in told} == {200}
    return [MOMENT.sub("", answer.text) for answer in told]


def figures(town: Town) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Have coverage computed anew, and give all that it says."""
    covered(town)
    rows = [row["properties"] for row in town.get(COVERAGE, limit=10_000).json()["features"]]
    of_run = {"run", "computed_at"}
    return {
        (row["code"], row["kind"], row["service"]): {k: v for k, v in row.items() if k not in of_run} for row in rows
    }


def test_all_answers_and_all_figures_stay_the_same_when_the_true_place_moves_and_the_spot_does_not(
    peopled: Town, shown: list[UUID], members: dict[Role, Person]
) -> None:
    with peopled.sessions() as session:
        at = spot(session, shown[0])
        assert at is not None
        steps = [(dx, dy) for dx in range(-48, 49, 8) for dy in range(-48, 49, 8) if 40 < math.hypot(dx, dy) <= 50]
        others = [(HOME[0] + dx, HOME[1] + dy) for dx, dy in steps]
        other = next(place for place in others if away(at, place) > 101)
    seen = kept(peopled)
    asked = [{}, *boxes(Random(7), seen[0], 60)]
    before, computed = figures(peopled), answers(peopled, members, asked)
    with peopled.sessions() as session:
        move(session, shown[0], other)
        session.commit()
    assert kept(peopled) == seen
    assert answers(peopled, members, asked) == computed
    assert figures(peopled) == before
    with peopled.sessions() as session:
        assets.archive(session, shown[0], None)
        session.commit()
    after = figures(peopled)
    changed = {cell for cell in before if before[cell] != after.get(cell)}
    assert {kind for _, kind, _ in changed} <= {"volunteer"}
    assert {code for code, _, _ in changed} <= {WEST, "WK900101", "GM9001"}
    assert len(kept(peopled)) == len(seen) - 1
