"""Somebody offers something and withdraws it, and a broker asks them, with scripts and without, wide and narrow."""

import re
from collections.abc import Callable, Sequence

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from api import forms
from geo import assets
from geo.people import accounts, entries
from geo.vocabulary import Kind, Means, Purpose, Role
from tests.browser.conftest import Serve, with_demo
from tests.browser.test_sign_in import looked_over
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
SIZES = [(1280, True), (390, True), (1280, False)]
ASKED = ("nursing", "respite", "day_care")  # one for each size


class Village:
    """The demo municipality, with people enough for all tests: `tokens` holds how each of them gets in."""

    def __init__(self, serve: Serve) -> None:
        self.tokens: dict[str, list[str]] = {}
        self.at = serve(self.fill)

    def fill(self, session: Session) -> None:
        """Give people an account; every Chris offers something else, and may be asked for it."""
        with_demo(session)
        for name, role, areas in (("anna", Role.contributor, ()), ("rob", Role.broker, ("GM0579",))):
            self.tokens[name] = [self.person(session, f"{name}{number}", role, areas) for number in range(6)]
        consent = {"purposes": [Purpose.offer, Purpose.contact], "means": Means.online}
        for service in ASKED:
            self.tokens[f"chris-{service}"] = [self.person(session, f"chris-{service}", Role.contributor, ())]
            values = {"kind": Kind.volunteer, "services": [service], "neighbourhood": "BU05790102.2024"}
            assets.create(session, {**values, "account": f"chris-{service}@example.nl", "consent": consent})

    def person(self, session: Session, name: str, role: Role, areas: Sequence[str]) -> str:
        """Make somebody who is signed in."""
        made = accounts.create(session, f"{name}@example.nl", name.title(), role, areas)
        return entries.begin(session, made)

    def let_in(self, visitor: Visitor, name: str) -> None:
        """Sign somebody in who did nothing yet."""
        token = self.tokens[name].pop(0)
        visitor.context.add_cookies([{"name": forms.ENTRY, "value": token, "url": self.at}])


@pytest.fixture(scope="module")
def village(serve: Serve) -> Village:
    """Give the village of all tests here."""
    return Village(serve)


def fill_in(page: Page) -> None:
    """Fill in what an offer needs, but for consent."""
    page.get_by_label("Vervoer").check()
    page.get_by_label("Turks").check()
    page.get_by_label("In welke buurt?").select_option(label="Haaswijk-Oost")


@pytest.mark.parametrize(("width", "scripts"), SIZES)
def test_somebody_offers_something_sees_what_they_agreed_to_and_takes_it_back(
    visit: Visit, village: Village, width: int, scripts: bool
) -> None:
    visitor = visit("/about", width=width, scripts=scripts, at=village.at)
    visitor.expected = ["400", "Failed to load"]
    village.let_in(visitor, "anna")
    page = visitor.page
    page.goto("/volunteer")
    looked_over(visitor)
    fill_in(page)
    page.get_by_role("button", name="Mijn aanbod bewaren").click()
    expect(page.get_by_role("alert")).to_contain_text("Nog niet bewaard")
    expect(page.get_by_label("Vervoer")).to_be_checked()
    looked_over(visitor)
    page.get_by_label("Mijn aanbod bewaren en meetellen").check()
    page.get_by_label("Mij iets vragen").check()
    page.get_by_role("button", name="Mijn aanbod bewaren").click()
    expect(page.get_by_text("Je aanbod is bewaard")).to_be_visible()
    looked_over(visitor)
    asking = page.get_by_role("region", name="Mij iets vragen")
    expect(asking).to_contain_text("2026-11")
    asking.get_by_role("button", name="Intrekken").click()
    expect(page.get_by_text("Je toestemming is ingetrokken")).to_be_visible()
    expect(page.get_by_role("region", name="Mij iets vragen")).to_have_count(0)
    page.get_by_label("Wis het.").check()
    page.get_by_role("button", name="Intrekken en wissen").click()
    expect(page.get_by_text("Je aanbod is gewist")).to_be_visible()
    expect(page.get_by_label("Vervoer")).not_to_be_checked()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_place_is_chosen_on_the_map_by_a_click_a_button_or_not_at_all(
    visit: Visit, village: Village, width: int
) -> None:
    visitor = visit("/about", width=width, at=village.at)
    village.let_in(visitor, "anna")
    visitor.open("/volunteer")
    page = visitor.page
    page.get_by_text("De precieze plek vertellen").click()
    visitor.settle()
    expect(page.get_by_text("Er is geen precieze plek gekozen")).to_be_visible()
    page.locator("#map").click()
    expect(page.get_by_text("Er is een plek gekozen")).to_be_visible()
    clicked = page.locator("#lon").input_value()
    assert re.fullmatch(r"4\.\d{6}", clicked)
    looked_over(visitor)
    page.get_by_role("button", name="Haal de plek weg").click()
    assert (page.locator("#lon").input_value(), page.locator("#lat").input_value()) == ("", "")
    page.get_by_role("button", name="Neem het midden van de kaart").press("Enter")
    pin = page.locator(".spot-pin").bounding_box()
    assert pin is not None
    page.mouse.move(pin["x"] + 14, pin["y"] + 14)
    page.mouse.down()
    page.mouse.move(pin["x"] + 34, pin["y"] + 14, steps=4)
    page.mouse.up()
    dragged = page.locator("#lon").input_value()
    assert dragged > clicked
    fill_in(page)
    page.get_by_label("Mijn aanbod bewaren en meetellen").check()
    page.get_by_role("button", name="Mijn aanbod bewaren").click()
    expect(page.get_by_text("Je aanbod is bewaard")).to_be_visible()
    visitor.settle()
    assert page.locator("#lon").input_value() == dragged
    expect(page.locator(".spot-pin")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "scripts", "service"), [(*size, key) for size, key in zip(SIZES, ASKED, strict=True)]
)
def test_a_broker_asks_and_reads_the_answer(
    visit: Visit, village: Village, width: int, scripts: bool, service: str
) -> None:
    broker = visit("/about", width=width, scripts=scripts, at=village.at)
    village.let_in(broker, "rob")
    broker.page.goto("/account")
    looked_over(broker)
    broker.page.get_by_role("link", name="Wat mensen in jouw buurten aanbieden").click()
    looked_over(broker)
    broker.page.get_by_label("Wat", exact=True).select_option(service)
    broker.page.get_by_role("button", name="Toon").click()
    broker.page.get_by_text("Vragen", exact=True).first.click()
    looked_over(broker)
    broker.page.get_by_label("Wat vraag je?").fill("Kun je dinsdag?")
    broker.page.get_by_role("button", name="Versturen").click()
    expect(broker.page.get_by_text("Je vraag is verstuurd")).to_be_visible()
    chris = visit("/about", width=width, scripts=scripts, at=village.at)
    village.let_in(chris, f"chris-{service}")
    chris.page.goto("/account")
    looked_over(chris)
    chris.page.get_by_role("link", name="1 verzoek wacht op je antwoord").click()
    expect(chris.page.get_by_text("@example.nl")).to_be_visible()
    looked_over(chris)
    chris.page.get_by_role("textbox", name="Je antwoord").fill("Ja, om tien uur.")
    chris.page.get_by_role("button", name="Ja zeggen").click()
    expect(chris.page.get_by_text("je zei ja")).to_be_visible()
    broker.page.goto("/offers")
    expect(broker.page.get_by_text("Ja, om tien uur.")).to_be_visible()
    looked_over(broker)


@pytest.mark.parametrize("name", ["anna", "rob"])
def test_every_page_reads_well_in_english_too(visit: Visit, village: Village, name: str) -> None:
    visitor = visit("/about", language="en", at=village.at)
    village.let_in(visitor, name)
    titles = {"/volunteer": "Offer something", "/offers": "What people offer"}
    for path, title in titles.items():
        if path == "/offers" and name != "rob":
            continue
        visitor.open(path)
        expect(visitor.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        looked_over(visitor)
