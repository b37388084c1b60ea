"""Importing on the page for administrators: a key, a file, a report, a yes, and back again."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Route, expect
from sqlalchemy.orm import Session

from api.uploads import MOST_BYTES
from geo import db
from geo.imports.models import AddressDoubt
from geo.people import api_keys
from geo.settings import Settings
from geo.vocabulary import Role
from tests.browser.conftest import service
from tests.browser.visitor import Visitor

MAPPING = """
source = "Lijst"
source_id = "Nr"
place = { lon = "Lengte", lat = "Breedte" }
columns = { name = "Naam" }
constants = { kind = "community_room" }
"""
HEAD = "Nr,Naam,Lengte,Breedte\n"
TWO = HEAD + "1,Kamer Een,4.4701,52.1801\n2,Kamer Twee,4.4702,52.1802\n"
THREE_BAD = TWO + "".join(f"{number},,4.47,52.18\n" for number in (3, 4, 5))
MANY_BAD = HEAD + "".join(f"{number},,4.47,52.18\n" for number in range(1, 1101))
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}.csv"
BOTH = pytest.mark.parametrize(("width", "language"), [(1280, "nl"), (390, "en")])


class Office(NamedTuple):
    """A service without data: its address, its database, and a key of an administrator and one of a visitor."""

    at: str
    database: str
    key: str
    visitors_key: str


@pytest.fixture
def office(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Office]:
    """Give a service of one test."""
    url, keys = new_database(), list[str]()

    def fill(session: Session) -> None:
        keys.append(api_keys.create_key(session, "Jo de Planner"))
        keys.append(api_keys.create_key(session, "a visitor", Role.visitor))

    settings = Settings(
        database_url=url, var=tmp_path, tile_url="", pdok_url="", secret="a secret for tests only", requests_a_minute=0
    )
    with service(url, settings, fill) as at:
        yield Office(at, url, *keys)


class Planner(Visitor):
    """Somebody with a key at the page for imports."""

    def __init__(self, browser: Browser, office: Office, folder: Path, *, width: int, language: str) -> None:
        super().__init__(browser, office.at, width=width, language=language, scripts=True)
        self.folder, self.key = folder, office.key
        self.page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        self.page.goto("/imports")

    def file(self, name: str, content: str) -> str:
        """Keep a file to choose, and give its path."""
        path = self.folder / name
        path.write_text(content)
        return str(path)

    def enter(self, key: str = "") -> None:
        """Give a key, an administrator's by default."""
        self.page.fill("#key", key or self.key)
        self.page.press("#key", "Enter")

    def choose(self, content: str, name: str = "lijst.csv") -> None:
        """Choose a file of places with its mapping."""
        self.page.click(".choice:has([value=assets])")
        self.page.set_input_files("#file", self.file(name, content))
        self.page.set_input_files("#mapping", self.file("lijst.toml", MAPPING))

    def check(self, content: str, name: str = "lijst.csv") -> None:
        """Send a file and wait for its report."""
        self.choose(content, name)
        self.page.click("#check")
        expect(self.page.locator("#report")).to_be_visible(timeout=30_000)

    def fates(self) -> dict[str, str]:
        """Give the row of figures of the report: numbers by their words."""
        words, numbers = self.texts(".fate__word"), self.texts(".fate__number")
        return dict(zip(words, numbers, strict=True))

    def looks_whole(self) -> None:
        """Nothing sticks out, nothing is serious for axe."""
        assert self.sideways() == 0
        assert self.violations() == []


@pytest.fixture
def sit_down(
    browser: Browser, office: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Planner]]:
    """Give a maker of planners; afterwards none may have met an error that was not brought about."""
    met: list[Planner] = []

    def make(width: int = 1280, language: str = "nl") -> Planner:
        met.append(Planner(browser, office, tmp_path_factory.mktemp("files"), width=width, language=language))
        return met[-1]

    yield make
    assert [problem for planner in met for problem in planner.leave()] == []


Sit = Callable[..., Planner]


@BOTH
def test_a_planner_imports_a_file_and_takes_it_back(sit_down: Sit, width: int, language: str) -> None:
    planner = sit_down(width, language)
    page, dutch = planner.page, language == "nl"
    planner.looks_whole()
    planner.enter()
    expect(page.locator("#earlier-none")).to_be_visible()
    planner.looks_whole()
    planner.check(TWO)
    expect(page.locator("#report-title")).to_be_focused()
    assert planner.fates()["nieuw" if dutch else "new"] == "2"
    assert ("nog niets veranderd" if dutch else "Nothing has been written yet") in planner.text("#report-verdict")
    planner.looks_whole()
    page.click("#confirm")
    expect(page.locator("#report-status")).to_have_text("ingevoerd" if dutch else "imported")
    assert "Jo de Planner" in planner.text("#report-verdict")
    expect(page.locator("#earlier-list .stack__row")).to_have_count(1)
    planner.looks_whole()
    page.click("#undo")
    expect(page.locator("#ask")).to_be_visible()
    expect(page.locator("#ask [value=no]")).to_be_focused()
    planner.looks_whole()
    page.keyboard.press("Enter")
    expect(page.locator("#report-status")).to_have_text("ingevoerd" if dutch else "imported")
    page.click("#undo")
    page.click("#ask [value=yes]")
    expect(page.locator("#report-status")).to_have_text("teruggedraaid" if dutch else "undone")
    assert planner.text("#report-verdict").startswith("Teruggedraaid: 2 " if dutch else "Undone: 2 ")
    planner.looks_whole()


@BOTH
def test_a_key_that_opens_nothing_is_told_at_its_field(
    sit_down: Sit, office: Office, width: int, language: str
) -> None:
    planner = sit_down(width, language)
    planner.expected = ["401", "403"]
    for key, why in (
        ("kaart_00000000_wrong", {"nl": "werkt niet", "en": "not valid"}),
        ("sleutel met spaties é", {"nl": "werkt niet", "en": "not valid"}),
        (office.visitors_key, {"nl": "niet voor beheerders", "en": "not for administrators"}),
    ):
        planner.enter(key)
        expect(planner.page.locator("#key-error")).to_contain_text(why[language])
        expect(planner.page.locator("#key")).to_be_focused()
        expect(planner.page.locator("#inside")).to_be_hidden()
    planner.looks_whole()


def test_the_key_is_kept_nowhere_but_in_the_memory_of_the_tab(sit_down: Sit, office: Office) -> None:
    planner = sit_down()
    planner.enter()
    planner.check(TWO)
    secret = office.key.split("_", 2)[2]  # which may hold an underscore itself
    kept = planner.page.evaluate(
        """() => {
            const kept = [localStorage, sessionStorage, history.state].map(each => JSON.stringify(each));
            const inputs = [...document.querySelectorAll('input:not([type=file])')].map(input => input.value);
            return [location.href, document.cookie, document.documentElement.outerHTML, ...kept, ...inputs].join(' ');
        }"""
    )
    assert secret not in kept
    planner.page.click("#lock")
    expect(planner.page.locator("#key")).to_be_focused()
    expect(planner.page.locator("#inside")).to_be_hidden()
    assert planner.page.locator("#earlier-list .stack__row").count() == 0
    planner.page.reload()
    expect(planner.page.locator("#door")).to_be_visible()


@BOTH
def test_refused_rows_stop_the_file_until_somebody_says_that_they_may_stay_behind(
    sit_down: Sit, width: int, language: str
) -> None:
    planner = sit_down(width, language)
    page = planner.page
    planner.enter()
    planner.check(THREE_BAD)
    assert planner.text("#report-verdict").startswith("3 ")
    rows = page.locator("#lines .stack__row")
    expect(rows).to_have_count(3)
    assert "4" in rows.first.inner_text()
    assert page.locator("#lines td.stack__cell--reason").first.get_attribute("lang") == "en"
    expect(page.locator("#confirm")).to_be_disabled()
    planner.looks_whole()
    page.check("#skip")
    page.click("#confirm")
    expect(page.locator("#undo")).to_be_visible()
    assert planner.fates()["afgekeurd" if language == "nl" else "refused"] == "3"


@pytest.mark.slow
@BOTH
def test_a_thousand_refused_rows_scroll_under_their_head_and_the_rest_is_counted(
    sit_down: Sit, width: int, language: str
) -> None:
    planner = sit_down(width, language)
    page = planner.page
    planner.enter()
    planner.check(MANY_BAD)
    expect(page.locator("#lines tbody tr")).to_have_count(1000)
    expect(page.locator("#left-out")).to_contain_text("100")
    box, scroll = page.locator("#lines-scroll"), "box => box.scrollTop = box.scrollHeight"
    box.evaluate(scroll)
    expect(page.locator("#lines tbody tr").last).to_be_in_viewport()
    if width > 800:
        expect(page.locator("#lines th").first).to_be_in_viewport()
    expect(page.locator("#confirm")).to_be_hidden()
    assert planner.sideways() == 0


def test_a_file_that_cannot_be_read_is_told_in_place_and_what_was_filled_in_stays(sit_down: Sit) -> None:
    planner = sit_down()
    page = planner.page
    planner.expected = ["400"]
    planner.enter()
    page.click("#check")
    expect(page.locator("#file-error")).to_have_text("Kies eerst een bestand.")
    expect(page.locator("#file")).to_be_focused()
    planner.choose("Nr,Iets\n1,2\n")
    page.click("#check")
    expect(page.locator("#alert")).to_be_focused()
    assert planner.text("#alert-text") == "Zo kan dit niet worden ingevoerd."
    assert page.locator("#alert [lang=en]:visible").first.inner_text()
    assert page.locator("#file").evaluate("input => input.files[0].name") == "lijst.csv"
    planner.looks_whole()


def test_a_file_that_is_too_large_is_not_sent(sit_down: Sit, tmp_path: Path) -> None:
    planner = sit_down()
    planner.enter()
    planner.choose(TWO)
    large = tmp_path / "groot.csv"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    planner.page.set_input_files("#file", large)
    planner.page.click("#check")
    expect(planner.page.locator("#file-error")).to_contain_text("groter dan 50 MB")


@BOTH
def test_while_a_file_is_checked_the_page_stays_and_counts_the_seconds(
    sit_down: Sit, width: int, language: str
) -> None:
    planner = sit_down(width, language)
    page = planner.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    planner.enter()
    planner.choose(TWO)
    page.route("**/v1/imports", hold)
    page.click("#check")
    expect(page.locator("#busy")).to_be_visible()
    expect(page.locator("#fresh")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#busy-seconds")).to_have_text("1 s")
    planner.looks_whole()
    held[0].continue_()
    expect(page.locator("#report")).to_be_visible()
    expect(page.locator("#busy")).to_be_hidden()


def test_when_the_service_does_not_answer_the_page_says_so_and_lets_one_try_again(sit_down: Sit) -> None:
    planner = sit_down()
    page = planner.page
    planner.expected = ["Failed to load"]
    planner.enter()
    planner.choose(TWO)
    page.route("**/v1/imports", lambda route: route.abort())
    page.click("#check")
    expect(page.locator("#alert-text")).to_contain_text("Geen antwoord.")
    planner.looks_whole()
    page.unroute("**/v1/imports")
    page.click("#check")
    expect(page.locator("#report")).to_be_visible()
    expect(page.locator("#alert")).to_be_hidden()


def test_a_name_with_code_in_it_is_shown_as_it_is(sit_down: Sit) -> None:
    planner = sit_down()
    planner.enter()
    planner.check(HEAD + "1,<img src=x onerror=alert(1)>,999,52.18\n", HOSTILE)
    assert planner.text("#report-title") == HOSTILE
    expect(planner.page.locator("#earlier-list .stack__open", has_text=HOSTILE)).to_have_count(1)
    assert planner.page.locator("#main img").count() == 0


def test_what_waits_is_found_again_and_discarded(sit_down: Sit) -> None:
    planner = sit_down()
    page = planner.page
    planner.enter()
    planner.check(TWO)
    page.click("#close")
    expect(page.locator("#report")).to_be_hidden()
    page.click("#earlier-list .stack__open")
    expect(page.locator("#confirm")).to_be_enabled()
    page.click("#discard")
    expect(page.locator("#told")).to_have_text(re.compile("Weggegooid"))
    expect(page.locator("#earlier-none")).to_be_visible()


def test_a_planner_decides_on_doubtful_addresses(sit_down: Sit, office: Office) -> None:
    planner = sit_down()
    page = planner.page
    planner.enter()
    planner.check(TWO)
    page.click("#confirm")
    expect(page.locator("#undo")).to_be_visible()
    leave_doubts(office, 12)
    page.reload()
    planner.enter()
    expect(page.locator(".doubt")).to_have_count(10)
    assert planner.text("#doubts-more") == "Hierna nog 2"
    planner.looks_whole()
    first = page.locator(".doubt").first
    first.locator("button").click()
    expect(first.locator(".field__error")).to_be_visible()
    first.locator("label", has_text="Straat 0, Elders").click()
    first.locator("button").click()
    expect(first.locator("legend")).to_have_text("Straatt 1")
    expect(first.locator("input").first).to_be_focused()
    first.locator("label", has_text="Geen van deze").click()
    first.locator("button").click()
    expect(page.locator("#doubts-more")).to_be_hidden()
    expect(page.locator(".doubt")).to_have_count(10)


def leave_doubts(office: Office, number: int) -> None:
    """Let the last import leave addresses that are not certain, as one that looks addresses up does."""
    engine = db.engine(office.database)
    with db.sessions(engine)() as session:
        job = session.connection().exec_driver_sql("SELECT id FROM import_job WHERE what = 'assets'").scalar_one()
        for each in range(number):
            record = {"name": f"Kamer {each}", "kind": "community_room", "source": "Lijst", "source_id": f"d{each}"}
            places = [
                {"label": f"Straat {each}, {town}", "lon": 4.47, "lat": 52.18 + south, "score": 9 - south}
                for south, town in ((0, "Hier"), (1, "Elders"))
            ]
            doubt = AddressDoubt(job_id=job, row=each + 2, asked=f"Straatt {each}", record=record, candidates=places)
            session.add(doubt)
        session.commit()
    engine.dispose()


@pytest.mark.parametrize("language", ["nl", "en"])
def test_without_scripts_the_page_says_so_and_names_the_commands(
    browser: Browser, office: Office, language: str
) -> None:
    visitor = Visitor(browser, office.at, width=390, language=language, scripts=False)
    visitor.page.goto("/imports")
    assert "JavaScript" in visitor.text("#main h2")
    assert "kaart import assets FILE --map" in visitor.text("#main pre")
    expect(visitor.page.locator("#door")).to_be_hidden()
    assert visitor.leave() == []
