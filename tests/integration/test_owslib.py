"""OWSLib, which QGIS and many scripts use, walks the service from its landing page to the end of every list."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from owslib.ogcapi.features import Features
from sqlalchemy import text

from geo import features
from geo.rights import VISITOR
from tests.integration.town import ASSETS, Town, served

A_PAGE = 20


@pytest.fixture(scope="module")
def address(town: Town) -> Iterator[str]:
    with served(town.app) as address:
        yield address


@pytest.fixture
def service(address: str) -> Features:
    return Features(f"{address}/v1")


def whole(service: Features, collection: str, **asked: Any) -> list[dict[str, Any]]:
    """Read a list by its `next` links, to the end; each page but the last is full."""
    found: list[dict[str, Any]] = []
    told: dict[str, Any] = {"limit": A_PAGE, **asked}
    matched = -1
    while told:
        page = service.collection_items(collection, **told)
        found += page["features"]
        onward = [each["href"] for each in page["links"] if each["rel"] == "next"]
        assert page["numberReturned"] == len(page["features"]) == A_PAGE or not onward
        linked = {name: values[0] for href in onward for name, values in parse_qs(urlsplit(href).query).items()}
        told = {**linked, **asked} if linked else {}  # what was asked, in the form in which OWSLib takes it
        matched = page["numberMatched"]
    assert len(found) == matched
    return found


def test_owslib_walks_from_the_landing_page(service: Features) -> None:
    assert {"self", "service-desc", "conformance", "data"} <= {link["rel"] for link in service.links}
    assert service.api()["openapi"].startswith("3.0.")
    classes = service.conformance()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in classes


def test_owslib_finds_the_collections_of_a_visitor(service: Features) -> None:
    assert service.feature_collections() == features.names(VISITOR)
    for name in features.names(VISITOR):
        told = service.collection(name)
        assert told["id"] == name
        assert told["extent"]["spatial"]["bbox"]


@pytest.mark.parametrize("collection", features.names(VISITOR))
def test_owslib_reads_every_list_to_its_end_each_feature_once(service: Features, collection: str) -> None:
    found = whole(service, collection)
    assert len({feature["id"] for feature in found}) == len(found)


@pytest.mark.parametrize("collection", features.names(VISITOR))
def test_owslib_finds_that_queryables_are_properties_of_the_features(service: Features, collection: str) -> None:
    queryables = service.collection_queryables(collection)["properties"]
    schema = service.collection_schema(collection)["properties"]
    for feature in service.collection_items(collection, limit=1)["features"]:
        assert set(feature["properties"]) <= set(schema)
    assert set(queryables) & set(schema)


def test_owslib_reads_one_item_as_it_stands_in_the_list(service: Features) -> None:
    first = service.collection_items("assets", limit=1)["features"][0]
    assert service.collection_item("assets", first["id"]) == first


def test_owslib_filters_and_orders_as_plain_sql_does(town: Town, service: Features) -> None:
    asked = "kind = 'care_location' AND name LIKE '%e%'"
    found = whole(service, "assets", filter=asked, sortby=("name", "desc"))
    statement = f"SELECT name FROM asset WHERE {asked} AND status = 'published' ORDER BY name DESC, id"
    with town.sessions() as session:
        assert [feature["properties"]["name"] for feature in found] == list(session.scalars(text(statement)))
    assert len(found) > 0


def test_owslib_asks_for_a_box(town: Town, service: Features) -> None:
    found = whole(service, "assets", bbox=[4.47, 52.17, 4.48, 52.19])
    assert len(found) == town.get(ASSETS, bbox="4.47,52.17,4.48,52.19").json()["numberMatched"] > 0
