"""Somebody who is signed in looks at the neighbours who offer something; a visitor cannot."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from shapely import Point
from sqlalchemy.orm import Session

from geo import assets, demo
from geo.imports.models import Square
from geo.models import ImportJob
from geo.people import accounts, entries
from geo.settings import CHECKOUT
from geo.vocabulary import JobStatus, Kind, Role, What
from tests.browser.conftest import Serve, compute
from tests.browser.test_sign_in import looked_over
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
OFFERS: tuple[tuple[float, float, list[str], list[str]], ...] = (
    (4.4710, 52.1790, ["meals", "language"], ["nl", "ar"]), (4.4735, 52.1800, ["transport"], []),
    (4.4690, 52.1850, ["odd_jobs"], ["nl"]), (4.4900, 52.1850, ["meals"], []),
)  # fmt: skip
SWITCH = "Buren die iets aanbieden"


@pytest.fixture(scope="module")
def shared(serve: Serve) -> tuple[str, str]:
    """Give the address of the demo municipality with four neighbours on the map, and the token of a member."""
    tokens = []

    def fill(session: Session) -> None:
        demo.load(session, CHECKOUT / "data")
        compute(session)
        squares(session)
        for lon, lat, services, languages in OFFERS:
            told = {"kind": Kind.volunteer, "services": services, "languages": languages, "place": Point(lon, lat)}
            assets.create(session, {**told, "consent": {"purposes": ["offer", "map"]}})
        account = accounts.create(session, "annemarie@example.nl", "Annemarie", Role.contributor)
        tokens.append(entries.begin(session, account))

    return serve(fill), tokens[0]


@pytest.fixture
def member(visit: Visit, shared: tuple[str, str]) -> Callable[..., Visitor]:
    """Give a maker of visitors who are signed in."""

    def make(width: int = 1280, language: str = "nl") -> Visitor:
        at, token = shared
        visitor = visit("/", width=width, language=language, at=at)
        visitor.context.add_cookies([{"name": "kaart_entry", "value": token, "url": at}])
        visitor.open("/")
        return visitor

    return make


def squares(session: Session) -> None:
    """Let twenty people live on every square of 100 metres."""
    job = ImportJob(what=What.squares, status=JobStatus.done, file_name="test", sha256="", bytes=0, made_by="test")
    session.add(job)
    session.flush()
    for x in range(90050, 95000, 100):
        for y in range(464050, 469000, 100):
            code = f"E{x // 100:04}N{y // 100:04}"
            session.add(Square(id=f"{code}.2024", code=code, year=2024, x=x, y=y, residents=20, job_id=job.id))
    session.flush()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_member_looks_at_neighbours_reads_a_card_and_puts_them_away(
    member: Callable[..., Visitor], width: int
) -> None:
    visitor = member(width)
    page = visitor.page
    switch = page.get_by_role("button", name=SWITCH)
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert page.locator(".neighbour").count() == 0
    switch.click()
    expect(page.locator("#neighbours-note")).to_have_text("Plekken van buren zijn met opzet verschoven.")
    expect(page.locator(".neighbour").first).to_be_visible()
    looked_over(visitor)
    page.select_option("#service", "transport")
    expect(page.locator(".neighbour")).to_have_count(1)
    visitor.settle()
    page.locator(".neighbour").press("Enter")
    card = page.locator("#card")
    expect(card.get_by_role("heading", name="Een buur die iets aanbiedt")).to_be_focused()
    expect(card).to_contain_text("met opzet verschoven")
    expect(card).to_contain_text("Vervoer")
    expect(card).not_to_contain_text("Talen")  # none is told
    assert page.url.endswith("/?service=transport")
    looked_over(visitor)
    page.get_by_role("button", name="Terug naar de lijst").click()
    expect(page.locator("#list")).to_be_visible()
    page.select_option("#service", "paperwork")
    expect(page.locator("#neighbours-note")).to_contain_text("Nog niemand")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert page.locator(".neighbour").count() == 0
    assert page.locator("#neighbours-note").is_hidden()


def test_the_card_names_languages_in_the_language_of_the_reader(member: Callable[..., Visitor]) -> None:
    visitor = member(language="en")
    page = visitor.page
    page.get_by_role("button", name="Neighbours who offer something").click()
    page.select_option("#service", "language")
    expect(page.locator(".neighbour")).to_have_count(1)
    visitor.settle()
    page.locator(".neighbour").press("Enter")
    for words in ("Dutch", "Arabic", "moved on purpose"):
        expect(page.locator("#card")).to_contain_text(words)


def test_a_visitor_finds_no_switch_and_asks_for_no_neighbour(visit: Visit, shared: tuple[str, str]) -> None:
    asked: list[str] = []
    visitor = visit("/about", at=shared[0])
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open("/")
    assert visitor.page.locator("#neighbours, #neighbour, #neighbours-note").count() == 0
    assert SWITCH not in visitor.page.content()
    assert not [url for url in asked if "/v1/collections/neighbours" in url]


def test_neighbours_that_cannot_be_fetched_are_told_of_and_asked_for_again(member: Callable[..., Visitor]) -> None:
    visitor = member()
    visitor.expected = ["503", "Failed to load"]
    page = visitor.page
    page.route("**/collections/neighbours/**", lambda route: route.fulfill(status=503), times=1)
    page.get_by_role("button", name=SWITCH).click()
    expect(page.get_by_role("alert")).to_contain_text("niet worden opgehaald")
    page.get_by_role("button", name="Probeer opnieuw").click()
    expect(page.locator(".neighbour").first).to_be_visible()
    assert page.get_by_role("alert").count() == 0
