"""Key figures imported into Testdorp, and as CBS and Amsterdam give them."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.errors import InvalidInput
from geo.imports import figures, jobs, undo
from geo.imports.jobs import Order, Source
from geo.models import History, ImportJob, Neighbourhood
from geo.neighbourhoods import FIGURES, Area, Origin
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Level, What
from tests.integration.town import BUURTEN, EAST, GEMEENTE, NORTH, WEST, WIJKEN

SHARED = CHECKOUT.parent / "shared" / "data"
AMSTERDAM = SHARED / "amsterdam" / "Kerncijfers_wijken_en_buurten_2024.csv"
SCHIEDAM = SHARED / "schiedam" / "buurten_schiedam_vlaardingen_2024.gpkg"
COUNTRY = SHARED / "nl" / "kerncijfers_buurten_2024.csv"
HEADER = "gwb_code;aantal_inwoners;aantal_inwoners_65_jaar_en_ouder;aantal_huishoudens"
# Testdorp on paper: West 100 and East 200 residents make wijk 01 (300), Noord (300) is wijk 02; together 600.


@pytest.fixture
def testdorp(session: Session) -> Session:
    place(session, 2025)
    return session


def place(session: Session, year: int, buurten: list[Area] = BUURTEN) -> None:
    origin = Origin(year, "test", None, schematic=False)
    whole = neighbourhoods.union(buurten, GEMEENTE, "Testdorp", Level.gemeente)
    wijken = [
        neighbourhoods.union((b for b in buurten if b.code[2:8] == code[2:]), code, f"Wijk {code}", Level.wijk)
        for code in WIJKEN
    ]
    neighbourhoods.load(session, [whole], origin, {})
    neighbourhoods.load(session, wijken, origin, dict.fromkeys(WIJKEN, GEMEENTE))
    neighbourhoods.load(session, buurten, origin, {b.code: f"WK{b.code[2:8]}" for b in buurten})


def written(file: Path, *rows: str, header: str = HEADER) -> Path:
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return file


def quiet(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def imported(session: Session, file: Path, *, skip_bad: bool = False, **said: Any) -> ImportJob:
    options = figures.Options(**said)
    order = Order(What.figures, lambda task: figures.load(task, options), options._asdict(), skip_bad)
    source = Source(file, file.name, "0" * 64, file.stat().st_size)
    return jobs.run(session, order, source, by="test", progress=quiet)


def stored(session: Session, code: str, year: int = 2025) -> tuple[list[int | None], dict[str, str]]:
    row = session.get(Neighbourhood, f"{code}.{year}", populate_existing=True)
    assert row is not None
    return [getattr(row, figure) for figure in FIGURES], row.figures_missing


def everything(session: Session) -> dict[str, object]:
    rows = session.scalars(select(Neighbourhood).execution_options(populate_existing=True))
    return {row.id: ([getattr(row, figure) for figure in FIGURES], row.figures_missing) for row in rows}


def notes(job: ImportJob) -> list[str]:
    found = job.report["notes"]
    assert isinstance(found, list)
    return found


def lines(job: ImportJob) -> list[dict[str, Any]]:
    found = job.report["lines"]
    assert isinstance(found, list)
    return found


def test_figures_are_stored_and_what_is_suppressed_is_null_with_its_reason(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", f"{EAST};-99997;-99995;"))
    assert (job.status, job.counts) == (JobStatus.done, {"changed": 2, "unchanged": 0, "skipped": 0, "refused": 0})
    assert stored(testdorp, WEST) == ([110, 25, 60, None], {"one_person_households": "not_given"})
    values, missing = stored(testdorp, EAST)
    assert values == [None, None, None, None]
    assert missing == {
        "residents": "secret", "residents_65": "later", "households": "not_given",
        "one_person_households": "not_given",
    }  # fmt: skip


def test_a_figure_without_a_column_stays_as_it_is(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60"))
    imported(testdorp, written(tmp_path / "b.csv", f"{WEST};70", header="gwb_code;aantal_huishoudens"))
    assert stored(testdorp, WEST)[0] == [110, 25, 70, None]


def test_a_second_import_changes_nothing_at_all(testdorp: Session, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", f"{WEST};110;25;60", f"{EAST};-99997;20;80")
    imported(testdorp, file)
    before = everything(testdorp)
    again = imported(testdorp, file)
    assert again.counts == {"changed": 0, "unchanged": 2, "skipped": 0, "refused": 0}
    assert testdorp.scalar(select(func.count()).where(History.job_id == again.id)) == 0
    assert everything(testdorp) == before


def test_an_import_taken_back_leaves_every_figure_as_it_was(testdorp: Session, tmp_path: Path) -> None:
    before = everything(testdorp)
    job = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", f"{EAST};-99997;20;80"))
    assert everything(testdorp) != before
    counts = undo.undo(testdorp, job.id, "test")
    assert counts["restored"] == 4  # two buurten, their wijk, the gemeente
    assert everything(testdorp) == before


def test_what_was_the_sum_of_its_parts_is_summed_anew(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", f"{EAST};210;35;90"))
    assert stored(testdorp, "WK900101")[0] == [320, 60, 150, None]
    assert stored(testdorp, "WK900102")[0] == [300, None, None, None]
    assert stored(testdorp, GEMEENTE)[0] == [620, None, None, None]  # 65+ of Noord is not known
    assert "Summed anew from their parts, as before: 1 wijk areas and 1 gemeente areas." in notes(job)


def test_a_sum_is_unknown_when_a_part_is_and_says_the_same_reason(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, written(tmp_path / "a.csv", f"{WEST};-99997", header="gwb_code;aantal_inwoners"))
    for code in (WEST, "WK900101", GEMEENTE):
        values, missing = stored(testdorp, code)
        assert (values[0], missing["residents"]) == (None, "secret")


def test_what_was_given_officially_is_not_summed(testdorp: Session, tmp_path: Path) -> None:
    imported(testdorp, written(tmp_path / "gm.csv", f"{GEMEENTE};605;;"))
    imported(testdorp, written(tmp_path / "bu.csv", f"{WEST};110;25;60", f"{EAST};210;35;90"))
    assert stored(testdorp, GEMEENTE)[0][0] == 605
    assert stored(testdorp, "WK900101")[0][0] == 320


def test_levels_in_one_file_each_get_their_own(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, written(tmp_path / "a.csv", f"{GEMEENTE};605;;", "WK900101;305;;", f"{WEST};110;25;60"))
    assert job.counts["changed"] == 3
    assert [stored(testdorp, code)[0][0] for code in (GEMEENTE, "WK900101", WEST)] == [605, 305, 110]


def test_areas_that_are_not_stored_are_skipped_and_counted(testdorp: Session, tmp_path: Path) -> None:
    job = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", "BU03630001;5;5;5", "NL00;1;1;1"))
    assert (job.status, job.counts["refused"]) == (JobStatus.refused, 1)
    job = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", "BU03630001;5;5;5"))
    assert (job.status, job.counts["changed"], job.counts["skipped"]) == (JobStatus.done, 1, 1)
    assert "1 of 2 rows are of areas that are not stored, and are skipped: BU03630001." in notes(job)


def test_one_municipality_may_be_taken_from_a_file_of_many(testdorp: Session, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", f"{WEST};110;25;60", "BU03630001;veel;5;5")
    assert imported(testdorp, file).status == JobStatus.refused
    for named in ("GM9001", "testdorp"):
        job = imported(testdorp, file, gemeente=named)
        assert (job.status, job.counts["skipped"]) == (JobStatus.done, 1)
    with pytest.raises(InvalidInput, match="no municipality 'Elders'"):
        imported(testdorp, file, gemeente="Elders")


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        ("BU9001010;5;5;5", "gwb_code", "BU9001010", "no code of an area"),
        (";5;5;5", "gwb_code", "", "no code of an area"),
        (f"{EAST};veel;5;5", "aantal_inwoners", "veel", "no number"),
        (f"{EAST};-3;5;5", "aantal_inwoners", "-3", "negative"),
        (f"{EAST};5;11;5", "aantal_inwoners_65_jaar_en_ouder", "11", "is more than"),
    ],
)
def test_a_bad_row_is_refused_with_its_row_field_value_and_cause_and_the_rest_may_go_in(
    row: str, field: str, value: str, reason: str, testdorp: Session, tmp_path: Path
) -> None:
    file = written(tmp_path / "a.csv", f"{WEST};110;25;60", row)
    before = everything(testdorp)
    job = imported(testdorp, file)
    assert (job.status, job.counts["refused"], everything(testdorp)) == (JobStatus.refused, 1, before)
    (line,) = lines(job)
    assert (line["row"], line["field"], line["value"]) == (3, field, value)
    assert reason in line["reason"]
    assert imported(testdorp, file, skip_bad=True).status == JobStatus.done
    assert stored(testdorp, WEST)[0][0] == 110


def test_rows_that_contradict_each_other_are_all_refused_and_of_the_same_one_is_taken(
    testdorp: Session, tmp_path: Path
) -> None:
    header = f"{HEADER};jaar"  # West is told twice, once with its year and once for what is in force: one area
    rows = (f"{WEST};77;;;2025", f"{EAST};210;35;90;2025", f"{WEST};88;;;", f"{EAST};210;35;90;")
    file = written(tmp_path / "a.csv", *rows, "BU03630001;5;5;5;", "BU03630001;6;5;5;", header=header)
    job = imported(testdorp, file, skip_bad=True)
    assert (stored(testdorp, WEST)[0][0], stored(testdorp, EAST)[0][0]) == (100, 210)
    assert job.counts == {"changed": 1, "unchanged": 0, "skipped": 3, "refused": 2}
    reason = "the area stands in rows 2, 4, which do not say the same: which of them is right?"
    assert [(line["row"], line["key"], line["reason"]) for line in lines(job)] == [(2, WEST, reason), (4, WEST, reason)]
    assert imported(testdorp, file).status == JobStatus.refused


def test_the_year_in_the_name_of_the_file_is_the_year_unless_a_column_or_somebody_says_another(
    testdorp: Session, tmp_path: Path
) -> None:
    place(testdorp, 2026)
    file = written(tmp_path / "kerncijfers-2025.csv", f"{WEST};111;;")
    job = imported(testdorp, file)
    assert "These are the figures of 2025: they fill the areas of that year." in notes(job)
    assert (stored(testdorp, WEST, 2025)[0][0], stored(testdorp, WEST, 2026)[0][0]) == (111, 100)
    imported(testdorp, file, year=2026)
    assert stored(testdorp, WEST, 2026)[0][0] == 111
    header = "jaar;gwb_code;aantal_inwoners"
    imported(testdorp, written(file, f"2026;{WEST};120", f";{EAST};220", header=header))
    assert (stored(testdorp, WEST, 2025)[0][0], stored(testdorp, WEST, 2026)[0][0]) == (111, 120)
    assert (stored(testdorp, EAST, 2025)[0][0], stored(testdorp, EAST, 2026)[0][0]) == (220, 200)
    unnamed = imported(testdorp, written(tmp_path / "a.csv", f"{WEST};111;;"))
    assert "Nothing says of which year the figures are: they fill the areas in force." in notes(unnamed)


def test_a_year_of_which_no_area_is_stored_is_refused_naming_those_that_are(testdorp: Session, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"figures of 2019, and no areas .* There are those of 2025: give one"):
        imported(testdorp, written(tmp_path / "kerncijfers-2019.csv", f"{WEST};77;;"))
    with pytest.raises(InvalidInput, match=r"tells of the years 2023, 2024: give the right one with --year"):
        imported(testdorp, written(tmp_path / "kerncijfers_2023_2024.csv", f"{WEST};77;;"))


def test_figures_go_to_the_year_in_force_unless_a_year_is_said(testdorp: Session, tmp_path: Path) -> None:
    place(testdorp, 2026)
    imported(testdorp, written(tmp_path / "a.csv", f"{WEST};111;;"))
    assert (stored(testdorp, WEST, 2025)[0][0], stored(testdorp, WEST, 2026)[0][0]) == (100, 111)
    imported(testdorp, written(tmp_path / "a.csv", f"{WEST};105;;"), year=2025)
    assert (stored(testdorp, WEST, 2025)[0][0], stored(testdorp, WEST, 2026)[0][0]) == (105, 111)
    imported(testdorp, written(tmp_path / "b.csv", f"2025;{WEST};107", header="jaar;gwb_code;aantal_inwoners"))
    assert (stored(testdorp, WEST, 2025)[0][0], stored(testdorp, WEST, 2026)[0][0]) == (107, 111)


def test_a_mapping_names_columns_and_what_stands_for_no_figure(testdorp: Session, tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", f"{WEST},110,geheim", f"{EAST},-1,35", header="Gebied,Mensen,Ouderen")
    told = 'code = "Gebied"\nresidents = "Mensen"\nresidents_65 = "Ouderen"\nmissing = ["-1", "Geheim"]'
    imported(testdorp, file, mapping=told)
    assert stored(testdorp, WEST)[0][:2] == [110, None]
    assert stored(testdorp, EAST)[0][:2] == [None, 35]
    assert stored(testdorp, EAST)[1]["residents"] == "not_given"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("code = ", "is no TOML"),
        ('people = "Mensen"', "people is no part of a mapping"),
        ("residents = 3", "residents must be the name of a column"),
        ('residents = "Mensen"', "no column 'Mensen'"),
        ("#" * 30_000, "longer than"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused(told: str, said: str, testdorp: Session, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=said):
        imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60"), mapping=told)


@pytest.mark.parametrize(
    ("header", "said"),
    [("gebied;mensen;a;b", "No column holds the codes"), ("gwb_code;mensen;a;b", "No column holds key figures")],
)
def test_a_file_of_something_else_is_refused_naming_what_it_has(
    header: str, said: str, testdorp: Session, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=f"{said}.*mensen"):
        imported(testdorp, written(tmp_path / "a.csv", f"{WEST};110;25;60", header=header))


def test_nothing_below_the_header_changes_nothing(testdorp: Session, tmp_path: Path) -> None:
    before = everything(testdorp)
    assert imported(testdorp, written(tmp_path / "a.csv")).status == JobStatus.done
    assert everything(testdorp) == before


def test_shares_become_numbers_of_people(testdorp: Session, tmp_path: Path) -> None:
    header = "buurtcode,aantal_inwoners,percentage_personen_65_jaar_en_ouder"
    imported(testdorp, written(tmp_path / "a.csv", f"{NORTH},320,25", header=header))
    assert stored(testdorp, NORTH)[0][:2] == [320, 80]


def outlined(session: Session, year: int, *codes: str) -> None:
    areas = [
        Area(code, code, Level.buurt, shapely.box(120000, 480000 + n * 200, 120100, 480100 + n * 200), {})
        for n, code in enumerate(codes)
    ]
    neighbourhoods.load(session, areas, Origin(year, "test", None, schematic=False), {})


@pytest.mark.skipif(not AMSTERDAM.exists(), reason="the real file is not here")
def test_the_key_figures_of_amsterdam_load_through_our_mapping(session: Session) -> None:
    outlined(session, 2024, "BU0363AA01", "BU0363AA02")
    mapping = (CHECKOUT / "data/mappings/amsterdam-kerncijfers.toml").read_text(encoding="utf-8")
    job = imported(session, AMSTERDAM, mapping=mapping)
    assert (job.status, job.counts["changed"], job.counts["skipped"]) == (JobStatus.done, 2, 626)  # of 628 rows
    assert stored(session, "BU0363AA01", 2024)[0] == [345, 35, None, None]
    assert stored(session, "BU0363AA02", 2024)[0] == [2895, 610, None, None]


@pytest.mark.skipif(not SCHIEDAM.exists(), reason="the real file is not here")
def test_the_key_figures_of_schiedam_load_under_cbs_own_names(session: Session) -> None:
    outlined(session, 2024, "BU06060001", "BU06060002")
    job = imported(session, SCHIEDAM, gemeente="Schiedam")
    assert (job.status, job.counts["changed"]) == (JobStatus.done, 2)
    # 11 % of 2,250 residents are 65 or older; 53 % of 1,265 households are one person
    assert stored(session, "BU06060001", 2024)[0] == [2250, 248, 1265, 670]


@pytest.mark.skipif(not COUNTRY.exists(), reason="the real file is not here")
def test_the_key_figures_of_the_country_load_for_the_areas_that_are_stored(session: Session) -> None:
    outlined(session, 2024, "BU00140000", "BU00141908")
    job = imported(session, COUNTRY)
    assert (job.status, job.counts["skipped"]) == (JobStatus.done, 14_572)  # of 14,574 rows
    values, missing = stored(session, "BU00141908", 2024)  # Appelbergen Glimmen: nobody is told of
    assert values == [None] * 4
    assert missing["residents"] == "not_given"


def test_a_geopackage_gives_figures_as_a_table_does(testdorp: Session, tmp_path: Path) -> None:
    file = tmp_path / "buurten.gpkg"
    data = {"buurtcode": [WEST, EAST], "aantal_inwoners": [110, -99997]}
    gpd.GeoDataFrame(data, geometry=[shapely.Point(0, 0)] * 2, crs=28992).to_file(file, engine="pyogrio")
    imported(testdorp, file)
    assert (stored(testdorp, WEST)[0][0], stored(testdorp, EAST)[0][0]) == (110, None)
