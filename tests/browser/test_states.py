"""Every state of every page: no result, one, a thousand; long names, nothing told; no tiles, no scripts, an error."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Route, expect
from shapely import Point, box
from sqlalchemy.orm import Session

from geo import assets, neighbourhoods
from geo.neighbourhoods import Area, Origin
from geo.records import act_as
from geo.vocabulary import Level
from tests.browser.conftest import Serve, compute, with_nothing
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
LONG = "Ontmoetingscentrum en buurtrestaurant De Zonnebloemlaan voor alle bewoners van de wijk Noord"
MARKS = pytest.mark.parametrize(("width", "language"), [(1280, "nl"), (1280, "en"), (390, "nl"), (390, "en")])


def one_neighbourhood(session: Session) -> None:
    act_as(session, "tester")
    outline = neighbourhoods.multi(box(92000, 466000, 93000, 467000))
    area = Area("BU00000101", LONG, Level.buurt, outline, {"residents": None})
    neighbourhoods.load(session, [area], Origin(2024, "test", None, schematic=True), {})


def one_record(session: Session) -> None:
    """Fill a database with one record of a long name of which nothing else is told."""
    one_neighbourhood(session)
    place = neighbourhoods.to_wgs84(Point(92500, 466500))
    assets.create(session, {"kind": "initiative", "name": LONG, "place": place, "source": "test"})
    compute(session)


def a_thousand(session: Session) -> None:
    """Fill a database with a thousand records on a grid, all told in full."""
    one_neighbourhood(session)
    for number in range(1000):
        spot = Point(92000 + 31 * (number % 32), 466000 + 31 * (number // 32))
        told = {"name": f"Plek {number:04}", "summary": LONG, "confirmed_on": date(2026, 1, 1), "source": "test"}
        kind = ("community_room", "initiative", "care_location")[number % 3]
        assets.create(session, {"kind": kind, "place": neighbourhoods.to_wgs84(spot), **told})


@pytest.fixture(scope="module")
def lonely(serve: Serve) -> str:
    return serve(one_record)


@pytest.fixture(scope="module")
def empty(serve: Serve) -> str:
    return serve(with_nothing)


@pytest.fixture(scope="module")
def crowded(serve: Serve) -> str:
    return serve(a_thousand)


def looks_whole(visitor: Visitor) -> None:
    """Nothing sticks out, nothing is serious for axe."""
    assert visitor.sideways() == 0
    assert visitor.violations() == []


@pytest.mark.slow
@MARKS
def test_a_service_with_nothing_in_it_looks_whole(visit: Visit, empty: str, width: int, language: str) -> None:
    visitor = visit("/", at=empty, width=width, language=language)
    assert visitor.text("#count") == {"nl": "Niets gevonden", "en": "Nothing found"}[language]
    looks_whole(visitor)
    visitor.open("/gaps")
    looks_whole(visitor)
    visitor.open("/about")
    looks_whole(visitor)


@pytest.mark.slow
@MARKS
def test_one_record_with_a_long_name_and_nothing_else_looks_whole(
    visit: Visit, lonely: str, width: int, language: str
) -> None:
    visitor = visit("/", at=lonely, width=width, language=language)
    assert visitor.text("#count").startswith("1 ")
    assert len(LONG) > 90
    looks_whole(visitor)
    visitor.page.locator(".row").first.click()
    expect(visitor.page.locator("#card h1")).to_have_text(LONG)
    looks_whole(visitor)
    visitor.page.reload()
    looks_whole(visitor)


@pytest.mark.slow
@MARKS
def test_a_neighbourhood_of_which_no_residents_are_known_is_hatched_and_says_why(
    visit: Visit, lonely: str, width: int, language: str
) -> None:
    visitor = visit("/gaps", at=lonely, width=width, language=language)
    assert visitor.page.locator(".gap-area").get_attribute("data-band") == "unknown"
    visitor.page.locator(".ranking__link").click()
    expect(visitor.page.locator("#card h1")).to_have_text(LONG)
    assert {"nl": "is niet bekend", "en": "is not known"}[language] in visitor.text("#card")
    visitor.settle()
    looks_whole(visitor)


@pytest.mark.slow
@MARKS
def test_a_thousand_records_stand_on_the_map_and_in_pages_of_the_list(
    visit: Visit, crowded: str, width: int, language: str
) -> None:
    visitor = visit("/", at=crowded, width=width, language=language)
    visitor.settle()
    assert re.match(r"1[.,]000 ", visitor.text("#count"))
    on_map = visitor.page.locator(".pin").count() + sum(int(n) for n in visitor.texts(".cluster"))
    assert on_map == 1000
    first = visitor.text(".row__name")
    visitor.page.locator(".turning a[rel=next]").click()
    visitor.filled()
    assert visitor.text(".row__name") != first
    assert visitor.page.url.endswith("page=2")
    looks_whole(visitor)


@pytest.mark.slow
def test_near_me_sorts_all_of_a_thousand_not_the_first_hundred(visit: Visit, crowded: str) -> None:
    visitor = visit("/", at=crowded)
    visitor.page.click("#near")
    expect(visitor.page.locator("#rows .row")).to_have_count(1000)
    expect(visitor.page.locator("#near-note")).to_contain_text("Dichtbij eerst")
    metres = visitor.page.locator("#rows .row").evaluate_all("rows => rows.map(row => Number(row.dataset.metres))")
    assert metres == sorted(metres)


@pytest.mark.slow
@MARKS
def test_without_scripts_every_page_still_says_everything(visit: Visit, width: int, language: str) -> None:
    visitor = visit("/", scripts=False, width=width, language=language)
    assert visitor.page.locator(".row").count() > 50
    visitor.page.locator(".row__name").first.click()
    assert visitor.texts(".facts__value")
    visitor.open("/gaps")
    assert visitor.page.locator(".ranking__row").count() == 15
    visitor.page.locator(".ranking__link").first.click()
    assert visitor.text("article h1")
    visitor.open("/about")
    assert visitor.text("h1")


@pytest.mark.slow
@MARKS
def test_while_it_waits_the_list_keeps_its_frame_and_shows_skeletons(visit: Visit, width: int, language: str) -> None:
    visitor = visit("/", width=width, language=language)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route(re.compile(r"/\?q="), hold)
    visitor.page.fill("#q", "koffie")
    expect(visitor.page.locator(".rows--waiting .row").first).to_be_visible()
    looks_whole(visitor)
    held[0].continue_()
    expect(visitor.page.locator(".rows--waiting")).to_have_count(0)


@pytest.mark.slow
@MARKS
def test_wrong_addresses_get_pages_that_look_whole(visit: Visit, width: int, language: str) -> None:
    visitor = visit("/about", width=width, language=language)
    visitor.expected = ["404", "400", "Failed to load"]
    for path in ("/nowhere", "/?kind=castle"):
        visitor.open(path)
        looks_whole(visitor)


@pytest.mark.slow
@MARKS
def test_a_card_that_fails_offers_to_try_again(visit: Visit, width: int, language: str) -> None:
    visitor = visit("/", width=width, language=language)
    visitor.expected = ["500", "Failed to load"]
    fail = re.compile(r"/(places|activities)/")
    visitor.page.route(fail, lambda route: route.fulfill(status=500, body="no"))
    visitor.page.locator(".row").first.click()
    expect(visitor.page.locator("#card .failure button")).to_be_visible()
    looks_whole(visitor)
    visitor.page.unroute(fail)
    visitor.page.locator("#card .failure button").click()
    expect(visitor.page.locator("#card h1")).to_be_visible()
