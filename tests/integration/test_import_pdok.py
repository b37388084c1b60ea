"""Boundaries from PDOK, as a municipality gets them: fetched page by page into a file, imported like any other."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.imports import boundaries, jobs, pdok, read, undo
from geo.imports.jobs import Order, Source
from geo.models import ImportJob, Neighbourhood
from geo.vocabulary import JobStatus, What
from tests.integration.pdok import Pdok, Trouble, buurt, municipality, serving

# Four buurten of Dorp, a part of its water, and a buurt of Elders that touches them.
BUURTEN = [
    buurt("BU90010001", "Een", "Dorp", (4.46, 52.17), aantal_inwoners=100, percentage_personen_65_jaar_en_ouder=20),
    buurt(
        "BU90010002", "Twee", "Dorp", (4.47, 52.17), aantal_inwoners=-99997, percentage_personen_65_jaar_en_ouder=-99997
    ),
    buurt("BU90010101", "Drie", "Dorp", (4.46, 52.18), aantal_inwoners=300, percentage_personen_65_jaar_en_ouder=10),
    buurt("BU90020001", "Elders", "Elders", (4.48, 52.17), aantal_inwoners=50, percentage_personen_65_jaar_en_ouder=10),
    buurt("BU90010201", "Plas", "Dorp", (4.47, 52.18), aantal_inwoners=0, percentage_personen_65_jaar_en_ouder=0),
]
BUURTEN[-1]["properties"]["water"] = "JA"


@pytest.fixture
def service() -> Iterator[Pdok]:
    gemeenten = [municipality("GM9001", "Dorp", 4.46, 52.17), municipality("GM9002", "Elders", 4.48, 52.17)]
    with serving(Pdok(2024, {"gemeenten": gemeenten, "buurten": BUURTEN}, most=2)) as service:
        yield service


def quiet(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def imported(session: Session, service: Pdok, into: Path) -> ImportJob:
    file = pdok.fetch(service.url, 2024, "dorp", into, quiet, pdok.Patience(first_wait_s=0.01))
    options = boundaries.Options()
    order = Order(What.boundaries, lambda task: boundaries.load(task, options), options._asdict())
    source = Source(file, file.name, read.digest(file), file.stat().st_size)
    return jobs.run(session, order, source, by="test", progress=quiet)


def test_a_municipality_comes_from_pdok_with_its_figures_its_wijken_and_itself(
    session: Session, service: Pdok, tmp_path: Path
) -> None:
    service.troubles["buurten"] = [None, Trouble(status=503), Trouble(cut=200)]
    job = imported(session, service, tmp_path)
    assert (job.status, job.file_name) == (JobStatus.done, "pdok-buurten-2024-GM9001.geojson")
    rows = session.execute(
        select(Neighbourhood.id, Neighbourhood.name, Neighbourhood.residents, Neighbourhood.residents_65)
    )
    assert {row.id: tuple(row)[1:] for row in rows} == {
        "BU90010001.2024": ("Een", 100, 20),
        "BU90010002.2024": ("Twee", None, None),
        "BU90010101.2024": ("Drie", 300, 30),
        "WK900100.2024": ("Wijk 00 Dorp", None, None),
        "WK900101.2024": ("Wijk 01 Dorp", 300, 30),
        "GM9001.2024": ("Dorp", None, None),
    }
    secret = session.get(Neighbourhood, "BU90010002.2024")
    assert secret
    assert secret.figures_missing["residents"] == "secret"


def test_asking_pdok_again_changes_nothing(session: Session, service: Pdok, tmp_path: Path) -> None:
    first = imported(session, service, tmp_path)
    again = imported(session, service, tmp_path)
    assert (again.counts["new"], again.counts["changed"], again.counts["unchanged"]) == (0, 0, 3)
    assert again.sha256 == first.sha256


def test_what_came_from_pdok_can_be_taken_back(session: Session, service: Pdok, tmp_path: Path) -> None:
    undo.undo(session, imported(session, service, tmp_path).id, "test")
    assert session.scalar(select(func.count(Neighbourhood.id))) == 0


def test_the_file_is_geojson_that_any_program_reads(service: Pdok, tmp_path: Path) -> None:
    file = pdok.fetch(service.url, 2024, "GM9001", tmp_path, quiet)
    assert json.loads(file.read_text(encoding="utf-8"))["type"] == "FeatureCollection"
    assert read.frame(file).crs == 4326
