"""The demo municipality in the database, loaded the way that any record comes in."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import demo, features
from geo.collections import Wanted
from geo.coverage import run
from geo.errors import Conflict
from geo.models import Activity, Asset, AssetSecret, History, Neighbourhood
from geo.privacy import VISITOR
from geo.settings import CHECKOUT
from geo.vocabulary import Kind, Level

DATA = CHECKOUT / "data"


@pytest.fixture
def oegstgeest(session: Session) -> Session:
    demo.load(session, DATA)
    return session


def count(session: Session, *where: object) -> int:
    return session.scalar(select(func.count()).select_from(Asset).where(*where)) or 0  # type: ignore[arg-type]


def test_an_empty_database_is_empty_until_the_demo_is_loaded(session: Session) -> None:
    assert demo.is_empty(session)
    demo.load(session, DATA)
    assert not demo.is_empty(session)


def test_what_was_loaded_is_what_is_stored(session: Session) -> None:
    loaded = demo.load(session, DATA)
    assert loaded.neighbourhoods == 21  # 15 buurten, 5 wijken, 1 gemeente
    assert loaded.activities == session.scalar(select(func.count()).select_from(Activity)) == 40
    assert loaded.volunteers == count(session, Asset.kind == Kind.volunteer)
    assert loaded.assets == count(session, Asset.kind != Kind.volunteer)


def test_a_second_load_is_refused_and_changes_nothing(oegstgeest: Session) -> None:
    before = count(oegstgeest)
    with pytest.raises(Conflict):
        demo.load(oegstgeest, DATA)
    assert count(oegstgeest) == before


def test_wijken_and_the_gemeente_are_the_sums_of_their_buurten(oegstgeest: Session) -> None:
    whole = oegstgeest.scalar(select(Neighbourhood).where(Neighbourhood.level == Level.gemeente))
    assert whole is not None
    assert (whole.residents, whole.residents_65) == (25950, 5505)
    wijken = oegstgeest.scalars(select(Neighbourhood).where(Neighbourhood.level == Level.wijk)).all()
    assert [wijk.parent_id for wijk in wijken] == [whole.id] * 5
    assert sum(wijk.residents or 0 for wijk in wijken) == 25950


def test_a_figure_that_is_not_given_is_missing_with_its_reason(oegstgeest: Session) -> None:
    buurt = oegstgeest.get(Neighbourhood, "BU05790401.2024")
    assert buurt is not None
    assert (buurt.residents, buurt.households) == (65, None)
    assert buurt.figures_missing == {"households": "not_given", "one_person_households": "not_given"}


def test_the_outlines_are_marked_schematic(oegstgeest: Session) -> None:
    assert oegstgeest.scalars(select(Neighbourhood.schematic).distinct()).all() == [True]


def test_the_real_names_stand_at_the_level_of_the_municipality_without_a_point(oegstgeest: Session) -> None:
    known = oegstgeest.scalars(select(Asset).where(Asset.demo.is_(False))).all()
    assert len(known) == 8
    for asset in known:
        assert asset.neighbourhood_id == "GM0579.2024"
        assert (asset.place, asset.area, asset.opening_hours, asset.url, asset.address) == (None,) * 5


def test_every_volunteer_has_a_secret_place_and_a_neighbourhood_and_nothing_else(oegstgeest: Session) -> None:
    people = count(oegstgeest, Asset.kind == Kind.volunteer)
    assert people >= 24
    assert (
        oegstgeest.scalar(select(func.count()).select_from(AssetSecret).where(AssetSecret.place.is_not(None))) == people
    )
    assert count(oegstgeest, Asset.kind == Kind.volunteer, Asset.neighbourhood_id.is_(None)) == 0


def test_the_history_tells_who_loaded_it(oegstgeest: Session) -> None:
    rows = oegstgeest.execute(
        select(History.row_table, History.changed_by, func.count()).group_by("row_table", "changed_by")
    )
    told = {table: (by, number) for table, by, number in rows}
    assert told["activity"] == ("demo", 40)
    assert {by for by, _ in told.values()} == {"demo"}


def test_the_demo_is_uneven_on_purpose(oegstgeest: Session) -> None:
    run.run(oegstgeest, norm_m=800, detour=1.3, key=b"key")
    wanted = Wanted(kind=("community_room",), level=("buurt",))
    rows = features.page(oegstgeest, VISITOR, "coverage", wanted, limit=100).features
    shares = {row["properties"]["name"]: row["properties"]["covered_share"] for row in rows}
    assert shares["Oranje Nassau"] == pytest.approx(1)
    assert shares["Poelgeest"] == 0
    assert 0 < shares["Nieuw-Rhijngeest"] < 0.5
