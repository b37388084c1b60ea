"""What is kept and what goes the short way is what the usual way answers, for everybody, and never a moment too old."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import event, text

from api.kept import Keeping, Kept, Key
from geo.ready.pages import SOURCES
from geo.settings import Settings
from geo.vocabulary import Role
from tests.integration.people import account, signed_in
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, COVERAGE, NEIGHBOURHOODS, Town, served

PLAIN = (
    "", "limit=1", "limit=3", "limit=10000", "limit=10001", "limit=999999999",
    "bbox=4.47,52.17,4.48,52.19", "bbox=4.47,52.17,4.48,52.19&limit=2",
    "limit=2&bbox=4.47,52.17,4.48,52.19", "bbox=0,0,1,1", "bbox=4,52,-1,5,53,9&limit=5",
    "bbox=4.47%2C52.17%2C4.48%2C52.19",
)  # fmt: skip
USUAL = ("kind=initiative", "q=de", "offset=2", "bbox=5,52,4,53", "f=json", "crs=EPSG:28992", "sortby=name&limit=2")
WRONG = (
    "limit=0",
    "limit=x",
    "bbox=1,2,3",
    "bbox=x",
    "cursor=x",
    "limit=1&limit=2",
    "nothing=1",
    "limit=",
)


@contextmanager
def usual_way(town: Town) -> Iterator[list[str]]:
    """Note the statements that the usual way sends to the database; the short way has connections of its own."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(town.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(town.engine, "before_cursor_execute", note)


def body(answer: httpx.Response) -> bytes:
    """Give a body without the moment at which it was made."""
    before, stamp, after = answer.content.partition(b'"timeStamp":"')
    return before + stamp + after[20:] if stamp else before


@pytest.mark.parametrize("name", SOURCES)
def test_the_short_way_answers_what_the_usual_way_does_byte_by_byte(town: Town, name: str) -> None:
    path = f"/v1/collections/{name}/items"
    for query in PLAIN:
        answer = town.client.get(f"{path}?{query}" if query else path)
        assert answer.status_code == 200, answer.text
        known = town.client.get(f"{path}?{query}" if query else path, headers=town.headers("visitor"))
        assert body(answer) == body(known), query
        for header in ("content-type", "content-crs"):
            assert answer.headers[header] == known.headers[header]
    for item in town.client.get(path).json()["features"][:20]:
        with usual_way(town) as sent:
            one = town.client.get(f"{path}/{item['id']}")
        assert not sent
        assert one.content == town.client.get(f"{path}/{item['id']}", headers=town.headers("visitor")).content
        assert one.json() == item


def test_plain_questions_go_the_short_way_and_all_others_the_usual_one(town: Town) -> None:
    for path in (ASSETS, NEIGHBOURHOODS):
        for query in PLAIN:
            with usual_way(town) as sent:
                town.client.get(f"{path}?{query}" if query else path)
            assert not sent, query
    for query in USUAL:
        with usual_way(town) as sent:
            assert town.client.get(f"{ASSETS}?{query}").status_code == 200, query
        assert sent, query


def test_what_is_wrong_is_told_as_always(town: Town) -> None:
    for query in WRONG:
        answer = town.client.get(f"{ASSETS}?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), query
        assert query.partition("=")[0] in answer.json()["detail"]
        assert "etag" not in answer.headers
    for path in ("nothing", "00000000-0000-0000-0000-000000000000", "%00"):
        assert town.client.get(f"{ASSETS}/{path}").status_code == 404


def test_pages_of_the_short_way_follow_one_another_to_the_end(town: Town) -> None:
    for name in SOURCES:
        address, seen = f"/v1/collections/{name}/items?limit=3", []
        whole = town.client.get(f"/v1/collections/{name}/items?limit=10000").json()
        while address:
            page = town.client.get(address).json()
            assert page["numberMatched"] == whole["numberMatched"] == len(whole["features"])
            seen += page["features"]
            address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
        assert seen == whole["features"]


@pytest.mark.parametrize("path", [ASSETS, ACTIVITIES, NEIGHBOURHOODS, COVERAGE, "/v1/collections/squares/items"])
def test_who_has_it_already_is_told_so_until_it_changes(town: Town, path: str) -> None:
    first = town.client.get(path)
    assert first.headers["cache-control"] == "public, no-cache"
    assert {"Accept", "Accept-Encoding", "Cookie", "X-API-Key"} <= set(first.headers["vary"].split(", "))
    with usual_way(town) as sent:
        again = town.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        others = town.client.get(path, headers={"If-None-Match": f'"x", {first.headers["etag"]}'})
    assert [again.status_code, others.status_code, again.content, sent] == [304, 304, b"", []]
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-security-policy" in again.headers


# Of which tables a change shows in which answers.
SHOWS = {
    "/v1/collections/assets/items": {"asset", "organisation", "neighbourhood"},
    "/v1/collections/initiatives/items": {"asset", "organisation", "neighbourhood"},
    "/v1/collections/activities/items": {"asset", "activity", "organisation", "neighbourhood"},
    "/v1/collections/neighbourhoods/items": {"neighbourhood"},
    "/v1/collections/buurten/tiles/WebMercatorQuad/11/675/1048": {"neighbourhood"},
    "/v1/collections/coverage/items": {"coverage", "coverage_run", "asset", "organisation", "neighbourhood"},
    "/v1/collections/coverage_gaps/items": {"coverage", "coverage_run", "asset", "organisation", "neighbourhood"},
    "/v1/collections/squares/items": {"square"},
    "/v1/collections": {"asset", "activity", "organisation", "neighbourhood", "coverage", "coverage_run", "square"},
    "/v1/hsds/services": {"asset", "activity", "organisation", "neighbourhood"},
}


@pytest.mark.parametrize("path", SHOWS)
def test_an_answer_is_a_new_one_when_something_changes_that_shows_in_it(town: Town, path: str) -> None:
    for table in ("asset", "activity", "organisation", "neighbourhood", "coverage", "coverage_run", "square"):
        tag = town.client.get(path).headers["etag"]
        with town.sessions.begin() as session:
            session.execute(text(f"UPDATE {table} SET id = id"))
        again = town.client.get(path, headers={"If-None-Match": tag}).status_code
        assert again == (200 if table in SHOWS[path] else 304), table


def test_a_head_says_what_the_get_says(town: Town) -> None:
    asked = f"{ASSETS}?limit=7"
    got, head = town.client.get(asked), town.client.head(asked)
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in got.headers.items() if k != "date"
    }


def test_a_kept_answer_is_sent_again_and_each_coding_has_its_own(town: Town) -> None:
    asked = f"{ASSETS}?limit=9"
    plain = [town.client.get(asked, headers={"Accept-Encoding": "identity"}) for _ in range(2)]
    packed = [town.client.get(asked, headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
    assert plain[0].content == plain[1].content  # the moment in it too: it is the same answer
    assert packed[0].headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain[1].headers
    assert body(packed[1]) == body(plain[0])


def test_what_was_committed_is_in_every_answer_to_a_later_question(town: Town) -> None:
    """One writes without a pause, four read: an answer never shows less than was committed before it was asked for."""
    with town.sessions() as session:
        item = session.scalar(text("SELECT id FROM asset WHERE kind = 'initiative' ORDER BY id LIMIT 1"))
    done, over, wrong = [0], threading.Event(), list[str]()
    with served(town.app) as address:

        def read() -> None:
            with httpx.Client() as client:
                while not over.is_set():
                    at_least = done[0]
                    shown = client.get(f"{address}{ASSETS}/{item}").json()["properties"]["founded_in"]
                    listed = client.get(f"{address}/v1/collections/initiatives/items?limit=1000").json()["features"]
                    in_list = next(f for f in listed if f["id"] == str(item))["properties"]["founded_in"]
                    if min(shown, in_list) < at_least:
                        wrong.append(f"{shown} {in_list} {at_least}")

        def write() -> None:
            for number in range(1000, 1200):
                with town.sessions.begin() as session:
                    session.execute(text("UPDATE asset SET founded_in = :n WHERE id = :id"), {"n": number, "id": item})
                done[0] = number

        write_first = threading.Thread(target=write)
        with town.sessions.begin() as session:
            session.execute(text("UPDATE asset SET founded_in = 999 WHERE id = :id"), {"id": item})
        readers = [threading.Thread(target=read) for _ in range(4)]
        for thread in (write_first, *readers):
            thread.start()
        write_first.join()
        over.set()
        for thread in readers:
            thread.join()
    assert wrong == []
    assert done == [1199]


def test_what_somebody_sees_with_a_key_or_a_session_enters_no_shared_cache(town: Town) -> None:
    asked = f"{ASSETS}?limit=10000"
    public = town.client.get(asked)
    admin = town.client.get(asked, headers=town.headers(ADMIN))
    assert admin.json()["numberMatched"] > public.json()["numberMatched"]
    assert "etag" not in admin.headers
    assert admin.headers["cache-control"].startswith("private")
    assert body(town.client.get(asked)) == body(public)
    known = town.client.get(asked, headers={**town.headers(ADMIN), "If-None-Match": public.headers["etag"]})
    assert known.status_code == 200
    wrong = town.client.get(asked, headers={**town.headers("wrong"), "If-None-Match": public.headers["etag"]})
    assert wrong.status_code == 401


def test_a_cookie_that_only_the_app_knows_as_a_session_leaves_nothing_that_others_get(town: Town) -> None:
    with town.sessions.begin() as session:
        account(session, "spaced@example.nl", Role.admin)
    person = signed_in(town, "spaced@example.nl")
    token = next(cookie.value for cookie in person.client.cookies.jar if "kaart_entry" in cookie.name)
    asked = f"{ASSETS}?limit=9990&sortby=kind"
    public = town.client.get(asked).json()["numberMatched"]
    for cookie in (
        f"kaart_entry ={token}",
        f"kaart_entry\t={token}",
        f"x=1;kaart_entry={token}",
        f"KAART_ENTRY={token}",
    ):
        with httpx.Client(transport=town.client._transport, base_url="http://kaart.test") as other:
            other.get(f"{asked}&properties=name", headers={"Cookie": cookie})
        assert town.client.get(f"{asked}&properties=name").json()["numberMatched"] == public, cookie


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Host", ("evil.example", "kaart.test")),
        ("Accept-Encoding", ("gzip", "identity")),
        ("Accept", ("*/*", "text/html")),
    ],
)
def test_headers_that_come_twice_poison_nothing(town: Town, name: str, values: tuple[str, str]) -> None:
    asked = f"{ASSETS}?limit=8&sortby=name"
    request = town.client.build_request("GET", asked)
    request.headers = httpx.Headers([("Host", "kaart.test"), *((name, value) for value in values)]
                                    if name != "Host" else [(name, value) for value in values])  # fmt: skip
    town.client.send(request)
    plain = httpx.Request("GET", f"http://kaart.test{asked}", headers={"Host": "kaart.test"})
    answer = town.client.send(plain)
    assert "evil" not in answer.text
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-type"] == "application/geo+json"


def question(number: int) -> Key:
    return f"/v1/collections/assets/items/{number}", b"", b"", "http://kaart.test"


def test_what_has_one_tag_is_one_question(town: Town) -> None:
    tag = town.client.get(ASSETS).headers["etag"]
    for path, status in (
        ("?limit=0", 400),
        ("?nothing=1", 400),
        ("/nothing", 404),
        ("?f=html", 200),
        ("?limit=5", 200),
    ):
        assert town.client.get(f"{ASSETS}{path}", headers={"If-None-Match": tag}).status_code == status, path


def test_long_questions_fill_no_memory(town: Town) -> None:
    keeping = Keeping(lambda *_: None, Settings(cache_mb=1), None)  # type: ignore[arg-type]  # no app is called
    for number in range(2000):
        keeping.keep(("/v1/collections", b"q=" + b"x" * 2000 + str(number).encode(), b"", ""), Kept(b"x", [], b"0"))
    assert len(keeping._kept) < 130
    keeping.keep(("/v1/collections", b"x" * 10_000, b"", ""), Kept(b"x", [], b"0"))
    assert all(len(asked) < 5000 for _, asked, *_ in keeping._kept)


def test_the_oldest_answers_make_room_and_no_more_is_kept_than_may_be() -> None:
    keeping = Keeping(lambda *_: None, Settings(cache_mb=1), None)  # type: ignore[arg-type]  # no app is called
    for number in range(50):
        keeping.keep(question(number), Kept(b"x", [], b"0" * 100_000))
    kept = [key for key in range(50) if question(key) in keeping._kept]
    assert kept == list(range(50 - len(kept), 50))
    assert 8 <= len(kept) <= 10
    keeping.keep(question(99), Kept(b"x", [], b"0" * 2_000_000))
    assert question(99) not in keeping._kept
    for number in kept:
        keeping.forget(question(number))
    assert (keeping._bytes, len(keeping._kept)) == (0, 0)
