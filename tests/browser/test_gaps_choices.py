"""What brokers can choose on the map of gaps: measure, group of residents, run; and how uncertainty shows."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import expect
from shapely import Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import assets
from geo.coverage.models import CoverageRun
from geo.models import Asset
from geo.neighbourhoods import to_wgs84
from geo.records import act_as
from geo.vocabulary import RunStatus
from tests.browser.conftest import Serve, compute, with_demo
from tests.browser.visitor import Visitor

Visit = Callable[..., Visitor]
MEASURES = "gap uncovered covered choice supply crowding certain open worst nearest far".split()
POELGEEST = "BU05790302.2024"


def with_a_past(session: Session) -> None:
    """Fill a database with the demo, a run of it, then a new room in Poelgeest and a second run; a third is at work."""
    with_demo(session)
    act_as(session, "tester")
    room = {
        "kind": "community_room",
        "name": "De Nieuwe Kamer",
        "place": to_wgs84(Point(93780, 466225)),
        "source": "test",
    }
    assets.create(session, {**room, "opening_hours": "Mo-Su 09:00-22:00"})
    compute(session)
    settled = {"year": 0, "norm_m": 800.0, "detour": 1.3, "lattice_m": 100.0, "code_version": "test"}
    session.add(CoverageRun(**settled, status=RunStatus.working, progress=0.42))


@pytest.fixture(scope="module")
def grown(serve: Serve) -> str:
    """Give the address of a town that got a room after its first run."""
    return serve(with_a_past)


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_colours_the_map_by_its_own_fixed_limits(visit: Visit, measure: str) -> None:
    visitor = visit("/gaps?kind=care_location")
    titles = visitor.texts("#measure option")
    assert len(titles) == len(MEASURES)
    visitor.page.select_option("#measure", measure)
    visitor.page.wait_for_function(
        "field => JSON.parse(document.getElementById('legend').dataset.colouring) && new URL(location).searchParams"
        ".get('measure') === (field === 'gap' ? null : field)",
        arg=measure,
    )
    visitor.settle()
    rows = visitor.page.locator(".ranking__row").evaluate_all("rows => rows.map(r => [r.dataset.id, r.dataset.band])")
    drawn = visitor.page.locator(".gap-area").evaluate_all("all => all.map(a => [a.dataset.id, a.dataset.band])")
    assert dict(drawn) == dict(rows)
    assert visitor.page.locator(".legend__band").count() == 7
    assert visitor.sideways() == 0
    hidden = "e => e.scrollWidth - e.clientWidth"
    assert visitor.page.locator("#scroll").evaluate(hidden) == 0


def test_without_scripts_the_form_asks_for_measure_group_and_run_too(visit: Visit) -> None:
    visitor = visit("/gaps", scripts=False)
    visitor.page.select_option("#measure", "covered")
    visitor.page.select_option("#group", "residents_65")
    visitor.page.click(".filters__show")
    assert visitor.page.url.endswith("/gaps?kind=community_room&level=buurt&measure=covered&group=residents_65")
    assert visitor.texts(".ranking thead th")[1:] == ["65+", "Iedereen", "Buiten bereik"]
    assert visitor.page.input_value("#group") == "residents_65"


def test_a_measure_that_a_group_does_not_have_is_replaced_and_the_page_says_so(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.page.select_option("#group", "residents_65")
    expect(visitor.page.locator(".list__note")).to_contain_text("Daarom zie je dat, en niet ‘Gatscore’")
    visitor.settle()
    assert visitor.page.input_value("#measure") == "covered"
    assert visitor.text(".legend__title") == "Aandeel binnen bereik"
    visitor.page.select_option("#group", "everyone")
    expect(visitor.page.locator(".list__note")).to_have_count(0)


def test_each_choice_says_in_sight_what_it_is_about_and_shows_what_was_chosen_in_full(visit: Visit) -> None:
    visitor = visit("/gaps?measure=worst")
    assert visitor.texts(".filters__label") == ["Wat", "Maat", "Van wie", "Per", "Wanneer"]
    for label in visitor.page.locator(".filters__label").all():
        box = label.bounding_box()
        assert box
        assert box["height"] > 12
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.id)"
    assert visitor.page.locator(".filters__field select").evaluate_all(cut) == []


def test_a_group_that_is_known_nowhere_is_said_to_be(visit: Visit) -> None:
    visitor = visit("/gaps?group=children&measure=covered", scripts=False)
    assert "van geen enkele buurt bekend" in visitor.text(".list__note")
    visitor.open("/gaps?group=residents_65&measure=covered")
    assert visitor.page.locator(".list__note").count() == 0


@pytest.mark.parametrize(("level", "head"), [("buurt", "Buurt"), ("wijk", "Wijk"), ("gemeente", "Gemeente")])
def test_the_first_column_names_the_level(visit: Visit, level: str, head: str) -> None:
    assert visit(f"/gaps?level={level}", scripts=False).text(".ranking thead th:first-child") == head


def test_what_is_opened_is_in_sight_in_the_ranking_and_named_on_the_map(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.settle()
    last = visitor.page.locator(".ranking__row").last
    name = last.get_attribute("data-name")
    last.locator("a").evaluate("link => link.click()")
    visitor.settle()
    expect(visitor.page.locator(".ranking__row--chosen")).to_be_in_viewport(ratio=0.9)
    expect(visitor.page.locator(".place-name", has_text=name)).not_to_have_class(re.compile("place-name--hidden"))


def test_who_prints_an_open_card_gets_the_whole_card_and_nothing_beside_it(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.page.locator(f".ranking__row[data-id='{POELGEEST}']").click()
    visitor.settle()
    visitor.page.emulate_media(media="print")
    expect(visitor.page.locator("#panel")).to_be_hidden()
    assert visitor.page.locator("#opened").evaluate("e => e.scrollHeight - e.clientHeight") == 0


def test_the_choice_keeps_the_focus_when_it_changes_what_is_shown(visit: Visit) -> None:
    visitor = visit("/gaps")
    visitor.page.locator("#level").focus()
    visitor.page.select_option("#level", "wijk")
    visitor.page.wait_for_url("**level=wijk**")
    visitor.settle()
    expect(visitor.page.locator("#level")).to_be_focused()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_share_stands_with_its_interval_and_no_column_is_cut(visit: Visit, width: int) -> None:
    visitor = visit("/gaps?measure=covered", width=width)
    visitor.settle()
    assert visitor.page.locator(".ranking__small").count() == 15
    right = visitor.page.locator(".ranking tr > :last-child").evaluate_all(
        "cells => Math.max(...cells.map(cell => cell.getBoundingClientRect().right))"
    )
    panel = visitor.page.locator("#panel").bounding_box()
    assert panel
    assert right <= panel["x"] + panel["width"]


def test_what_was_decided_stands_beside_the_result(visit: Visit) -> None:
    visitor = visit("/gaps", scripts=False)
    visitor.page.get_by_text("Waarmee is gerekend").click()
    told = visitor.text(".fold--list").replace("\N{NO-BREAK SPACE}", " ")
    for words in ("800 m lopen of minder", "180 dagen als zeker", "Minstens 4 uur per week", "1 – geen plek"):
        assert words in told


def test_a_run_of_the_past_can_be_looked_at_with_what_changed_since_and_because_of_which_places(
    visit: Visit, grown: str
) -> None:
    visitor = visit("/gaps", at=grown)
    assert visitor.text("[data-work]") == "Een nieuwe berekening is bezig: 42% klaar."
    runs = visitor.page.locator("#run option").evaluate_all("all => all.map(one => one.value)")
    assert runs[0] == ""
    assert len({UUID(run) for run in runs[1:]}) == 2
    visitor.page.select_option("#run", runs[-1])
    visitor.page.wait_for_url(f"**run={runs[-1]}**")
    visitor.settle()
    assert visitor.text(".ranking__head:last-child") == "Sindsdien"
    row = visitor.page.locator(f".ranking__row[data-id='{POELGEEST}'] td:last-child")
    assert row.inner_text().startswith("−")
    assert visitor.page.locator("#tools").is_hidden()
    visitor.page.locator(f".ranking__row[data-id='{POELGEEST}']").click()
    expect(visitor.page.locator("#card .gap__since").first).to_contain_text("bewoners minder buiten bereik")
    expect(visitor.page.locator("#card .gap__since").first).to_contain_text("De Nieuwe Kamer (nieuw)")
    expect(visitor.page.locator("#card .card__kind")).to_contain_text("berekend op")
    assert visitor.page.locator("[data-try-here]").count() == 0


def test_a_card_names_the_places_that_matter_and_leads_to_them(visit: Visit) -> None:
    visitor = visit("/gaps?kind=care_location")
    visitor.page.get_by_role("link", name="Buurt", exact=True).click()
    visitor.settle()
    visitor.page.get_by_role("link", name="Oranje Nassau").click()
    place = visitor.page.locator("#card .named__list a").first
    name = place.inner_text()
    place.click()
    assert visitor.text("h1") == name


def test_a_place_that_is_gone_since_the_run_is_not_named(visit: Visit, serve: Serve) -> None:
    gone: list[str] = []

    def fill(session: Session) -> None:
        with_demo(session)
        act_as(session, "tester")
        for asset in session.scalars(select(Asset).where(Asset.kind == "care_location")):
            gone.append(str(asset.name))
            asset.status = "archived"  # type: ignore[assignment]

    visitor = visit("/gaps/BU05790102.2024?kind=care_location", at=serve(fill))
    assert gone
    assert not [name for name in gone if name in visitor.text("article")]
