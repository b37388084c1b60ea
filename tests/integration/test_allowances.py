"""How often somebody may ask: counted right by threads and by processes, and not fooled by what the asker says."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path
from time import sleep, time
from typing import Any

import httpx
import pytest
import uvicorn
from anyio.from_thread import BlockingPortal
from pydantic import TypeAdapter
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from api import serve
from api.allowing import address_of, key_of, use_of
from api.app import create_app
from geo import allowances, db
from geo.allowances import asker_of, forget, sweep, take
from geo.errors import InvalidInput
from geo.settings import CHECKOUT, Settings, read
from tests.integration.town import ADMIN, ASSETS, NOBODY, Door, Town

HOUR_S = 3600
DAYS_S = 365 * 24 * HOUR_S  # so long that no test meets its end
ASKER = asker_of(b"a key for tests", "192.0.2.1")
PROBLEM = "application/problem+json"


@pytest.fixture
def base(database_url: str) -> Iterator[Engine]:
    """Give a database in which the tests may commit."""
    engine = db.engine(database_url)
    yield engine
    engine.dispose()


def rows(base: Engine) -> list[tuple[str, str, int]]:
    with base.connect() as connection:
        found = connection.execute(text("SELECT name, asker, used FROM allowance ORDER BY name, asker, began_at"))
        return [(row.name, row.asker, row.used) for row in found]


def put(base: Engine, used: int, *, stretches_ago: int, per_s: int) -> None:
    """Write what was used in an earlier stretch of the clock."""
    with base.begin() as connection:
        told = {"asker": ASKER, "used": used, "ago": stretches_ago, "per_s": per_s}
        stretch = "make_interval(secs => :per_s)"
        began = f"date_bin({stretch}, now(), 'epoch') - :ago * {stretch}"
        connection.execute(text(f"INSERT INTO allowance VALUES ('reading', :asker, {began}, :used)"), told)


def test_so_many_uses_are_granted_and_then_no_more(base: Engine) -> None:
    granted = [take(base, "reading", ASKER, most=3, per_s=DAYS_S) for _ in range(5)]
    assert granted[:3] == [None, None, None]
    assert all(wait_s and 1 <= wait_s <= 2 * DAYS_S for wait_s in granted[3:])
    assert rows(base) == [("reading", ASKER, 3)]  # what is refused is not counted


def test_every_name_and_every_asker_has_an_allowance_of_its_own(base: Engine) -> None:
    other = asker_of(b"a key for tests", "192.0.2.2")
    for name, asker in (("reading", ASKER), ("writing", ASKER), ("reading", other)):
        assert take(base, name, asker, most=1, per_s=DAYS_S) is None
        assert take(base, name, asker, most=1, per_s=DAYS_S)


def test_a_use_stays_counted_when_the_transaction_around_it_is_taken_back(base: Engine) -> None:
    with Session(base) as session:
        assert take(session, "reading", ASKER, most=9, per_s=DAYS_S) is None
        session.rollback()
    with base.connect() as connection:
        assert take(connection, "reading", ASKER, most=9, per_s=DAYS_S) is None
    assert rows(base) == [("reading", ASKER, 2)]


def test_what_is_forgotten_begins_anew(base: Engine) -> None:
    assert take(base, "sign_in", ASKER, most=1, per_s=DAYS_S) is None
    assert take(base, "reading", ASKER, most=1, per_s=DAYS_S) is None
    forget(base, "sign_in", ASKER)
    assert take(base, "sign_in", ASKER, most=1, per_s=DAYS_S) is None
    assert take(base, "reading", ASKER, most=1, per_s=DAYS_S)


def test_use_just_before_a_stretch_of_the_clock_begins_counts_in_it(base: Engine) -> None:
    with base.connect() as connection:
        passed = text(
            "SELECT extract(epoch FROM now() - date_bin(make_interval(secs => :s), now(), 'epoch'))::float8 / :s"
        )
        share = connection.scalar(passed, {"s": DAYS_S})
    put(base, 100, stretches_ago=1, per_s=DAYS_S)
    granted = [take(base, "reading", ASKER, most=100, per_s=DAYS_S) for _ in range(101)]
    assert granted.count(None) == int(100 * share)  # of 100 uses, those count whose share of the stretch is not over


def test_what_was_used_two_stretches_ago_counts_no_more(base: Engine) -> None:
    put(base, 100, stretches_ago=2, per_s=DAYS_S)
    assert take(base, "reading", ASKER, most=1, per_s=DAYS_S) is None


@pytest.mark.parametrize("most", [1, 2, 7])
def test_whoever_waits_as_long_as_told_is_let_in(base: Engine, most: int) -> None:
    while (wait_s := take(base, "reading", ASKER, most=most, per_s=1)) is None:
        pass
    assert wait_s in (1, 2)
    sleep(wait_s)
    assert take(base, "reading", ASKER, most=most, per_s=1) is None


def test_what_no_longer_counts_is_swept(base: Engine) -> None:
    for ago in (0, 1, 2, 3, 50):
        put(base, 10 + ago, stretches_ago=ago, per_s=HOUR_S)
    sweep(base, "writing", HOUR_S)
    assert [used for *_, used in rows(base)] == [60, 13, 12, 11, 10]
    sweep(base, "reading", HOUR_S)
    assert [used for *_, used in rows(base)][-2:] == [11, 10]
    assert len(rows(base)) <= 3


def test_old_rows_are_swept_now_and_then_by_use_itself(base: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    put(base, 1, stretches_ago=9, per_s=HOUR_S)
    monkeypatch.setattr(allowances, "SWEEP_EVERY", 1)
    assert take(base, "reading", ASKER, most=9, per_s=HOUR_S) is None
    assert rows(base) == [("reading", ASKER, 1)]


def test_threads_that_ask_at_once_get_exactly_what_there_is(base: Engine) -> None:
    with ThreadPoolExecutor(8) as threads:
        granted = list(threads.map(lambda _: take(base, "reading", ASKER, most=50, per_s=DAYS_S), range(120)))
    assert granted.count(None) == 50
    assert rows(base) == [("reading", ASKER, 50)]


ASK = """
import sys
from geo import db
from geo.allowances import take
engine = db.engine(sys.argv[1])
sys.stdin.readline()
print(sum(take(engine, "reading", sys.argv[2], most=50, per_s=int(sys.argv[3])) is None for _ in range(60)))
"""


def test_processes_that_ask_at_once_get_exactly_what_there_is(base: Engine, database_url: str) -> None:
    words = [sys.executable, "-c", ASK, database_url, ASKER, str(DAYS_S)]
    with ExitStack() as stack:
        asking = [
            stack.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
            )
            for _ in range(3)
        ]
        told = [process.communicate("go\n", timeout=60)[0] for process in asking]
    assert sum(map(int, told)) == 50
    assert rows(base) == [("reading", ASKER, 50)]


def test_an_asker_is_kept_as_a_hash_under_our_key() -> None:
    assert len({asker_of(key, who) for key in (b"one", b"two") for who in ("192.0.2.1", "192.0.2.2")}) == 4
    assert asker_of(b"one", "192.0.2.1") == asker_of(b"one", "192.0.2.1")
    assert "192" not in asker_of(b"one", "192.0.2.1")


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", told.encode()) for told in forwarded]
    return {"type": "http", "client": (peer, 50000) if peer else None, "headers": headers}


PROXIES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),  # no proxy of ours: not believed
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("1.1.1.1, 198.51.100.7",), "198.51.100.7"),  # the left one the asker wrote
        ("10.0.0.1", ("1.1.1.1", "198.51.100.7"), "198.51.100.7"),  # in two headers
        ("10.0.0.1", ("1.1.1.1, 198.51.100.7, 10.1.2.3, 127.0.0.1",), "198.51.100.7"),
        ("10.0.0.1", ("10.1.1.1, 10.1.2.3",), "10.1.1.1"),
        ("10.0.0.1", ("1.1.1.1, nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("1.1.1.1, ",), "10.0.0.1"),
        ("10.0.0.1", ("nonsense, 198.51.100.7:1234",), "198.51.100.7"),
        ("10.0.0.1", ("[2001:db8:1:2:3::4]:443",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2:aaaa::1", (), "2001:db8:1:2::/64"),
        ("2001:db8:1:3:aaaa::1", (), "2001:db8:1:3::/64"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("fd00::1", ("2001:db8:9:9::9",), "2001:db8:9:9::/64"),
        ("::ffff:10.0.0.1", ("::ffff:198.51.100.7",), "198.51.100.7"),
        ("testclient", ("1.1.1.1",), "testclient"),
        (None, ("1.1.1.1",), "unnamed"),
    ],
)
def test_the_address_that_asks_is_the_last_one_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: tuple[str, ...], expected: str
) -> None:
    assert address_of(scope(peer, *forwarded), PROXIES) == expected


def test_without_a_proxy_of_ours_nothing_that_is_forwarded_is_believed() -> None:
    assert address_of(scope("127.0.0.1", "1.1.1.1"), ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "reading"),
        ("HEAD", ASSETS, "reading"),
        ("POST", ASSETS, "writing"),
        ("DELETE", f"{ASSETS}/1", "writing"),
        ("POST", "/v1/coverage/what-if", "what_if"),
        ("POST", "/v1/coverage/siting", "siting"),
        ("GET", "/v1/coverage/siting", "reading"),
        ("GET", "/v1/exports/assets", "export"),
        ("HEAD", "/v1/exports/assets", "export"),
        ("GET", "/v1/exports", "reading"),
        ("GET", "/exports", "reading"),
    ],
)
def test_each_request_counts_as_one_thing(method: str, path: str, expected: str) -> None:
    assert use_of(method, path) == expected


def test_proxies_are_named_with_commas_or_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAART_PROXIES", "127.0.0.1, 10.0.0.5/8  fd00::/8")
    assert [str(network) for network in read().proxies] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]
    monkeypatch.setenv("KAART_PROXIES", "")
    assert read().proxies == ()
    monkeypatch.setenv("KAART_PROXIES", "my-proxy")
    with pytest.raises(InvalidInput, match=r"KAART_PROXIES must be addresses"):
        read()


Limited = Callable[..., httpx.Client]


@pytest.fixture
def limited(town: Town, portal: BlockingPortal) -> Iterator[Limited]:
    """Give a maker of clients of the town whose readers may ask `a_minute` times; nobody has asked yet."""
    if (left := 60 - time() % 60) < 5:  # what is counted is told by the minute of the clock
        sleep(left)
    with town.engine.begin() as connection:
        connection.execute(text("DELETE FROM allowance"))
    with ExitStack() as stack:

        def make(a_minute: int, **also: Any) -> httpx.Client:
            told = {"requests_a_minute": a_minute, **also}
            app = create_app(town.app.state.settings.model_copy(update=told), town.sessions)
            door = Door(app, portal)
            return stack.enter_context(httpx.Client(transport=door, base_url="http://kaart.test"))

        yield make


def test_who_asks_too_often_hears_when_to_come_back(limited: Limited) -> None:
    client = limited(3)
    answers = [client.get(ASSETS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.headers["content-type"] == PROBLEM
    assert 1 <= int(refused.headers["retry-after"]) <= 120
    told = refused.json()
    assert (told["status"], told["title"]) == (429, "Too Many Requests")
    assert f"Try again in {refused.headers['retry-after']} second" in told["detail"]


def test_a_person_who_asks_too_often_reads_a_page(limited: Limited) -> None:
    client = limited(1)
    assert client.get("/about").status_code == 200
    refused = client.get("/about")
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "default-src 'none'" in refused.headers["content-security-policy"]
    assert f"Try again in {refused.headers['retry-after']} second" in refused.text


def test_files_and_watchdogs_are_not_counted(limited: Limited) -> None:
    client = limited(1)
    assert client.get("/about").status_code == 200
    for path in ("/livez", "/readyz", "/static/kaart.css"):
        assert client.get(path).status_code != 429
    assert client.get("/about").status_code == 429


def test_without_a_limit_nothing_is_counted(limited: Limited, town: Town) -> None:
    client = limited(0)
    assert {client.get("/v1/").status_code for _ in range(20)} == {200}
    assert rows(town.engine) == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ASSETS, 12),
        ("POST", "/v1/coverage/what-if", 3),
        ("POST", "/v1/coverage/siting", 1),
        ("GET", "/v1/exports/wijken", 6),
        ("GET", "/v1/", 60),
    ],
)
def test_what_costs_more_may_be_done_less_often(limited: Limited, method: str, path: str, allowed: int) -> None:
    client = limited(60)
    answers = [client.request(method, path).status_code for _ in range(allowed + 1)]
    assert 429 not in answers[:allowed]
    assert answers[allowed] == 429
    other = "/v1/" if method == "POST" else ASSETS
    assert client.request("GET" if method == "POST" else "POST", other).status_code != 429


def test_a_key_that_was_found_right_counts_by_itself(limited: Limited, town: Town) -> None:
    client, key = limited(3), town.headers(ADMIN)
    assert client.get("/v1/", headers=key).status_code == 200  # not known yet: counts for the address
    by_key = [client.get("/v1/", headers=key).status_code for _ in range(4)]
    by_address = [client.get("/v1/", headers=town.headers(NOBODY)).status_code for _ in range(3)]
    assert by_key == [200, 200, 200, 429]
    assert by_address == [200, 200, 429]


def test_keys_that_are_made_up_gain_nothing(limited: Limited) -> None:
    client = limited(5)
    answers = [
        client.get("/v1/", headers={"X-API-Key": f"kaart_{n:08x}_x", "Cookie": f"a={n}"}).status_code for n in range(8)
    ]
    assert answers == [401] * 5 + [429] * 3


def test_an_address_that_asks_is_nowhere_in_the_database(limited: Limited, town: Town) -> None:
    limited(5).get("/v1/")
    [(name, asker, used)] = rows(town.engine)
    assert (name, used) == ("reading", 1)
    assert asker == asker_of(key_of(town.app.state.settings), "127.0.0.1")


@contextmanager
def serving(town: Town, **told: Any) -> Iterator[str]:
    """Serve a town as `kaart up` does, on a free port."""
    settings = town.app.state.settings.model_copy(update=told)
    config = serve.configured(settings, town.sessions)
    with serve.listening("127.0.0.1", 0) as listener:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def ask_as(address: str, *names: str) -> list[int]:
    return [httpx.get(f"{address}/v1/", headers={"X-Forwarded-For": name}).status_code for name in names]


def test_the_service_itself_believes_no_forwarded_address_unless_a_proxy_of_ours_tells(
    limited: Limited, town: Town
) -> None:
    many = [f"198.51.100.{n}" for n in range(5)]
    with serving(town, requests_a_minute=2) as address:
        assert ask_as(address, *many) == [200, 200, 429, 429, 429]
    proxies = TypeAdapter(Settings).validate_python({"proxies": "127.0.0.1"}).proxies
    with serving(town, requests_a_minute=2, proxies=proxies) as address:
        assert ask_as(address, *many) == [200] * 5
        assert ask_as(address, *[f"{spoofed}, 198.51.100.9" for spoofed in many]) == [200, 200, 429, 429, 429]


def test_a_proxy_that_the_settings_do_not_name_is_told_of_once(
    limited: Limited, capfd: pytest.CaptureFixture[str]
) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.7"}
    for proxies, times in (((), 1), ((ip_network("127.0.0.1/32"),), 0)):
        client = limited(10, proxies=proxies)
        capfd.readouterr()
        for _ in range(3):
            client.get("/v1/", headers=forwarded)
        assert capfd.readouterr().out.count("KAART_PROXIES") == times


def test_the_description_says_of_every_operation_that_it_may_be_asked_too_often(limited: Limited) -> None:
    described = limited(0).get("/v1/openapi.json").json()
    paths, told_once = described["paths"], described["components"]["responses"]
    answers = [operation["responses"] for path in paths.values() for operation in path.values()]
    assert len(answers) > 20
    for told in answers:
        too_many = told_once[told["429"]["$ref"].removeprefix("#/components/responses/")]
        assert too_many["headers"]["Retry-After"]["schema"] == {"type": "integer"}
        assert [*too_many["content"]] == [PROBLEM]


def test_who_asks_much_is_counted_exactly_and_costs_few_statements(limited: Limited, town: Town) -> None:
    client, sent = limited(400), list[str]()
    event.listen(town.engine, "before_cursor_execute", lambda *told: sent.append(told[2]))
    answers = [client.get("/livez?" if n % 50 == 0 else f"{ASSETS}?limit=1").status_code for n in range(430)]
    counted = [statement for statement in sent if "INSERT INTO allowance" in statement]
    assert answers.count(429) == 430 - 9 - 400
    assert len(counted) < 100 + answers.count(429) * 2


def test_several_uses_are_granted_together_or_not_at_all(base: Engine) -> None:
    assert take(base, "reading", ASKER, most=10, per_s=DAYS_S, uses=7) is None
    assert take(base, "reading", ASKER, most=10, per_s=DAYS_S, uses=4)
    assert rows(base) == [("reading", ASKER, 7)]
    assert take(base, "reading", ASKER, most=10, per_s=DAYS_S, uses=3) is None
    assert take(base, "reading", ASKER, most=10, per_s=DAYS_S)


def test_two_services_on_one_database_count_together(limited: Limited) -> None:
    clients = [limited(10), limited(10)]
    answers = [clients[n % 2].get("/v1/").status_code for n in range(14)]
    assert answers == [200] * 10 + [429] * 4


def test_without_a_database_nothing_that_is_counted_is_let_through(portal: BlockingPortal, tmp_path: Path) -> None:
    engine = db.engine("postgresql+psycopg://kaart@127.0.0.1:1/kaart")
    settings = Settings(var=tmp_path, tile_url="", secret="a secret for tests only", requests_a_minute=5)
    app = create_app(settings, db.sessions(engine))
    with httpx.Client(transport=Door(app, portal), base_url="http://kaart.test") as client:
        assert [client.get(path).status_code for path in ("/v1/", "/about", "/livez")] == [503, 503, 200]
        assert client.get("/v1/").headers["retry-after"] == "5"
    engine.dispose()
