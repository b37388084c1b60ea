"""Text stays text, whoever wrote it; and no page loads anything but what it names."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import expect
from shapely import Point, box
from sqlalchemy.orm import Session

from geo import activities, assets, neighbourhoods
from geo.checks import KEY
from geo.neighbourhoods import Area, Origin
from geo.records import act_as
from geo.vocabulary import Level
from tests.browser.conftest import Serve, compute
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]

HOSTILE = (
    """{{7*7}} {% raw %} ${alert(1)} `x` "q" 'p' </script><script>alert(2)</script> <img src=x onerror=alert(3)> &lt;"""
)


def hostile_town(session: Session) -> None:
    """Fill a database in which every text field holds everything that was ever run by accident."""
    act_as(session, "tester")
    outline = neighbourhoods.multi(box(92000, 466000, 93000, 467000))
    areas = [Area("BU00000101", HOSTILE, Level.buurt, outline, {"residents": 900})]
    neighbourhoods.load(session, areas, Origin(2024, HOSTILE, HOSTILE, schematic=True), {})
    place = neighbourhoods.to_wgs84(Point(92100, 466100))
    words = dict.fromkeys(("name", "summary", "description", "cost", "address", "city"), HOSTILE)
    words["postcode"] = HOSTILE[:KEY]
    more = {"source": HOSTILE, "licence": HOSTILE, "confirmed_on": date(2020, 1, 1), "place": place}
    host = assets.create(session, {"kind": "community_room", **words, **more, "organisation": {"name": HOSTILE}})
    held = {"title": HOSTILE, "summary": HOSTILE, "cost": HOSTILE, "how_to_join": HOSTILE, "address": HOSTILE}
    day = {"theme": "meet", "repeat": "weekly", "starts_on": date(2024, 1, 1), "source": HOSTILE, "licence": HOSTILE}
    activities.create(session, {**held, **day, "asset": host.id})
    compute(session)


@pytest.fixture(scope="module")
def hostile(serve: Serve) -> str:
    """Give the address of the hostile town."""
    return serve(hostile_town)


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_code_in_a_record_is_shown_as_text_on_map_list_and_cards(
    visit: Visit, hostile: str, width: int, language: str
) -> None:
    visitor = visit("/", at=hostile, width=width, language=language)
    visitor.page.on("dialog", lambda dialog: visitor.problems.append(f"dialog: {dialog.message}"))
    visitor.filled()
    assert visitor.texts(".row__name") == [HOSTILE, HOSTILE]
    assert visitor.page.locator(".place-name").first.text_content() == HOSTILE
    for row in (0, 1):
        visitor.page.locator(".row").nth(row).click()
        expect(visitor.page.locator("#card h1")).to_have_text(HOSTILE)
        assert visitor.text("#card").count("{{7*7}}") >= 5
        visitor.page.click("#back")
    visitor.open("/?q=" + HOSTILE.replace("%", "%25").replace("&", "%26"))
    assert visitor.page.input_value("#q") == HOSTILE[:200].strip()
    visitor.open("/gaps")
    visitor.settle()
    assert visitor.page.locator(".ranking__link").first.text_content() == HOSTILE
    visitor.page.locator(".ranking__link").first.click()
    expect(visitor.page.locator("#card h1")).to_have_text(HOSTILE)
    assert "49" not in visitor.text("#card h1")
    assert visitor.page.locator("img:not(.top__logo)").count() == 0


def test_what_programs_read_in_a_card_is_data_in_a_browser_too(visit: Visit, hostile: str) -> None:
    visitor = visit("/", at=hostile)
    visitor.page.on("dialog", lambda dialog: visitor.problems.append(f"dialog: {dialog.message}"))
    cards = [row.get_attribute("href") for row in visitor.page.locator(".row__name").all()]
    assert len(cards) == 2
    for card in cards:
        visitor.page.goto(f"{hostile}{card}")
        told = visitor.page.locator("script[type='application/ld+json']").text_content()
        assert visitor.page.evaluate("told => JSON.parse(told)['@graph'][0].name", told) == HOSTILE
        assert visitor.page.locator("script:not([src]):not([type])").count() == 0


def test_every_page_names_what_it_may_load_and_nothing_else_is_let_through(visit: Visit) -> None:
    visitor = visit("/")
    for path in ("/", "/gaps", "/about", "/nowhere"):
        answer = visitor.context.request.get(path)
        policy = answer.headers["content-security-policy"]
        nonce = re.search(r"'nonce-([\w-]{20,})'", policy)
        assert nonce
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy.replace("https://tiles.test", "")
        inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", answer.text())
        assert all(nonce[1] in script for script in inline)
        assert "style=" not in answer.text()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["permissions-policy"] == "geolocation=(self)"


def test_no_two_answers_share_a_nonce(visit: Visit) -> None:
    visitor = visit("/about")
    policies = {visitor.context.request.get("/about").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_a_wrong_address_gets_a_page_that_says_so_in_the_readers_language(visit: Visit) -> None:
    visitor = visit("/about")
    visitor.expected = ["404", "400", "Failed to load"]
    for path, status, title in (
        ("/nowhere", 404, "Deze pagina bestaat niet"),
        ("/places/not-an-id", 404, "Deze pagina bestaat niet"),
        ("/places/00000000-0000-0000-0000-000000000000", 404, "Deze pagina bestaat niet"),
        ("/?kind=castle", 400, "Dit adres klopt niet"),
        ("/?service=%00", 400, "Dit adres klopt niet"),
        ("/?page=NaN", 400, "Dit adres klopt niet"),
        ("/gaps?level=galaxy", 400, "Dit adres klopt niet"),
        ("/gaps?kind=initiative&service=meals", 400, "Dit adres klopt niet"),
        ("/gaps/BU99999999.2024", 404, "Deze pagina bestaat niet"),
    ):
        answer = visitor.page.goto(path)
        assert answer
        assert answer.status == status, path
        assert visitor.text("h1") == title, path
