"""Bad parameters, paths, methods and headers: a clear refusal that names what is wrong, never a defect."""

from urllib.parse import quote

import httpx
import pytest

from tests.integration.evil import BAD, EVIL, NUMBERS, assert_a_sound_page, assert_clear, fields
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, COVERAGE, NEIGHBOURHOODS, Town, feature, served, ways

COLLECTIONS = ("assets", "activities", "neighbourhoods", "coverage")
PARAMETERS = "bbox kind service theme level neighbourhood q datetime run limit offset".split()
PAGES = {
    "/": "q kind service neighbourhood when page lang foo",
    "/gaps": "what kind service level measure group run sort lang",
    "/gaps/BU05790102.2024": "kind service level run",
    "/about": "lang",
}
ASKED_OF_PAGES = [(path, parameter) for path, parameters in PAGES.items() for parameter in parameters.split()]


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_bad_parameter_of_a_collection_is_refused_by_name_or_finds_nothing_evil(
    town: Town, collection: str, parameter: str
) -> None:
    for bad in BAD:
        answer = town.client.get(f"/v1/collections/{collection}/items?{parameter}={bad}")
        assert_clear(answer, (parameter, bad[:40]))
        assert answer.status_code in (200, 400)
        if answer.status_code == 400:
            assert {name.split(".")[0] for name in fields(answer)} == {parameter}, (bad[:40], answer.text)


@pytest.mark.parametrize("parameter", ["limit", "offset", "bbox", "datetime", "run"])
@pytest.mark.parametrize("bad", [*NUMBERS[:4], "9" * 30, "abc", "{{7*7}}", "' OR '1'='1", ""])
def test_what_is_no_value_at_all_is_refused(town: Town, parameter: str, bad: str) -> None:
    answer = town.get(COVERAGE, **{parameter: bad})
    if (parameter, bad) == ("limit", "9" * 30):  # more than there can be: as many as there can be
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert fields(answer) == {parameter}


@pytest.mark.parametrize("limit", ["0", "-1", "1.5"])
def test_a_limit_is_1_or_more(town: Town, limit: str) -> None:
    assert fields(town.get(ASSETS, limit=limit)) == {"limit"}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_limit_beyond_the_longest_page_counts_as_that(town: Town, collection: str) -> None:
    told = town.get(f"/v1/collections/{collection}/items", limit="100000").json()
    assert {link["rel"]: link["href"] for link in told["links"]}["self"].endswith("?limit=10000")
    assert told["numberReturned"] == told["numberMatched"]


BOXES = [
    "4,52", "4,52,5", "4,52,5,53,6", "4,52,5,53,6,7,8", "a,b,c,d", "4,53,5,52", "4,52,NaN,53", "4,52,inf,53",
    "181,52,182,53",
    "4,-91,5,53", "92000,465000,93000,466000", "4;52;5;53", "4 52 5 53", "[4,52,5,53]", ",,,", "4,52,5,53,",
    "1e999,1,2,3",
]  # fmt: skip


@pytest.mark.parametrize("box", BOXES)
def test_a_box_that_is_none_is_refused(town: Town, box: str) -> None:
    answer = town.get(ASSETS, bbox=box)
    assert (answer.status_code, fields(answer)) == (400, {"bbox"})


DAYS = [
    "2026-11-28/2026-11-22", "2026-02-30", "yesterday", "22-11-2026", "2026-11-22/2026-11-23/2026-11-24", "..",
    "../..", "/", "2026",
    "2026-11-22/x", "10000-01-01", "0000-01-01", "-0001-01-01", "2026-11-22T25:00:00Z", "0001-01-01T00:00:00+14:00",
    "now", "infinity",
    "9999-12-31T23:59:59-12:00",
]  # fmt: skip


@pytest.mark.parametrize("days", DAYS)
@pytest.mark.parametrize("path", [ASSETS, ACTIVITIES])
def test_days_that_are_none_are_refused(town: Town, path: str, days: str) -> None:
    answer = town.get(path, datetime=days)
    assert (answer.status_code, fields(answer)) == (400, {"datetime"})


@pytest.mark.parametrize(
    "days", ["0001-01-01", "9999-12-31", "0001-01-01/9999-12-31", "../9999-12-31", "9999-12-31/.."]
)
@pytest.mark.parametrize("path", [ASSETS, ACTIVITIES])
def test_the_first_and_the_last_day_of_the_calendar_are_days(town: Town, path: str, days: str) -> None:
    assert town.get(path, datetime=days).status_code == 200


@pytest.mark.parametrize(
    "parameter", ["foo", "LIMIT", "kind[]", "f", "crs", "bbox-crs", "filter", "__proto__", "\x00", "😀"]
)
def test_a_parameter_that_nobody_knows_is_refused_by_name(town: Town, parameter: str) -> None:
    for path in (
        "/v1/",
        "/v1/conformance",
        "/v1/collections",
        "/v1/collections/assets",
        ASSETS,
        f"{ASSETS}/x",
        "/v1/coverage/runs",
    ):
        answer = town.client.get(f"{path}?{quote(parameter)}=1")
        assert (answer.status_code, fields(answer)) == (400, {parameter}), path


@pytest.mark.parametrize("parameter", ["bbox", "neighbourhood", "q", "datetime", "run", "limit", "offset"])
def test_a_parameter_that_is_given_twice_is_refused(town: Town, parameter: str) -> None:
    sound = {"bbox": "4,52,5,53", "datetime": "2026-11-22", "run": "0" * 32, "limit": "5", "offset": "0"}.get(
        parameter, "a"
    )
    answer = town.client.get(f"{COVERAGE}?{parameter}={sound}&{parameter}={sound}")
    assert (answer.status_code, fields(answer)) == (400, {parameter})


def test_lists_may_be_given_with_commas_or_several_times_and_every_word_of_them_is_checked(town: Town) -> None:
    services = list(town.get("/v1/vocabulary").json()["services"])
    commas = town.get(ASSETS, service=",".join(services)).json()
    times = town.client.get(ASSETS + "?" + "&".join(f"service={service}" for service in services)).json()
    assert commas["numberMatched"] == times["numberMatched"] > 0
    assert fields(town.get(ASSETS, service="meals,x")) == {"service"}
    assert fields(town.client.get(f"{ASSETS}?kind=initiative&kind=x")) == {"kind"}
    assert fields(town.client.get(ASSETS + "?" + "&".join(["kind=initiative"] * 51))) == {"kind"}


@pytest.mark.parametrize("q", ["%", "_", "%%%", "a%b", "\\", "\\%", "ma_ltijd"])
def test_the_wildcards_of_the_database_are_plain_signs_in_a_search(town: Town, q: str) -> None:
    assert [town.get(path, q=q).json()["numberMatched"] for path in (ASSETS, ACTIVITIES, NEIGHBOURHOODS)] == [0, 0, 0]


@pytest.mark.parametrize(("path", "parameter"), ASKED_OF_PAGES)
def test_a_bad_parameter_of_a_page_gives_a_page(town: Town, path: str, parameter: str) -> None:
    for bad in BAD:
        answer = town.client.get(f"{path}?{parameter}={bad}")
        assert answer.status_code in (200, 303, 400, 404), (bad[:40], answer.text)
        if answer.status_code != 303:
            assert_a_sound_page(answer)
    town.client.cookies.clear()


ITEMS = [
    "x", "0", "-1", "9" * 30, "00000000-0000-0000-0000-00000000000g", "{00000000-0000-0000-0000-000000000000}", "%00",
    "%FF", "%ED%A0%80",
    "a%00b", "%2e%2e", "%2F", "' OR 1=1", "{{7*7}}", "x" * 5000, "1e9", "٣", " 1", "1 ", "+1", "NaN",
]  # fmt: skip


@pytest.mark.parametrize("item", ITEMS)
def test_an_id_that_cannot_be_one_is_not_there(town: Town, item: str) -> None:
    for collection in COLLECTIONS:
        answer = town.client.get(f"/v1/collections/{collection}/items/{item}")
        assert_clear(answer, collection)
        assert answer.status_code in (400, 404), collection
    for page in ("places", "activities", "gaps"):
        answer = town.client.get(f"/{page}/{item}")
        assert answer.status_code in (400, 404), page
        assert_a_sound_page(answer)
    for path in (
        f"/v1/collections/{item}",
        f"/v1/collections/{item}/items",
        f"/v1/coverage/runs/{item}",
        f"/v1/{item}",
    ):
        answer = town.client.get(path)
        assert_clear(answer, path)
        assert answer.status_code in (400, 404), path
    for path in (ASSETS, ACTIVITIES):
        for method in ("PATCH", "DELETE"):
            answer = town.send(method, f"{path}/{item}", feature())
            assert_clear(answer, (method, path))
            assert answer.status_code in (400, 404, 405), path


@pytest.mark.parametrize(
    "path", ["/nix", "/v1/nix", "/gaps/", "/v1//", "/static/nix", "/static/%00", "/static/../pyproject.toml"]
)
def test_an_unknown_path_is_not_found(town: Town, path: str) -> None:
    answer = town.client.get(path)
    assert answer.status_code == 404
    assert_clear(answer, path)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_method_that_a_path_does_not_have_is_refused(town: Town, method: str) -> None:
    taken = {(way.method, way.path) for way in ways(town.app)}
    for path in sorted({path for _, path in taken}):
        others = path.replace("/{item}", "").count("{") == 0 and not path.endswith("{item}")
        if others and (method, path) not in taken and not path.endswith("/items"):
            answer = town.client.request(method, path, headers=town.headers(ADMIN))
            assert answer.status_code == 405, path
            there = {each for each, known in taken if known == path}
            assert there & {each.strip() for each in answer.headers["allow"].split(",")}, path
            assert_clear(answer, path)


def test_head_is_answered_as_get_without_the_body(town: Town) -> None:
    for path in (
        "/",
        "/v1",
        "/v1/collections",
        ASSETS,
        "/livez",
        "/gaps",
        "/static/kaart.css",
        "/nix",
        f"{ASSETS}?limit=0",
    ):
        head, get = town.client.head(path), town.client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        varying = {"content-security-policy", "date", "content-length"}
        assert {k: v for k, v in head.headers.items() if k not in varying} == {
            k: v for k, v in get.headers.items() if k not in varying
        }


@pytest.mark.parametrize(
    "key", ["x", "kaart_", "kaart__", "_" * 1000, "kaart_00000000_x", "' OR 1=1", "\xff\xfe", "{{7*7}}", "é" * 100]
)
def test_a_key_that_is_none_is_refused(town: Town, key: str) -> None:
    answer = town.client.get("/v1/", headers={b"X-API-Key": key.encode("latin-1")})
    assert answer.status_code == 401
    assert_clear(answer)


@pytest.mark.parametrize(
    "header",
    ["Accept-Language", "Cookie", "Accept", "Accept-Encoding", "Origin", "Referer", "User-Agent", "Host", "Range"],
)
def test_a_header_that_makes_no_sense_changes_no_answer_into_a_defect(town: Town, header: str) -> None:
    for bad in (
        *EVIL[:9],
        "\xff",
        "x" * 5000,
        ";q=,;q=1e999,;q=nan",
        "kaart_language=xx",
        "en;q=" + "9" * 400,
        "[",
        "a b",
        "::1",
    ):
        for path in ("/", "/v1/", ASSETS, "/static/kaart.css"):
            assert_clear(
                town.client.get(path, headers={header.encode(): bad.encode("latin-1", "ignore")}), (path, bad[:40])
            )


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(town: Town) -> None:
    with served(town.app) as address, httpx.Client(base_url=address) as client:
        told = client.post(ASSETS, content=b" " * 1_000_001, headers=town.headers(ADMIN))
        untold = client.post(ASSETS, content=(b" " * 100_000 for _ in range(11)), headers=town.headers(ADMIN))
        within = client.post(ASSETS, content=(b" " * 100_000 for _ in range(10)), headers=town.headers(ADMIN))
    assert [answer.status_code for answer in (told, untold, within)] == [413, 413, 400]
    for answer in (told, untold, within):
        assert_clear(answer)
    assert told.json() == untold.json()
