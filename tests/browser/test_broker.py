"""What brokers do on the map of gaps."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Serve, with_nothing
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]


def bands(visitor: Visitor) -> dict[str, str]:
    """Give the class of each neighbourhood as the map colours it."""
    visitor.filled()
    found = visitor.page.locator(".gap-area").evaluate_all("all => all.map(a => [a.dataset.id, a.dataset.band])")
    return dict(found)


def test_the_map_is_coloured_as_the_table_says(visit: Visit) -> None:
    visitor = visit("/gaps?kind=care_location")
    rows = visitor.page.locator(".ranking__row").evaluate_all("rows => rows.map(r => [r.dataset.id, r.dataset.band])")
    assert bands(visitor) == dict(rows)
    assert len(rows) == 15


@pytest.mark.parametrize(("measure", "head"), [("gap", "Gatscore"), ("uncovered", "Buiten bereik")])
def test_the_neighbourhoods_that_miss_most_come_first(visit: Visit, measure: str, head: str) -> None:
    visitor = visit(f"/gaps?measure={measure}", scripts=False)
    told = [int(cell.replace(".", "")) for cell in visitor.texts(".ranking__row td:nth-child(2)")]
    assert told == sorted(told, reverse=True)
    assert visitor.page.locator("[aria-sort=descending]").inner_text().startswith(head)


def test_the_fewest_volunteers_come_first(visit: Visit) -> None:
    visitor = visit("/gaps?kind=volunteer&sort=volunteers", scripts=False)
    told = [0 if cell == "< 15" else int(cell) for cell in visitor.texts(".ranking__row td:nth-child(3)")]
    assert told == sorted(told)
    assert visitor.page.locator("[aria-sort=ascending]").inner_text().startswith("Vrijwilligers")


def test_the_table_is_sorted_by_its_heads_with_and_without_scripts(visit: Visit) -> None:
    for scripts in (True, False):
        visitor = visit("/gaps", scripts=scripts)
        visitor.page.get_by_role("link", name="Buurt", exact=True).click()
        visitor.page.wait_for_url("**sort=name**")
        expect(visitor.page.locator("[aria-sort=ascending]")).to_have_count(1)
        names = visitor.texts(".ranking__row th")
        assert names == sorted(names)


def test_pointing_at_a_neighbourhood_outlines_it_and_tells_name_and_value(visit: Visit) -> None:
    visitor = visit("/gaps")
    bands(visitor)
    visitor.page.locator(".gap-area[data-id='BU05790302.2024']").hover()
    expect(visitor.page.locator(".gap-area--pointed")).to_have_count(1)
    row = visitor.page.locator(".ranking__row[data-id='BU05790302.2024']")
    expect(visitor.page.locator(".hover-label")).to_contain_text("Poelgeest")
    expect(visitor.page.locator(".hover-label")).to_contain_text(str(row.get_attribute("data-value")))
    expect(row).to_have_class(re.compile("ranking__row--pointed"))


def test_a_neighbourhood_opens_a_card_that_says_in_words_why(visit: Visit) -> None:
    visitor = visit("/gaps")
    bands(visitor)
    visitor.page.locator(".gap-area[data-id='BU05790501.2024']").click()
    expect(visitor.page.locator("#card h1")).to_have_text("Nieuw-Rhijngeest")
    told = visitor.text("#card").replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"[\d.]+ van 3\.495 bewoners wonen verder dan 800 m lopen van een buurtkamer\.", told)
    assert "het vaakst het dichtstbij" in told
    assert "Bewoners: gelijk verspreid over de buurt, op een raster van 100 m." in told
    visitor.page.get_by_text("Hoe zeker is dit?").click()
    expect(visitor.page.locator("#card")).to_contain_text("We weten alleen dat deze mensen ergens in deze buurt wonen")
    visitor.page.get_by_text("Hoe de gatscore is opgebouwd").click()
    expect(visitor.page.locator("#card .sums")).to_contain_text("geen plek")
    visitor.page.click("#back")
    expect(visitor.page.locator("#card h1")).to_have_count(0)


def test_the_card_of_a_neighbourhood_is_a_page_of_its_own(visit: Visit) -> None:
    visitor = visit("/gaps?service=meals", scripts=False)
    visitor.page.locator(".ranking__link").first.click()
    assert "maaltijden" in visitor.text("article")
    assert "service=meals" in visitor.page.url


def test_another_subject_changes_table_map_legend_and_address_together(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.page.select_option("#what", "kind:volunteer")
    visitor.page.wait_for_url("**kind=volunteer**")
    visitor.settle()
    assert visitor.text(".legend__title") == "Vrijwilligers per 1.000 bewoners"
    assert "Buiten bereik" not in visitor.text(".ranking thead")
    assert visitor.texts("#measure option") == ["Vrijwilligers per 1.000"]
    assert visitor.page.locator("#tools").is_hidden()
    visitor.page.go_back()
    visitor.settle()
    assert visitor.text(".legend__title") == "Gatscore, 0 tot 100"
    assert visitor.page.input_value("#what") == "kind:community_room"


def test_without_scripts_the_form_leads_to_the_same_address(visit: Visit) -> None:
    visitor = visit("/gaps", scripts=False)
    visitor.page.select_option("#what", "service:meals")
    visitor.page.click(".filters__show")
    assert "/gaps?service=meals&" in visitor.page.url
    assert "Maaltijden" in visitor.text("#count")


def test_volunteers_can_be_looked_at_per_service(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.page.select_option("#what", "volunteer:transport")
    visitor.page.wait_for_url("**kind=volunteer&service=transport**")
    visitor.filled()
    assert visitor.text("#count").startswith("Vrijwilligers · Vervoer")
    assert len(bands(visitor)) == visitor.page.locator(".ranking__row").count() == 15
    plain = visit("/gaps", scripts=False)
    plain.page.select_option("#what", "volunteer:transport")
    plain.page.click(".filters__show")
    assert "kind=volunteer&service=transport" in plain.page.url
    assert plain.page.input_value("#what") == "volunteer:transport"


def test_few_volunteers_are_not_counted_out_loud(visit: Visit) -> None:
    visitor = visit("/gaps?kind=volunteer", scripts=False)
    told = {int(cell) for cell in visitor.texts(".ranking__row td:nth-child(3)") if cell.isdigit()}
    assert told
    assert all(number >= 10 and number % 5 == 0 for number in told)
    visitor.open("/gaps/BU05790401.2024?kind=volunteer")
    assert "Hier zijn minder dan 15 vrijwilligers bekend" in visitor.text("article")
    assert not re.search(r"\d\s?(m|km)\b", visitor.text("article"))
    assert visitor.page.locator("article button").count() == 0


def test_the_levels_show_districts_and_the_whole_municipality(visit: Visit) -> None:
    visitor = visit("/gaps?level=gemeente")
    assert visitor.texts(".ranking__row th") == ["Oegstgeest"]
    assert len(bands(visitor)) == 1
    assert len(bands(visit("/gaps?level=wijk"))) == 5


def test_before_the_first_run_the_page_says_how_to_start_one(visit: Visit, serve: Serve) -> None:
    visitor = visit("/gaps", at=serve(with_nothing))
    assert visitor.text("h2") == "Nog niets berekend"
    assert "kaart coverage run" in visitor.text(".empty")
