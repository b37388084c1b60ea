"""The background of the map: a help where it comes, no harm where it does not."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from geo.settings import Settings
from tests.browser.conftest import service, with_demo
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
TILES = "http://127.0.0.1:9/{z}/{x}/{y}.png"  # the port that discards
CREDIT = "Kaart © <b>Kadaster</b> {{7*7}}"
GREY = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGOYCQAA5QDkg2tdrAAAAABJRU5ErkJggg==")


@pytest.fixture(scope="module")
def tiled(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a demo municipality whose tiles come from a server that tests answer for."""
    var: Path = tmp_path_factory.mktemp("var")
    settings = Settings(var=var, tile_url=TILES, tile_attribution=CREDIT, secret="a secret for tests only")
    with service(new_database(), settings, with_demo) as address:
        yield address


@pytest.mark.parametrize("path", ["/", "/gaps"])
def test_tiles_that_come_lie_under_the_map_and_their_makers_are_thanked(visit: Visit, tiled: str, path: str) -> None:
    visitor = visit("/about", at=tiled)

    def tile(route: Route) -> None:
        route.fulfill(body=GREY, content_type="image/png")

    visitor.page.route("http://127.0.0.1:9/**", tile)
    visitor.open(path)
    expect(visitor.page.locator("#map.map--tiled img.leaflet-tile-loaded").first).to_be_attached()
    expect(visitor.page.locator("[data-credit]")).to_have_text(CREDIT)
    assert visitor.violations() == []


@pytest.mark.parametrize("path", ["/", "/gaps"])
def test_tiles_that_do_not_come_leave_a_map_of_outlines_and_names(visit: Visit, tiled: str, path: str) -> None:
    visitor = visit("/about", at=tiled)
    visitor.expected = ["Failed to load resource"]
    visitor.open(path)
    visitor.settle()
    expect(visitor.page.locator("img.leaflet-tile")).to_have_count(0)
    assert visitor.page.locator(".outline, .gap-area").count() == 15
    assert visitor.page.locator(".place-name:not(.place-name--hidden)").count() > 5
    assert visitor.page.locator("[data-credit]").is_hidden()
