"""OpenStreetMap as a source of proposals: what comes in, what follows the source, and what people have decided on."""

import resource
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import assets as records
from geo import neighbourhoods, proposals
from geo.errors import InvalidInput
from geo.imports import jobs, osm, undo
from geo.models import Asset, History, ImportJob, Organisation
from geo.neighbourhoods import Origin
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Kind, Status, What
from tests.integration.osm_extract import Area, Spot, Tags, node, write
from tests.integration.town import BUURTEN

DELFT = CHECKOUT.parent / "shared" / "data" / "delft" / "dsol-demo_tudelft.osm.pbf"
HERE: Spot = (4.36, 52.0)
KLOK = node(1, HERE, amenity="community_centre", name="De Klok", opening_hours="Mo-Fr 09:00-17:00", operator="Klok")
CHURCH = node(2, (4.37, 52.01), amenity="place_of_worship", name="Kerk")
Node = tuple[int, Spot, Tags]


def told(step: str, done: int, total: int | None) -> None:
    """Take what is told of the progress, and do nothing."""


def imported(session: Session, path: Path, *, archive_missing: bool = False, check: bool = False) -> ImportJob:
    options = osm.Options(archive_missing)
    order = jobs.Order(What.osm, lambda task: osm.load(task, options), options._asdict())
    source = jobs.Source(path, path.name, "0" * 64, path.stat().st_size)
    work = jobs.check if check else jobs.run
    return work(session, order, source, by="the importer", progress=told)


def extract(folder: Path, *nodes: Node, box: tuple[float, float, float, float] | None = (4.3, 51.9, 4.4, 52.1)) -> Path:
    return write(folder / "a.osm.pbf", nodes, box=box)


def one(session: Session, number: int) -> Asset:
    return session.scalars(select(Asset).where(Asset.source_id == f"node/{number}")).one()


def said(job: ImportJob, verdict: str) -> list[str]:
    lines = job.report["lines"]
    assert isinstance(lines, list)
    return [f"{line['key']}: {line['reason']}" for line in lines if line["verdict"] == verdict]


def notes(job: ImportJob) -> list[str]:
    found = job.report["notes"]
    assert isinstance(found, list)
    return found


def changed(node_: Node, **tags: str) -> Node:
    return node_[0], node_[1], {**node_[2], **tags}


def test_a_candidate_comes_in_as_a_proposal_under_its_own_source_and_licence(session: Session, tmp_path: Path) -> None:
    job = imported(session, extract(tmp_path, KLOK, CHURCH))
    assert (job.status, job.counts) == (JobStatus.done, {"new": 2})
    klok = one(session, 1)
    assert (klok.source, klok.licence, klok.status) == ("OpenStreetMap", "ODbL-1.0", Status.proposed)
    assert (klok.kind, klok.name, klok.services) == (Kind.community_room, "De Klok", ["meeting"])
    assert klok.open_mask is not None
    organisation = session.get(Organisation, klok.organisation_id)
    assert organisation is not None
    assert organisation.name == "Klok"
    spot = session.execute(select(func.ST_X(Asset.place), func.ST_Y(Asset.place)).where(Asset.id == klok.id)).one()
    assert tuple(spot) == HERE


def test_the_report_names_the_licence_and_what_was_left_out_and_why(session: Session, tmp_path: Path) -> None:
    unnamed = node(3, HERE, amenity="place_of_worship")
    dentist = node(4, HERE, amenity="dentist", name="Tand")
    abroad = node(5, (2.35, 48.85), amenity="library", name="Bibliothèque")
    job = imported(session, extract(tmp_path, KLOK, unnamed, dentist, abroad))
    assert job.counts == {"new": 1, "skipped": 3}
    assert "Source: © OpenStreetMap contributors, ODbL 1.0 (openstreetmap.org/copyright)" in notes(job)
    assert "1 left out, without a name" in notes(job)
    assert "1 left out, amenity=dentist: treats by appointment" in notes(job)
    assert "1 proposed as community_room" in notes(job)
    assert said(job, "skipped") == ["node/5: (2.35, 48.85) lies outside the Netherlands"]


def test_the_same_extract_twice_changes_nothing_at_all(session: Session, tmp_path: Path) -> None:
    path = extract(tmp_path, KLOK, CHURCH)
    imported(session, path)
    before = session.scalar(select(func.max(History.id)))
    again = imported(session, path)
    assert again.counts == {"unchanged": 2}
    assert session.scalar(select(func.max(History.id))) == before


def test_a_check_tells_the_same_and_writes_nothing(session: Session, tmp_path: Path) -> None:
    job = imported(session, extract(tmp_path, KLOK), check=True)
    assert job.counts == {"new": 1}
    assert session.scalar(select(func.count()).select_from(Asset)) == 0


def test_a_proposal_follows_the_source(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK))
    job = imported(session, extract(tmp_path, changed(KLOK, name="De Nieuwe Klok", opening_hours="Mo 10:00-12:00")))
    assert job.counts["changed"] == 1
    assert one(session, 1).name == "De Nieuwe Klok"
    assert said(job, "changed") == [
        "node/1: name: De Klok → De Nieuwe Klok; opening_hours: Mo-Fr 09:00-17:00 → Mo 10:00-12:00"
    ]


def test_an_accepted_one_is_left_alone_and_what_differs_is_told(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK))
    proposals.accept(session, [one(session, 1).id], "an admin")
    version = one(session, 1).version
    job = imported(session, extract(tmp_path, changed(KLOK, name="De Nieuwe Klok")))
    assert job.counts == {"skipped": 1}
    assert (one(session, 1).name, one(session, 1).version) == ("De Klok", version)
    assert said(job, "skipped") == [
        "node/1: was accepted here, and stays as it is; OpenStreetMap now says name: De Klok → De Nieuwe Klok"
    ]


def test_a_dismissed_one_stays_dismissed(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK))
    proposals.dismiss(session, [one(session, 1).id], "an admin")
    imported(session, extract(tmp_path, KLOK))
    job = imported(session, extract(tmp_path, changed(KLOK, name="De Nieuwe Klok")))
    assert (one(session, 1).name, one(session, 1).status) == ("De Klok", Status.archived)
    assert said(job, "skipped") == ["node/1: was dismissed here, and stays so"]


def test_a_kind_that_changes_at_the_source_refuses_nothing(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK))
    job = imported(session, extract(tmp_path, changed(KLOK, amenity="doctors"), CHURCH))
    assert (job.status, job.counts["new"], job.counts["skipped"]) == (JobStatus.done, 1, 1)
    assert one(session, 1).kind == Kind.community_room
    assert said(job, "skipped") == ["node/1: kind: community_room → care_location, and a kind stays as it is"]


def test_what_is_gone_in_the_area_of_the_extract_is_told_and_stays(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK, CHURCH))
    job = imported(session, extract(tmp_path, KLOK))
    assert job.counts == {"unchanged": 1, "missing": 1}
    assert said(job, "missing") == ["node/2: is no longer in OpenStreetMap, or tagged otherwise; it stays"]
    assert one(session, 2).status == Status.proposed


def test_what_is_gone_is_put_away_where_that_is_asked(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK, CHURCH))
    job = imported(session, extract(tmp_path, KLOK), archive_missing=True)
    assert job.counts["archived"] == 1
    assert one(session, 2).status == Status.archived


def test_what_was_accepted_or_edited_and_is_gone_is_told_and_stays(session: Session, tmp_path: Path) -> None:
    library = node(3, (4.38, 52.02), amenity="library", name="Bieb")
    imported(session, extract(tmp_path, KLOK, CHURCH, library))
    proposals.accept(session, [one(session, 1).id], "an admin")
    records.change(session, one(session, 2).id, {"name": "De Kerk"}, None)
    job = imported(session, extract(tmp_path, node(4, HERE, amenity="bench")), archive_missing=True)
    assert job.counts == {"missing": 2, "archived": 1}
    assert said(job, "missing") == [
        "node/1: is no longer in OpenStreetMap, or tagged otherwise; it was accepted here, and stays",
        "node/2: is no longer in OpenStreetMap, or tagged otherwise; it was edited here, and stays",
    ]
    assert [one(session, number).status for number in (1, 2, 3)] == [
        Status.published, Status.proposed, Status.archived,
    ]  # fmt: skip


def test_a_proposal_that_somebody_edited_is_left_alone_and_what_differs_is_told(
    session: Session, tmp_path: Path
) -> None:
    imported(session, extract(tmp_path, KLOK))
    records.change(session, one(session, 1).id, {"name": "De Klok (verbeterd)"}, None)
    job = imported(session, extract(tmp_path, KLOK))
    assert job.counts == {"skipped": 1}
    assert one(session, 1).name == "De Klok (verbeterd)"
    assert said(job, "skipped") == [
        "node/1: was edited here, and stays as it is; OpenStreetMap now says name: De Klok (verbeterd) → De Klok"
    ]


def test_what_was_put_away_as_gone_is_proposed_again_when_it_is_back(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK, CHURCH))
    imported(session, extract(tmp_path, KLOK), archive_missing=True)
    job = imported(session, extract(tmp_path, KLOK, CHURCH))
    assert job.counts == {"unchanged": 1, "changed": 1}
    assert one(session, 2).status == Status.proposed


def test_another_municipality_is_not_missing_from_this_one(session: Session, tmp_path: Path) -> None:
    imported(session, extract(tmp_path, KLOK, box=None))
    leiden = node(9, (4.49, 52.16), amenity="library", name="BplusC")
    job = imported(session, extract(tmp_path, leiden, box=(4.4, 52.1, 4.6, 52.2)), archive_missing=True)
    assert job.counts == {"new": 1}
    assert one(session, 1).status == Status.proposed


def test_one_place_drawn_twice_is_flagged(session: Session, tmp_path: Path) -> None:
    corners = ((4.36, 52.0), (4.3602, 52.0), (4.3602, 52.0002), (4.36, 52.0002))
    building = Area(7, corners, {"amenity": "community_centre", "name": "De Klok Delft", "building": "yes"})
    path = write(tmp_path / "a.osm.pbf", [KLOK], [building])
    job = imported(session, path)
    assert (job.counts["new"], job.counts["duplicate"]) == (2, 1)
    [line] = said(job, "duplicate")
    assert line.startswith("way/7: perhaps the same as 'De Klok' (in this extract, node/1), 13 m from it")


def test_an_extract_is_taken_back_as_any_import(session: Session, tmp_path: Path) -> None:
    job = imported(session, extract(tmp_path, KLOK, CHURCH))
    proposals.accept(session, [one(session, 1).id], "an admin")
    assert undo.undo(session, job.id, "an admin") == {"restored": 0, "removed": 1, "kept": 1, "runs": 0}
    assert session.scalars(select(Asset.source_id)).all() == ["node/1"]


def test_a_proposal_lies_in_the_buurt_that_holds_it(session: Session, tmp_path: Path) -> None:
    neighbourhoods.load(session, BUURTEN, Origin(2025, "test", None, schematic=False), {})
    middle = func.ST_Transform(func.ST_SetSRID(func.ST_MakePoint(92500, 465500), 28992), 4326)
    lon, lat = session.execute(select(func.ST_X(middle), func.ST_Y(middle))).one()
    imported(session, extract(tmp_path, node(1, (lon, lat), amenity="library", name="Bibliotheek"), box=None))
    assert one(session, 1).neighbourhood_id == "BU90010101.2025"


def test_an_extract_without_candidates_brings_nothing(session: Session, tmp_path: Path) -> None:
    job = imported(session, extract(tmp_path, node(1, HERE, amenity="bench"), box=None))
    assert (job.status, job.counts) == (JobStatus.done, {})


def test_a_file_that_is_no_extract_is_refused_in_one_line(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    path.write_text("<osm/>")
    with pytest.raises(InvalidInput) as refused:
        imported(session, path)
    assert str(refused.value) == "This file is no OpenStreetMap extract: give a file that ends in .osm.pbf."


@pytest.mark.skipif(not DELFT.exists(), reason="the extract of Delft is not on this machine")
def test_delft_comes_in_with_every_element_accounted_for(session: Session) -> None:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    job = imported(session, DELFT)
    assert time.monotonic() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB
    # Counted with osmium in a loop over all elements: 41 have a tag of the table, 12 of them are candidates.
    assert (job.status, job.counts["new"], job.counts["skipped"]) == (JobStatus.done, 12, 29)
    by_kind = select(Asset.kind, func.count()).group_by(Asset.kind)
    assert {row[0]: row[1] for row in session.execute(by_kind)} == {
        Kind.community_room: 6,
        Kind.initiative: 2,
        Kind.care_location: 4,
    }
    assert one(session, 8773611865).address == "Ireneboulevard 31"
    again = imported(session, DELFT)
    assert (again.counts["unchanged"], again.counts.get("new", 0)) == (12, 0)
