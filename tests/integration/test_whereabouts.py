"""Which buurt holds a place: one rule for one place and for many, and records that follow it when years change.

Paper: A and B share 100 m (x 400 to 500), C lies 100 m east of B, and D stands alone 2 km away. All are 500 m high.
    A 0–500 · B 400–900 · C 1000–1500 · D 3500–4000
"""

import random
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geo import activities, assets, neighbourhoods, whereabouts
from geo.models import Activity, Asset, History, Neighbourhood
from geo.neighbourhoods import Area, Origin
from geo.vocabulary import Kind, Level, Repeat
from tests.integration.town import AGREED

X, Y = 100_000, 400_000
A, B, C, D = "BU99990101", "BU99990102", "BU99990103", "BU99990104"
BUURTEN = {A: (0, 500), B: (400, 900), C: (1000, 1500), D: (3500, 4000)}


def area(code: str, west: int, east: int, level: Level = Level.buurt) -> Area:
    return Area(code, code, level, shapely.box(X + west, Y, X + east, Y + 500), {})


def load(session: Session, year: int, **of: tuple[int, int]) -> None:
    origin = Origin(year, "paper", None, schematic=False)
    neighbourhoods.load(session, [area(code, *sides) for code, sides in of.items()], origin, {})


def spot(x: float, y: float) -> BaseGeometry:
    return neighbourhoods.to_wgs84(shapely.Point(X + x, Y + y))


@pytest.fixture
def village(session: Session) -> Session:
    load(session, 2024, **BUURTEN)
    return session


def settled(session: Session, spots: list[BaseGeometry]) -> list[str | None]:
    session.execute(text("CREATE TEMP TABLE tried (n int, spot geometry(Point, 4326), neighbourhood_id text)"))
    rows = [{"n": n, "wkt": shapely.to_wkt(each, rounding_precision=-1)} for n, each in enumerate(spots)]
    session.execute(text("INSERT INTO tried VALUES (:n, ST_GeomFromText(:wkt, 4326), 'stale')"), rows)
    whereabouts.settle(session, "tried")
    found = session.scalars(text("SELECT neighbourhood_id FROM tried ORDER BY n")).all()
    session.execute(text("DROP TABLE tried"))
    return list(found)


ON_PAPER = [
    (250, 250, A), (450, 250, A), (700, 250, B), (1200, 250, C), (3700, 250, D),  # 450 lies in both A and B
    (920, 250, B), (980, 250, C), (1700, 250, C), (1800, 250, None), (3300, 250, D), (250, 740, A), (250, 760, None),
    (2500, 250, None), (90_000, 0, None),
]  # fmt: skip


def test_many_places_go_where_paper_says(village: Session) -> None:
    found = settled(village, [spot(x, y) for x, y, _ in ON_PAPER])
    assert found == [None if code is None else f"{code}.2024" for _, _, code in ON_PAPER]


def test_many_places_go_where_each_would_go_alone(village: Session) -> None:
    chance = random.Random("whereabouts")
    anywhere = [spot(chance.uniform(-400, 4400), chance.uniform(-400, 900)) for _ in range(300)]
    corners = [shapely.Point(x, y) for row in _outlines(village) for x, y in row.exterior.coords]
    halfway = [ring.interpolate(chance.random(), normalized=True) for ring in _rings(village) for _ in range(10)]
    between = [spot(950, chance.uniform(0, 500)) for _ in range(20)]  # as far from B as from C
    spots = anywhere + corners + halfway + between
    assert settled(village, spots) == [whereabouts.holding(village, each) for each in spots]


def _outlines(session: Session) -> list[shapely.Polygon]:
    found = session.scalars(text("SELECT ST_AsText((ST_Dump(geom)).geom, 17) FROM neighbourhood"))
    return [shapely.Polygon(shapely.from_wkt(each).exterior) for each in found]


def _rings(session: Session) -> list[BaseGeometry]:
    return [outline.exterior for outline in _outlines(session)]


def test_a_row_without_a_spot_is_left_alone(village: Session) -> None:
    village.execute(text("CREATE TEMP TABLE bare (spot geometry(Point, 4326), neighbourhood_id text) ON COMMIT DROP"))
    village.execute(text("INSERT INTO bare VALUES (NULL, 'chosen by hand')"))
    whereabouts.settle(village, "bare")
    assert village.scalar(text("SELECT neighbourhood_id FROM bare")) == "chosen by hand"


@pytest.mark.parametrize("name", ["", "a; DROP TABLE asset", 'a"b', "A", "pg_temp.a"])
def test_only_a_plain_name_is_taken_for_a_table(session: Session, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a table"):
        whereabouts.settle(session, name)


def add(session: Session, **values: Any) -> Asset:
    return assets.create(session, {"kind": Kind.community_room, "name": "Zaal", **values})


def lies_in(session: Session, record: Asset | Activity) -> str | None:
    return session.scalar(select(type(record).neighbourhood_id).where(type(record).id == record.id))


def next_year(session: Session, **of: tuple[int, int]) -> int:
    """Load what is stored in 2025, in force from now on."""
    load(session, 2025, **of)
    return whereabouts.repoint(session)


def test_records_with_a_place_follow_it_into_the_new_year(village: Session) -> None:
    room = add(village, place=spot(700, 250))
    field = add(village, area=neighbourhoods.to_wgs84(shapely.box(X + 600, Y + 100, X + 800, Y + 400)))
    told = {"title": "Koor", "theme": "meet", "repeat": Repeat.once, "starts_on": "2026-11-22"}
    choir = activities.create(village, {**told, "place": spot(800, 10)})
    assert next_year(village, BU99990101=(0, 650), BU99990109=(650, 900)) == 3
    assert {lies_in(village, each) for each in (room, field, choir)} == {"BU99990109.2025"}


def test_a_volunteer_follows_the_true_place_that_nobody_reads(village: Session) -> None:
    person = assets.create(
        village, {"kind": Kind.volunteer, "services": ["meals"], "place": spot(450, 250), "consent": AGREED}
    )
    assert lies_in(village, person) == f"{A}.2024"
    next_year(village, BU99990101=(0, 420), BU99990102=(420, 900))
    assert lies_in(village, person) == f"{B}.2025"
    left = village.scalars(text("SELECT relname FROM pg_class WHERE relname = 'true_places'")).all()
    assert left == []


def test_what_has_no_place_goes_by_code_and_where_that_is_gone_by_the_middle_of_the_old_outline(
    village: Session,
) -> None:
    same, gone = add(village, neighbourhood=A), add(village, neighbourhood=B)
    next_year(village, BU99990101=(0, 500), BU99990777=(500, 900))
    assert lies_in(village, same) == f"{A}.2025"
    assert lies_in(village, gone) == "BU99990777.2025"


def test_a_catchment_moves_and_two_that_became_one_are_one(village: Session) -> None:
    add(village, catchment=[A, B])
    assert next_year(village, BU99990101=(0, 900)) == 2
    pairs = village.scalars(text("SELECT neighbourhood_id FROM asset_catchment")).all()
    assert pairs == [f"{A}.2025"]


def test_what_stays_where_it_is_gets_no_new_version(village: Session) -> None:
    far = add(village, place=spot(3700, 250))
    add(village, place=spot(700, 250), name="Elders")
    assert next_year(village, BU99990102=(400, 900)) == 1
    assert (lies_in(village, far), far.version) == (f"{D}.2024", 1)
    assert whereabouts.repoint(village) == 0
    kept = village.scalars(select(History.row_id).where(History.row_table == "asset", History.row_id == str(far.id)))
    assert len(kept.all()) == 1


def test_a_place_that_no_buurt_held_finds_one_that_comes_later(village: Session) -> None:
    room = add(village, place=spot(2500, 250))
    assert room.neighbourhood_id is None
    next_year(village, BU99990105=(2400, 2600))
    assert lies_in(village, room) == "BU99990105.2025"


def test_a_buurt_that_is_not_in_force_holds_nothing(village: Session) -> None:
    village.execute(update(Neighbourhood).where(Neighbourhood.code == A).values(in_force=False))
    assert whereabouts.holding(village, spot(450, 250)) == f"{B}.2024"
    assert settled(village, [spot(450, 250), spot(100, 250)]) == [f"{B}.2024", None]
