"""Addresses looked up at a server that answers as PDOK's Locatieserver does; and the doubts that a person decides."""

import json
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.errors import Conflict, InvalidInput, NotFound
from geo.imports import doubts, undo
from geo.imports.addresses import LARGEST_ANSWER, Answer, Patience, locatieserver
from geo.imports.models import AddressDoubt
from geo.models import Asset, History, ImportJob
from geo.vocabulary import JobStatus, What
from tests.integration.locatieserver import PATH, Reply, Script, Server, adres, answer, served

HURRIED = Patience(timeout_s=0.5, tries=3, first_wait_s=0.01, longest_wait_s=3, failures=3)
ASKED = "Dorpsstraat 12A, 2341 AB Oegstgeest"
HIT = adres("Dorpsstraat", "12A", "2341AB", "Oegstgeest")


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy of this machine stand between a test and its server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def told(step: str, done: int, total: int | None) -> None:
    """Take what is told of the progress, and do nothing."""


def looked_up(reply: Script, *asked: str, patience: Patience = HURRIED) -> tuple[list[Answer], Server]:
    """Look addresses up at a server with a script; gives the answers in the order of the questions."""
    with served(reply) as server:
        answers = locatieserver(server.url, told, patience)(asked)
    return [answers[text] for text in asked], server


def test_an_exact_address_is_found() -> None:
    [found], server = looked_up(answer(HIT), ASKED)
    assert found == Answer(shapely.Point(4.4706, 52.1805), [], "")
    assert server.asked[0]["q"] == ASKED
    assert server.asked[0]["fq"] == "type:adres"


def test_nothing_but_the_address_leaves() -> None:
    _, server = looked_up(answer(HIT), ASKED)
    assert server.asked[0].keys() == {"q", "fq", "fl", "rows"}


def test_one_street_in_two_towns_is_left_to_a_person() -> None:
    here = adres("Kerkstraat", "1", "2341AB", "Oegstgeest", (4.47, 52.18), score=11)
    there = adres("Kerkstraat", "1", "1017GA", "Amsterdam", (4.88, 52.36), score=10)
    [doubtful], _ = looked_up(answer(here, there), "Kerkstraat 1")
    assert doubtful.found is None
    assert [(each.lon, each.lat, each.score) for each in doubtful.candidates] == [(4.47, 52.18, 11), (4.88, 52.36, 10)]
    assert doubtful.candidates[1].label == "Kerkstraat 1, 1017GA Amsterdam"
    assert "postcode or a town" in doubtful.reason


def test_a_missing_addition_is_left_to_a_person() -> None:
    found = [adres("Kerkstraat", number, "2341AB", "Oegstgeest") for number in ("1-H", "1-1")]
    [doubtful], _ = looked_up(answer(*found), "Kerkstraat 1, 2341AB Oegstgeest")
    assert doubtful.found is None
    assert len(doubtful.candidates) == 2
    assert "additions (1 h, 1 1)" in doubtful.reason


def test_an_address_that_nobody_knows_is_not_found() -> None:
    [unknown], _ = looked_up(answer(), "Nergenslaan 1, 9999 ZZ Nergens")
    assert (unknown.found, unknown.candidates) == (None, [])
    assert "not found" in unknown.reason


def test_what_is_no_address_in_the_netherlands_is_no_answer() -> None:
    town = {**HIT, "type": "woonplaats"}
    abroad = {**HIT, "centroide_ll": "POINT(2.35 48.85)"}
    nowhere = {**HIT, "centroide_ll": "POINT(NaN 52)"}
    [unknown], _ = looked_up(answer(town, abroad, nowhere), ASKED)
    assert (unknown.found, unknown.candidates) == (None, [])


def test_a_question_is_asked_again_after_an_error() -> None:
    def ill_once(_question: str, before: int) -> Reply:
        return answer(HIT) if before else Reply(500, b"oops")

    [found], server = looked_up(ill_once, ASKED)
    assert found.found is not None
    assert len(server.asked) == 2


@pytest.mark.parametrize("after", [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)])
def test_a_server_that_asks_for_rest_gets_it(after: Callable[[], str]) -> None:
    moments: list[float] = []

    def reply(_question: str, before: int) -> Reply:
        moments.append(time.monotonic())
        return answer(HIT) if before else Reply(429, b"", {"Retry-After": after()})

    [found], _ = looked_up(reply, ASKED)
    assert found.found is not None
    assert 0.9 < moments[1] - moments[0] < 3


def test_a_server_that_asks_for_a_long_rest_is_not_waited_for() -> None:
    [failed], server = looked_up(Reply(429, b"", {"Retry-After": "3600"}), ASKED)
    assert "answers with HTTP 429" in failed.reason
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"response": {"docs": 7}}', b'{"response": {"docs": ["x"]}}', b"[" * 100_000, b"\xff\xfe"],
)
def test_garbage_is_no_answer(body: bytes) -> None:
    [failed], server = looked_up(Reply(200, body), ASKED)
    assert failed.found is None
    assert "no list of addresses" in failed.reason
    assert len(server.asked) == 1


def test_what_stands_in_an_answer_can_be_stored() -> None:
    odd = {**HIT, "weergavenaam": "a\x00b" + "x" * 10_000, "score": float("nan"), "huis_nlt": "99"}
    [doubtful], _ = looked_up(answer(odd), ASKED)
    [candidate] = doubtful.candidates
    assert candidate.label == "ab" + "x" * 198
    assert json.loads(json.dumps(candidate.score, allow_nan=False)) == 0


def test_a_huge_answer_is_cut_off() -> None:
    [failed], _ = looked_up(Reply(200, b" " * (4 * LARGEST_ANSWER)), ASKED)
    assert "more than any address needs" in failed.reason


def test_a_silent_server_is_not_waited_for_long() -> None:
    begun = time.monotonic()
    [failed], _ = looked_up(answer(HIT)._replace(after_s=1), ASKED)
    assert "does not answer within 0.5 s" in failed.reason
    assert time.monotonic() - begun < 4


def test_without_a_server_the_rows_get_the_reason_and_it_is_not_asked_for_ever() -> None:
    with served(answer()) as server:
        gone = server.url
    asked = [f"Dorpsstraat {number}, Oegstgeest" for number in range(1, 2001)]
    begun = time.monotonic()
    answers = locatieserver(gone, told, HURRIED)(asked)
    assert time.monotonic() - begun < 5
    assert list(answers) == asked
    assert {each.found for each in answers.values()} == {None}
    assert "cannot be reached" in answers[asked[0]].reason
    assert "3 times in a row" in answers[asked[-1]].reason


def test_a_failure_now_and_then_stops_nothing() -> None:
    asked = [f"Dorpsstraat {number}, Oegstgeest" for number in range(1, 41)]

    def reply(question: str, _before: int) -> Reply:
        number = question.split()[1].rstrip(",")
        ill = int(number) % 10 == 0
        return Reply(400, b"") if ill else answer(adres("Dorpsstraat", number, "2341AB", "Oegstgeest"))

    answers, _ = looked_up(reply, *asked)
    assert sum(each.found is not None for each in answers) == 36


def test_at_most_five_questions_are_open_at_once_and_each_is_asked_once() -> None:
    asked = [f"Dorpsstraat {number}, Oegstgeest" for number in range(1, 31)]
    answers, server = looked_up(answer()._replace(after_s=0.02), *asked, *asked)
    assert len(answers) == 60
    assert len(server.asked) == 30
    assert 2 <= server.most_at_once <= 5


def test_signs_that_mean_something_to_a_search_engine_are_not_sent() -> None:
    [_], server = looked_up(answer(HIT), 'Dorpsstraat 12A" OR type:* -x {!func}, (Oegstgeest)')
    assert server.asked[0]["q"] == "Dorpsstraat 12A OR type x func , Oegstgeest"


def test_an_address_without_a_word_is_not_asked() -> None:
    [nothing], server = looked_up(answer(HIT), " -- ")
    assert "is no address" in nothing.reason
    assert server.asked == []


def test_another_address_of_the_service_says_so() -> None:
    with served(answer(HIT)) as server:
        answers = locatieserver(f"{server.url}/elsewhere", told, HURRIED)([ASKED])
    assert PATH not in server.url
    assert "HTTP 404" in answers[ASKED].reason


RECORD = {
    "kind": "community_room", "name": "De Klok", "services": ["meeting"], "address": "Dorpsstraat 12",
    "source": "Gemeente", "source_id": "7", "confirmed_on": "2025-01-31",
}  # fmt: skip
CANDIDATES = [
    {"label": "Dorpsstraat 12A", "lon": 4.47, "lat": 52.18, "score": 9.0},
    {"label": "Dorpsstraat 12B", "lon": 4.48, "lat": 52.19, "score": 8.0},
]


def stored(session: Session, status: JobStatus = JobStatus.done, **record: object) -> AddressDoubt:
    """Store an import with one doubtful address."""
    job = ImportJob(
        what=What.assets, status=status, file_name="a.csv", sha256="0" * 64, bytes=1, options={}, made_by="Anna"
    )
    session.add(job)
    session.flush()
    told: dict[str, object] = {**RECORD, **record}
    doubt = AddressDoubt(job_id=job.id, row=2, asked="Dorpsstraat 12", record=told, candidates=CANDIDATES)
    session.add(doubt)
    session.flush()
    return doubt


def test_what_waits_for_a_decision_is_listed_by_import_and_row(session: Session) -> None:
    first, other = stored(session), stored(session)
    later = AddressDoubt(job_id=first.job_id, row=1, asked="x", record=RECORD, candidates=CANDIDATES)
    session.add(later)
    session.flush()
    waiting = [doubt.id for doubt in session.scalars(doubts.undecided(first.job_id))]
    assert waiting == [later.id, first.id]
    doubts.drop(session, later.id, "Bas")
    assert {doubt.id for doubt in session.scalars(doubts.undecided())} == {first.id, other.id}


def test_a_chosen_address_becomes_the_asset_at_that_place(session: Session) -> None:
    doubt = stored(session)
    asset = doubts.choose(session, doubt.id, 1, "Bas")
    assert (asset.name, asset.source, asset.source_id, asset.services) == ("De Klok", "Gemeente", "7", ["meeting"])
    spot = session.execute(select(func.ST_X(Asset.place), func.ST_Y(Asset.place)).where(Asset.id == asset.id)).one()
    assert tuple(spot) == (4.48, 52.19)
    assert (doubt.choice, doubt.decided_by) == (1, "Bas")
    assert doubt.decided_at is not None


def test_a_chosen_address_belongs_to_its_import_and_goes_with_it(session: Session) -> None:
    doubt = stored(session)
    asset = doubts.choose(session, doubt.id, 0, "Bas")
    written = select(History.changed_by, History.job_id).where(History.row_id == str(asset.id))
    assert tuple(session.execute(written).one()) == ("Bas", doubt.job_id)
    assert session.scalar(text("SELECT job()")) is None  # what comes next is no part of it
    assert undo.undo(session, doubt.job_id, "Bas")["removed"] == 1
    assert session.scalar(select(func.count()).select_from(Asset)) == 0


def test_an_address_that_is_none_of_the_candidates_stores_nothing(session: Session) -> None:
    doubt = stored(session)
    doubts.drop(session, doubt.id, "Bas")
    assert (doubt.choice, doubt.decided_by) == (None, "Bas")
    assert session.scalar(select(func.count()).select_from(Asset)) == 0


def test_an_address_is_decided_once(session: Session) -> None:
    doubt = stored(session)
    doubts.choose(session, doubt.id, 0, "Bas")
    for again in (lambda: doubts.choose(session, doubt.id, 1, "Cas"), lambda: doubts.drop(session, doubt.id, "Cas")):
        with pytest.raises(Conflict, match="Bas has decided on this address already"):
            again()


@pytest.mark.parametrize("choice", [-1, 2, 10**12])
def test_a_choice_that_is_no_candidate_is_refused(session: Session, choice: int) -> None:
    doubt = stored(session)
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        doubts.choose(session, doubt.id, choice, "Bas")
    assert doubt.decided_at is None


def test_an_unknown_doubt_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound, match="no doubtful address 12345"):
        doubts.choose(session, 12345, 0, "Bas")


def test_of_an_import_that_was_taken_back_there_is_nothing_to_decide(session: Session) -> None:
    taken_back = stored(session)
    undo.undo(session, taken_back.job_id, "Anna")
    with pytest.raises(NotFound):
        doubts.choose(session, taken_back.id, 0, "Bas")
    with pytest.raises(Conflict, match="is undone"):
        doubts.drop(session, stored(session, JobStatus.undone).id, "Bas")


def test_a_record_that_breaks_a_rule_by_now_is_refused_and_stays_open(session: Session) -> None:
    doubt = stored(session, services=["a service that is gone"])
    with pytest.raises(InvalidInput, match="services"):
        doubts.choose(session, doubt.id, 0, "Bas")
    assert doubt.decided_at is None
