"""What HSDS asks to be told otherwise than we keep it: hours as rules that repeat, terms with ids, web addresses."""

from datetime import date
from uuid import UUID, uuid5

import pytest
from pydantic import BaseModel

from api import hsds
from api.parameters import FEW
from geo import vocabulary
from geo.hsds import schedules, terms
from geo.hsds.spans import WEEK, Span, spans
from geo.hsds.telling import is_free, uri
from geo.hsds.terms import Named

SERVICE = "6b0d5381-33f7-4c2b-a975-e27dbaa7d662"
WINTER, SUMMER = date(2026, 1, 15), date(2026, 7, 15)
MO_FR = (0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Mo-Fr 09:00-17:00", [Span(MO_FR, 0, "09:00", "17:00")]),
        ("24/7", [Span(WEEK, 0, "00:00", "23:59")]),
        ("10:00-12:00", [Span(WEEK, 0, "10:00", "12:00")]),
        ("Fr-Mo 8:30-24:00", [Span((0, 4, 5, 6), 0, "08:30", "23:59")]),
        ("Sa 22:00-26:00", [Span((5,), 0, "22:00", "02:00")]),
        ("Sa 22:00-02:00", [Span((5,), 0, "22:00", "02:00")]),
        ("Mo,We,Fr 09:30-12:30;", [Span((0, 2, 4), 0, "09:30", "12:30")]),
        ("Mo-Fr 09:00 - 17:00 ; PH off", [Span(MO_FR, 0, "09:00", "17:00")]),
        ("Mo,PH 09:00-17:00", [Span((0,), 0, "09:00", "17:00")]),
        ("Mo-Fr 09:00-17:00; We off", [Span((0, 1, 3, 4), 0, "09:00", "17:00")]),
        # A later rule takes the place of an earlier one on its days; it does not add to it.
        ("Mo-We 09:00-17:00; Tu 09:00-21:00",
         [Span((0, 2), 0, "09:00", "17:00"), Span((1,), 0, "09:00", "21:00")]),
        ("Mo 09:00-12:00,13:00-17:00", [Span((0,), 0, "09:00", "12:00"), Span((0,), 0, "13:00", "17:00")]),
        ("Tu[1],Th[-1] 10:00-12:00", [Span((3,), -1, "10:00", "12:00"), Span((1,), 1, "10:00", "12:00")]),
        ("Mo off", []),
    ],
)  # fmt: skip
def test_opening_hours_are_told_as_spans_that_come_back(written: str, told: list[Span]) -> None:
    found = spans(written)
    assert found is not None
    assert sorted(found) == sorted(told)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Mo-Fr sunrise-sunset",
        "Apr-Sep: Mo-Fr 09:00-17:00",
        "week 1-53/2 Fr 09:00-12:00",
        "Mo 09:00+",
        'Mo-Fr 09:00-17:00 "by appointment"',
        "Mo 09:00-17:00; Mo[1] off",
        "Mo 09:00-17:00; Mo[1] 09:00-12:00",
        "Mo 09:00-12:00 || We 13:00-15:00",
        "Mo[1-2] 10:00-12:00",
    ],
)
def test_hours_that_no_rule_repeats_are_not_told_as_if_one_did(written: str) -> None:
    assert spans(written) is None


def test_opening_hours_become_rules_with_the_offset_of_the_day() -> None:
    monday, first = schedules.of_hours(SERVICE, "Mo-Tu 09:00-17:00; We[1] 10:00-12:00", WINTER)
    assert {name: monday[name] for name in ("freq", "interval", "byday", "opens_at", "closes_at", "timezone")} == {
        "freq": "WEEKLY", "interval": 1, "byday": "MO,TU", "opens_at": "09:00+01:00", "closes_at": "17:00+01:00",
        "timezone": 1,
    }  # fmt: skip
    assert (first["freq"], first["byday"]) == ("MONTHLY", "1WE")
    assert monday["id"] != first["id"]
    summer = schedules.of_hours(SERVICE, "Mo-Tu 09:00-17:00; We[1] 10:00-12:00", SUMMER)
    assert [each["opens_at"] for each in summer] == ["09:00+02:00", "10:00+02:00"]
    assert [each["id"] for each in summer] == [monday["id"], first["id"]]
    assert [each["byday"] for each in schedules.of_hours(SERVICE, "Fr[-1] 10:00-12:00", WINTER)] == ["-1FR"]


def test_hours_that_are_richer_stand_as_they_are_written() -> None:
    (told,) = schedules.of_hours(SERVICE, "Apr-Sep: Mo 09:00-17:00", WINTER)
    assert told["description"] == "Apr-Sep: Mo 09:00-17:00"
    assert not {"freq", "byday", "opens_at"} & told.keys()


def activity(**told: str | None) -> dict[str, str | None]:
    empty = dict.fromkeys(("ends_on", "next_on", "time_from", "time_to"))
    return {**empty, "repeat": "weekly", "starts_on": "2026-01-07", **told}


def test_a_weekly_activity_repeats_on_its_weekday_until_its_end() -> None:
    held = activity(ends_on="2026-12-16", next_on="2026-07-15", time_from="19:30:00", time_to="21:00:00")
    (told,) = schedules.of_activity(SERVICE, held)
    assert {name: told.get(name) for name in ("freq", "interval", "byday", "dtstart", "until", "count")} == {
        "freq": "WEEKLY", "interval": 1, "byday": "WE", "dtstart": "2026-01-07", "until": "2026-12-16", "count": None,
    }  # fmt: skip
    assert (told["opens_at"], told["closes_at"], told["timezone"]) == ("19:30+02:00", "21:00+02:00", 2)


def test_an_activity_that_is_once_has_no_rule_and_the_offset_of_its_day() -> None:
    (told,) = schedules.of_activity(SERVICE, activity(repeat="once", time_from="19:30:00"))
    days = {name: told.get(name) for name in ("valid_from", "valid_to", "dtstart", "until")}
    assert set(days.values()) == {"2026-01-07"}
    assert (told["count"], told["opens_at"]) == (1, "19:30+01:00")
    assert not {"freq", "byday", "closes_at"} & told.keys()


def test_hours_that_are_not_known_are_not_told() -> None:
    (told,) = schedules.of_activity(SERVICE, activity())
    assert not {"opens_at", "closes_at", "timezone", "notes", "until"} & told.keys()


@pytest.mark.parametrize("day", ["0001-01-01", "1900-01-01", "9999-12-31"])
def test_days_at_the_ends_of_the_calendar_can_be_told(day: str) -> None:
    (told,) = schedules.of_activity(SERVICE, activity(starts_on=day, time_from="00:00:00", time_to="23:59:59"))
    assert told["dtstart"] == day


def test_an_id_of_a_term_follows_from_its_vocabulary_and_key() -> None:
    space = UUID("0a58703d-01dd-4cb8-b798-1d636d3d7f4c")
    assert terms.term_id(Named("services", "meals")) == uuid5(space, "services/meals")
    assert terms.taxonomy_id("services") == uuid5(space, "services")
    assert len(terms.TERMS) == sum(map(len, terms.VOCABULARIES.values()))


def test_a_service_lies_below_its_theme_and_is_told_in_both_languages() -> None:
    told = terms.term(Named("services", "groceries"))
    assert told["parent_id"] == str(terms.term_id(Named("themes", "home")))
    assert (told["code"], told["name"]) == ("groceries", "Groceries")
    for word in ("Boodschappen", "Food Delivery", "service:shopping=yes"):
        assert word in told["description"]


def test_volunteers_are_no_kind_of_thing_in_hsds() -> None:
    assert [*terms.VOCABULARIES["kinds"]] == ["community_room", "initiative", "care_location"]
    assert "volunteer" in vocabulary.KINDS
    assert "volunt" not in str([terms.term(named) for named in terms.TERMS.values()]).casefold()


@pytest.mark.parametrize(
    ("cost", "free"),
    [
        ("Gratis", True),
        (" gratis. ", True),
        ("free!", True),
        ("Gratis voor leden", False),
        ("€ 2", False),
        (None, False),
    ],
)
def test_what_is_free_is_only_what_says_no_more(cost: str | None, free: bool) -> None:
    assert is_free(cost) is free


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://example.org/a?b=c&d=%20#e", "https://example.org/a?b=c&d=%20#e"),
        ("https://example.org/café", "https://example.org/caf%C3%A9"),
        ("https://example.org/{{7*7}}<x>", "https://example.org/%7B%7B7*7%7D%7D%3Cx%3E"),
        (None, None),
    ],
)
def test_a_web_address_is_told_as_a_uri(url: str | None, told: str | None) -> None:
    assert uri(url) == told


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("read_hsds_organizations", hsds.OrganizationsQuery),
        ("read_hsds_organization", hsds.OrganizationQuery),
        ("read_hsds_services", hsds.ServicesQuery),
        ("read_hsds_service_at_locations", hsds.PlacesQuery),
        ("read_hsds_locations", hsds.PlacesQuery),
        ("read_hsds_taxonomies", hsds.PageQuery),
        ("read_hsds_taxonomy_terms", hsds.TermsQuery),
    ],
)
def test_every_parameter_of_a_list_is_let_through(route: str, query: type[BaseModel]) -> None:
    assert sorted(FEW[route]) == sorted(query.model_fields)
