"""What brokers try out on the map of gaps: what if a place comes or closes, and where a new one would help most."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
POELGEEST, MORSEBEL = "BU05790302.2024", "BU05790102.2024"
PLAN, SITES = "**/v1/coverage/what-if", "**/v1/coverage/siting"
ANSWER_MS = 20_000


@pytest.fixture
def broker(visit: Visit, town_at_work: str) -> Callable[..., Visitor]:
    """Give a maker of visitors of a town whose worker answers."""

    def make(path: str = "/gaps?kind=community_room", **how: object) -> Visitor:
        visitor = visit(path, at=town_at_work, **how)
        visitor.settle()
        return visitor

    return make


def band(page: Page, area: str) -> str | None:
    return page.locator(f".gap-area[data-id='{area}']").get_attribute("data-band")


def tap(visitor: Visitor, area: str) -> None:
    """Click in the middle of a neighbourhood on the map, wherever that is on the screen."""
    box = visitor.page.locator(f".gap-area[data-id='{area}']").bounding_box()
    assert box
    visitor.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def place_in(visitor: Visitor, area: str) -> None:
    visitor.page.click("#try")
    visitor.settle()
    tap(visitor, area)
    expect(visitor.page.locator("#plan-told h2")).to_be_visible(timeout=ANSWER_MS)
    visitor.settle()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_new_place_shows_who_gains_and_everything_goes_back_with_one_click(
    broker: Callable[..., Visitor], width: int
) -> None:
    visitor = broker(width=width)
    page = visitor.page
    before = band(page, POELGEEST)
    place_in(visitor, POELGEEST)
    expect(page.locator("#banner")).to_contain_text("Wat als – niets is opgeslagen")
    expect(page.locator("#plan-told h2")).to_have_text("Een nieuwe plek in Poelgeest")
    assert re.search(r"[\d.]+ bewoners erbij krijgen een buurtkamer op loopafstand\.", visitor.text("#plan-told"))
    assert re.search(r"Gatscore van alles samen: \d+ wordt \d+\.", visitor.text("#plan-told"))
    assert "open op maandag t/m vrijdag 09:00–17:00" in visitor.text("#plan-told")
    after = band(page, POELGEEST)
    assert (before, after) == ("4", "0")
    expect(page.locator(f".ranking__row[data-id='{POELGEEST}'] .ranking__new")).to_have_text("wordt: gatscore 0")
    expect(page.locator(".plan-pin--add")).to_have_count(1)
    assert visitor.violations() == []
    assert visitor.sideways() == 0
    page.click("#all-back")
    visitor.settle()
    assert band(page, POELGEEST) == before
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#plan")).to_be_hidden()
    expect(page.locator(".plan-pin")).to_have_count(0)
    expect(page.locator(".ranking__new")).to_have_count(0)


def test_nothing_that_is_tried_out_is_stored(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    before = visitor.texts(".ranking__row td")
    place_in(visitor, POELGEEST)
    visitor.open("/gaps?kind=community_room")
    assert visitor.texts(".ranking__row td") == before


def test_a_place_can_be_put_with_the_keyboard_alone(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    page = visitor.page
    page.locator("#try").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#aim")).to_be_visible()
    expect(page.locator(".leaflet-container")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-told h2")).to_be_visible(timeout=ANSWER_MS)
    expect(page.locator("#plan-told h2")).to_be_focused()
    page.click("#all-back")
    page.locator("#try").press("Enter")
    page.locator("#place-here").press("Enter")
    expect(page.locator("#plan-told h2")).to_be_visible(timeout=ANSWER_MS)
    page.click("#all-back")
    page.locator("#try").press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#banner")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_what_if_here_puts_the_cross_in_that_neighbourhood(broker: Callable[..., Visitor], width: int) -> None:
    visitor = broker(width=width)
    page = visitor.page
    page.locator(f".ranking__row[data-id='{POELGEEST}']").click()
    page.click("[data-try-here]")
    visitor.settle()
    page.click("#place-here")
    expect(page.locator("#plan-told h2")).to_have_text("Een nieuwe plek in Poelgeest", timeout=ANSWER_MS)


def test_who_closes_the_search_is_back_at_its_button(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    visitor.page.click("#best")
    expect(visitor.page.locator("#tools")).to_be_hidden()
    visitor.page.click("#siting-close")
    expect(visitor.page.locator("#best")).to_be_focused()


def test_changes_pile_up_and_go_back_one_by_one(broker: Callable[..., Visitor]) -> None:
    visitor = broker("/gaps?kind=care_location")
    page = visitor.page
    page.locator(f".ranking__row[data-id='{MORSEBEL}']").click()
    page.locator("#card [data-try-closing]").first.click()
    expect(page.locator("#plan-told h2")).to_contain_text("sluit", timeout=ANSWER_MS)
    expect(page.locator(".plan-pin--close")).to_have_count(1)
    lost = visitor.text("#plan-told .card__lead")
    page.click("#plan-told button")
    visitor.settle()
    page.click("#place-here")
    expect(page.locator("#plan-told h2")).to_have_text("2 veranderingen tegelijk", timeout=ANSWER_MS)
    page.click("#undo")
    expect(page.locator("#plan-told h2")).to_contain_text("sluit", timeout=ANSWER_MS)
    assert visitor.text("#plan-told .card__lead") == lost
    page.click("#undo")
    expect(page.locator("#banner")).to_be_hidden()


def test_a_pin_that_is_dragged_is_reckoned_anew(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    place_in(visitor, POELGEEST)
    pin = visitor.page.locator(".plan-pin--add").bounding_box()
    assert pin
    with visitor.page.expect_request(PLAN) as asked:
        visitor.page.mouse.move(pin["x"] + 16, pin["y"] + 16)
        visitor.page.mouse.down()
        visitor.page.mouse.move(pin["x"] - 80, pin["y"] - 10, steps=8)
        visitor.page.mouse.up()
    assert str(asked.value.post_data).count("lat") == 1
    expect(visitor.page.locator("#plan-told h2")).to_be_visible(timeout=ANSWER_MS)


def test_where_best_gives_numbered_pins_a_bound_and_a_what_if(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    page = visitor.page
    page.click("#best")
    expect(page.locator("#siting-title")).to_be_focused()
    assert visitor.texts("#within option")[0] == "heel Oegstgeest"
    page.select_option("#sites", "2")
    page.click("#siting-form button")
    expect(page.locator(".siting__site")).to_have_count(2, timeout=ANSWER_MS)
    visitor.settle()
    assert visitor.texts(".plan-pin--site") == ["1", "2"]
    assert re.search(r"Zo komen [\d.]+ van de [\d.]+ bewoners buiten bereik", visitor.text("#siting-told"))
    assert re.search(r"Bewezen: met evenveel plekken|hooguit \d+ procent meer", visitor.text("#siting-told"))
    assert visitor.violations() == []
    page.click("#siting-told button")
    expect(page.locator("#plan-told h2")).to_have_text("2 veranderingen tegelijk", timeout=ANSWER_MS)
    expect(page.locator(".plan-pin--add")).to_have_count(2)
    expect(page.locator(".plan-pin--site")).to_have_count(0)


def test_from_its_card_a_neighbourhood_is_where_to_look(broker: Callable[..., Visitor]) -> None:
    visitor = broker(width=390)
    page = visitor.page
    page.locator(f".ranking__row[data-id='{POELGEEST}']").click()
    page.click("[data-best-here]")
    assert page.input_value("#within") == POELGEEST
    page.select_option("#candidates", "care_location")
    with page.expect_request(SITES) as asked:
        page.click("#siting-form button")
    assert '"candidate_kind":"care_location"' in str(asked.value.post_data)
    expect(page.locator("#siting-told p, #siting-told .failure").first).to_be_visible(timeout=ANSWER_MS)
    visitor.expected = ["400", "Failed to load"]
    assert visitor.violations() == []


def test_a_measure_that_a_what_if_does_not_tell_gives_way_to_the_gap_score(broker: Callable[..., Visitor]) -> None:
    visitor = broker("/gaps?kind=community_room&measure=supply")
    visitor.page.click("#try")
    expect(visitor.page.locator(".legend__title")).to_have_text("Gatscore, 0 tot 100")
    assert visitor.page.input_value("#measure") == "gap"
    expect(visitor.page.locator("#banner")).to_be_visible()


def test_another_subject_puts_everything_back(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    place_in(visitor, POELGEEST)
    visitor.page.select_option("#what", "kind:care_location")
    expect(visitor.page.locator("#banner")).to_be_hidden()
    expect(visitor.page.locator(".plan-pin")).to_have_count(0)


def test_without_a_worker_the_page_says_so_and_offers_to_try_again(visit: Visit) -> None:
    visitor = visit("/gaps?kind=community_room")
    visitor.settle()
    visitor.expected = ["503", "Failed to load"]
    visitor.page.click("#best")
    visitor.page.click("#siting-form button")
    expect(visitor.page.locator("#siting-told .failure__text")).to_contain_text("draait niet", timeout=ANSWER_MS)
    visitor.page.click("#siting-close")
    visitor.page.click("#try")
    visitor.page.click("#place-here")
    expect(visitor.page.locator("#plan-told .failure__text")).to_contain_text("draait niet", timeout=ANSWER_MS)
    expect(visitor.page.locator("#plan-told .failure button")).to_be_visible()
    assert visitor.violations() == []


def test_while_it_looks_it_says_for_how_long_and_can_be_stopped(broker: Callable[..., Visitor]) -> None:
    visitor = broker()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route(SITES, hold)
    visitor.page.click("#best")
    visitor.page.click("#siting-form button")
    expect(visitor.page.locator("#siting-words")).to_contain_text("De beste plekken worden gezocht")
    expect(visitor.page.locator("progress")).to_be_visible()
    assert visitor.violations() == []
    visitor.page.click("#siting-stop")
    expect(visitor.page.locator("#siting-busy")).to_be_hidden()
    assert len(held) == 1
    held[0].abort()
    visitor.expected = ["Failed to load", "ERR_"]
