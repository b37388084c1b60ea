"""What the API answers can be read by a person too: the same, as a page, when a browser or `f` asks for it."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, Town, feature, spot

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
COLLECTION = "/v1/collections/assets"
# Every path that has a page, and a word that its page holds in Dutch and in English.
PAGES = {
    "/v1": ("Open data", "Open data"),
    "/v1/": ("Open data", "Open data"),
    "/v1/conformance": ("Conformiteit", "Conformance"),
    "/v1/collections": ("Verzamelingen", "Collections"),
    COLLECTION: ("Doorloop de objecten", "Look through the features"),
    ASSETS: ("objecten staan op deze pagina", "features are on this page"),
    f"{COLLECTION}/queryables": ("Waar een filter", "What a filter"),
    f"{COLLECTION}/sortables": ("Waarop deze objecten", "What these features can be put in order by"),
    f"{COLLECTION}/schema": ("Wat elk object bevat", "What each feature holds"),
}
RAW = {"/v1/vocabulary", "/v1/openapi.json"}


def read(town: Town, path: str, accept: str = BROWSER, who: str = "nobody", language: str = "nl") -> httpx.Response:
    headers = {"Accept": accept, "Accept-Language": language, **town.headers(who)}
    return town.client.get(path, headers=headers)


def is_page(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == "text/html; charset=utf-8"


def links(page: str) -> list[str]:
    return [unescape(href) for href in re.findall(r'<a [^>]*href="([^"]+)"', page)]


def words(page: str) -> str:
    """Give the text of a page as it is read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_gets_a_page_in_its_language_and_a_program_gets_json(town: Town, path: str) -> None:
    for language, held in zip(("nl", "en"), PAGES[path], strict=True):
        page = read(town, path, language=language)
        assert (page.status_code, is_page(page)) == (200, True)
        assert f'<html lang="{language}"' in page.text
        assert held in words(page.text)
        assert page.headers["content-language"] == language
    for accept in ("*/*", "application/json", "application/geo+json, */*;q=0.1"):
        assert read(town, path, accept).json()
    assert town.client.get(path, headers={"Accept": ""}).json()


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML", True),
        ("application/json;q=0.5, text/html", True),
        ("application/json;q=0.5, text/html;q=0.6", True),
        ("application/json, text/html;q=0.9", False),
        ("application/json, text/html", False),
        ("*/*", False),
        ("*/*;q=0.1, text/html;q=0.05", False),
        ("text/html;q=0", False),
        ("text/html;q=0, */*", False),
        ("text/html;q=much", False),
        ("application/pdf", False),
        ("application/geo+json, text/html;q=0.9", False),
        (",;=,", False),
    ],
)
def test_html_is_given_where_it_is_weighed_higher_than_json(town: Town, accept: str, page: bool) -> None:
    answer = read(town, ASSETS, accept)
    assert answer.status_code == 200
    assert is_page(answer) == page


@pytest.mark.parametrize("path", PAGES)
def test_f_goes_before_what_is_accepted_and_each_form_leads_to_the_other(town: Town, path: str) -> None:
    page, told = read(town, f"{path}?f=html", "application/json"), read(town, f"{path}?f=json", BROWSER)
    assert is_page(page)
    assert not is_page(told)
    for here, there in ((page, told), (told, page)):
        assert "Accept" in here.headers["vary"]
        if "link" not in here.headers:  # the items have theirs inside
            led = next(link for link in here.json()["links"] if link["rel"] == "alternate")
            assert is_page(town.client.get(led["href"]))
            continue
        other = re.match(r'<(\?[^>]+)>; rel="alternate"; type="([^"]+)"', here.headers["link"])
        assert other
        led = town.client.get(here.request.url.join(other[1]))
        assert led.headers["content-type"].partition(";")[0] == other[2].partition(";")[0]
        assert is_page(led) == is_page(there)


@pytest.mark.parametrize("path", [*PAGES, f"{ASSETS}/00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize(("name", "value"), [("f", "pdf"), ("f", ""), ("lang", "fr"), ("colour", "red")])
def test_a_parameter_that_is_wrong_is_named(town: Town, path: str, name: str, value: str) -> None:
    answer = town.client.get(path, params={name: value})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert name in answer.json()["detail"]


def test_the_language_can_be_chosen_in_the_address(town: Town) -> None:
    page = read(town, f"{ASSETS}?f=html&lang=en&limit=2")
    assert "features are on this page" in page.text
    assert f"{ASSETS}?f=html&limit=2&lang=nl" in links(page.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_nothing_but_our_own_files(town: Town, path: str) -> None:
    policy = read(town, path).headers["content-security-policy"]
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy


def test_every_link_of_every_page_leads_somewhere(town: Town) -> None:
    waiting, seen = ["/v1/"], set[str]()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = read(town, path)
        assert answer.status_code == 200, path
        if path.startswith("/v1") and path not in RAW and "f=json" not in path and "/exports/" not in path:
            assert is_page(answer), path
            found = [href for href in links(answer.text) if href.startswith("/") and not href.startswith("/sign-in")]
            waiting += [href for href in found if shape(href) not in {shape(each) for each in [*seen, *waiting]}]
    assert any("/items/" in path for path in seen)
    assert any("cursor=" in path for path in seen)


def shape(href: str) -> str:
    """Give an address without what tells one item, one page or one language from another."""
    path, _, search = href.partition("?")
    path = re.sub(r"/(items|places|activities|gaps)/[^/]+$", r"/\1/one", path)
    return path + "?" + ",".join(sorted(set(re.findall(r"(?:^|&)(\w+)=", search)) - {"lang"}))


@pytest.mark.parametrize("collection", ["assets", "activities", "neighbourhoods", "coverage"])
def test_the_table_holds_the_features_of_the_same_page_as_json(town: Town, collection: str) -> None:
    path = f"/v1/collections/{collection}/items?limit=7"
    told, page = read(town, path, "*/*").json(), read(town, path).text
    shown = [href.rpartition("/")[2] for href in links(page) if f"/{collection}/items/" in href]
    assert shown == [str(each["id"]) for each in told["features"]]
    for each in told["features"]:
        assert str(each["properties"].get("name") or each["properties"].get("title")) in words(page)


def test_the_pages_of_a_table_go_on_to_the_last_feature_each_once(town: Town) -> None:
    path, shown = f"{ASSETS}?limit=20&f=html&kind=initiative", list[str]()
    while path:
        page = read(town, path).text
        shown += [href.rpartition("/")[2] for href in links(page) if f"{ASSETS}/" in href]
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        path = unescape(following[0]) if following else ""
    told = read(town, f"{ASSETS}?limit=1000&kind=initiative", "*/*").json()
    assert shown == [each["id"] for each in told["features"]]
    assert len(shown) > 20


@pytest.mark.parametrize(("path", "card"), [(ASSETS, "/places/"), (ACTIVITIES, "/activities/")])
def test_the_page_of_a_feature_tells_all_that_it_holds_and_leads_to_its_card(town: Town, path: str, card: str) -> None:
    one: dict[str, Any] = read(town, f"{path}?limit=1", "*/*").json()["features"][0]
    page = read(town, f"{path}/{one['id']}")
    told = re.findall(r'<dt class="facts__key"><code>(\w+)</code>', page.text)
    assert told == ["id", *one["properties"], "geometry"]
    assert f"{card}{one['id']}" in links(page.text)
    assert read(town, f"{card}{one['id']}").status_code == 200
    assert one["properties"].get("name", one["properties"].get("title")) in words(page.text)


def test_a_feature_links_to_itself_its_page_and_its_collection_in_headers(town: Town) -> None:
    one = read(town, f"{ASSETS}?limit=1", "*/*").json()["features"][0]["id"]
    answer = read(town, f"{ASSETS}/{one}", "*/*")
    found = {rel: str(answer.request.url.join(link["url"])) for rel, link in answer.links.items()}
    here = f"http://kaart.test{ASSETS}/{one}"
    assert found == {"self": here, "alternate": f"{here}?f=html", "collection": f"http://kaart.test{COLLECTION}"}
    assert answer.links["self"]["type"] == "application/geo+json"


def test_a_page_says_no_more_than_the_json_for_the_same_viewer(town: Town) -> None:
    one = read(town, f"{ASSETS}?limit=1", "*/*").json()["features"][0]["id"]
    assert "confirmed_by" not in read(town, f"{ASSETS}/{one}").text
    assert "confirmed_by" in read(town, f"{ASSETS}/{one}", who=ADMIN).text
    assert "neighbours" not in re.findall(r"/v1/collections/(\w+)", read(town, "/v1/collections").text)


def test_what_people_wrote_is_shown_and_never_run(town: Town) -> None:
    nasty = "<script>alert(1)</script>{{7*7}}\"'><img src=x>"
    room = feature(spot(92500, 465500), kind="community_room", name=nasty, summary=nasty, themes=["meet"])
    made = town.send("POST", ASSETS, room)
    assert made.status_code == 201, made.text
    for path in (f"{ASSETS}?q=alert", f"{ASSETS}/{made.json()['id']}"):
        page = read(town, path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert nasty in unescape(page)


def test_an_empty_page_says_what_to_try(town: Town) -> None:
    page = read(town, f"{ASSETS}?q=xyzzy", language="en")
    assert "Nothing matches" in words(page.text)
    assert "<table" not in page.text


def test_a_page_of_what_is_not_there_is_refused_as_ever(town: Town) -> None:
    answer = read(town, "/v1/collections/nothing/items")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_conformance_classes_of_features_are_declared(town: Town) -> None:
    declared = town.get("/v1/conformance").json()["conformsTo"]
    features = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
    assert {features + name for name in ("core", "geojson", "html", "oas30")} <= set(declared)


def test_every_answer_under_v1_says_the_version_of_the_api_and_no_other_does(town: Town) -> None:
    for path in (*PAGES, "/v1/nowhere", f"{ASSETS}?limit=0", "/v1/openapi.json"):
        assert town.get(path).headers["api-version"] == "1.0.0"
    assert "api-version" not in town.get("/about").headers


def test_the_description_is_served_as_openapi_3_0_and_to_other_sites(town: Town) -> None:
    answer = town.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["openapi"] == "3.0.3"
    plain = town.client.get("/v1/openapi.json", headers={"Accept": "application/json"})
    assert plain.headers["content-type"] == "application/json"
    described = next(link for link in town.get("/v1/").json()["links"] if link["rel"] == "service-desc")
    assert described["type"] == answer.headers["content-type"]
