"""Somebody who got a link: they set a password, see their name, and go out again, with scripts and without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from geo.people import accounts, links
from geo.vocabulary import LinkPurpose, Role
from tests.browser.conftest import Serve, with_nothing
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
PASSWORD = "een heel ander woord"
NAME = "Annemarie van den Bosch-Schoutens"


@pytest.mark.parametrize(("width", "scripts"), [(1280, True), (390, True), (1280, False)])
def test_a_link_leads_to_a_password_to_ones_name_on_every_page_and_out_again(
    visit: Visit, serve: Serve, width: int, scripts: bool
) -> None:
    made: list[str] = []

    def fill(session: Session) -> None:
        with_nothing(session)
        account = accounts.create(session, "annemarie@example.nl", NAME, Role.contributor)
        made.append(f"/welcome/{links.make(session, account, LinkPurpose.invite)}")

    at = serve(fill)
    visitor = visit(made[0], width=width, scripts=scripts, at=at)
    page = visitor.page
    visitor.expected = ["400", "Failed to load"]
    looked_over(visitor)
    page.get_by_label("Nieuw wachtwoord").fill("kort")
    page.get_by_role("button", name="Wachtwoord instellen").click()
    expect(page.get_by_label("Nieuw wachtwoord")).to_have_attribute("aria-invalid", "true")
    looked_over(visitor)
    page.get_by_label("Nieuw wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Wachtwoord instellen").click()
    expect(page.get_by_role("heading", name=NAME)).to_be_visible()
    looked_over(visitor)
    visitor.open("/about")
    expect(page.locator(".top__nav")).to_contain_text(NAME)
    looked_over(visitor)
    page.locator(".top__person").click()
    page.get_by_role("button", name="Uitloggen", exact=True).click()
    expect(page.locator(".top__nav")).to_contain_text("Inloggen")
    page.locator(".top__nav").get_by_text("Inloggen").click()
    page.get_by_label("E-mailadres").fill("annemarie@example.nl")
    page.get_by_label("Wachtwoord").fill("verkeerd")
    page.get_by_role("button", name="Inloggen").click()
    expect(page.get_by_role("alert")).to_contain_text("klopt niet")
    looked_over(visitor)
    page.get_by_label("Wachtwoord").fill(PASSWORD)
    page.get_by_role("button", name="Inloggen").click()
    expect(page.locator(".top__nav")).to_contain_text(NAME)


def looked_over(visitor: Visitor) -> None:
    """Find no fault with a page: nothing sideways, nothing for axe."""
    visitor.page.wait_for_load_state("load")  # a form brings a new page, whose words are there before its style is
    if visitor.scripts:
        assert visitor.sideways() == 0
        assert visitor.violations() == []
