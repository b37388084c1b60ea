"""The demo municipality in the database, loaded the way that any record comes in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import assets, demo, features
from geo.collections import Wanted
from geo.coverage import run
from geo.coverage.policy import Policies
from geo.errors import Conflict, NotFound
from geo.models import Activity, Asset, AssetSecret, History, ImportJob, Neighbourhood, Organisation
from geo.rights import VISITOR
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Kind, Level, Means, What
from geo.volunteers.models import Consent
from tests.integration.pdok import Pdok, Trouble, municipality, serving

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


def test_the_demo_is_an_import_like_any_other(oegstgeest: Session) -> None:
    job = oegstgeest.scalars(select(ImportJob)).one()
    assert (job.what, job.status, job.file_name, job.made_by) == (What.demo, JobStatus.done, "oegstgeest.toml", "demo")
    assert job.options == {"outlines": "schematic"}
    assert job.counts["new"] == 21 + count(oegstgeest) + 40
    written = select(func.count()).where(History.job_id == job.id, History.row_table == "asset")
    assert oegstgeest.scalar(written) == count(oegstgeest)


def test_the_demo_taken_back_leaves_nothing_and_does_not_come_again(oegstgeest: Session) -> None:
    there = 21 + count(oegstgeest) + 40
    counts = demo.remove(oegstgeest, "somebody")
    assert (counts["removed"], counts["kept"]) == (there, 0)
    for table in (Asset, Activity, Neighbourhood, AssetSecret, Organisation):
        assert oegstgeest.scalar(select(func.count()).select_from(table)) == 0
    assert not demo.is_empty(oegstgeest)
    job = oegstgeest.scalars(select(ImportJob)).one()
    assert (job.status, job.undone_by) == (JobStatus.undone, "somebody")


def test_the_demo_can_be_loaded_again_after_it_was_taken_back(oegstgeest: Session) -> None:
    before = count(oegstgeest)
    demo.remove(oegstgeest, "somebody")
    demo.load(oegstgeest, DATA)
    assert count(oegstgeest) == before


def test_a_demo_that_is_not_there_cannot_be_taken_back(session: Session) -> None:
    with pytest.raises(NotFound):
        demo.remove(session, "somebody")
    demo.load(session, DATA)
    demo.remove(session, "somebody")
    with pytest.raises(NotFound):
        demo.remove(session, "somebody")


def test_what_somebody_changed_in_the_demo_is_kept_when_it_goes(oegstgeest: Session) -> None:
    room = oegstgeest.scalars(select(Asset).where(Asset.kind == Kind.community_room).order_by(Asset.id)).first()
    assert room
    assets.change(oegstgeest, room.id, {"summary": "Nu van ons."}, None)
    counts = demo.remove(oegstgeest, "somebody")
    assert counts["kept"] >= 1
    assert oegstgeest.scalars(select(Asset.id)).all() == [room.id]


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
    sealed = select(func.count()).select_from(AssetSecret).where(AssetSecret.place.is_not(None))
    assert oegstgeest.scalar(sealed) == people
    invented = select(func.count()).select_from(Consent).where(Consent.means == Means.demo)
    assert oegstgeest.scalar(invented) == people
    assert count(oegstgeest, Asset.kind == Kind.volunteer, Asset.neighbourhood_id.is_(None)) == 0


def test_the_history_tells_who_loaded_it(oegstgeest: Session) -> None:
    rows = oegstgeest.execute(
        select(History.row_table, History.changed_by, func.count()).group_by("row_table", "changed_by")
    )
    told = {table: (by, number) for table, by, number in rows}
    assert told["activity"] == ("demo", 40)
    assert {by for by, _ in told.values()} == {"demo"}


def test_the_demo_is_uneven_on_purpose(oegstgeest: Session) -> None:
    run.run(oegstgeest, Policies(), key=b"key")
    wanted = Wanted(kind=("community_room",), level=("buurt",))
    rows = features.page(oegstgeest, VISITOR, "coverage", wanted, limit=100).features
    shares = {row["properties"]["name"]: row["properties"]["covered_share"] for row in rows}
    assert shares["Oranje Nassau"] == pytest.approx(1)
    assert shares["Poelgeest"] == 0
    assert 0 < shares["Nieuw-Rhijngeest"] < 0.5


CBS_NAMES = {
    "residents": "aantal_inwoners", "residents_65": "aantal_inwoners_65_jaar_en_ouder",
    "households": "aantal_huishoudens", "one_person_households": "aantal_eenpersoonshuishoudens",
}  # fmt: skip


@pytest.fixture
def pdok() -> Iterator[Pdok]:
    """Give a server in PDOK's shape with the buurten of Oegstgeest, a little east of where they are drawn here."""
    with serving(
        Pdok(2024, {"gemeenten": [municipality("GM0579", "Oegstgeest", 4.4, 52.1, 0.2)], "buurten": buurten()})
    ) as it:
        yield it


def buurten() -> list[dict[str, Any]]:
    features = json.loads((DATA / demo.OUTLINES).read_text(encoding="utf-8"))["features"]
    return [official(feature["properties"], feature["geometry"]) for feature in features]


def official(told: dict[str, Any], geometry: dict[str, Any]) -> dict[str, Any]:
    rings = [[[lon + 0.0001, lat] for lon, lat in ring] for ring in geometry["coordinates"]]
    properties = {
        "buurtcode": told["code"], "buurtnaam": told["name"], "wijkcode": told["wijk"], "gemeentecode": "GM0579",
        "gemeentenaam": "Oegstgeest", "water": "NEE",
        **{CBS_NAMES[figure]: -99997 if told[figure] is None else told[figure] for figure in CBS_NAMES},
    }  # fmt: skip
    outline = {"type": "MultiPolygon", "coordinates": [rings]}
    return {"type": "Feature", "id": told["code"], "properties": properties, "geometry": outline}


def test_the_demo_takes_official_outlines_where_pdok_gives_them(session: Session, pdok: Pdok, tmp_path: Path) -> None:
    told: list[str] = []
    file = demo.official(DATA, pdok.url, tmp_path, told.append)
    assert file
    loaded = demo.load(session, DATA, outlines=file)
    assert (told, loaded.neighbourhoods) == ([], 21)
    rows = session.scalars(select(Neighbourhood)).all()
    assert {(row.schematic, row.source[:14]) for row in rows} == {(False, "CBS / Kadaster")}
    whole = session.get(Neighbourhood, "GM0579.2024")
    assert whole
    assert (whole.name, whole.residents) == ("Oegstgeest", 25950)
    known = session.scalars(select(Asset.neighbourhood_id).where(Asset.demo.is_(False))).all()
    assert set(known) == {"GM0579.2024"}
    assert count(session, Asset.kind == Kind.volunteer, Asset.neighbourhood_id.is_(None)) == 0
    job = session.scalars(select(ImportJob)).one()
    assert job.options == {"outlines": "pdok-buurten-2024-GM0579.geojson"}
    demo.remove(session, "somebody")
    assert session.scalar(select(func.count()).select_from(Neighbourhood)) == 0


@pytest.mark.parametrize("wrong", ["refused", "another year", "a buurt is missing", "not asked"])
def test_without_pdok_the_demo_says_so_in_one_line_and_takes_its_own_outlines(
    wrong: str, session: Session, pdok: Pdok, tmp_path: Path
) -> None:
    told: list[str] = []
    url = "" if wrong == "not asked" else pdok.url
    if wrong == "refused":
        pdok.troubles["gemeenten"] = [Trouble(status=403)]
    elif wrong == "another year":
        pdok.year = 2023
    elif wrong == "a buurt is missing":
        pdok.collections["buurten"] = buurten()[1:]
    file = demo.official(DATA, url, tmp_path, told.append)
    (line,) = told
    assert "\n" not in line
    assert line.endswith("that ship with it.")
    demo.load(session, DATA, outlines=file)
    assert session.scalars(select(Neighbourhood.schematic).distinct()).all() == [True]
