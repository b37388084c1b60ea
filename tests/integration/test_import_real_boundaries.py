"""Boundaries that people have: the files beside the checkout, each loaded or refused. Numbers are their README's.

They are no part of the project; where they are not there, nothing is tested.
"""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.errors import InvalidInput
from geo.models import History, ImportJob, Neighbourhood
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Level
from tests.integration.test_import_boundaries import counts, lines, notes, take

DATA = CHECKOUT.parent / "shared" / "data"


def real(name: str) -> Path:
    """Give a file, or skip the test where it is not there."""
    file = DATA / name
    if not file.exists():
        pytest.skip(f"the test data {name} is not beside the checkout")
    return file


def number(session: Session, level: Level, **where: Any) -> int:
    found = select(func.count()).select_from(Neighbourhood).filter_by(level=level, **where)
    return session.scalar(found) or 0


def one(session: Session, item: str) -> Neighbourhood:
    return session.get_one(Neighbourhood, item)


def loaded(job: ImportJob, rows: int) -> bool:
    return (job.status, counts(job)) == (JobStatus.done, {"new": rows})


def test_baarn_loads_under_cbs_s_own_names(session: Session) -> None:
    job = take(session, real("baarn/baarn_buurten.geojson"))
    assert loaded(job, 21)
    assert "boundaries of 2024" in notes(job)
    sherpa = one(session, "BU03080401.2024")  # 705 residents, 29 % older; 5 households, their share is secret
    assert (sherpa.residents, sherpa.residents_65, sherpa.households) == (705, 204, 5)
    assert (sherpa.one_person_households, sherpa.figures_missing) == (None, {"one_person_households": "secret"})
    gemeente = one(session, "GM0308.2024")
    assert (gemeente.name, gemeente.figures_missing) == ("Baarn", {"one_person_households": "secret"})


def test_schiedam_and_vlaardingen_load_with_the_overlaps_that_are_known(session: Session) -> None:
    job = take(session, real("schiedam/buurten_schiedam_vlaardingen_2024.gpkg"))
    assert loaded(job, 110)
    assert "(105 areas, 35." in notes(job)  # 105 of 110 take part, 35 ha
    assert len([why for _, _, why in lines(job, "doubtful") if why.startswith("overlaps")]) > 50
    assert {one(session, f"{code}.2024").name for code in ("GM0606", "GM0622")} == {"Schiedam", "Vlaardingen"}
    assert one(session, "BU06060110.2024").figures_missing["residents_65"] == "secret"


def test_one_of_two_municipalities_is_picked(session: Session) -> None:
    job = take(session, real("schiedam/buurten_schiedam_vlaardingen_2024.gpkg"), gemeente="vlaardingen")
    assert sum(counts(job).values()) == 110
    assert number(session, Level.buurt) == counts(job)["new"]
    assert number(session, Level.gemeente) == 1


def test_exact_buurten_of_amsterdam_load_once_somebody_says_the_year(session: Session) -> None:
    file = real("amsterdam/vl09_buurten.geojson")
    with pytest.raises(InvalidInput, match="--year"):
        take(session, file)
    assert loaded(take(session, file, year=2023), 518)
    assert one(session, "BU0363AA01.2023").parent_id == "WK0363AA.2023"
    assert number(session, Level.gemeente) == 1


def test_amsterdam_with_figures_takes_the_place_of_the_year_before_and_loads_a_second_time_without_a_change(
    session: Session,
) -> None:
    take(session, real("amsterdam/vl09_buurten.geojson"), year=2023)
    file = real("amsterdam/buurten_amsterdam_rd_kwb2024.gpkg")
    job = take(session, file)
    assert loaded(job, 518)
    assert (number(session, Level.buurt, in_force=True), number(session, Level.buurt, in_force=False)) == (518, 518)
    buurt = one(session, "BU0363AA01.2024")
    assert (buurt.name, buurt.residents, buurt.residents_65, buurt.households) == ("Planciusbuurt-Noord", 345, 35, 260)
    before = session.scalar(select(func.max(History.id)))
    assert counts(take(session, file)) == {"unchanged": 518}
    assert session.scalar(select(func.max(History.id))) == before


def test_the_file_with_invalid_polygons_is_refused_without_codes_and_mended_with_them(session: Session) -> None:
    file = real("amsterdam/jetlag_buurten.geojson")
    with pytest.raises(InvalidInput, match="There are: name, description, _styleId"):
        take(session, file, year=2024)
    job = take(session, file, year=2024, code_field="name")
    assert loaded(job, 598)
    assert "6 outlines crossed themselves and were mended" in notes(job)
    assert session.scalar(select(func.bool_and(func.ST_IsValid(Neighbourhood.geom)))) is True


def test_the_whole_country_loads(session: Session) -> None:
    job = take(session, real("nl/buurten_2024_approx.gpkg"))
    assert loaded(job, 14_566)
    assert number(session, Level.gemeente) == 342
    assert session.scalar(select(func.bool_and(func.ST_IsValid(Neighbourhood.geom)))) is True
    total = select(func.sum(Neighbourhood.residents)).where(Neighbourhood.level == Level.buurt)
    assert session.scalar(total) == 17_942_345  # of the table beside it, those without a polygon aside


@pytest.mark.parametrize("name", ["amsterdam/osdpm_map.gpkg", "amsterdam/social_services.geojson"])
def test_lines_and_points_are_no_boundaries(session: Session, name: str) -> None:
    file = real(name)
    field = "path_type" if "map" in name else "MVZN_ID"
    with pytest.raises(InvalidInput, match="holds no polygons, but"):
        take(session, file, year=2024, code_field=field)


def test_a_table_without_outlines_is_told_where_it_belongs(session: Session) -> None:
    with pytest.raises(InvalidInput, match="imported as figures"):
        take(session, real("nl/kerncijfers_buurten_2024.csv"))
