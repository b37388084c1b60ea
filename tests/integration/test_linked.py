"""What programs read in the page of a card: schema.org as JSON-LD, and nothing that a text could break out of."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from geo.days import today
from maps import linked
from tests.integration.test_hsds import CANARY, made
from tests.integration.town import ACTIVITIES, AGREED, ASSETS, NOBODY, Town, point, square

ELEMENT = re.compile(r'<script type="application/ld\+json" nonce="([\w-]+)">(.*?)</script>', re.DOTALL)


def told(town: Town, path: str) -> dict[str, dict[str, Any]]:
    """Read what stands in a page, by type."""
    page = town.get(path)
    assert page.status_code == 200
    ((nonce, body),) = ELEMENT.findall(page.text)
    assert f"'nonce-{nonce}'" in page.headers["content-security-policy"]
    assert not set(body) & set("<>&\u2028\u2029")
    read = json.loads(body)
    assert read["@context"] == "https://schema.org"
    return {each["@type"]: each for each in read["@graph"]}


def test_a_room_is_told_with_its_address_hours_and_organisation(town: Town) -> None:
    item = made(
        town, ASSETS, point(4.4705, 52.1805), kind="community_room", name="De Linde", summary="Huis van de buurt",
        cost="Gratis", address="Dorpsstraat 1", postcode="2341 AA", city="Oegstgeest", url="https://example.org/linde",
        opening_hours="Mo-Tu 10:00-12:00; We[1] 13:00-15:00", accessibility={"hearing_loop": False}, capacity=30,
        organisation={"name": "Stichting De Linde", "url": "https://example.org/"}, services=["meals", "transport"],
    )  # fmt: skip
    page = f"http://kaart.test/places/{item}"
    assert told(town, f"/places/{item}?lang=en") == {
        "CivicStructure": {
            "@type": "CivicStructure", "@id": page, "name": "De Linde", "description": "Huis van de buurt",
            "url": "https://example.org/linde", "mainEntityOfPage": page, "keywords": "Meals, Transport",
            "isAccessibleForFree": True, "maximumAttendeeCapacity": 30,
            "geo": {"@type": "GeoCoordinates", "latitude": 52.1805, "longitude": 4.4705},
            "address": {
                "@type": "PostalAddress", "streetAddress": "Dorpsstraat 1", "postalCode": "2341 AA",
                "addressLocality": "Oegstgeest", "addressCountry": "NL",
            },
            "openingHoursSpecification": [
                {
                    "@type": "OpeningHoursSpecification", "opens": "10:00", "closes": "12:00",
                    "dayOfWeek": ["https://schema.org/Monday", "https://schema.org/Tuesday"],
                }
            ],
            "amenityFeature": [{"@type": "LocationFeatureSpecification", "name": "Hearing loop", "value": False}],
        },
        "Organization": {
            "@type": "Organization", "name": "Stichting De Linde", "url": "https://example.org/",
            "location": {"@id": page},
        },
    }  # fmt: skip


def test_an_initiative_is_an_organization_and_a_care_location_a_place(town: Town) -> None:
    group = made(town, ASSETS, kind="initiative", name="Wandelclub", catchment=["GM0579"])
    there = told(town, f"/places/{group}")["Organization"]
    assert there["name"] == "Wandelclub"
    assert there["areaServed"] == ["Oegstgeest"]
    assert "location" not in there
    garden = made(town, ASSETS, square(4.47, 52.17, 0.01), kind="initiative", name="Tuin", cost="€ 2")
    there = told(town, f"/places/{garden}")["Organization"]["location"]
    assert there["geo"]["latitude"] == pytest.approx(52.175)
    care = made(town, ASSETS, point(4.47, 52.18), kind="care_location", name="Zorg", cost="€ 2")
    assert "isAccessibleForFree" not in told(town, f"/places/{care}")["Place"]


def test_a_weekly_activity_is_an_event_with_a_schedule_and_its_next_day(town: Town) -> None:
    run = {"name": "Stichting Hof", "url": "https://example.org/"}
    host = made(
        town, ASSETS, point(4.47, 52.18), kind="community_room", name="Hof", organisation=run, city="Oegstgeest"
    )
    first = today() - timedelta(days=today().weekday() + 14)  # a Monday
    item = made(
        town, ACTIVITIES, title="Eten", theme="eat", repeat="weekly", starts_on=str(first), asset=host, cost="gratis",
        time_from="18:00", time_to="20:00", summary="Samen",
    )  # fmt: skip
    event = told(town, f"/activities/{item}")["Event"]
    coming = today() + timedelta(days=-today().weekday() % 7)
    assert event["startDate"][:16] == f"{coming}T18:00"
    assert event["endDate"][:16] == f"{coming}T20:00"
    assert event["startDate"][-6:] in ("+01:00", "+02:00")
    assert event["eventSchedule"] == {
        "@type": "Schedule", "repeatFrequency": "P1W", "byDay": "https://schema.org/Monday", "startDate": str(first),
        "startTime": "18:00:00", "endTime": "20:00:00", "scheduleTimezone": "Europe/Amsterdam",
    }  # fmt: skip
    place = event["location"]
    assert (place["@id"], place["name"]) == (f"http://kaart.test/places/{host}", "Hof")
    assert place["geo"] == {"@type": "GeoCoordinates", "latitude": 52.18, "longitude": 4.47}
    assert event["organizer"] == {"@type": "Organization", **run}
    assert event["isAccessibleForFree"] is True


def test_an_activity_at_a_place_of_its_own_is_told_there_and_once_has_no_schedule(town: Town) -> None:
    host = made(town, ASSETS, point(4.47, 52.18), kind="initiative", name="Lopers")
    day = {"theme": "move", "repeat": "once", "starts_on": "2030-07-01"}
    out = made(town, ACTIVITIES, point(4.48, 52.19), title="Rondje", asset=host, address="Station", **day)
    event = told(town, f"/activities/{out}")["Event"]
    assert event["startDate"] == "2030-07-01"
    assert not {"endDate", "eventSchedule"} & event.keys()
    assert (event["location"]["name"], event["location"]["geo"]["longitude"]) == ("Station", 4.48)
    assert event["organizer"] == {"@type": "Organization", "name": "Lopers"}
    loose = made(town, ACTIVITIES, title="Ergens", **day)
    assert not {"location", "organizer"} & told(town, f"/activities/{loose}")["Event"].keys()


def test_no_text_breaks_out_of_its_element(town: Town) -> None:
    words = dict.fromkeys(("name", "summary", "description", "cost", "address", "city"), CANARY)
    run = {"name": CANARY, "url": "https://example.org/</script><script>alert(1)</script>"}
    item = made(town, ASSETS, point(4.47, 52.18), kind="initiative", organisation=run, postcode=CANARY, **words)
    group = told(town, f"/places/{item}")["Organization"]
    assert (group["name"], group["description"]) == (CANARY, f"{CANARY} {CANARY}")
    assert group["location"]["address"]["streetAddress"] == CANARY
    assert group["parentOrganization"]["name"] == CANARY
    day = {"theme": "meet", "repeat": "weekly", "starts_on": "2026-01-07"}
    held = made(town, ACTIVITIES, title=CANARY, summary=CANARY, asset=item, how_to_join=CANARY, **day)
    event = told(town, f"/activities/{held}")["Event"]
    assert (event["name"], event["location"]["name"]) == (CANARY, CANARY)
    for path in (f"/places/{item}", f"/activities/{held}"):
        assert "<script>alert" not in town.get(path).text


def test_what_would_end_an_element_is_written_otherwise_and_reads_the_same() -> None:
    hostile = {"a": "</script><!--<script>\u2028\u2029&amp;]]>", "é": 1}
    assert json.loads(linked.written(hostile)) == hostile
    assert "é" in linked.written(hostile)
    assert not set(linked.written(hostile)) & set("<>&\u2028\u2029")


def test_every_page_of_the_demo_says_what_it_is_and_that_it_is_invented(town: Town) -> None:
    count = 0
    for path, page in ((ASSETS, "places"), (ACTIVITIES, "activities")):
        for item in town.get(path, limit=1000).json()["features"]:
            (main, *_) = told(town, f"/{page}/{item['id']}").values()
            assert main["@id"] == f"http://kaart.test/{page}/{item['id']}"
            assert main["name"] == item["properties"].get("name", item["properties"].get("title"))
            assert ("disambiguatingDescription" in main) == item["properties"]["demo"]
            if page == "activities":
                date.fromisoformat(main["startDate"][:10])
            count += 1
    assert count > 80


def test_of_a_volunteer_and_of_what_is_hidden_nothing_is_told(town: Town) -> None:
    person = {"kind": "volunteer", "services": ["meals"], "contact": {"email": "a@example.org"}, "consent": AGREED}
    made(town, ASSETS, point(4.4712358, 52.1813279), **person)
    hidden = made(town, ASSETS, kind="initiative", name="Verborgen", status="proposed")
    day = {"theme": "meet", "repeat": "once", "starts_on": "2030-01-01"}
    held = made(town, ACTIVITIES, title="Verborgen", asset=hidden, **day)
    with town.sessions() as session:
        people = session.scalars(text("SELECT id FROM asset WHERE kind = 'volunteer'")).all()
    assert len(people) > 10
    for path in (f"/places/{hidden}", f"/activities/{held}", *(f"/places/{item}" for item in people)):
        for who in (NOBODY, "admin"):
            page = town.get(path, who)
            assert page.status_code == 404
            assert "ld+json" not in page.text


def test_other_pages_carry_no_json_ld(town: Town) -> None:
    for path in ("/", "/gaps", "/about"):
        assert "ld+json" not in town.get(path).text
