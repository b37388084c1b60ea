"""What residents do on the map of what there is."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
KEYS = "rows => rows.map(row => row.dataset.key).sort()"


def pins(visitor: Visitor) -> list[str]:
    """Give the names of all pins that stand alone, and of the clusters."""
    found = visitor.page.locator(".leaflet-marker-icon").evaluate_all("pins => pins.map(pin => pin.ariaLabel)")
    return [str(name) for name in found]


def pinned(visitor: Visitor) -> int:
    """Count what stands on the map: lone pins, and what the clusters say they hold."""
    visitor.settle()
    alone = visitor.page.locator(".pin").count()
    return alone + sum(int(number) for number in visitor.texts(".cluster"))


def test_the_list_stands_there_before_any_script_runs(visit: Visit) -> None:
    visitor = visit("/", scripts=False)
    rows = visitor.page.locator(".row")
    assert rows.count() > 50
    assert visitor.text("#count").startswith(f"{rows.count()} ")
    assert visitor.page.locator("#map").is_hidden()


def test_the_map_shows_just_what_the_list_holds(visit: Visit) -> None:
    for address in ("/", "/?kind=community_room", "/?when=today", "/?q=koffie", "/?neighbourhood=BU05790203.2024"):
        visitor = visit(address)
        assert pinned(visitor) == visitor.page.locator("#rows > .row").count(), address


def test_typing_a_word_narrows_list_and_map_and_says_how_many_there_are(visit: Visit) -> None:
    visitor = visit("/")
    before = visitor.text("#count")
    visitor.page.fill("#q", "koffie")
    expect(visitor.page).to_have_url(re.compile(r"\?q=koffie$"))
    visitor.settle()
    assert visitor.text("#count") != before
    assert pinned(visitor) == visitor.page.locator("#rows > .row").count()
    visitor.page.go_back()
    visitor.settle()
    assert visitor.text("#count") == before
    assert visitor.page.input_value("#q") == ""


def test_choosing_a_kind_shows_only_that_kind(visit: Visit) -> None:
    visitor = visit("/")
    visitor.page.locator("label.chip", has_text="Zorglocatie").click()
    visitor.settle()
    assert visitor.page.url.endswith("/?kind=care_location")
    kinds = visitor.page.locator(".row > .mark").evaluate_all("marks => [...new Set(marks.map(m => m.classList[1]))]")
    assert kinds == ["mark--care_location"]


def test_without_scripts_the_same_filters_work_by_submitting(visit: Visit) -> None:
    visitor = visit("/", scripts=False)
    visitor.page.check("input[value=care_location]", force=True)
    visitor.page.click(".filters__go")
    assert "kind=care_location" in visitor.page.url
    assert visitor.page.locator(".row > .mark:not(.mark--care_location)").count() == 0
    assert visitor.page.locator(".row").count() > 3


def test_a_row_opens_its_card_in_the_panel_and_back_gives_the_list_where_it_was(visit: Visit) -> None:
    visitor = visit("/")
    row = visitor.page.locator(".row").nth(8)
    name = row.locator(".row__name").inner_text()
    row.click()
    expect(visitor.page.locator("#card h1")).to_have_text(name)
    expect(visitor.page.locator("#card h1")).to_be_focused()
    assert re.search(r"/(places|activities)/[0-9a-f-]{36}$", visitor.page.url)
    visitor.page.click("#back")
    expect(visitor.page.locator("#card h1")).to_have_count(0)
    assert visitor.page.url.endswith("/")
    expect(row.locator(".row__name")).to_be_focused()
    assert visitor.page.evaluate("document.activeElement.closest('.row') !== null")


def test_the_address_of_a_card_is_a_page_of_its_own(visit: Visit) -> None:
    visitor = visit("/", scripts=False)
    name = visitor.text(".row__name")
    visitor.page.locator(".row__name").first.click()
    assert visitor.text("h1") == name
    assert name in visitor.page.title()
    assert visitor.texts(".facts__key")


def test_pointing_at_a_row_raises_its_pin(visit: Visit) -> None:
    visitor = visit("/?neighbourhood=BU05790301.2024")
    visitor.settle()
    visitor.page.locator("#rows .row").first.hover()
    expect(visitor.page.locator(".pin--raised, .cluster--raised")).to_have_count(1)
    visitor.page.locator("#q").hover()
    expect(visitor.page.locator(".pin--raised, .cluster--raised")).to_have_count(0)


def test_a_pin_opens_its_card(visit: Visit) -> None:
    visitor = visit("/")
    pinned(visitor)
    pin = visitor.page.locator(".pin").first
    name = str(pin.get_attribute("aria-label")).rpartition(", ")[0]
    pin.click()
    expect(visitor.page.locator("#card h1")).to_have_text(name)


def test_a_pin_and_a_card_can_be_reached_by_keyboard(visit: Visit) -> None:
    visitor = visit("/")
    pinned(visitor)
    visitor.page.locator(".pin").first.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("#card h1")).to_be_focused()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator("#card h1")).to_have_count(0)


def test_near_me_sorts_by_distance_and_tells_nobody_where_i_am(visit: Visit) -> None:
    visitor = visit("/")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.click("#near")
    expect(visitor.page.locator("#near-note")).to_contain_text("Je locatie blijft in deze browser")
    metres = visitor.page.locator("#rows .row").evaluate_all("rows => rows.map(row => Number(row.dataset.metres))")
    assert metres == sorted(metres)
    assert metres[0] < 500
    assert asked == []


def test_what_has_no_place_stands_under_a_heading_of_its_own(visit: Visit) -> None:
    visitor = visit("/")
    assert "Zonder plek op de kaart" in visitor.texts("h2")
    unplaced = visitor.page.locator(".rows:not(#rows) .row")
    assert unplaced.count() >= 7
    assert "voor heel Oegstgeest" in " ".join(unplaced.all_inner_texts())


def test_old_and_invented_records_say_so(visit: Visit) -> None:
    visitor = visit("/", scripts=False)
    words = " ".join(visitor.texts(".row__state"))
    assert "niet bevestigd sinds" in words
    assert "nooit bevestigd" in words
    assert "demo" in words


def test_nothing_found_says_what_to_try_and_clears_the_filters(visit: Visit) -> None:
    visitor = visit("/?q=xyzzy")
    assert visitor.text("#count") == "Niets gevonden"
    assert "Zoek in een grotere straal" in visitor.text(".empty")
    visitor.page.locator(".empty a").click()
    visitor.settle()
    assert visitor.page.locator(".row").count() > 50
    assert visitor.page.input_value("#q") == ""


def test_a_list_that_fails_offers_to_try_again(visit: Visit) -> None:
    visitor = visit("/")
    visitor.expected = ["500", "Failed to load"]
    fail = re.compile(r"/\?kind=")
    visitor.page.route(fail, lambda route: route.fulfill(status=500, body="no"))
    visitor.page.locator("label.chip", has_text="Initiatief").click()
    expect(visitor.page.locator("#list .failure__text")).to_have_text("De lijst kon niet worden opgehaald.")
    visitor.page.unroute(fail)
    visitor.page.click("#list .failure button")
    expect(visitor.page.locator("#list .row").first).to_be_visible()


def test_a_map_that_fails_offers_to_try_again_and_the_list_stays(visit: Visit) -> None:
    visitor = visit("/about")
    visitor.expected = ["503", "Failed to load"]
    fail = re.compile(r"/v1/collections/a")
    visitor.page.route(fail, lambda route: route.fulfill(status=503, body="no"))
    visitor.open("/")
    expect(visitor.page.locator("[data-notice] .failure__text")).to_have_text("De kaart kon niet worden gevuld.")
    assert visitor.page.locator(".row").count() > 50
    visitor.page.unroute(fail)
    visitor.page.click("[data-notice] button")
    assert pinned(visitor) > 50


def test_on_a_telephone_the_list_is_a_sheet_with_three_heights(visit: Visit) -> None:
    visitor = visit("/", width=390)
    sheet = visitor.page.locator("#panel")

    def height() -> float:
        visitor.page.wait_for_timeout(250)
        box = sheet.bounding_box()
        assert box
        return box["height"]

    half = height()
    visitor.page.get_by_role("button", name="Maak de lijst groter").press("Enter")
    full = height()
    visitor.page.get_by_role("button", name="Maak de lijst kleiner").press("Enter")
    visitor.page.get_by_role("button", name="Maak de lijst kleiner").press("Enter")
    peek = height()
    assert peek < half / 2 < half < full * 0.6
    bar = visitor.page.locator("[data-sheet-bar]").bounding_box()
    assert bar
    visitor.page.mouse.move(150, bar["y"] + 10)
    visitor.page.mouse.down()
    visitor.page.mouse.move(150, bar["y"] - 200, steps=5)
    visitor.page.mouse.up()
    assert abs(height() - half) < 2


def test_everything_to_touch_is_large_enough_for_a_thumb(visit: Visit) -> None:
    for path in ("/", "/gaps"):
        visitor = visit(path, width=390)
        small = visitor.page.locator("a:visible, button:visible, select:visible, label.chip:visible, summary:visible")
        sizes = small.evaluate_all(
            """all => all.map(e => [e.closest('.row, tr') ?? e, e]).map(([box, e]) =>
               [e.textContent.trim().slice(0, 30), Math.round(box.getBoundingClientRect().height)])"""
        )
        assert [size for size in sizes if size[1] < 40] == [], path
        assert visitor.sideways() == 0


def test_the_language_is_chosen_once_and_kept(visit: Visit) -> None:
    visitor = visit("/")
    assert visitor.page.locator("html").get_attribute("lang") == "nl"
    visitor.page.get_by_role("link", name="English").click()
    visitor.open("/about")
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    assert visitor.text("h1") == "About this map"


def test_a_browser_that_prefers_english_reads_english(visit: Visit) -> None:
    visitor = visit("/", language="en")
    assert "places and activities" in visitor.text("#count")


def test_the_boundaries_of_the_demo_are_called_schematic(visit: Visit) -> None:
    for path in ("/", "/gaps"):
        assert visit(path).text(".map__note") == "schematische grenzen"
