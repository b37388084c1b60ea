"""What a resident finds, and in which order."""

from datetime import date, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy.orm import Session

from geo import activities, assets, neighbourhoods, search
from geo.collections import Wanted
from geo.days import today
from geo.neighbourhoods import Area, Origin
from geo.rights import VISITOR
from geo.vocabulary import Kind, Level
from tests.integration.town import AGREED

HERE = shapely.Point(4.47, 52.18)


def room(session: Session, name: str, **values: Any) -> None:
    assets.create(session, {"kind": Kind.community_room, "name": name, "place": HERE, **values})


def walk(session: Session, title: str, in_days: int, **values: Any) -> None:
    day = today() + timedelta(in_days)
    told = {"title": title, "theme": "move", "repeat": "once", "starts_on": day, "place": HERE}
    activities.create(session, {**told, **values})


def names(session: Session, wanted: Wanted = Wanted()) -> list[str]:  # noqa: B008
    found = search.find(session, VISITOR, wanted, limit=100)
    assert found.total == len(found.features)
    told = [feature["properties"] for feature in found.features]
    return [properties.get("title") or properties["name"] for properties in told]


def test_first_what_takes_place_soon_then_the_rest_by_name_then_what_has_no_place(session: Session) -> None:
    room(session, "Zaal Zon")
    room(session, "aula")
    room(session, "Overal", place=None)
    walk(session, "Later", 20, time_from="10:00")
    walk(session, "Morgen laat", 1, time_from="19:00")
    walk(session, "Morgen vroeg", 1, time_from="09:00")
    walk(session, "Vandaag", 0)
    assert names(session) == ["Vandaag", "Morgen vroeg", "Morgen laat", "aula", "Later", "Zaal Zon", "Overal"]


def test_what_never_takes_place_again_is_not_found(session: Session) -> None:
    walk(session, "Gisteren", -1)
    weekly = {"repeat": "weekly", "starts_on": today() - timedelta(30), "ends_on": today() - timedelta(1)}
    activities.create(session, {"title": "Voorbij", "theme": "move", "place": HERE, **weekly})
    assert names(session) == []


@pytest.mark.parametrize(
    ("since", "until", "found"), [(0, 0, False), (1, 1, True), (0, 6, True), (2, 7, False), (2, 8, True)]
)
def test_a_weekly_activity_takes_place_every_seven_days(session: Session, since: int, until: int, found: bool) -> None:
    began = today() - timedelta(13)  # so it takes place tomorrow, and in eight days
    told = {"title": "Koor", "theme": "meet", "repeat": "weekly", "starts_on": began, "place": HERE}
    activities.create(session, told)
    days = (today() + timedelta(since), today() + timedelta(until))
    assert names(session, Wanted(datetime=days)) == (["Koor"] if found else [])


def test_a_room_is_found_on_the_days_that_it_is_usually_open(session: Session) -> None:
    room(session, "Maandag", opening_hours="Mo 10:00-12:00")
    room(session, "Onbekend")
    monday = date(2026, 11, 23)
    assert names(session, Wanted(datetime=(monday, monday))) == ["Maandag"]
    assert names(session, Wanted(datetime=(monday + timedelta(1), monday + timedelta(1)))) == []
    assert names(session, Wanted(datetime=(monday + timedelta(1), monday + timedelta(7)))) == ["Maandag"]


def test_each_word_must_occur_in_the_text_or_in_the_label_of_a_service(session: Session) -> None:
    room(session, "De Zaal", summary="Soep op vrijdag", services=["meals"])
    room(session, "De Schuur", summary="Soep op zaterdag")
    assert names(session, Wanted(q="soep")) == ["De Schuur", "De Zaal"]
    assert names(session, Wanted(q="SOEP maaltijd")) == ["De Zaal"]
    assert names(session, Wanted(q="meals")) == ["De Zaal"]
    assert names(session, Wanted(q="soep dans")) == []


def test_a_short_word_begins_a_word_and_a_longer_one_may_end_a_compound(session: Session) -> None:
    room(session, "Ontmoeten", summary="Elkaar groeten")
    room(session, "Samen eten", summary="Een buurtmaaltijd")
    assert names(session, Wanted(q="eten")) == ["Samen eten"]
    assert names(session, Wanted(q="maaltijd")) == ["Samen eten"]
    assert names(session, Wanted(q="ontmo")) == ["Ontmoeten"]
    room(session, "Wandelclub")
    assert names(session, Wanted(q="wandelen")) == ["Wandelclub"]
    room(session, "'t Trefpunt (bij de kerk)")
    assert names(session, Wanted(q="'t")) == names(session, Wanted(q="(bij")) == ["'t Trefpunt (bij de kerk)"]


@pytest.mark.parametrize("wild", ["%", "_", "%%", "\\", "'", ".", "(", "[a", "a{9", "\\m"])
def test_signs_that_mean_something_to_a_database_are_only_signs(session: Session, wild: str) -> None:
    room(session, "De Zaal")
    assert names(session, Wanted(q=wild)) == []


def test_kinds_choose_between_places_and_activities(session: Session) -> None:
    room(session, "Zaal")
    walk(session, "Wandelen", 1)
    assert names(session, Wanted(kind=("activity",))) == ["Wandelen"]
    assert names(session, Wanted(kind=("community_room",))) == ["Zaal"]
    assert names(session, Wanted(kind=("community_room", "activity"))) == ["Wandelen", "Zaal"]
    assert names(session, Wanted(kind=("care_location",))) == []


def test_volunteers_are_never_found(session: Session) -> None:
    assets.create(session, {"kind": Kind.volunteer, "services": ["meals"], "place": HERE, "consent": AGREED})
    assert names(session) == []
    assert names(session, Wanted(kind=("volunteer",))) == []
    assert names(session, Wanted(service=("meals",))) == []


def test_a_neighbourhood_holds_what_lies_in_it_and_what_serves_it(session: Session) -> None:
    west, east = shapely.box(90_000, 460_000, 91_000, 461_000), shapely.box(91_000, 460_000, 92_000, 461_000)
    buurten = [Area("BU1", "West", Level.buurt, west, {}), Area("BU2", "East", Level.buurt, east, {})]
    neighbourhoods.load(session, buurten, Origin(2024, "paper", None, schematic=True), {})
    spot = neighbourhoods.to_wgs84(shapely.Point(90_500, 460_500))
    room(session, "In West", place=spot)
    room(session, "Voor Oost", place=None, catchment=["BU2"])
    walk(session, "Wandelen in West", 1, place=spot)
    assert names(session, Wanted(neighbourhood="BU1")) == ["Wandelen in West", "In West"]
    assert names(session, Wanted(neighbourhood="BU2.2024")) == ["Voor Oost"]
    drawn = neighbourhoods.draw(session, "Straat", neighbourhoods.to_wgs84(west.buffer(-400)))
    assert names(session, Wanted(neighbourhood=drawn.id)) == ["Wandelen in West", "In West"]


def test_an_activity_at_an_archived_place_is_gone_with_it(session: Session) -> None:
    hall = assets.create(session, {"kind": Kind.community_room, "name": "Zaal", "place": HERE})
    walk(session, "Koor", 1, place=None, asset=hall.id)
    assert names(session) == ["Koor", "Zaal"]
    assets.archive(session, hall.id, None)
    assert names(session) == []


def test_an_activity_with_a_place_of_its_own_takes_nothing_from_where_its_host_is(session: Session) -> None:
    west, east = shapely.box(90_000, 460_000, 91_000, 461_000), shapely.box(91_000, 460_000, 92_000, 461_000)
    buurten = [Area("BU1", "West", Level.buurt, west, {}), Area("BU2", "East", Level.buurt, east, {})]
    neighbourhoods.load(session, buurten, Origin(2024, "paper", None, schematic=True), {})
    here, there = (neighbourhoods.to_wgs84(shapely.Point(x, 460_500)) for x in (90_500, 91_500))
    hall = {"kind": Kind.community_room, "name": "Zaal", "address": "Dorpsstraat 1", "place": here}
    host = assets.create(session, hall)
    walk(session, "Binnen", 1, place=None, asset=host.id)
    walk(session, "Buiten", 2, place=there, asset=host.id)
    inside, outside = (
        f["properties"] for f in search.find(session, VISITOR, Wanted(kind=("activity",)), limit=9).features
    )
    assert (inside["address"], inside["neighbourhood_name"]) == ("Dorpsstraat 1", "West")
    assert (outside["address"], outside["neighbourhood_name"]) == (None, "East")
