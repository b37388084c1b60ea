"""The social facilities of Amsterdam, through the mapping that ships: real rows, counted by another hand."""

import json
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.imports import assets, jobs, undo
from geo.imports.assets import Options
from geo.models import Asset, History, ImportJob
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Kind, Status, What

FILE = CHECKOUT.parent / "shared" / "data" / "amsterdam" / "social_services.geojson"
MAPPING = (CHECKOUT / "data/mappings/amsterdam-sociale-voorzieningen.toml").read_text(encoding="utf-8")
SOURCE = "Gemeente Amsterdam, maatschappelijke voorzieningen"
# How many rows of each category have an address and are a neighbourhood asset, counted in the file by hand.
ROOMS = {
    "Buurtkamer": 149 - 3,
    "Huis van de wijk": 43 - 3,
    "Jongerencentrum": 42,
    "Speeltuingebouw": 34 - 1,
    "Bibliotheek": 26,
}
CARE = {
    "Buurtteamlocatie": 31 - 3,
    "OKT": 19 - 1,
    "Dagbestedingslocatie": 231 - 2,
    "Overig JenZ": 9 - 4,
    "Inloophuis": 17,
}
TO_LOOK_AT = {"Overig BV": 38}

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the file of Amsterdam is not part of the project")


def brought(session: Session) -> ImportJob:
    options = Options(MAPPING)
    order = jobs.Order(What.assets, lambda task: assets.load(task, options), options._asdict())
    source = jobs.Source(FILE, FILE.name, "0" * 64, FILE.stat().st_size)
    return jobs.run(session, order, source, by="tester", progress=lambda *_: None)


def counted(session: Session, *columns: Any) -> dict[Any, int]:
    found = session.execute(select(*columns, func.count()).where(Asset.source == SOURCE).group_by(*columns))
    return {row[0] if len(columns) == 1 else tuple(row[:-1]): row[-1] for row in found}


def test_every_row_of_amsterdam_has_its_fate(session: Session) -> None:
    job = brought(session)
    kept = sum(ROOMS.values()) + sum(CARE.values()) + sum(TO_LOOK_AT.values())
    assert job.status == JobStatus.done
    assert job.counts.pop("duplicate") > 0
    assert job.counts == {"new": kept, "skipped": 1462 - kept}
    assert counted(session, Asset.kind, Asset.status) == {
        (Kind.community_room, Status.published): sum(ROOMS.values()),
        (Kind.community_room, Status.proposed): sum(TO_LOOK_AT.values()),
        (Kind.care_location, Status.published): sum(CARE.values()),
    }


def test_names_and_places_are_those_of_the_file(session: Session) -> None:
    brought(session)
    features = json.loads(FILE.read_text(encoding="utf-8"))["features"]
    told = {
        each["properties"]["MVZN_ID"]: (" ".join(each["properties"]["Naam"].split()), *each["geometry"]["coordinates"])
        for each in features
    }
    columns = (Asset.source_id, Asset.name, func.ST_X(Asset.place), func.ST_Y(Asset.place))
    stored = session.execute(select(*columns).where(Asset.source == SOURCE)).all()
    assert len(stored) > 600
    assert [tuple(row) for row in stored] == [(key, *told[str(key)]) for key, *_ in stored]


def test_the_reasons_add_up_to_what_is_left_out(session: Session) -> None:
    job = brought(session)
    notes: Any = job.report["notes"]
    left_out = Counter({note: int(note.split()[0]) for note in notes if " left out, " in note})
    assert left_out.total() == job.counts["skipped"]
    assert max(left_out, key=left_out.__getitem__).endswith("school")


def test_a_second_import_changes_nothing_and_taking_it_back_leaves_nothing(session: Session) -> None:
    first = brought(session)
    written = session.scalar(select(func.count(History.id)))
    again = brought(session)
    assert (again.counts["unchanged"], again.counts["skipped"]) == (first.counts["new"], first.counts["skipped"])
    assert session.scalar(select(func.count(History.id))) == written
    assert undo.undo(session, first.id, "tester")["removed"] == first.counts["new"]
    assert session.scalar(select(func.count(Asset.id))) == 0
