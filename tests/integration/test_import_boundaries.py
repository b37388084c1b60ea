"""Boundaries from files, on paper: squares of 1 km in a row, 100 residents in the first, 200 in the next, then 300."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from geoalchemy2.shape import to_shape
from shapely.geometry import mapping
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo import assets, demo, features, neighbourhoods
from geo.collections import Wanted
from geo.coverage import run
from geo.coverage.policy import Policies
from geo.errors import Conflict, InvalidInput
from geo.imports import boundaries, jobs
from geo.imports.boundaries import Options
from geo.imports.undo import undo
from geo.models import Asset, History, ImportJob, Neighbourhood
from geo.neighbourhoods import to_wgs84
from geo.rights import VISITOR
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Kind, Level, What

X, Y = 90_000, 460_000
A, B, C = "BU99990101", "BU99990102", "BU99990201"
Feature = dict[str, Any]


def square(east: float, north: float = 0, side: float = 1000) -> shapely.Polygon:
    return shapely.box(X + east, Y + north, X + east + side, Y + north + side)


def buurt(code: str | None, east: float, number: int = 1, **told: object) -> Feature:
    """Make a row as CBS gives it since 2023."""
    properties = {
        "buurtcode": code, "buurtnaam": f"Buurt {(code or '')[-4:]}", "gemeentecode": "GM9999",
        "gemeentenaam": "Testdorp", "water": "NEE", "aantal_inwoners": 100 * number,
        "percentage_personen_65_jaar_en_ouder": 20,
        "aantal_huishoudens": 50 * number, "percentage_eenpersoonshuishoudens": 40, "jaar": 2024,
    }  # fmt: skip
    shape = told.pop("shape", square(east))
    assert shape is None or isinstance(shape, shapely.geometry.base.BaseGeometry)
    return {"type": "Feature", "properties": {**properties, **told}, "geometry": shape and mapping(to_wgs84(shape))}


VILLAGE = (buurt(A, 0), buurt(B, 1000, 2), buurt(C, 2000, 3))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: Feature, name: str = "buurten.geojson") -> Path:
        file = tmp_path / name
        file.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
        return file

    return write


Write = Callable[..., Path]


def asked(**options: Any) -> jobs.Order:
    told = Options(**options)
    return jobs.Order(What.boundaries, partial(boundaries.load, options=told), told._asdict())


def take(session: Session, file: Path, *, skip_bad: bool = False, **options: Any) -> ImportJob:
    source = jobs.Source(file, file.name, hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
    order = asked(**options)._replace(skip_bad=skip_bad)
    return jobs.run(session, order, source, by="planner", progress=lambda _step, _done, _total: None)


def counts(job: ImportJob) -> dict[str, float]:
    return {verdict: number for verdict, number in job.counts.items() if number}


def lines(job: ImportJob, verdict: str = "refused") -> list[tuple[int, str, str]]:
    found: Any = job.report["lines"]
    return [(line["row"], line["field"], line["reason"]) for line in found if line["verdict"] == verdict]


def notes(job: ImportJob) -> str:
    told: Any = job.report["notes"]
    return "\n".join(told)


def stored(session: Session, **where: Any) -> Mapping[str, Neighbourhood]:
    return {row.id: row for row in session.scalars(select(Neighbourhood).filter_by(**where))}


def in_force(session: Session, level: Level = Level.buurt) -> set[str]:
    return set(stored(session, in_force=True, level=level))


def test_a_file_of_cbs_becomes_buurten_with_figures_wijken_and_a_gemeente(session: Session, write: Write) -> None:
    job = take(session, write(*VILLAGE))
    assert (job.status, counts(job)) == (JobStatus.done, {"new": 3})
    rows = stored(session)
    assert set(rows) == {f"{code}.2024" for code in (A, B, C, "WK999901", "WK999902", "GM9999")}
    first, wijk, gemeente = (rows[f"{code}.2024"] for code in (A, "WK999901", "GM9999"))
    assert (first.name, first.residents, first.residents_65, first.households) == ("Buurt 0101", 100, 20, 50)
    assert (first.one_person_households, first.figures_missing) == (20, {})
    assert (first.source, first.licence, first.schematic) == ("CBS / Kadaster", "CC BY 4.0", False)
    assert (first.parent_id, wijk.parent_id, gemeente.parent_id) == ("WK999901.2024", "GM9999.2024", None)
    assert (wijk.name, wijk.residents, gemeente.name, gemeente.residents) == ("Wijk 01 Testdorp", 300, "Testdorp", 600)
    assert neighbourhoods.to_rd(to_shape(wijk.geom)).area == pytest.approx(2e6)


def test_names_up_to_2022_in_a_shapefile_in_rd_are_the_same(session: Session, tmp_path: Path) -> None:
    table = geopandas.GeoDataFrame(
        {
            "BU_CODE": [A, B, "BU99999998"], "BU_NAAM": ["Een", "Twee", "Geen"], "GM_NAAM": ["Testdorp"] * 3,
            "H2O": ["NEE", "JA", "NEE"], "AANT_INW": [100, -99999999, 5], "P_65_EO_JR": [20, -99999999, 0],
        },
        geometry=[square(0), square(1000), square(2000)], crs=28992,
    )  # fmt: skip
    table.to_file(tmp_path / "buurt_2019_v3.shp")
    job = take(session, tmp_path / "buurt_2019_v3.shp")
    assert counts(job) == {"new": 1, "skipped": 2}
    (row,) = stored(session, level=Level.buurt).values()
    assert (row.id, row.name, row.residents, row.residents_65) == (f"{A}.2019", "Een", 100, 20)
    assert (row.households, row.figures_missing) == (
        None, {"households": "not_given", "one_person_households": "not_given"},
    )  # fmt: skip
    assert "1 rows left out: water." in notes(job)
    assert "1 rows left out: no place" in notes(job)


def test_a_suppressed_figure_is_null_with_its_reason_and_so_is_the_sum(session: Session, write: Write) -> None:
    secret = buurt(B, 1000, aantal_inwoners=-99997, percentage_eenpersoonshuishoudens=-99995)
    take(session, write(buurt(A, 0), secret))
    rows = stored(session)
    assert rows[f"{B}.2024"].figures_missing == {
        "residents": "secret", "residents_65": "secret", "one_person_households": "later",
    }  # fmt: skip
    assert (rows["WK999901.2024"].residents, rows["WK999901.2024"].households) == (None, 100)
    assert rows["GM9999.2024"].figures_missing["residents"] == "secret"


def test_a_second_import_changes_nothing_at_all(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    before = session.scalar(select(func.max(History.id)))
    assert counts(take(session, write(*VILLAGE))) == {"unchanged": 3}
    assert session.scalar(select(func.max(History.id))) == before
    assert {row.version for row in stored(session).values()} == {1}


def test_only_the_row_that_differs_is_written(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    job = take(session, write(*VILLAGE[:2], buurt(C, 2000, 3, buurtnaam="Anders")))
    assert counts(job) == {"changed": 1, "unchanged": 2}
    assert {row.code for row in stored(session, version=2).values()} == {C}


def test_outlines_alone_leave_the_figures_that_are_stored(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    bare = buurt(A, 0, shape=square(0, 10))
    bare["properties"] = {"cbsCode": A, "naam": "Buurt 0101"}
    take(session, write(bare), year=2024)
    assert (stored(session)[f"{A}.2024"].residents, stored(session)[f"{A}.2024"].version) == (100, 2)


@pytest.mark.parametrize("gemeente", ["GM9999", "9999", "testdorp", " Testdorp "])
def test_one_municipality_is_picked_by_name_or_code(session: Session, write: Write, gemeente: str) -> None:
    far = buurt("BU88880101", 5000, gemeentecode="GM8888", gemeentenaam="Elders")
    job = take(session, write(*VILLAGE, far), gemeente=gemeente)
    assert counts(job) == {"new": 3, "skipped": 1}
    assert set(stored(session, level=Level.gemeente)) == {"GM9999.2024"}


def test_a_municipality_that_is_not_there_is_refused_with_those_that_are(session: Session, write: Write) -> None:
    with pytest.raises(InvalidInput, match=r"'Testdrop'\. There are: Testdorp"):
        take(session, write(*VILLAGE), gemeente="Testdrop")


def test_where_a_file_names_no_municipality_the_one_it_holds_gets_the_name_that_is_given(
    session: Session, write: Write
) -> None:
    file = write(*(buurt(code, 1000 * at, gemeentenaam=None) for at, code in enumerate((A, B, C))))
    take(session, file, gemeente="Testdorp aan Zee")
    assert stored(session)["GM9999.2024"].name == "Testdorp aan Zee"


def test_rows_of_other_levels_are_left_out(session: Session, write: Write) -> None:
    job = take(session, write(*VILLAGE, buurt("WK999901", 0), buurt("GM9999", 0)))
    assert counts(job) == {"new": 3, "skipped": 2}
    with pytest.raises(InvalidInput, match=r"No wijk is left to take. The file has rows of: buurt\."):
        take(session, write(*VILLAGE), level="wijk")


def test_wijken_of_their_own_file_stay_and_buurten_are_linked_to_them(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    official = buurt(
        "WK999901", 0, shape=shapely.box(X, Y, X + 2000, Y + 1000), buurtnaam="Centrum", aantal_inwoners=305
    )
    job = take(session, write(official, name="wijken.geojson"), level="wijk")
    assert counts(job) == {"changed": 1}
    take(session, write(buurt(A, 0, 9), *VILLAGE[1:]))
    wijk = stored(session)["WK999901.2024"]
    assert (wijk.name, wijk.residents, wijk.parent_id, wijk.source) == ("Centrum", 305, "GM9999.2024", "CBS / Kadaster")
    assert stored(session)[f"{A}.2024"].parent_id == "WK999901.2024"


def test_gemeenten_that_come_first_are_what_buurten_are_put_under(session: Session, write: Write) -> None:
    take(session, write(buurt("GM9999", 0, gemeentenaam="Testdorp", buurtnaam="Testdorp")), level="gemeente")
    take(session, write(buurt("WK999901", 0)), level="wijk")
    job = take(session, write(*VILLAGE))
    assert "wijken: 1 new; gemeenten: as they are stored" in notes(job)
    assert stored(session)["WK999901.2024"].parent_id == "GM9999.2024"


def test_a_file_of_others_is_read_through_the_columns_that_somebody_names(session: Session, write: Write) -> None:
    rows = [{**buurt(None, east), "properties": {"key": f"z{east}", "called": f"Zone {east}"}} for east in (0, 1000)]
    with pytest.raises(InvalidInput, match="There are: key, called"):
        take(session, write(*rows), year=2025)
    job = take(session, write(*rows, name="zones.geojson"), year=2025, code_field="key", name_field="called")
    assert counts(job) == {"new": 2}
    row = stored(session)["z0.2025"]
    assert (row.name, row.level, row.parent_id, row.source) == ("Zone 0", Level.buurt, None, "zones.geojson")


@pytest.mark.parametrize("code", ["Oost {1}", "West, noord", "a\nb", "a;b", "x" * 61])
def test_a_code_of_others_is_a_code_and_no_free_text(session: Session, write: Write, code: str) -> None:
    good = {**buurt(None, 0), "properties": {"key": "Oud-Zuid_3.1/é", "called": "Zone"}}
    bad = {**buurt(None, 1000), "properties": {"key": code, "called": "Zone"}}
    job = take(session, write(good, bad), skip_bad=True, year=2025, code_field="key", name_field="called")
    ((row, field, reason),) = lines(job)
    assert (row, field, reason.startswith("is no code")) == (2, "key", True)
    assert set(stored(session)) == {"Oud-Zuid_3.1/é.2025"}


def test_an_outline_that_crosses_itself_too_often_is_refused_by_row(session: Session, write: Write) -> None:
    corners = np.random.default_rng(1).random((400, 2)) * 1000 + [X, Y]
    job = take(session, write(buurt(A, 0, shape=shapely.Polygon(corners)), *VILLAGE[1:]), skip_bad=True)
    ((row, field, reason),) = lines(job)
    assert (row, field, reason.startswith("crosses itself more than 1,000 times")) == (1, "geometry", True)
    assert set(stored(session, level=Level.buurt)) == {f"{B}.2024", f"{C}.2024"}


def above(session: Session) -> dict[str, tuple[int | None, dict[str, str], float]]:
    """Read residents, why figures are missing and square kilometres of wijken and gemeenten."""
    return {
        row.code: (
            row.residents,
            row.figures_missing,
            round(neighbourhoods.to_rd(to_shape(row.geom)).area / 1e6, 6),
        )
        for row in stored(session).values()
        if row.level != Level.buurt
    }


def test_a_file_of_a_part_of_a_municipality_leaves_the_rest_of_it(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    whole: Mapping[str, Any] = {"GM9999": (600, {}, 3.0), "WK999901": (300, {}, 2.0), "WK999902": (300, {}, 1.0)}
    assert above(session) == whole
    assert counts(take(session, write(VILLAGE[2]))) == {"unchanged": 1}
    assert counts(take(session, write(VILLAGE[1]))) == {"unchanged": 1}
    assert above(session) == whole
    last = session.scalar(select(func.max(History.id)))
    take(session, write(VILLAGE[1]))
    assert session.scalar(select(func.max(History.id))) == last
    take(session, write(buurt(B, 1000, 7), buurt("BU99990202", 3000, 1)))
    assert above(session) == {"GM9999": (1200, {}, 4.0), "WK999901": (800, {}, 2.0), "WK999902": (400, {}, 2.0)}
    parts = shapely.get_parts(to_shape(stored(session)["GM9999.2024"].geom))
    assert [shapely.get_num_interior_rings(part) for part in parts] == [0]  # no hairs where old meets new


def test_buurten_of_another_year_or_municipality_are_no_part_of_what_comes(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE, buurt("BU88880101", 5000, gemeentecode="GM8888", gemeentenaam="Elders")))
    take(session, write(buurt(A, 0, jaar=2025)))
    assert stored(session)["GM9999.2025"].residents == 100


def test_of_what_a_refused_buurt_lies_in_the_figures_are_not_known(session: Session, write: Write) -> None:
    bad = buurt(C, 2000, 3, buurtnaam=None)
    job = take(session, write(*VILLAGE[:2], bad), skip_bad=True)
    rows = above(session)
    not_given = dict.fromkeys(neighbourhoods.FIGURES, "not_given")
    assert rows == {"GM9999": (None, not_given, 2.0), "WK999901": (300, {}, 2.0)}
    assert "1 buurten of GM9999 were refused: the figures of what they lie in are not known." in notes(job)
    take(session, write(*VILLAGE))
    assert above(session)["GM9999"] == (600, {}, 3.0)


def test_an_outline_that_crosses_itself_is_mended_and_told(session: Session, write: Write) -> None:
    tie = shapely.Polygon([(X, Y), (X + 1000, Y + 1000), (X + 1000, Y), (X, Y + 1000)])
    job = take(session, write(buurt(A, 0, shape=tie)))
    ((row, field, reason),) = lines(job, "doubtful")
    assert (row, field, "was mended" in reason) == (1, "geometry", True)
    shape = to_shape(stored(session)[f"{A}.2024"].geom)
    assert shape.is_valid
    assert neighbourhoods.to_rd(shape).area == pytest.approx(500_000)


NOTHING = shapely.Polygon([(X, Y), (X + 1000, Y), (X, Y)])


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (buurt(None, 3000), "buurtcode", "is missing"),
        (buurt("BU9999010", 3000), "buurtcode", "no code of CBS"),
        (buurt("BU99990103", 3000, buurtnaam=" "), "buurtnaam", "is missing"),
        (buurt("BU99990103", 3000, buurtnaam="x" * 121), "buurtnaam", "more than 120"),
        (buurt("BU99990103", 3000, shape=None), "geometry", "is missing"),
        (buurt("BU99990103", 3000, shape=shapely.Point(X, Y)), "geometry", "is a Point, not a polygon"),
        (buurt("BU99990103", 3000, shape=shapely.LineString([(X, Y), (X, Y + 1)])), "geometry", "is a LineString"),
        (buurt("BU99990103", 3000, shape=NOTHING), "geometry", "encloses no area"),
        (buurt("BU99990103", 3_000_000), "geometry", "outside the Netherlands"),
        (buurt("BU99990103", 3000, aantal_inwoners=-5), "aantal_inwoners", "negative"),
        (buurt("BU99990103", 3000, aantal_inwoners="veel"), "aantal_inwoners", "no number"),
        (buurt("BU99990103", 3000, inwoners65plus=500), "inwoners65plus", "more than aantal_inwoners (100)"),
    ],
)
def test_a_row_that_cannot_go_in_is_refused_by_row_field_and_cause_and_nothing_is_written(
    session: Session, write: Write, bad: Feature, field: str, reason: str
) -> None:
    rows = [json.loads(json.dumps(row)) for row in VILLAGE]
    for row in rows:
        row["properties"]["inwoners65plus"] = 10
    bad["properties"].setdefault("inwoners65plus", 10)
    job = take(session, write(*rows, bad))
    ((row, told, why),) = lines(job)
    assert (job.status, row, told) == (JobStatus.refused, 4, field)
    assert reason in why
    assert stored(session) == {}
    job = take(session, write(*rows, bad), skip_bad=True)
    assert (job.status, counts(job)["new"], counts(job)["refused"]) == (JobStatus.done, 3, 1)


def test_parts_of_one_area_in_several_rows_are_joined(session: Session, write: Write) -> None:
    job = take(session, write(buurt(A, 0), buurt(B, 1000), buurt(A, 2000)))
    assert counts(job) == {"new": 2, "skipped": 1}
    assert f"1 areas stand in several rows, which are parts of them and were joined: rows 1, 3 of {A}." in notes(job)
    assert neighbourhoods.to_rd(to_shape(stored(session)[f"{A}.2024"].geom)).area == pytest.approx(2e6)
    assert stored(session)["GM9999.2024"].residents == 200


def test_of_many_joined_areas_one_note_names_the_first_five(session: Session, write: Write) -> None:
    codes = [f"BU9999010{number}" for number in range(1, 8)]
    job = take(session, write(*(buurt(code, 1000 * at) for at, code in enumerate([*codes, *codes]))))
    (told,) = [note for note in notes(job).splitlines() if "several rows" in note]
    assert told.startswith("7 areas stand in several rows")
    assert told.endswith("rows 5, 12 of BU99990105 ….")


def test_one_code_for_two_areas_is_refused_twice(session: Session, write: Write) -> None:
    job = take(session, write(buurt(A, 0), buurt(B, 1000), buurt(A, 2000, buurtnaam="Een ander")))
    assert [(row, field) for row, field, _ in lines(job)] == [(1, "code"), (3, "code")]
    assert "rows 1, 3" in lines(job)[0][2]


def test_overlaps_and_gaps_are_told_in_all_and_one_by_one_from_a_hundredth(session: Session, write: Write) -> None:
    around = [
        buurt(A, 0, shape=shapely.box(X, Y, X + 3000, Y + 1000)),
        buurt(B, 0, shape=shapely.box(X, Y + 2000, X + 3000, Y + 3000)),
        buurt(C, 0, shape=shapely.box(X, Y + 1000, X + 1000, Y + 2005)),  # 1,000 × 5 m over B: half a per cent
        buurt("BU99990202", 0, shape=shapely.box(X + 2000, Y + 900, X + 3000, Y + 2000)),  # 1,000 × 100 m over A
    ]
    job = take(session, write(*around))
    told = lines(job, "doubtful")
    assert [(row, why) for row, _, why in told] == [
        (1, "overlaps BU99990202, row 4: 9.1% of the smaller"),
        (1, f"a gap between {A}, {B}, {C}, BU99990202: 99.5% of the smallest"),
    ]
    assert "2 pairs of outlines overlap (4 areas, 10.50 ha in all), 1 of them" in notes(job)
    assert "leave 1 gaps between them (100.00 ha in all), 1 of them" in notes(job)


def test_water_between_areas_is_no_gap(session: Session, write: Write) -> None:
    ring = buurt(A, 0, shape=square(0, 0, 3000).difference(square(1000, 1000)))
    pond = buurt("BU99990199", 0, shape=square(1000, 1000), water="JA")
    assert "gaps" not in notes(take(session, write(ring, pond)))


@pytest.mark.parametrize(
    ("turn", "cause"),
    [
        (lambda xy: xy[:, ::-1], "axes swapped"),
        (lambda xy: shapely.get_coordinates(neighbourhoods.to_rd(shapely.LineString(xy))), "is in RD New metres"),
    ],
)
def test_a_file_whose_coordinates_do_not_fit_its_system_is_refused_with_the_likely_cause(
    session: Session, write: Write, turn: Any, cause: str
) -> None:
    rows = []
    for row in VILLAGE:
        moved = shapely.transform(shapely.geometry.shape(row["geometry"]), turn)
        rows.append({**row, "geometry": mapping(moved)})
    with pytest.raises(InvalidInput, match=cause):
        take(session, write(*rows))


def test_any_system_that_is_known_is_turned_into_ours(session: Session, tmp_path: Path) -> None:
    table = geopandas.GeoDataFrame({"buurtcode": [A], "buurtnaam": ["Een"]}, geometry=[square(0)], crs=28992)
    table.to_crs(3035).to_file(tmp_path / "europe_2024.gpkg")
    take(session, tmp_path / "europe_2024.gpkg")
    shape = neighbourhoods.to_rd(to_shape(stored(session)[f"{A}.2024"].geom))
    assert shape.symmetric_difference(square(0)).area < 10


@pytest.mark.parametrize(
    ("name", "told", "year"),
    [
        ("b.geojson", {"jaar": 2023}, 2023),
        ("b.geojson", {"jaar": "2023"}, 2023),
        ("b.geojson", {"jaar": None, "jrstatcode": f"2022{A}"}, None),
        ("buurten_2021_v3.geojson", {"jaar": None}, None),
    ],
)
def test_the_year_is_the_one_that_a_column_tells(
    session: Session, write: Write, name: str, told: Feature, year: int | None
) -> None:
    row = buurt(A, 0, **told)
    if year is None:
        del row["properties"]["jaar"]
    take(session, write(row, name=name))
    assert {kept.year for kept in stored(session).values()} == {year or (2022 if "jrstatcode" in told else 2021)}


def test_without_a_year_or_with_several_one_is_asked_for(session: Session, write: Write) -> None:
    bare = buurt(A, 0)
    del bare["properties"]["jaar"]
    with pytest.raises(InvalidInput, match="give it with --year"):
        take(session, write(bare))
    with pytest.raises(InvalidInput, match="2023, 2024"):
        take(session, write(buurt(A, 0), buurt(B, 1000, jaar=2023)))
    with pytest.raises(InvalidInput, match="must lie from 1995"):
        take(session, write(bare), year=1066)


def test_a_later_year_takes_over_where_it_lies_and_only_there(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    take(session, write(buurt("BU99990109", 0, jaar=2025)))  # A under another code
    assert in_force(session) == {"BU99990109.2025", f"{B}.2024", f"{C}.2024"}
    take(session, write(buurt(B, 9000, jaar=2025)))  # the same code elsewhere
    assert in_force(session) == {"BU99990109.2025", f"{B}.2025", f"{C}.2024"}


def test_an_earlier_year_that_comes_later_is_not_in_force(session: Session, write: Write) -> None:
    take(session, write(buurt(A, 0)))
    take(session, write(buurt(A, 0, jaar=2020), buurt("BU99990177", 0, jaar=2020), buurt(C, 2000, jaar=2020)))
    assert in_force(session) == {f"{A}.2024", f"{C}.2020"}


def test_a_year_that_is_not_in_force_is_read_by_asking_for_it(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    take(session, write(buurt(A, 0, jaar=2025)))

    def found(**wanted: Any) -> set[str]:
        page = features.page(session, VISITOR, "neighbourhoods", Wanted(level=("buurt",), **wanted), limit=99)
        return {f"{each['properties']['code']}.{each['properties']['year']}" for each in page.features}

    assert found() == {f"{A}.2025", f"{B}.2024", f"{C}.2024"}
    assert found(year=2024) == {f"{A}.2024", f"{B}.2024", f"{C}.2024"}
    assert found(neighbourhood=f"{A}.2024") == {f"{A}.2024"}
    old = features.one(session, VISITOR, "neighbourhoods", f"{A}.2024")
    assert old["properties"]["in_force"] is False


def test_a_coverage_run_counts_what_is_in_force_of_whatever_year(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    take(session, write(buurt(A, 0, 7, jaar=2025)))
    made = run.run(session, Policies(), key=b"any")
    assert made.year == 2025
    assert made.counts["residents"] == pytest.approx(700 + 200 + 300)


def room(session: Session, east: float) -> Asset:
    place = to_wgs84(shapely.Point(X + east, Y + 500))
    return assets.create(session, {"kind": Kind.community_room, "name": "Zaal", "place": place})


def test_records_are_pointed_to_the_year_in_force_and_told(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    kept = room(session, 500)
    assert kept.neighbourhood_id == f"{A}.2024"
    job = take(session, write(buurt("BU99990109", 0, jaar=2025)))
    assert kept.neighbourhood_id == "BU99990109.2025"
    assert "1 records point to another neighbourhood" in notes(job)


def all_rows(session: Session) -> dict[str, Sequence[Any]]:
    """Read what every table says, all but versions and moments; outlines to a billionth of a degree."""
    session.flush()
    left_out = "'{version,created_at,updated_at,geom,overview,place,area}'::text[]"
    found: dict[str, Sequence[Any]] = {}
    for table in ("neighbourhood", "asset", "activity", "asset_catchment", "organisation"):
        statement = f"SELECT to_jsonb(t) - {left_out} FROM {table} t ORDER BY 1"
        found[table] = session.scalars(text(statement)).all()
    return found


def all_shapes(session: Session) -> dict[str, list[Any]]:
    """Read outlines and overviews by id."""
    rows = session.execute(select(Neighbourhood.id, Neighbourhood.geom, Neighbourhood.overview))
    return {item: [to_shape(geom), to_shape(overview)] for item, geom, overview in rows}


def test_undo_makes_every_table_what_it_was(session: Session, write: Write) -> None:
    take(session, write(*VILLAGE))
    room(session, 500)
    assets.create(session, {"kind": Kind.initiative, "name": "Soep", "catchment": [A, B], "neighbourhood": C})
    rows, shapes = all_rows(session), all_shapes(session)
    moved = [buurt(A, 0, 9, shape=square(0, 200)), buurt(B, 1000, 2, buurtnaam="Anders")]
    later = [buurt("BU99990109", 0, jaar=2025), buurt("BU99990119", 1000, jaar=2025), buurt(C, 2000, jaar=2025)]
    jobs_done = [take(session, write(*moved)), take(session, write(*later))]
    assert all_rows(session) != rows
    for job in reversed(jobs_done):
        undo(session, job.id, by="planner")
    assert all_rows(session) == rows
    again = all_shapes(session)
    for item, (geom, overview) in shapes.items():
        assert again[item][0].equals_exact(geom, 1e-9), item
        assert again[item][1].equals_exact(overview, 1e-9), item


def test_undo_of_the_first_import_leaves_nothing_of_it_and_no_run_on_it(session: Session, write: Write) -> None:
    job = take(session, write(*VILLAGE))
    kept = room(session, 500)
    run.run(session, Policies(), key=b"any")
    assert undo(session, job.id, by="planner") == {"restored": 0, "removed": 6, "kept": 0, "runs": 1}
    assert stored(session) == {}
    assert kept.neighbourhood_id is None


def test_an_import_on_which_a_later_one_stands_is_taken_back_after_that(session: Session, write: Write) -> None:
    first = take(session, write(*VILLAGE))
    second = take(session, write(buurt(A, 0, jaar=2025)))
    with pytest.raises(Conflict, match="take later imports back first"):
        undo(session, first.id, by="planner")
    undo(session, second.id, by="planner")
    undo(session, first.id, by="planner")
    assert stored(session) == {}


def test_official_outlines_take_the_place_of_schematic_ones(session: Session, write: Write) -> None:
    demo.load(session, CHECKOUT / "data")
    schematic = stored(session, level=Level.buurt)
    rows = []
    for row in schematic.values():
        shape = neighbourhoods.to_rd(to_shape(row.geom))
        told = {"buurtcode": row.code, "buurtnaam": row.name, "gemeentenaam": "Oegstgeest", "aantal_inwoners": 7}
        rows.append({**buurt(row.code, 0, shape=shapely.affinity.translate(shape, 30, 0)), "properties": told})
    job = take(session, write(*rows), year=2024)
    assert counts(job) == {"changed": 15}
    now = stored(session)
    assert {row.schematic for row in now.values()} == {False}
    assert (now["GM0579.2024"].name, now["GM0579.2024"].residents) == ("Oegstgeest", 15 * 7)
    assert in_force(session) == set(schematic)


def test_an_earlier_year_that_came_later_is_in_force_again_when_the_later_year_is_taken_back(
    session: Session, write: Write
) -> None:
    later = take(session, write(buurt("BU99990109", 0, jaar=2025)))
    take(session, write(buurt(A, 0, jaar=2023)))
    kept = room(session, 500)
    assert kept.neighbourhood_id == "BU99990109.2025"
    undo(session, later.id, by="planner")
    assert in_force(session) == {f"{A}.2023"}
    assert kept.neighbourhood_id == f"{A}.2023"


def test_areas_that_others_were_put_under_are_not_taken_back_before_those(session: Session, write: Write) -> None:
    above = take(session, write(buurt("WK999901", 0)), level="wijk")
    take(session, write(buurt(A, 0)))
    with pytest.raises(Conflict, match=f"{A}.2024"):
        undo(session, above.id, by="planner")
