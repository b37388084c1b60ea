"""A spreadsheet of assets comes in through a mapping: compared, written, doubted, refused, and taken back."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo import assets as records
from geo import db, neighbourhoods
from geo.errors import InvalidInput
from geo.imports import assets, doubts, incoming, jobs, undo
from geo.imports.assets import Options
from geo.imports.models import AddressDoubt
from geo.imports.pools import Pool
from geo.imports.report import Report
from geo.models import Asset, History, ImportJob, Organisation
from geo.neighbourhoods import Origin, to_wgs84
from geo.vocabulary import JobStatus, Kind, Status, What
from tests.integration.locatieserver import Reply, adres, answer, served
from tests.integration.town import BUURTEN, EAST, WEST

MAPPING = """
source = "Gemeente"
licence = "CC0"
source_id = "Nr"
[place]
x = "X"
y = "Y"
[columns]
name = "Naam"
url = "Site"
organisation = "Van"
[values.Soort]
"zaal" = { kind = "community_room", services = ["meeting"] }
"zorg" = { kind = "care_location" }
"school" = { skip = "no asset" }
"""
HEAD = "Nr;Naam;Soort;X;Y;Site;Van\n"
ZAAL = "1;De Zaal;zaal;92500;465500;www.zaal.nl;Stichting Zaal\n"
ZORG = "2;Zorg aan huis;zorg;93500,0;465500,0;;\n"
ADDRESSES = """
source = "Adressen"
source_id = "Nr"
place = { address = ["Straat", "Postcode"] }
columns = { name = "Naam", address = "Straat", postcode = "Postcode" }
constants = { kind = "community_room" }
"""
KEPT = ("asset", "organisation", "asset_catchment", "neighbourhood", "address_doubt")
Import = Callable[..., ImportJob]


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between a test and its server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def brought(session: Session, tmp_path: Path) -> Import:
    """Give what imports the text of a CSV file into Testdorp."""
    neighbourhoods.load(session, BUURTEN, Origin(2025, "test", None, schematic=False), {})

    def bring(
        rows: str, mapping: str = MAPPING, *, skip_bad: bool = False, how: Any = jobs.run, **given: Any
    ) -> ImportJob:
        file = tmp_path / "assets.csv"
        file.write_text(rows, encoding="utf-8")
        options = Options(mapping, **given)
        order = jobs.Order(What.assets, lambda task: assets.load(task, options), options._asdict(), skip_bad)
        source = jobs.Source(file, file.name, "0" * 64, file.stat().st_size)
        job: ImportJob = how(session, order, source, by="tester", progress=lambda *_: None)
        return job

    return bring


def stored(session: Session, source_id: str, source: str = "Gemeente") -> Asset:
    return session.scalars(select(Asset).where(Asset.source == source, Asset.source_id == source_id)).one()


def lines(job: ImportJob, verdict: str) -> list[tuple[int, str, str]]:
    """Give row, field and reason of the lines of one verdict."""
    found: Any = job.report["lines"]
    return [(line["row"], line["field"], line["reason"]) for line in found if line["verdict"] == verdict]


def notes(job: ImportJob) -> list[str]:
    found: Any = job.report["notes"]
    return list(found)


def tables(session: Session) -> dict[str, list[str]]:
    """Give every row of the tables that an import writes, without what counts the changes."""
    session.flush()
    without = "to_jsonb(t) - 'version' - 'updated_at' - 'created_at'"
    return {
        name: sorted(
            json.dumps(row, sort_keys=True) for row in session.scalars(text(f"SELECT {without} FROM {name} t"))
        )
        for name in KEPT
    }


def test_rows_become_assets_where_they_lie(session: Session, brought: Import) -> None:
    job = brought(HEAD + ZAAL + ZORG)
    assert (job.status, job.counts) == (JobStatus.done, {"new": 2})
    zaal, zorg = stored(session, "1"), stored(session, "2")
    assert (zaal.name, zaal.kind, zaal.services, zaal.url) == (
        "De Zaal",
        Kind.community_room,
        ["meeting"],
        "https://www.zaal.nl",
    )
    assert (zaal.neighbourhood_id, zorg.neighbourhood_id) == (f"{WEST}.2025", f"{EAST}.2025")
    assert (zorg.licence, zorg.services, zorg.organisation_id, zorg.status) == ("CC0", [], None, Status.published)
    assert session.scalars(select(Organisation.name)).all() == ["Stichting Zaal"]
    assert job.report["notes"] == ["web addresses that began with www. got https:// before it: 1"]


def test_a_second_import_changes_nothing_at_all(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    before, changes = tables(session), session.scalar(select(func.count(History.id)))
    job = brought(HEAD + ZAAL + ZORG)
    assert job.counts == {"unchanged": 2}
    assert tables(session) == before
    assert session.scalar(select(func.count(History.id))) == changes


def test_a_change_tells_what_was_and_what_is(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    job = brought(
        HEAD + ZAAL.replace("De Zaal", "De Grote Zaal").replace("92500", "92530").replace("Stichting", "Vereniging")
    )
    assert job.counts == {"changed": 1}
    [(row, fields, reason)] = lines(job, "changed")
    assert (row, fields) == (2, "name, organisation, place")
    assert reason == (
        "name: De Zaal → De Grote Zaal; organisation: Stichting Zaal → Vereniging Zaal; place: moved by 30 m"
    )
    assert stored(session, "1").version == 2


def test_what_people_added_by_hand_is_not_lost(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    told = {
        "summary": "Koffie op dinsdag",
        "opening_hours": "Tu 10:00-12:00",
        "catchment": [EAST],
        "status": Status.proposed,
    }
    records.change(session, stored(session, "1").id, told, None)
    brought(HEAD + ZAAL.replace("De Zaal", "De Grote Zaal"))
    zaal = stored(session, "1")
    session.refresh(zaal)
    assert (zaal.name, zaal.summary, zaal.opening_hours, zaal.status) == (
        "De Grote Zaal", "Koffie op dinsdag", "Tu 10:00-12:00", Status.proposed,
    )  # fmt: skip
    assert [area.code for area in zaal.catchment] == [EAST]


def test_an_organisation_that_is_known_stays_as_it_is(session: Session, brought: Import) -> None:
    session.add(Organisation(name="Stichting Zaal", url="https://example.org"))
    session.flush()
    brought(HEAD + ZAAL, MAPPING.replace('organisation = "Van"', 'organisation = { name = "Van", url = "Site" }'))
    assert session.scalars(select(Organisation.url)).all() == ["https://example.org"]


def test_every_column_and_its_derived_ones_are_written(session: Session, brought: Import) -> None:
    mapping = (
        'source = "G"\nsource_id = "Nr"\n[columns]\nname = "N"\nopening_hours = "Open"\nconfirmed_on = "Dag"\n'
        'neighbourhood = "Buurt"\ncatchment = "Ook"\nthemes = "T"\n'
        'accessibility.quiet_space = "Stil"\ncapacity = "Hoeveel"\n'
        '[constants]\nkind = "initiative"\nladder_level = 6\n'
    )
    rows = (
        f"Nr;N;Open;Dag;Buurt;Ook;T;Stil;Hoeveel\na;Tuin;Mo 09:00-11:00;1-2-2026;{WEST};{EAST},{WEST};meet,eat;ja;12\n"
    )
    job = brought(rows, mapping)
    assert job.counts == {"new": 1}
    tuin = stored(session, "a", "G")
    assert (tuin.open_mask, tuin.confirmed_on, tuin.neighbourhood_id) == (1, date(2026, 2, 1), f"{WEST}.2025")
    assert (tuin.themes, tuin.accessibility, tuin.capacity, tuin.ladder_level) == (
        ["meet", "eat"],
        {"quiet_space": True},
        12,
        6,
    )
    assert {area.code for area in tuin.catchment} == {EAST, WEST}
    assert brought(rows, mapping).counts == {"unchanged": 1}
    job = brought(rows.replace(f"{EAST},{WEST}", EAST), mapping)
    assert lines(job, "changed") == [(2, "catchment", f"catchment: {{{WEST}.2025,{EAST}.2025}} → {{{EAST}.2025}}")]
    assert {area.code for area in stored(session, "a", "G").catchment} == {EAST}


def test_a_bad_row_keeps_the_whole_file_out(session: Session, brought: Import) -> None:
    bad = "3;;zaal;92500;465500;;\n4;Kerk;kerk;92500;465500;;\n5;Ver;zaal;4,5;52,2;;\n6;Nergens;zaal;;;;\n"
    bad += "1;Weer;zaal;1;1;;\n"
    job = brought(HEAD + ZAAL + bad)
    assert (job.status, job.counts) == (JobStatus.refused, {"refused": 6})
    assert session.scalar(select(func.count(Asset.id))) == 0
    told = {(row, field): reason for row, field, reason in lines(job, "refused")}
    assert told[3, "name"] == "an asset needs a name"
    assert "does not say what this stands for" in told[4, "Soort"]
    assert "looks like degrees" in told[5, "X, Y"]
    assert "has no place" in told[6, "place"]
    assert "row 7 has the same identifier" in told[2, "source_id"]


def test_bad_rows_can_be_left_behind(session: Session, brought: Import) -> None:
    job = brought(HEAD + ZAAL + "3;;zaal;92500;465500;;\n4;X;school;;;;\n", skip_bad=True)
    assert (job.status, job.counts) == (JobStatus.done, {"refused": 1, "skipped": 1, "new": 1})


def test_looking_first_writes_nothing(session: Session, brought: Import) -> None:
    before = tables(session)
    job = brought(HEAD + ZAAL, how=jobs.check)
    assert (job.status, job.counts) == (JobStatus.checked, {"new": 1})
    assert tables(session) == before


def test_what_is_gone_is_told_and_archived_only_when_asked(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    job = brought(HEAD + ZORG)
    assert job.counts == {"unchanged": 1, "missing": 1}
    assert lines(job, "missing") == [(0, "name", "is no longer in the source; it stays on the map")]
    assert stored(session, "1").status == Status.published
    assert brought(HEAD + ZORG, archive_missing=True).counts == {"unchanged": 1, "archived": 1}
    assert stored(session, "1").status == Status.archived


def test_what_an_import_archived_comes_back_with_the_source(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    brought(HEAD + ZORG, archive_missing=True)
    job = brought(HEAD + ZAAL + ZORG)
    assert job.counts == {"changed": 1, "unchanged": 1}
    assert lines(job, "changed") == [(2, "status", "status: archived → published, as it is in the source again")]
    zaal = stored(session, "1")
    assert (zaal.status, zaal.neighbourhood_id) == (Status.published, f"{WEST}.2025")


def test_what_somebody_archived_stays_archived(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    records.change(session, stored(session, "1").id, {"status": Status.archived}, None)
    job = brought(HEAD + ZAAL + ZORG)
    assert job.counts == {"unchanged": 2}
    assert lines(job, "unchanged") == [(2, "status", "is archived here, and stays so")]


def test_what_the_mapping_leaves_out_now_is_told_and_stays(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    job = brought(HEAD + ZAAL.replace(";zaal;", ";school;") + ZORG, archive_missing=True)
    assert job.counts == {"skipped": 1, "unchanged": 1}
    [(row, _, reason)] = lines(job, "skipped")
    assert (row, reason) == (
        2, "is stored by an earlier import, and the mapping leaves it out now; it stays as it is",
    )  # fmt: skip
    assert stored(session, "1").status == Status.published


def test_without_identifiers_a_refused_row_lets_nothing_be_called_missing(session: Session, brought: Import) -> None:
    mapping = MAPPING.replace('source_id = "Nr"\n', "")
    brought(HEAD + ZAAL + ZORG, mapping)
    wrong = ZAAL.replace("92500", "9x500")
    job = brought(HEAD + wrong + ZORG, mapping, skip_bad=True, archive_missing=True)
    assert job.counts == {"refused": 1, "unchanged": 1}
    assert [note for note in notes(job) if note.startswith("Nothing is called missing")]
    assert set(session.scalars(select(Asset.status))) == {Status.published}


def test_what_somebody_corrected_stays_as_long_as_the_source_says_the_same(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    place = to_wgs84(shapely.Point(92600, 465500))
    corrected = {"name": "De Zaal (verbeterd)", "place": place}
    records.change(session, stored(session, "1").id, corrected, None)
    version = stored(session, "1").version
    assert brought(HEAD + ZAAL).counts == {"unchanged": 1}
    assert stored(session, "1").version == version
    moved = ZAAL.replace("www.zaal.nl", "www.dezaal.nl")
    job = brought(HEAD + moved)
    assert (job.counts, lines(job, "changed")[0][1]) == ({"changed": 1}, "url")
    assert brought(HEAD + moved).counts == {"unchanged": 1}  # an import in between has not made the name its own
    assert (stored(session, "1").name, stored(session, "1").url) == ("De Zaal (verbeterd)", "https://www.dezaal.nl")


def test_where_somebody_and_the_source_changed_the_same_both_are_told(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    records.change(session, stored(session, "1").id, {"name": "De Zaal (verbeterd)"}, None)
    job = brought(HEAD + ZAAL.replace("De Zaal", "Nieuwe Zaal").replace("Stichting", "Vereniging"))
    assert job.counts == {"changed": 1}
    assert lines(job, "changed") == [(2, "organisation", "organisation: Stichting Zaal → Vereniging Zaal")]
    assert lines(job, "doubtful") == [
        (2, "name", "somebody here changed it to 'De Zaal (verbeterd)', which stays; the source now says 'Nieuwe Zaal'")
    ]
    assert stored(session, "1").name == "De Zaal (verbeterd)"


def test_a_place_and_an_organisation_that_both_changed_stay_as_somebody_said(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    place = to_wgs84(shapely.Point(92600, 465500))
    told = {"place": place, "organisation": {"name": "Van Ons"}}
    records.change(session, stored(session, "1").id, told, None)
    job = brought(HEAD + ZAAL.replace("92500", "92700").replace("Stichting", "Vereniging"))
    assert job.counts == {"unchanged": 1}
    assert [field for _, field, _ in lines(job, "doubtful")] == ["organisation", "place"]


def test_a_check_lists_what_is_new_and_counts_what_it_does_not_list(brought: Import) -> None:
    assert lines(brought(HEAD + ZAAL + ZORG, how=jobs.check), "new") == [(2, "name", ""), (3, "name", "")]
    rows = "".join(f"{n};Zaal {n:04};zaal;92500;{465000 + n};;\n" for n in range(1003))
    job = brought(HEAD + rows, how=jobs.check)
    unsaid: Any = job.report["unsaid"]
    assert (len(lines(job, "new")), unsaid["new"]) == (1000, 3)


def test_thousands_of_values_that_are_left_out_for_one_reason_are_one_note(brought: Import) -> None:
    mapping = MAPPING + 'default = { skip = "no asset either" }\n'
    rows = "".join(f"{n};Zaal;vrij {n};92500;465500;;\n" for n in range(1, 8))
    assert notes(brought(HEAD + rows, mapping)) == [
        "7 rows left out, Soort 'vrij 1', 'vrij 2', 'vrij 3', 'vrij 4', 'vrij 5' and 2 other values: no asset either"
    ]


def test_a_report_keeps_two_hundred_remarks_and_counts_the_others() -> None:
    report = Report()
    for number in range(203):
        report.note(str(number))
    told: Any = report.as_json()["notes"]
    assert (len(told), told[199], told[200]) == (201, "199", "… and 3 more remarks")


def test_an_area_may_be_called_by_anything(session: Session, brought: Import) -> None:
    codes = ['{A,"b"} \\ c', "NULL"]
    odd = [area._replace(code=code) for area, code in zip(BUURTEN, codes, strict=False)]
    neighbourhoods.load(session, odd, Origin(2026, "test", None, schematic=False), {})
    mapping = 'source = "G"\nsource_id = "Nr"\n[columns]\nname = "N"\nneighbourhood = "B"\ncatchment = "B"\n'
    mapping += '[constants]\nkind = "initiative"\n'
    told = "1;Tuin;NULL\n"
    assert brought(f"Nr;N;B\n{told}", mapping).counts == {"new": 1}
    assert [area.code for area in stored(session, "1", "G").catchment] == ["NULL"]
    assert incoming.packed({"catchment": Pool(np.array([0]), [codes])}, np.array([0]), date(2026, 1, 1))[
        "catchment"
    ].tolist() == ['{"{A,\\"b\\"} \\\\ c","NULL"}']


def test_an_import_waits_for_a_change_that_somebody_is_making(new_database: Callable[[], str], tmp_path: Path) -> None:
    engine = db.engine(new_database())
    sessions = db.sessions(engine)
    file = tmp_path / "assets.csv"
    order = jobs.Order(What.assets, lambda task: assets.load(task, Options(MAPPING)), Options(MAPPING)._asdict())

    def bring(rows: str) -> dict[str, float]:
        file.write_text(HEAD + rows, encoding="utf-8")
        source = jobs.Source(file, file.name, "0" * 64, file.stat().st_size)
        with sessions() as session:
            counts = jobs.run(session, order, source, by="tester", progress=lambda *_: None).counts
            session.commit()
        return counts

    assert bring(ZAAL) == {"new": 1}
    with sessions() as person, ThreadPoolExecutor(1) as other:
        told = {"name": "Van iemand", "status": Status.archived}
        records.change(person, stored(person, "1").id, told, None)
        again = other.submit(bring, ZAAL.replace("www.zaal.nl", "www.dezaal.nl"))
        with pytest.raises(TimeoutError):
            again.result(timeout=2)
        person.commit()
        assert again.result(timeout=30) == {"changed": 1}
    with sessions() as session:
        zaal = stored(session, "1")
        assert (zaal.name, zaal.status, zaal.url) == ("Van iemand", Status.archived, "https://www.dezaal.nl")
    engine.dispose()


def test_a_row_that_is_refused_is_not_gone(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL + ZORG)
    job = brought(HEAD + ZAAL.replace("De Zaal", "") + ZORG, skip_bad=True, archive_missing=True)
    assert job.counts == {"refused": 1, "unchanged": 1}
    assert stored(session, "1").status == Status.published


def test_the_kind_of_a_record_stays(session: Session, brought: Import) -> None:
    brought(HEAD + ZAAL)
    job = brought(HEAD + ZAAL.replace(";zaal;", ";zorg;"))
    assert job.status == JobStatus.refused
    assert lines(job, "refused")[0][:2] == (2, "kind")


def test_what_may_be_the_same_is_told_and_written(session: Session, brought: Import) -> None:
    place = to_wgs84(shapely.Point(92500, 465550))  # 50 m from De Zaal
    records.create(session, {"kind": Kind.community_room, "name": "Buurtzaal De Zaal", "place": place})
    far = to_wgs84(shapely.Point(92500, 465601))  # 101 m from it
    records.create(session, {"kind": Kind.community_room, "name": "De Zaal", "place": far})
    again = ZAAL.replace("1;De Zaal", "7;Zaal De").replace("465500", "465405")  # 95 m the other way
    job = brought(HEAD + ZAAL + again + ZORG.replace("93500,0", "92500") + "8;De Zaal;zorg;92500;465500;;\n")
    assert job.counts == {"new": 4, "duplicate": 2}
    assert lines(job, "duplicate") == [
        (2, "name", "perhaps the same as 'Buurtzaal De Zaal' (levende-kaart), 50 m from it"),
        (3, "name", "perhaps the same as 'De Zaal' (row 2), 95 m from it"),
    ]


def test_a_thousand_rows_at_one_spot_are_no_trouble(session: Session, brought: Import) -> None:
    rows = "".join(f"{n};Zaal {n:04};zaal;92500;465500;;\n" for n in range(1000))
    assert brought(HEAD + rows).counts["new"] == 1000


def test_without_identifiers_name_and_place_tell_a_row(session: Session, brought: Import) -> None:
    mapping = MAPPING.replace('source_id = "Nr"\n', "")
    assert brought(HEAD + ZAAL + ZORG, mapping).counts == {"new": 2}
    assert brought(HEAD + ZAAL.replace("www.zaal", "www.dezaal") + ZORG, mapping).counts == {
        "changed": 1,
        "unchanged": 1,
    }
    twice = brought(HEAD + ZAAL + ZAAL.replace("1;", "9;"), mapping)
    assert [row for row, *_ in lines(twice, "refused")] == [2, 3]


def test_taking_an_import_back_leaves_every_table_as_it_was(session: Session, brought: Import) -> None:
    first = brought(HEAD + ZAAL + ZORG)
    before = tables(session)
    changed = ZAAL.replace("De Zaal", "De Grote Zaal").replace("92500", "92777").replace("Stichting", "Vereniging")
    second = brought(HEAD + changed + "3;Nieuw;zaal;92100;466100;;Nieuwe BV\n", archive_missing=True)
    assert second.counts == {"new": 1, "changed": 1, "archived": 1}
    counts = undo.undo(session, second.id, "tester")
    assert (counts["restored"], counts["removed"], counts["kept"]) == (2, 1, 0)
    assert tables(session) == before
    undo.undo(session, first.id, "tester")
    assert session.scalar(select(func.count(Asset.id))) == 0
    assert session.scalar(select(func.count(Organisation.id))) == 0


def test_what_was_changed_since_is_kept_when_an_import_is_taken_back(session: Session, brought: Import) -> None:
    job = brought(HEAD + ZAAL + ZORG)
    records.change(session, stored(session, "1").id, {"summary": "Open op dinsdag"}, None)
    counts = undo.undo(session, job.id, "tester")
    assert (counts["removed"], counts["kept"]) == (1, 1)
    assert session.scalars(select(Asset.source_id)).all() == ["1"]


def test_offline_an_address_alone_is_refused_with_the_reason(session: Session, brought: Import) -> None:
    job = brought("Nr;Naam;Straat;Postcode\n1;De Zaal;Dorpsstraat 12A;2341 AB\n", ADDRESSES)
    [(row, field, reason)] = lines(job, "refused")
    assert (row, field) == (2, "address")
    assert "may not look addresses up" in reason


def looked_up(question: str, _before: int) -> Reply:
    """Answer as the Locatieserver: one address is certain, of one there are two, of others it knows nothing."""
    if question.startswith("Dorpsstraat 12A"):
        return answer(adres("Dorpsstraat", "12A", "2341AB", "Oegstgeest"))
    if question.startswith("Kerkstraat 1"):
        two = [adres("Kerkstraat", f"1-{n}", "2341AB", "Oegstgeest", (4.47, 52.18 + n / 1000)) for n in (1, 2)]
        return answer(*two)
    return answer()


def test_addresses_are_looked_up_once_and_doubts_wait_for_somebody(session: Session, brought: Import) -> None:
    head = "Nr;Naam;Straat;Postcode\n"
    rows = head + "1;De Zaal;Dorpsstraat 12A;2341 AB\n2;Kerk;Kerkstraat 1;2341 AB\n3;Weg;Nergens 5;9999 ZZ\n"
    with served(looked_up) as server:
        first = brought(rows, ADDRESSES, skip_bad=True, locatieserver=server.url)
        assert first.counts == {"new": 1, "doubtful": 1, "refused": 1}
        assert len(server.asked) == 3
        second = brought(rows, ADDRESSES, skip_bad=True, locatieserver=server.url)
        assert second.counts == {"unchanged": 1, "doubtful": 1, "refused": 1}
        assert [asked["q"] for asked in server.asked[3:]] == ["Nergens 5 9999 ZZ"]
    doubt = session.scalars(doubts.undecided()).one()
    assert (doubt.job_id, doubt.row, doubt.asked) == (first.id, 3, "Kerkstraat 1 2341 AB")
    chosen = doubts.choose(session, doubt.id, 1, "somebody")
    assert (chosen.source, chosen.source_id, chosen.name, chosen.address) == ("Adressen", "2", "Kerk", "Kerkstraat 1")
    third = brought(head + "1;De Zaal;Dorpsstraat 12A;2341 AB\n2;De Kerk;Kerkstraat 1;2341 AB\n", ADDRESSES)
    assert third.counts == {"unchanged": 1, "changed": 1}
    assert lines(third, "changed") == [(3, "name", "name: Kerk → De Kerk")]


def test_an_address_that_nobody_recognised_is_not_asked_again(session: Session, brought: Import) -> None:
    rows = "Nr;Naam;Straat;Postcode\n2;Kerk;Kerkstraat 1;2341 AB\n"
    with served(looked_up) as server:
        brought(rows, ADDRESSES, locatieserver=server.url)
        doubts.drop(session, session.scalars(doubts.undecided()).one().id, "somebody")
        job = brought(rows, ADDRESSES, locatieserver=server.url)
        assert (job.counts, len(server.asked)) == ({"skipped": 1}, 1)
    assert session.scalar(select(func.count(AddressDoubt.id))) == 1


def test_another_address_is_another_question(session: Session, brought: Import) -> None:
    rows = "Nr;Naam;Straat;Postcode\n1;De Zaal;Dorpsstraat 12A;2341 AB\n"
    with served(looked_up) as server:
        brought(rows, ADDRESSES, locatieserver=server.url)
        job = brought(
            rows.replace("Dorpsstraat 12A", "Kerkstraat 1"), ADDRESSES, locatieserver=server.url, archive_missing=True
        )
    assert job.counts == {"doubtful": 1}
    assert stored(session, "1", "Adressen").address == "Dorpsstraat 12A"


def test_a_doubt_is_closed_where_its_row_is_placed_or_asks_for_another_address(
    session: Session, brought: Import
) -> None:
    rows = "Nr;Naam;Straat;Postcode\n1;De Zaal;Kerkstraat 1;2341 AB\n2;Kerk;Kerkstraat 1;2341 AB\n"
    with served(looked_up) as server:
        brought(rows, ADDRESSES, locatieserver=server.url)
        sure = rows.replace("Zaal;Kerkstraat 1", "Zaal;Dorpsstraat 12A").replace("Kerk;Kerkstraat 1", "Kerk;Nergens 5")
        job = brought(sure, ADDRESSES, skip_bad=True, locatieserver=server.url)
        assert job.counts == {"new": 1, "refused": 1}
        assert session.scalars(doubts.undecided()).all() == []
        closed = session.execute(select(AddressDoubt.decided_by, AddressDoubt.choice)).all()
        assert [tuple(each) for each in closed] == [("tester", None)] * 2
        back = brought(rows, ADDRESSES, locatieserver=server.url)
    assert back.counts == {"doubtful": 2}  # nobody said that none of the places is right: it is a question again
    assert [doubt.job_id for doubt in session.scalars(doubts.undecided())] == [back.id, back.id]


def test_a_file_without_the_columns_is_refused_as_a_whole(brought: Import) -> None:
    with pytest.raises(InvalidInput, match="Naam: is no column of the file"):
        brought("Nr;Name;Soort;X;Y;Site;Van\n1;a;zaal;1;1;;\n")
