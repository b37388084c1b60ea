"""CBS squares of 100 m imported into Testdorp, and as they come from CBS."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.errors import Conflict, InvalidInput
from geo.imports import jobs, squares, undo
from geo.imports.jobs import Order, Source
from geo.imports.models import Square
from geo.models import History, ImportJob
from geo.neighbourhoods import Origin
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Level, What
from tests.integration.town import BUURTEN, GEMEENTE, WIJKEN

SHARED = CHECKOUT.parent / "shared" / "data"
CODE, ALL, OLD, ALONE, YOUNG = (
    "crs28992res100m", "aantal_inwoners", "aantal_inwoners_65_jaar_en_ouder", "aantal_eenpersoonshuishoudens",
    "aantal_inwoners_0_tot_15_jaar",
)  # fmt: skip
COLUMNS = (CODE, ALL, OLD, ALONE, YOUNG)
SECRET = -99997
# Testdorp on paper: two squares in West, one in East, one in Noord, one without figures, one outside.
ROWS: list[tuple[Any, ...]] = [
    ("E0920N4650", 40, 10, 5, SECRET),
    ("E0921N4650", 50, SECRET, SECRET, 10),
    ("E0930N4650", 205, 20, 15, 30),
    ("E0920N4660", SECRET, 5, SECRET, SECRET),
    ("E0929N4659", SECRET, SECRET, -99995, None),
    ("E0999N4699", 15, SECRET, SECRET, SECRET),
]


@pytest.fixture
def testdorp(session: Session) -> Session:
    origin = Origin(2025, "test", None, schematic=False)
    whole = neighbourhoods.union(BUURTEN, GEMEENTE, "Testdorp", Level.gemeente)
    wijken = [
        neighbourhoods.union((b for b in BUURTEN if b.code[2:8] == code[2:]), code, f"Wijk {code}", Level.wijk)
        for code in WIJKEN
    ]
    neighbourhoods.load(session, [whole], origin, {})
    neighbourhoods.load(session, wijken, origin, dict.fromkeys(WIJKEN, GEMEENTE))
    neighbourhoods.load(session, BUURTEN, origin, {b.code: f"WK{b.code[2:8]}" for b in BUURTEN})
    return session


def text(file: Path, rows: Sequence[Sequence[Any]], columns: Sequence[str] = COLUMNS) -> Path:
    lines = [columns, *rows]
    file.write_text("\n".join(";".join("" if v is None else str(v) for v in line) for line in lines), encoding="utf-8")
    return file


def package(file: Path, rows: Sequence[Sequence[Any]], shapes: Mapping[str, Any], crs: int = 28992) -> Path:
    data = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    frame = gpd.GeoDataFrame(data, geometry=[shapes.get(row[0], middle(row[0])) for row in rows], crs=28992)
    frame.to_crs(crs).to_file(file, layer="vierkant_100m", engine="pyogrio")
    return file


def middle(code: str) -> shapely.Point:
    return shapely.Point(int(code[1:5]) * 100 + 50, int(code[6:]) * 100 + 50)


def quiet(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def imported(session: Session, file: Path, *, skip_bad: bool = False, name: str = "", **said: Any) -> ImportJob:
    options = squares.Options(**said)
    order = Order(What.squares, lambda task: squares.load(task, options), options._asdict(), skip_bad)
    source = Source(file, name or file.name, "0" * 64, file.stat().st_size)
    return jobs.run(session, order, source, by="test", progress=quiet)


def stored(session: Session) -> dict[str, tuple[Any, ...]]:
    rows = session.scalars(select(Square).order_by(Square.id))
    return {s.id: (s.residents, s.residents_65, s.one_person_households, s.children) for s in rows}


def notes(job: ImportJob) -> list[str]:
    found = job.report["notes"]
    assert isinstance(found, list)
    return found


def lines(job: ImportJob) -> list[dict[str, Any]]:
    found = job.report["lines"]
    assert isinstance(found, list)
    return found


def test_what_is_suppressed_is_null_and_a_square_without_figures_is_skipped(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, text(tmp_path / "cbs_vk100_2024.csv", ROWS))
    assert (job.status, job.counts) == (
        JobStatus.done,
        {"new": 5, "changed": 0, "unchanged": 0, "skipped": 1, "refused": 0},
    )
    assert stored(testdorp) == {
        "E0920N4650.2024": (40, 10, 5, None),
        "E0920N4660.2024": (None, 5, None, None),
        "E0921N4650.2024": (50, None, None, 10),
        "E0930N4650.2024": (205, 20, 15, 30),
        "E0999N4699.2024": (15, None, None, None),
    }


def test_the_place_of_a_square_is_the_middle_of_what_its_code_names(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, text(tmp_path / "cbs_vk100_2024.csv", ROWS[:1]))
    square = testdorp.scalars(select(Square)).one()
    assert (square.code, square.year, square.x, square.y) == ("E0920N4650", 2024, 92050, 465050)


@pytest.mark.parametrize(
    "columns",
    [
        ("C28992R100", "INWONER", "INW_65PL", "TOTHH_EENP", "INW_014"),
        ("c28992r100", ALL, OLD, ALONE, YOUNG),
        ("VIERKANT_100M", ALL, OLD, "aantal_1_persoonshuishoudens", YOUNG),
    ],
)
def test_the_names_of_earlier_years_are_known(columns: Sequence[str], testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, text(tmp_path / "vierkanten.csv", ROWS[2:3], columns), year=2016)
    assert stored(testdorp) == {"E0930N4650.2016": (205, 20, 15, 30)}


@pytest.mark.parametrize("crs", [28992, 4326])
def test_a_file_with_shapes_loads_when_they_lie_where_the_codes_say(
    crs: int, testdorp: Session, tmp_path: Path
) -> None:
    whole = shapely.box(92000, 465000, 92100, 465100)
    job = imported(testdorp, package(tmp_path / "vk_2024.gpkg", ROWS[:4], {"E0920N4650": whole}, crs))
    assert (job.status, job.counts["new"]) == (JobStatus.done, 4)


def test_a_square_that_lies_elsewhere_than_its_code_says_is_refused_by_row(testdorp: Session, tmp_path: Path) -> None:
    file = package(tmp_path / "vk_2024.gpkg", ROWS[:4], {"E0921N4650": shapely.Point(92230, 465050)})
    job = imported(testdorp, file)
    assert (job.status, job.counts["refused"]) == (JobStatus.refused, 1)
    assert stored(testdorp) == {}
    (line,) = lines(job)
    assert (line["key"], line["field"]) == ("E0921N4650", "code")
    assert "more than 75 m" in line["reason"]


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        (("E092N4650", 5, 5, 5, 5), "code", "E092N4650", "no code of a square"),
        (("", 5, 5, 5, 5), "code", "", "no code of a square"),
        (("E0920N46501", 5, 5, 5, 5), "code", "E0920N46501", "no code of a square"),
        (("N0920E4650", 5, 5, 5, 5), "code", "N0920E4650", "no code of a square"),
        (("E09２0N4650", 5, 5, 5, 5), "code", "E09２0N4650", "no code of a square"),
        (("E0925N4650", "veel", 5, 5, 5), ALL, "veel", "no number"),
        (("E0925N4650", -5, 5, 5, 5), ALL, "-5", "no number"),
        (("E0925N4650", 5, "2,5", 5, 5), OLD, "2,5", "no number"),
        (("E0925N4650", 5, 5, 1e9, 5), ALONE, "1000000000.0", "no number"),
    ],
)
def test_a_bad_row_is_refused_with_its_row_field_value_and_cause_and_the_rest_may_go_in(
    row: tuple[Any, ...], field: str, value: str, reason: str, testdorp: Session, tmp_path: Path
) -> None:
    file = text(tmp_path / "vk_2024.csv", [ROWS[0], row])
    job = imported(testdorp, file)
    assert (job.status, stored(testdorp)) == (JobStatus.refused, {})
    (line,) = lines(job)
    assert (line["row"], line["field"], line["value"]) == (3, field, value)
    assert reason in line["reason"]
    job = imported(testdorp, file, skip_bad=True)
    assert (job.status, list(stored(testdorp))) == (JobStatus.done, ["E0920N4650.2024"])


def test_rows_that_contradict_each_other_are_all_refused_and_of_the_same_one_is_taken(
    testdorp: Session, tmp_path: Path
) -> None:
    file = text(tmp_path / "vk_2024.csv", [ROWS[0], ROWS[1], ("E0920N4650", 5, 5, 5, 5), ROWS[1], ROWS[0]])
    job = imported(testdorp, file, skip_bad=True)
    assert stored(testdorp) == {"E0921N4650.2024": (50, None, None, 10)}
    assert job.counts == {"new": 1, "changed": 0, "unchanged": 0, "skipped": 2, "refused": 2}
    reason = "stands in rows 2, 4, 6, which do not say the same: which of them is right?"
    assert [(line["row"], line["key"], line["reason"]) for line in lines(job)] == [
        (2, "E0920N4650", reason), (4, "E0920N4650", reason),
    ]  # fmt: skip
    assert imported(testdorp, file).status == JobStatus.refused


@pytest.mark.parametrize("name", ["vierkanten.csv", "2023_or_2024.csv", "vk100_12024.csv"])
def test_a_file_of_no_year_or_two_is_refused_until_the_year_is_given(
    name: str, testdorp: Session, tmp_path: Path
) -> None:
    file = text(tmp_path / name, ROWS)
    with pytest.raises(InvalidInput, match="Of which year"):
        imported(testdorp, file)
    assert imported(testdorp, file, year=2024).status == JobStatus.done


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("crs28992res500m", *COLUMNS[1:]), "not those of 100 m: it has a column crs28992res500m"),
        (("postcode", *COLUMNS[1:]), "no file of CBS's squares of 100 m: it has the columns postcode, aantal_inwoners"),
        ((CODE, "mensen", *COLUMNS[2:]), "no file of CBS's squares of 100 m"),
    ],
)
def test_a_file_of_something_else_is_refused_naming_what_it_has(
    columns: Sequence[str], said: str, testdorp: Session, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as refused:
        imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS, columns))
    assert said in str(refused.value)


def test_a_second_import_changes_nothing_at_all(testdorp: Session, tmp_path: Path) -> None:
    file = text(tmp_path / "vk_2024.csv", ROWS)
    first = imported(testdorp, file)
    again = imported(testdorp, file)
    assert again.counts == {"new": 0, "changed": 0, "unchanged": 5, "skipped": 1, "refused": 0}
    assert testdorp.scalar(select(func.count()).where(Square.job_id == first.id)) == 5
    assert testdorp.scalar(select(func.count()).where(History.job_id == again.id)) == 0


def test_only_what_differs_is_written_and_the_history_keeps_what_it_was(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS))
    job = imported(testdorp, text(tmp_path / "vk_2024.csv", [("E0920N4650", 45, 10, 5, SECRET), *ROWS[1:]]))
    assert job.counts == {"new": 0, "changed": 1, "unchanged": 4, "skipped": 1, "refused": 0}
    kept = testdorp.scalars(select(History).where(History.job_id == job.id)).one()
    assert kept.before
    assert (kept.row_id, kept.before["residents"]) == ("E0920N4650.2024", 40)


def test_a_figure_without_a_column_stays_as_it_is_stored(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS))
    job = imported(testdorp, text(tmp_path / "vk_2024.csv", [("E0920N4650", 45)], COLUMNS[:2]))
    assert stored(testdorp)["E0920N4650.2024"] == (45, 10, 5, None)
    assert "The file has no column for children: what is stored of it stays." in notes(job)


def test_years_stand_beside_each_other(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS[:1]))
    imported(testdorp, text(tmp_path / "vk_2023.csv", [("E0920N4650", 35, 5, 5, 5)]))
    assert stored(testdorp) == {"E0920N4650.2023": (35, 5, 5, 5), "E0920N4650.2024": (40, 10, 5, None)}


def test_an_import_taken_back_leaves_the_squares_as_they_were(testdorp: Session, tmp_path: Path) -> None:
    first = imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS[:2]))
    before = stored(testdorp)
    second = imported(testdorp, text(tmp_path / "vk_2024.csv", [("E0920N4650", 45, 10, 5, 5), ROWS[2]]))
    counts = undo.undo(testdorp, second.id, "test")
    assert (counts["restored"], counts["removed"]) == (1, 1)
    assert stored(testdorp) == before
    undo.undo(testdorp, first.id, "test")
    assert stored(testdorp) == {}


def test_an_import_whose_squares_a_later_one_changed_is_taken_back_after_that_one(
    testdorp: Session, tmp_path: Path
) -> None:
    first = imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS[:2]))
    second = imported(testdorp, text(tmp_path / "vk_2024.csv", [("E0920N4650", 45, 10, 5, 5)]))
    with pytest.raises(Conflict, match="take that one back first"):
        undo.undo(testdorp, first.id, "test")
    undo.undo(testdorp, second.id, "test")
    undo.undo(testdorp, first.id, "test")
    assert stored(testdorp) == {}


def test_the_report_compares_residents_with_the_key_figures_and_names_the_buurten_furthest_apart(
    testdorp: Session, tmp_path: Path
) -> None:
    job = imported(testdorp, text(tmp_path / "vk_2024.csv", ROWS))
    assert notes(job) == [
        "5 squares hold 310 residents.",
        "aantal_inwoners is suppressed in 1 of 5 squares: unknown, not 0.",
        "aantal_inwoners_65_jaar_en_ouder is suppressed in 2 of 5 squares: unknown, not 0.",
        "aantal_eenpersoonshuishoudens is suppressed in 3 of 5 squares: unknown, not 0.",
        "aantal_inwoners_0_tot_15_jaar is suppressed in 3 of 5 squares: unknown, not 0.",
        (
            "Testdorp: 295 residents in the squares, 600 in the key figures of its buurten of 2025 (-50.8%). "
            "Furthest apart: Noord 0 and 300; West 90 and 100; East 205 and 200."
        ),
    ]


def test_a_square_just_outside_every_outline_counts_with_the_nearest_buurt(testdorp: Session, tmp_path: Path) -> None:
    rows = [("E0918N4655", 7, None, None, None), ("E0916N4655", 11, None, None, None)]  # 150 and 350 m west of West
    job = imported(testdorp, text(tmp_path / "vk_2024.csv", rows))
    assert notes(job)[-1].startswith("Testdorp: 7 residents in the squares")


def test_without_neighbourhoods_the_report_says_that_nothing_is_compared(session: Session, tmp_path: Path) -> None:
    job = imported(session, text(tmp_path / "vk_2024.csv", ROWS))
    assert job.status == JobStatus.done
    assert "nothing to compare the residents with" in notes(job)[-1]


@pytest.mark.skipif(not (SHARED / "schiedam").exists(), reason="the real files are not here")
def test_the_squares_of_schiedam_and_vlaardingen_load_as_cbs_gives_them(session: Session) -> None:
    job = imported(session, SHARED / "schiedam" / "vierkanten_100m_2024.gpkg")
    assert (job.status, job.counts["new"], job.counts["refused"]) == (JobStatus.done, 1605, 0)
    assert session.scalar(select(func.sum(Square.residents))) == 157_645  # as the data's own README counts them
    assert session.scalar(select(func.count()).where(Square.residents_65 == 0)) == 0
    assert notes(job)[0] == "1,605 squares hold 157,645 residents."


def test_nothing_below_the_header_is_nothing_imported(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, text(tmp_path / "vk_2024.csv", []))
    assert (job.status, sum(job.counts.values()), stored(testdorp)) == (JobStatus.done, 0, {})


def test_the_middle_of_nothing_is_nowhere(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, package(tmp_path / "vk_2024.gpkg", ROWS[:3], {"E0921N4650": shapely.Point()}))
    assert (job.status, job.counts["new"]) == (JobStatus.done, 3)
    assert np.array_equal(sorted(stored(testdorp)), ["E0920N4650.2024", "E0921N4650.2024", "E0930N4650.2024"])
