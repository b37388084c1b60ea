"""The pages of open data in a real browser: found from the site, read at any width, gone through page by page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
COLLECTIONS = "/v1/collections"
PATHS = [
    "/v1/",
    "/v1/conformance",
    COLLECTIONS,
    f"{COLLECTIONS}/assets",
    f"{COLLECTIONS}/assets/items",
    f"{COLLECTIONS}/coverage/items?limit=10",
    f"{COLLECTIONS}/assets/items?q=xyzzy",
    f"{COLLECTIONS}/assets/queryables",
    f"{COLLECTIONS}/assets/schema",
]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious_on_a_page_of_open_data(visit: Visit, path: str, width: int) -> None:
    visitor = visit(path, width=width)
    visitor.settle()
    assert visitor.violations() == []
    assert visitor.sideways() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_on_the_page_of_a_feature(visit: Visit, width: int) -> None:
    visitor = visit(f"{COLLECTIONS}/neighbourhoods/items?limit=3", width=width)
    visitor.page.locator(".records th a").first.click()
    expect(visitor.page.locator("h1")).to_be_visible()
    assert visitor.violations() == []
    assert visitor.sideways() == 0


def test_somebody_finds_the_card_of_a_place_from_the_page_about_the_map(visit: Visit) -> None:
    page = visit("/about").page
    page.get_by_role("link", name="/v1/").click()
    page.get_by_role("link", name="Verzamelingen").click()
    page.locator(f"a[href='{COLLECTIONS}/initiatives']").click()
    page.get_by_role("link", name="Doorloop de objecten").click()
    name = page.locator(".records tbody th a").first.inner_text()
    page.locator(".records tbody th a").first.click()
    expect(page.locator("h1")).to_have_text(name)
    page.get_by_role("link", name="Open de pagina voor bewoners").click()
    expect(page.locator("h1")).to_have_text(name)


def test_the_pages_of_a_table_can_be_turned_and_begun_again(visit: Visit) -> None:
    page = visit(f"{COLLECTIONS}/assets/items?limit=10").page
    first = page.locator(".records tbody th").first.inner_text()
    page.get_by_role("link", name="Volgende pagina").click()
    expect(page.locator(".records tbody th").first).not_to_have_text(first)
    page.get_by_role("link", name="Eerste pagina").click()
    expect(page.locator(".records tbody th").first).to_have_text(first)


def test_the_language_of_a_page_of_open_data_can_be_changed(visit: Visit) -> None:
    visitor = visit(f"{COLLECTIONS}/assets/items?limit=5")
    visitor.page.get_by_role("link", name="EN, English").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
    expect(visitor.page.locator(".data__count")).to_have_text(re.compile("^5 of .* features are on this page"))
