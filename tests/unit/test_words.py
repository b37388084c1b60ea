"""How dates, numbers, hours and figures read in Dutch and in English."""

from datetime import date
from typing import Any

import pytest

from maps.cards import place_card, safe_link
from maps.confirmed import confirmed
from maps.hours import in_words
from maps.reader import Reader
from maps.rows import middle, row_of
from maps.when import in_full, next_time

NL, EN = Reader("nl"), Reader("en")
TODAY = date(2026, 11, 22)  # a Sunday


@pytest.mark.parametrize(
    ("metres", "dutch", "english"),
    [
        (0, "0\N{NO-BREAK SPACE}m", "0\N{NO-BREAK SPACE}m"),
        (347, "350\N{NO-BREAK SPACE}m", "350\N{NO-BREAK SPACE}m"),
        (994, "990\N{NO-BREAK SPACE}m", "990\N{NO-BREAK SPACE}m"),
        (995, "1,0\N{NO-BREAK SPACE}km", "1.0\N{NO-BREAK SPACE}km"),
        (1234, "1,2\N{NO-BREAK SPACE}km", "1.2\N{NO-BREAK SPACE}km"),
    ],
)
def test_distances_read_as_one_would_say_them(metres: float, dutch: str, english: str) -> None:
    assert (NL.distance(metres), EN.distance(metres)) == (dutch, english)


def test_numbers_and_dates_follow_the_readers_locale() -> None:
    assert (NL.number(1510.4), EN.number(1510.4)) == ("1.510", "1,510")
    assert (NL.date(TODAY), EN.date(TODAY)) == ("22 november 2026", "22 November 2026")


def test_a_share_reads_as_all_or_nothing_only_when_it_is() -> None:
    assert [NL.percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0%", "1%", "50%", "99%", "100%"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Mo-Fr 09:00-17:00", ["maandag t/m vrijdag: 09:00–17:00"]),
        ("Tu,Th 10:00-12:00,13:30-16:00", ["dinsdag en donderdag: 10:00–12:00 en 13:30–16:00"]),
        ("Mo-Sa 08:00-18:00; PH off", ["maandag t/m zaterdag: 08:00–18:00", "feestdagen: gesloten"]),
        ("We[1] 14:00-16:00", ["de eerste woensdag van de maand: 14:00–16:00"]),
        ("24/7", ["altijd open"]),
        ("09:00-12:00", ["09:00–12:00"]),
        ("Mo sunrise-sunset", ["Mo sunrise-sunset"]),
        ("", []),
    ],
)
def test_common_opening_hours_are_told_in_words_and_others_as_written(written: str, told: list[str]) -> None:
    assert [f"{days}: {hours}" if days else hours for days, hours in in_words(written, NL)] == told


@pytest.mark.parametrize(
    ("on", "words", "ageing"),
    [
        (None, "nooit bevestigd", True),
        ("2025-03-01", "niet bevestigd sinds maart 2025", True),
        ("2025-11-22", "bevestigd in november 2025", False),
        ("2025-11-21", "niet bevestigd sinds november 2025", True),
        ("2026-11-20", "bevestigd afgelopen week", False),
        ("2026-10-30", "bevestigd afgelopen maand", False),
    ],
)
def test_a_record_says_how_long_ago_it_was_confirmed(on: str | None, words: str, ageing: bool) -> None:
    assert confirmed(on, TODAY, NL) == (words, ageing)


def activity(**changed: object) -> dict[str, Any]:
    told = {"repeat": "weekly", "starts_on": "2026-01-02", "ends_on": None, "next_on": "2026-11-27"}
    return {**told, "time_from": "18:00:00", "time_to": "20:00:00", **changed}


def test_an_activity_tells_its_next_time_in_a_few_words() -> None:
    assert next_time(activity(), TODAY, NL) == "vr 18:00"
    assert next_time(activity(next_on="2026-11-22"), TODAY, NL) == "vandaag 18:00"
    assert next_time(activity(next_on="2026-11-23", time_from=None), TODAY, EN) == "tomorrow"
    assert next_time(activity(next_on="2026-12-25"), TODAY, NL) == "vr 25 dec 18:00"
    assert next_time(activity(next_on=None), TODAY, NL) == ""


def test_an_activity_tells_in_full_when_it_is() -> None:
    assert in_full(activity(), TODAY, NL) == ["elke vrijdag, 18:00–20:00", "volgende keer: vr 27 nov"]
    once = activity(repeat="once", starts_on="2026-12-05", next_on="2026-12-05", time_to=None)
    assert in_full(once, TODAY, EN) == ["Saturday 5 December 2026, 18:00"]


def place(**changed: object) -> dict[str, Any]:
    """Make a feature of which nothing is told but a name."""
    named = ("themes", "services", "goals", "target_groups", "languages", "growth", "funding")
    lists: dict[str, object] = {name: [] for name in named}
    gaps = dict.fromkeys(
        """summary description cost address postcode city capacity opening_hours organisation url licence confirmed_on
        ladder_level legal_form founded_in neighbourhood neighbourhood_name""".split()
    )
    told = {"kind": "initiative", "name": "De Bank", "accessibility": {}, "catchment": [], "demo": False, "source": "x"}
    properties = {**lists, **gaps, **told, **changed}
    return {"id": "1", "collection": "assets", "geometry": None, "properties": properties}


def test_a_record_of_which_nothing_is_told_has_no_empty_lines() -> None:
    card = place_card(place(), TODAY, NL)
    assert card.facts == []
    assert row_of(place(), TODAY, NL).details == ["Initiatief"]


def test_a_record_without_a_place_tells_for_which_area_it_works() -> None:
    served = [{"id": "a", "name": "Voscuyl"}, {"id": "b", "name": "Grunerie"}]
    assert row_of(place(catchment=served), TODAY, NL).details[-1] == "voor Voscuyl en Grunerie"
    assert row_of(place(catchment=served[:1]), TODAY, NL).details[-1] == "voor heel Voscuyl"
    assert row_of(place(neighbourhood_name="Oegstgeest"), TODAY, NL).details[-1] == "voor heel Oegstgeest"


def test_only_addresses_of_the_web_become_links() -> None:
    assert safe_link("https://example.nl/a?b=c") == "https://example.nl/a?b=c"
    for bad in ("javascript:alert(1)", "data:text/html,x", "//example.nl", "https://", "http://[", None, " "):
        assert safe_link(bad) == ""


def test_an_area_stands_on_the_map_in_the_middle_of_its_box() -> None:
    assert middle({"type": "Polygon", "coordinates": [[[4, 52], [5, 52], [5, 53], [4, 52]]]}) == (4.5, 52.5)
    assert middle(None) == (None, None)
