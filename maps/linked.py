"""A place or activity in the words of schema.org (JSON-LD), for programs that read the page of its card."""

import json
from datetime import date, datetime, time
from typing import Any

from markupsafe import Markup

from geo.days import AMSTERDAM
from geo.hsds.spans import WEEKLY, spans
from geo.hsds.telling import INVENTED, is_free, known
from geo.vocabulary import ACCESSIBILITY, SERVICES, THEMES, Kind, Repeat, Term
from maps.cards import safe_link
from maps.reader import Reader
from maps.rows import Feature, middle

Told = dict[str, Any]

CONTEXT = "https://schema.org"
DAYS = tuple(f"{CONTEXT}/{day}day" for day in ("Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur", "Sun"))
# What would end the element, or begin another thing, on a page.
ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def written(told: Told) -> Markup:
    """Write JSON-LD so that no text in it can end the element in which it stands."""
    return Markup(json.dumps(told, ensure_ascii=False).translate(ESCAPED))  # noqa: S704 - escaped for a script element


def of_place(feature: Feature, address: str, reader: Reader) -> Told:
    """Tell one place, initiative or care location, and whose it is. `address` is that of the page."""
    p = feature["properties"]
    itself = {
        "@id": address,
        "name": p["name"],
        "description": " ".join(text for text in (p["summary"], p["description"]) if text),
        "disambiguatingDescription": INVENTED if p["demo"] else None,
        "url": safe_link(p["url"]) or address,
        "mainEntityOfPage": address,
        "keywords": _labels(p["services"], SERVICES, reader) or _labels(p["themes"], THEMES, reader),
    }
    there = _place(feature, reader)
    whose = _organisation(feature)
    if p["kind"] == Kind.initiative:
        location = {"@type": "Place", "name": p["name"], **there} if there else None
        served = [area["name"] for area in p["catchment"] or []]
        more = {"location": location, "areaServed": served, "parentOrganization": whose}
        return _graph([{"@type": "Organization", **itself, **more}])
    kind = "CivicStructure" if p["kind"] == Kind.community_room else "Place"
    place = {"@type": kind, **itself, **there, "isAccessibleForFree": is_free(p["cost"]) or None}
    return _graph([place, {**whose, "location": {"@id": address}}] if whose else [place])


def of_activity(feature: Feature, host: Feature | None, address: str, reader: Reader) -> Told:
    """Tell one activity, with the asset at which it takes place, if any. `address` is that of the page."""
    p = feature["properties"]
    day = date.fromisoformat(p["next_on"] or p["starts_on"])
    theme = _labels([p["theme"]], THEMES, reader)
    event = {
        "@type": "Event",
        "@id": address,
        "name": p["title"],
        "description": p["summary"],
        "disambiguatingDescription": INVENTED if p["demo"] else None,
        "url": address,
        "mainEntityOfPage": address,
        "keywords": _labels(p["services"], SERVICES, reader) or theme,
        "startDate": _moment(day, p["time_from"]),
        "endDate": _moment(day, p["time_to"]) if p["time_to"] else None,
        "eventSchedule": _schedule(p),
        "location": _venue(feature, host, address),
        "organizer": _organizer(host),
        "isAccessibleForFree": is_free(p["cost"]) or None,
    }
    return _graph([event])


def _graph(told: list[Told]) -> Told:
    return {"@context": CONTEXT, "@graph": [known(each) for each in told]}


def _place(feature: Feature, reader: Reader) -> Told:
    """Tell what only a place has. Empty where nothing of it is known to be somewhere."""
    p = feature["properties"]
    where = _where(feature)
    access = [
        {"@type": "LocationFeatureSpecification", "name": term.label(reader.language), "value": p["accessibility"][key]}
        for key, term in ACCESSIBILITY.items()
        if (p["accessibility"] or {}).get(key) is not None
    ]
    hours = [
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": [DAYS[day] for day in span.days],
            "opens": span.opens,
            "closes": span.closes,
        }
        for span in spans(p["opening_hours"] or "") or []
        if span.nth == WEEKLY
    ]
    more = {
        "openingHoursSpecification": hours,
        "amenityFeature": access,
        "maximumAttendeeCapacity": p["capacity"],
    }
    return known({**where, **more}) if where or p["kind"] != Kind.initiative else {}


def _where(feature: Feature) -> Told:
    """Tell address and coordinates, as far as they are known."""
    p = feature["properties"]
    lon, lat = middle(feature["geometry"])
    parts = {"streetAddress": p["address"], "postalCode": p.get("postcode"), "addressLocality": p.get("city")}
    address = known(parts)
    return known(
        {
            "address": {"@type": "PostalAddress", **address, "addressCountry": "NL"} if address else None,
            "geo": {"@type": "GeoCoordinates", "latitude": lat, "longitude": lon} if lat is not None else None,
        }
    )


def _venue(feature: Feature, host: Feature | None, address: str) -> Told | None:
    """Tell where an activity is: at a place of its own, else at its host."""
    own = feature["geometry"] is not None and (host is None or feature["geometry"] != host["geometry"])
    if host is None or own:
        where = _where(feature)
        return {"@type": "Place", "name": feature["properties"]["address"] or "", **where} if where else None
    there = f"{address.partition('/activities/')[0]}/places/{host['id']}"
    return {"@type": "Place", "@id": there, "name": host["properties"]["name"], **_where(host)}


def _organisation(feature: Feature) -> Told:
    told = feature["properties"]["organisation"]
    return known({"@type": "Organization", "name": told["name"], "url": safe_link(told["url"])}) if told else {}


def _organizer(host: Feature | None) -> Told:
    """Tell who receives: the organisation of the host, or an initiative itself."""
    if host is None:
        return {}
    alone = host["properties"]["kind"] == Kind.initiative
    return _organisation(host) or ({"@type": "Organization", "name": host["properties"]["name"]} if alone else {})


def _schedule(p: Told) -> Told | None:
    """Tell how a weekly activity repeats, by the clock in the Netherlands."""
    if p["repeat"] != Repeat.weekly:
        return None
    return known(
        {
            "@type": "Schedule",
            "repeatFrequency": "P1W",
            "byDay": DAYS[date.fromisoformat(p["starts_on"]).weekday()],
            "startDate": p["starts_on"],
            "endDate": p["ends_on"],
            "startTime": p["time_from"],
            "endTime": p["time_to"],
            "scheduleTimezone": str(AMSTERDAM),
        }
    )


def _moment(day: date, clock: str | None) -> str:
    """Write a day, with the hour and its offset from UTC where it is known."""
    return datetime.combine(day, time.fromisoformat(clock), AMSTERDAM).isoformat() if clock else day.isoformat()


def _labels(keys: list[str] | None, terms: dict[str, Term], reader: Reader) -> str:
    return ", ".join(terms[key].label(reader.language) for key in keys or [] if key in terms)
