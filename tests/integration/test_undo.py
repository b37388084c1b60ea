"""Taking an import back where others worked on: nothing of theirs is lost, and no order of imports is a dead end."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo import assets as records
from geo import db
from geo.errors import Conflict, NotFound
from geo.imports import assets, boundaries, doubts, jobs
from geo.imports.undo import undo
from geo.models import Asset, Catchment, ImportJob, Neighbourhood, Organisation
from geo.neighbourhoods import to_wgs84
from geo.records import act_as
from geo.vocabulary import JobStatus, Kind, Status, What
from tests.integration.locatieserver import Reply, adres, answer, served
from tests.integration.town import BUURTEN, EAST, NORTH, WEST

MAPPING = """
source = "Gemeente"
source_id = "Nr"
[place]
x = "X"
y = "Y"
[columns]
name = "Naam"
organisation = "Van"
catchment = "Voor"
[constants]
kind = "community_room"
"""
HEAD = "Nr;Naam;X;Y;Van;Voor\n"
ZAAL = "1;De Zaal;92500;465500;Stichting X;\n"
ADDRESSES = """
source = "Adressen"
source_id = "Nr"
place = { address = ["Straat", "Postcode"] }
columns = { name = "Naam", address = "Straat", postcode = "Postcode" }
constants = { kind = "community_room" }
"""
SECONDS = 20.0  # for another thread to come to its lock
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
Import = Callable[..., ImportJob]
Load = Callable[[jobs.Task], None]


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between a test and its server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def run(session: Session, file: Path, what: What, load: Load) -> ImportJob:
    source = jobs.Source(file, file.name, "0" * 64, file.stat().st_size)
    return jobs.run(session, jobs.Order(what, load, {}), source, by="tester", progress=lambda *_: None)


def rooms(session: Session, folder: Path, rows: str, mapping: str = MAPPING, **options: Any) -> ImportJob:
    """Import rows of a CSV file."""
    file = folder / "rooms.csv"
    file.write_text(rows, encoding="utf-8")
    given = assets.Options(mapping, **options)
    return run(session, file, What.assets, lambda task: assets.load(task, given))


def areas(session: Session, folder: Path, year: int) -> ImportJob:
    """Import the buurten of Testdorp in one year."""
    features = [
        {
            "type": "Feature",
            "properties": {"buurtcode": area.code, "buurtnaam": area.name, "gemeentenaam": "Testdorp"},
            "geometry": shapely.geometry.mapping(to_wgs84(area.outline)),
        }
        for area in BUURTEN
    ]
    file = folder / f"areas-{year}.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    given = boundaries.Options(year=year)
    return run(session, file, What.boundaries, lambda task: boundaries.load(task, given))


def zaal(session: Session, source: str = "Gemeente") -> Asset:
    return session.scalars(select(Asset).where(Asset.source == source)).one()


def serves(session: Session, asset: Asset) -> set[str]:
    return set(session.scalars(select(Catchment.neighbourhood_id).where(Catchment.asset_id == asset.id)))


def by_hand(session: Session, asset: Asset, **values: Any) -> None:
    """Change an asset as somebody does who works here."""
    act_as(session, "somebody")
    records.change(session, asset.id, values, None)


def initiative(session: Session, **values: Any) -> Asset:
    act_as(session, "somebody")
    told = {"kind": Kind.initiative, "name": "Soep", "status": Status.published, **values}
    return records.create(session, told)


def test_an_edit_that_is_being_saved_meanwhile_is_kept(database_url: str, tmp_path: Path) -> None:
    engine = db.engine(database_url)
    sessions = db.sessions(engine)
    with sessions() as session:
        job = rooms(session, tmp_path, HEAD + ZAAL).id
        session.commit()
    told: list[dict[str, int]] = []

    def take_back() -> None:
        with sessions() as session:
            told.append(undo(session, job, "planner"))
            session.commit()

    with sessions() as person, sessions() as watch:
        by_hand(person, zaal(person), summary="Open op dinsdag")
        thread = threading.Thread(target=take_back)
        thread.start()
        for _ in range(int(SECONDS / 0.05)):
            if watch.scalar(text(WAITING)) or not thread.is_alive():
                break
            thread.join(0.05)
        person.commit()
        thread.join()
    with sessions() as session:
        assert session.scalars(select(Asset.summary)).all() == ["Open op dinsdag"]
    assert [(counts["removed"], counts["kept"]) for counts in told] == [(0, 1)]
    engine.dispose()


def test_whom_an_asset_serves_stays_as_somebody_said_since(session: Session, tmp_path: Path) -> None:
    areas(session, tmp_path, 2024)
    rooms(session, tmp_path, f"{HEAD}1;De Zaal;92500;465500;;{WEST}\n")
    job = rooms(session, tmp_path, f"{HEAD}1;De Zaal;92500;465500;;{EAST}\n")
    by_hand(session, zaal(session), catchment=[f"{EAST}.2024", f"{NORTH}.2024"], summary="Van ons")
    undo(session, job.id, "planner")
    assert serves(session, zaal(session)) == {f"{EAST}.2024", f"{NORTH}.2024"}


def test_an_asset_that_is_kept_keeps_whom_it_serves(session: Session, tmp_path: Path) -> None:
    areas(session, tmp_path, 2024)
    job = rooms(session, tmp_path, f"{HEAD}1;De Zaal;92500;465500;;{WEST}\n")
    by_hand(session, zaal(session), summary="Van ons")
    assert undo(session, job.id, "planner")["kept"] == 1
    assert serves(session, zaal(session)) == {f"{WEST}.2024"}


def test_an_asset_of_which_only_the_catchment_was_changed_since_is_kept(session: Session, tmp_path: Path) -> None:
    areas(session, tmp_path, 2024)
    job = rooms(session, tmp_path, f"{HEAD}1;De Zaal;92500;465500;;{WEST}\n")
    by_hand(session, zaal(session), catchment=[f"{EAST}.2024"])
    assert undo(session, job.id, "planner")["kept"] == 1
    assert serves(session, zaal(session)) == {f"{EAST}.2024"}


def test_a_catchment_that_somebody_emptied_stays_empty_when_outlines_go(session: Session, tmp_path: Path) -> None:
    areas(session, tmp_path, 2024)
    rooms(session, tmp_path, f"{HEAD}1;De Zaal;92500;465500;;{WEST}\n")
    later = areas(session, tmp_path, 2025)
    assert serves(session, zaal(session)) == {f"{WEST}.2025"}
    by_hand(session, zaal(session), catchment=[])
    undo(session, later.id, "planner")
    assert serves(session, zaal(session)) == set()


@pytest.mark.parametrize(
    "told",
    [{"neighbourhood": f"{WEST}.2024"}, {"catchment": [f"{WEST}.2024"], "place": shapely.Point(4.9, 52.3)}],
    ids=["neighbourhood", "catchment"],
)
def test_areas_that_people_put_records_into_do_not_go_silently(
    session: Session, tmp_path: Path, told: dict[str, Any]
) -> None:
    job = areas(session, tmp_path, 2024)
    kept = initiative(session, **told)
    with pytest.raises(Conflict, match=r"^1 records stand only in areas .*\(Soep\): move or archive them first"):
        undo(session, job.id, "planner")
    session.refresh(kept)
    assert job.status == JobStatus.done
    assert session.scalar(select(func.count(Neighbourhood.id))) == 6
    records.archive(session, kept.id, None)
    undo(session, job.id, "planner")
    session.refresh(kept)
    assert (kept.neighbourhood_id, serves(session, kept)) == (None, set())


def test_what_has_a_place_lies_nowhere_when_the_only_areas_go(session: Session, tmp_path: Path) -> None:
    rooms(session, tmp_path, HEAD + ZAAL)
    job = areas(session, tmp_path, 2024)
    assert zaal(session).neighbourhood_id == f"{WEST}.2024"
    undo(session, job.id, "planner")
    assert zaal(session).neighbourhood_id is None


def test_what_has_no_place_goes_back_to_the_area_of_the_year_before(session: Session, tmp_path: Path) -> None:
    areas(session, tmp_path, 2024)
    kept = initiative(session, neighbourhood=f"{WEST}.2024", catchment=[f"{EAST}.2024"])
    later = areas(session, tmp_path, 2025)
    session.refresh(kept)
    assert kept.neighbourhood_id == f"{WEST}.2025"
    undo(session, later.id, "planner")
    session.refresh(kept)
    assert (kept.neighbourhood_id, serves(session, kept)) == (f"{WEST}.2024", {f"{EAST}.2024"})


def test_assets_come_back_though_their_areas_went_before(session: Session, tmp_path: Path) -> None:
    outlines = areas(session, tmp_path, 2024)
    rooms(session, tmp_path, HEAD + ZAAL)
    job = rooms(session, tmp_path, HEAD + ZAAL.replace("De Zaal", "De Grote Zaal"))
    undo(session, outlines.id, "planner")
    assert undo(session, job.id, "planner")["restored"] == 1
    assert (zaal(session).name, zaal(session).neighbourhood_id) == ("De Zaal", None)


def test_what_a_later_import_changed_is_taken_back_after_that_one(session: Session, tmp_path: Path) -> None:
    first = rooms(session, tmp_path, HEAD + ZAAL)
    later = rooms(session, tmp_path, HEAD + ZAAL.replace("Stichting X", "Stichting Y"))
    with pytest.raises(Conflict, match=r"changed by rooms\.csv since: take later imports back first"):
        undo(session, first.id, "planner")
    undo(session, later.id, "planner")
    assert session.scalars(select(Organisation.name)).all() == ["Stichting X"]
    assert undo(session, first.id, "planner")["removed"] == 1
    assert session.scalars(select(Organisation.name)).all() == []


def test_an_organisation_that_a_later_import_has_to_bring_back_stays(session: Session, tmp_path: Path) -> None:
    first = rooms(session, tmp_path, HEAD + "2;Ander;93500;465500;Stichting X;\n")
    own = initiative(session, organisation={"name": "Stichting X"}, source="Gemeente", source_id="1")
    place = to_wgs84(shapely.Point(92500, 465500))
    by_hand(session, own, place=place)
    mapping = MAPPING.replace('kind = "community_room"', 'kind = "initiative"')
    later = rooms(session, tmp_path, HEAD + ZAAL.replace("Stichting X", "Stichting Y"), mapping)
    undo(session, first.id, "planner")
    undo(session, later.id, "planner")
    session.refresh(own)
    named = select(Organisation.name).where(Organisation.id == own.organisation_id)
    assert session.scalar(named) == "Stichting X"


def test_outlines_that_came_later_do_not_keep_assets(session: Session, tmp_path: Path) -> None:
    job = rooms(session, tmp_path, HEAD + ZAAL)
    areas(session, tmp_path, 2024)
    counts = undo(session, job.id, "planner")
    assert (counts["removed"], counts["kept"]) == (1, 0)


def looked_up(question: str, _before: int) -> Reply:
    """Answer as the Locatieserver: one address is certain, of the other there are two."""
    if question.startswith("Dorpsstraat"):
        return answer(adres("Dorpsstraat", "12A", "2341AB", "Oegstgeest"))
    two = [adres("Kerkstraat", f"1-{n}", "2341AB", "Oegstgeest", (4.47, 52.18 + n / 1000)) for n in (1, 2)]
    return answer(*two)


DOUBTFUL = "Nr;Naam;Straat;Postcode\n2;Oude naam;Kerkstraat 1;2341 AB\n3;Zeker;Dorpsstraat 12A;2341 AB\n"
CERTAIN = "Nr;Naam;Straat;Postcode\n2;Nieuwe naam;Dorpsstraat 12A;2341 AB\n"
KERK = select(Asset).where(Asset.source_id == "2")


def test_an_old_doubt_does_not_overwrite_what_a_later_import_wrote(session: Session, tmp_path: Path) -> None:
    with served(looked_up) as server:
        rooms(session, tmp_path, DOUBTFUL, ADDRESSES, locatieserver=server.url)
        doubt = session.scalars(doubts.undecided()).one().id
        rooms(session, tmp_path, CERTAIN, ADDRESSES, locatieserver=server.url)
    with pytest.raises((Conflict, NotFound)):  # the doubt may be gone with the later import
        doubts.choose(session, doubt, 0, "planner")
    assert session.scalars(KERK).one().name == "Nieuwe naam"


def test_an_old_doubt_does_not_overwrite_what_somebody_wrote_since(session: Session, tmp_path: Path) -> None:
    with served(looked_up) as server:
        rooms(session, tmp_path, CERTAIN, ADDRESSES, locatieserver=server.url)
        rooms(session, tmp_path, DOUBTFUL, ADDRESSES, locatieserver=server.url)
    by_hand(session, session.scalars(KERK).one(), name="Van ons")
    doubt = session.scalars(doubts.undecided()).one()
    with pytest.raises(Conflict, match="was changed since by somebody"):
        doubts.choose(session, doubt.id, 0, "planner")
    assert session.scalars(KERK).one().name == "Van ons"
