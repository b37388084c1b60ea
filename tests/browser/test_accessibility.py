"""Pages that everybody can use: no serious finding of axe, everything by keyboard, nothing that must move."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
PATHS = ["/", "/?q=xyzzy", "/?when=week&kind=activity", "/gaps", "/gaps?kind=volunteer", "/about"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious_on_the_page(visit: Visit, path: str, width: int) -> None:
    visitor = visit(path, width=width)
    visitor.settle()
    assert visitor.violations() == []
    assert visitor.sideways() == 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("path", "opener"), [("/", ".row__name"), ("/gaps", ".ranking__link")])
def test_axe_finds_nothing_serious_with_a_card_open_nor_on_its_own_page(
    visit: Visit, path: str, opener: str, width: int
) -> None:
    visitor = visit(path, width=width)
    visitor.settle()
    visitor.page.locator(opener).first.click()
    expect(visitor.page.locator("#card h1")).to_be_visible()
    visitor.settle()
    assert visitor.violations() == []
    visitor.page.reload()
    assert visitor.violations() == []


def test_axe_finds_nothing_serious_on_an_error_page(visit: Visit) -> None:
    visitor = visit("/about")
    visitor.expected = ["404", "Failed to load"]
    visitor.open("/nowhere")
    assert visitor.violations() == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit: Visit) -> None:
    visitor = visit("/")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator(":focus")).to_have_text("Naar de inhoud")
    expect(visitor.page.locator(":focus")).to_be_in_viewport()
    visitor.page.keyboard.press("Enter")
    visitor.page.keyboard.press("Tab")
    expect(visitor.page.locator("#q")).to_be_focused()


def test_the_focus_can_be_seen_wherever_it_goes(visit: Visit) -> None:
    visitor = visit("/")
    for _ in range(25):
        visitor.page.keyboard.press("Tab")
        seen = visitor.page.evaluate(
            """() => {
                const e = document.activeElement;
                const near = [e, e.nextElementSibling, e.closest('label, .row')];
                return near.some(n => n && getComputedStyle(n).outlineStyle === 'solid');
            }"""
        )
        where = visitor.page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        assert seen, where


def test_zooming_the_page_is_not_blocked(visit: Visit) -> None:
    viewport = str(visit("/").page.locator("meta[name=viewport]").get_attribute("content"))
    assert "maximum-scale" not in viewport
    assert "user-scalable" not in viewport
