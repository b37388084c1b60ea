"""Reading the API as the standard wants it: links lead where they say, pages hold each item once."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from geo.crs import KNOWN
from geo.features import names
from geo.rights import VISITOR
from geo.settings import Settings
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, COVERAGE, NEIGHBOURHOODS, Door, Town

COLLECTIONS = tuple(names(VISITOR))


def test_a_filter_that_a_collection_does_not_have_is_refused_by_name(town: Town) -> None:
    values = {
        "bbox": "4,52,5,53",
        "kind": "initiative",
        "service": "meals",
        "theme": "meet",
        "level": "buurt",
        "q": "a",
    }
    values |= {
        "year": "2024",
        "neighbourhood": "GM0579",
        "datetime": "2026-11-23",
        "run": "00000000-0000-0000-0000-000000000000",
    }
    for name in COLLECTIONS:
        has = town.get(f"/v1/collections/{name}").json()["filters"]
        for parameter, value in values.items():
            answer = town.get(f"/v1/collections/{name}/items", **{parameter: value})
            assert answer.status_code == (200 if parameter in has else 400), (name, parameter)
            assert parameter in has or answer.json()["errors"][0]["field"] == parameter


def pages(town: Town, url: str, who: str) -> Iterator[dict[str, Any]]:
    """Follow next links to the end."""
    following: str | None = url
    while following:
        answer = town.get(following, who)
        assert answer.status_code == 200
        page = answer.json()
        yield page
        following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


@pytest.mark.parametrize("who", ["nobody", ADMIN])
@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (ASSETS, 1),
        (ASSETS, 7),
        (ACTIVITIES, 7),
        (NEIGHBOURHOODS, 5),
        (COVERAGE, 97),
        (COVERAGE, 10_000),
        (ASSETS, None),
    ],
)
def test_next_links_lead_through_every_item_once(town: Town, path: str, limit: int | None, who: str) -> None:
    read = list(pages(town, path if limit is None else f"{path}?limit={limit}", who))
    items = [item["id"] for page in read for item in page["features"]]
    assert {page["numberMatched"] for page in read} == {len(items)}
    assert len(set(items)) == len(items) > 0
    assert [page["numberReturned"] for page in read[:-1]] == [limit or 100] * (len(read) - 1)


def test_next_and_previous_links_keep_what_was_asked(town: Town) -> None:
    asked = "kind=initiative&kind=care_location&bbox=4%2C52%2C5%2C53&q=de&limit=2"
    read = list(pages(town, f"{ASSETS}?{asked}", "nobody"))
    assert len(read) > 2
    assert {item["properties"]["kind"] for page in read for item in page["features"]} <= {"initiative", "care_location"}
    links = {link["rel"]: link["href"] for link in read[1]["links"]}
    assert set(links) >= {"self", "next", "collection"}
    assert town.get(links["self"]).json()["features"] == read[1]["features"]
    by_number = town.get(f"{ASSETS}?{asked}&offset=2").json()
    assert by_number["features"] == read[1]["features"]
    links = {link["rel"]: link["href"] for link in by_number["links"]}
    assert town.get(links["prev"]).json()["features"] == read[0]["features"]
    assert town.get(links["next"]).json()["features"] == read[2]["features"]


def test_a_page_past_the_end_is_empty_and_still_counts(town: Town) -> None:
    first, past = town.get(ASSETS).json(), town.get(ASSETS, offset=1_000_000).json()
    assert (past["features"], past["numberMatched"]) == ([], first["numberMatched"])
    assert "next" not in {link["rel"] for link in past["links"]}


def links_of(told: Any) -> Iterator[dict[str, str]]:
    """Find every link of an answer, wherever it stands, but for those to the texts of licences."""
    if isinstance(told, dict):
        if {"href", "rel"} <= told.keys() and told["rel"] != "license":
            yield told
        for value in told.values():
            yield from links_of(value)
    elif isinstance(told, list):
        for value in told:
            yield from links_of(value)


def test_every_link_from_the_landing_page_on_leads_to_what_it_says(town: Town) -> None:
    waiting, seen = ["http://kaart.test/v1"], set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen or "offset=" in address or "cursor=" in address:
            continue
        seen.add(address)
        answer = town.client.get(address)
        assert answer.status_code == 200, address
        for link in links_of(answer.json()):
            assert link["href"].startswith("http://kaart.test/v1"), link
            if "templated" in link:
                continue  # to tiles, which test_tiles follows
            kind = town.client.head(link["href"]).headers["content-type"]
            assert kind.partition("; charset")[0] == link["type"].partition("; charset")[0]
            if "json" in link["type"]:  # pages are followed in test_html, files read in test_exports
                waiting.append(link["href"])
    assert {f"http://kaart.test/v1/collections/{name}/items" for name in COLLECTIONS} <= seen
    assert {"http://kaart.test/v1/conformance", "http://kaart.test/v1/openapi.json"} <= seen


def test_links_begin_with_the_public_address_where_one_is_set(town: Town, town_settings: Settings) -> None:
    settings = town_settings.model_copy(update={"public_url": "https://kaart.example.org/buurt"})
    door = town.client._transport
    assert isinstance(door, Door)
    app = create_app(settings, town.sessions)
    with httpx.Client(transport=Door(app, door.portal), base_url="http://inside:8000") as client:
        for path in ("/v1/", "/v1/collections", f"{ASSETS}?limit=1", "/v1/coverage/runs"):
            links = list(links_of(client.get(path).json()))
            assert links
            assert {link["href"].startswith("https://kaart.example.org/buurt/v1") for link in links} == {True}


def test_the_landing_page_conformance_and_collections_are_as_the_standard_wants_them(town: Town) -> None:
    landing = town.get("/v1").json()
    assert landing == {**town.get("/v1/").json()}
    assert {"self", "service-desc", "conformance", "data"} <= {link["rel"] for link in landing["links"]}
    core = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core"
    assert core in town.get("/v1/conformance").json()["conformsTo"]
    collections = town.get("/v1/collections").json()["collections"]
    assert [collection["id"] for collection in collections] == list(COLLECTIONS)
    for collection in collections:
        assert collection == town.get(f"/v1/collections/{collection['id']}").json()
        assert {"self", "items"} <= {link["rel"] for link in collection["links"]}
        assert collection["crs"] == [crs.uri for crs in KNOWN]
        assert collection["crs"][0] == collection["storageCrs"] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def test_an_item_is_the_same_alone_as_on_its_page(town: Town) -> None:
    for name in COLLECTIONS:
        items = town.get(f"/v1/collections/{name}/items", limit=20)
        assert items.headers["content-type"] == "application/geo+json"
        assert items.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
        for item in items.json()["features"]:
            one = town.get(f"/v1/collections/{name}/items/{item['id']}")
            assert one.headers["content-type"] == "application/geo+json"
            assert one.json() == item


def test_other_sites_may_read_but_not_write(town: Town) -> None:
    read = town.client.get(ASSETS, headers={"Origin": "https://elsewhere.example"})
    assert read.headers["access-control-allow-origin"] == "*"
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    assert town.client.options(ASSETS, headers=asked).status_code == 400
    asked = {**asked, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-API-Key"}
    assert town.client.options(ASSETS, headers=asked).status_code == 400
