"""Dwellings from files: places in RD New or degrees, people where they are told, and taking them back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.coverage.models import DemandAddress
from geo.errors import InvalidInput
from geo.imports import jobs, orders, read, undo
from geo.models import ImportJob
from geo.vocabulary import JobStatus, What

Load = Callable[[Path], ImportJob]


@pytest.fixture
def load(session: Session) -> Load:
    def loaded(file: Path) -> ImportJob:
        source = jobs.Source(file, file.name, read.digest(file), file.stat().st_size)
        order = orders.order(What.dwellings, {}, skip_bad=True)
        return jobs.run(session, order, source, by="test", progress=lambda *_: None)

    return loaded


def table(folder: Path, text: str) -> Path:
    file = folder / "adressen.csv"
    file.write_text(text)
    return file


def stored(session: Session) -> list[tuple[str, float, float, float | None]]:
    rows = session.scalars(select(DemandAddress).order_by(DemandAddress.id))
    return [(row.id, row.x, row.y, row.residents) for row in rows]


def test_a_table_of_dwellings_is_stored_with_the_people_that_it_tells(
    session: Session, tmp_path: Path, load: Load
) -> None:
    job = load(table(tmp_path, "id;x;y;inwoners\na;92100,5;465200;2\nb;92200;465300;\n"))
    assert job.status == JobStatus.done
    assert stored(session) == [("a", 92100.5, 465200, 2), ("b", 92200, 465300, None)]


def test_shapes_in_degrees_become_metres(session: Session, tmp_path: Path, load: Load) -> None:
    spots = gpd.GeoSeries([shapely.Point(92100, 465200)], crs=28992).to_crs(4326)
    file = tmp_path / "bag.gpkg"
    gpd.GeoDataFrame({"identificatie": ["0579010000000001"]}, geometry=spots).to_file(file)
    load(file)
    ((name, x, y, people),) = stored(session)
    assert (name, people) == ("0579010000000001", None)
    assert [x, y] == pytest.approx([92100, 465200], abs=0.5)


@pytest.mark.parametrize(
    ("row", "field", "word"),
    [
        ("a;4.45;52.18;2", "x, y", "degrees"), ("a;;465200;2", "x, y", "missing"), (";92100;465200;2", "id", "missing"),
        ("a;92100;465200;-4", "residents", "no number"), ("a;92100;465200;veel", "residents", "no number"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_its_field_and_reason(
    session: Session, tmp_path: Path, load: Load, row: str, field: str, word: str
) -> None:
    job = load(table(tmp_path, f"id;x;y;residents\n{row}\nz;92100;465200;1\n"))
    lines: Any = job.report["lines"]
    (line,) = lines
    assert (line["row"], line["field"]) == (2, field)
    assert word in line["reason"]
    assert [name for name, *_ in stored(session)] == ["z"]


def test_a_dwelling_that_stands_twice_is_refused_the_second_time(session: Session, tmp_path: Path, load: Load) -> None:
    job = load(table(tmp_path, "id;x;y\na;92100;465200\na;92200;465200\n"))
    assert job.counts["refused"] == 1
    assert [row[1] for row in stored(session)] == [92100]


def test_a_file_without_places_is_refused_by_its_columns(tmp_path: Path, load: Load) -> None:
    with pytest.raises(InvalidInput, match="straat"):
        load(table(tmp_path, "id;straat\na;Dorpsstraat\n"))


def test_taking_dwellings_back_leaves_those_of_others(session: Session, tmp_path: Path, load: Load) -> None:
    load(table(tmp_path, "id;x;y\na;92100;465200\n"))
    later = load(table(tmp_path, "id;x;y\na;92100;465300\nb;92200;465200\n"))
    undo.undo(session, later.id, "test")
    assert stored(session) == [("a", 92100, 465200, None)]
