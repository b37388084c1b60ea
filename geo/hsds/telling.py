"""Features of ours → objects of HSDS 3.0. What is not known is absent; nothing is told that a visitor does not see."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid5

from babel import Locale
from shapely.geometry import shape

from geo.hsds import schedules
from geo.hsds.rows import ACTIVITIES, Row
from geo.hsds.terms import VOCABULARIES, Named, Told, term, term_id
from geo.vocabulary import ACCESSIBILITY, FUNDING, KINDS, LEGAL_FORMS, TARGET_GROUPS

Feature = dict[str, Any]

INVENTED = "This record was invented to show how the map works. It does not exist."
FREE = frozenset(("gratis", "free", "kosteloos", "geen kosten", "free of charge"))
URI = "!#$%&'()*+,-./:;=?@[]_~"  # characters that a web address may hold besides letters and digits
LANGUAGES = Locale("en").languages


class Record(NamedTuple):
    """A row with the feature that a visitor sees of it, and of the asset at which it takes place (or that it is)."""

    row: Row
    feature: Feature
    host: Feature | None

    @property
    def properties(self) -> dict[str, Any]:
        """Give what is told of the record itself."""
        found: dict[str, Any] = self.feature["properties"]
        return found

    @property
    def place(self) -> Feature | None:
        """Give the feature that tells where it is: its own, or that of its host."""
        if self.row.location is None:
            return None
        return self.feature if str(self.row.location) == self.feature["id"] else self.host


def is_free(cost: str | None) -> bool:
    """Say whether a text about costs says that there are none, and no more than that."""
    return (cost or "").strip(" .!").casefold() in FREE


def uri(url: str | None) -> str | None:
    """Give a web address with its rarer characters escaped, as a URI must have them."""
    return quote(url, safe=URI) if url else None


def known(told: Told) -> Told:
    """Leave out what is not known."""
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def moment(modified: datetime) -> str:
    """Write a moment in UTC, to the millisecond."""
    return modified.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def organisation(item: UUID, name: str, legal_form: str | None, url: str | None) -> Told:
    """Tell an organisation of ours. Its description is a sentence made of what we know."""
    form = LEGAL_FORMS.get(legal_form or "")
    what = f", {form.en.lower()}," if form else ""
    about = f"{name}{what} runs what is listed as its services."
    return known(
        {
            "id": str(item),
            "name": name,
            "description": about,
            "website": uri(url),
            "legal_status": form.en if form else None,
        }
    )


def organization(record: Record) -> Told:
    """Tell whose a service is; without an organisation the asset, or the activity without a host, stands for itself."""
    item, host = record.row.organization, record.host or record.feature
    told = host["properties"].get("organisation")
    if told:
        return organisation(item, told["name"], told["legal_form"], told["url"])
    return alone(host)


def alone(feature: Feature) -> Told:
    """Tell an asset or an activity of which we know no organisation, as the organization that it stands for."""
    p = feature["properties"]
    name = p.get("name") or p["title"]
    kind = KINDS[p["kind"]].en if "kind" in p else "Activity"
    about = f"{kind} “{name}”. No organisation is recorded that runs it: it stands for itself."
    form = LEGAL_FORMS.get(p.get("legal_form") or "")
    return known(
        {
            "id": feature["id"],
            "name": name,
            "description": " ".join([about, *([p["summary"]] if p["summary"] else [])]),
            "website": uri(p.get("url")),
            "year_incorporated": p.get("founded_in"),
            "legal_status": form.en if form else None,
        }
    )


def location(record: Record, *, full: bool) -> Told:
    """Tell where a record is; `full` with its address and accessibility. Empty for one that has no place."""
    place = record.place
    if place is None:
        return {}
    p, item = place["properties"], place["id"]
    spot = shape(place["geometry"]).representative_point() if place["geometry"] else None
    told = {
        "id": item,
        "location_type": "physical",
        "organization_id": str(record.row.organization),
        "name": p.get("name") or p["address"] or p["title"],
        "description": p["summary"] if "name" in p else None,
        "latitude": round(spot.y, 7) if spot else None,
        "longitude": round(spot.x, 7) if spot else None,
        "external_identifier": p["source_id"],
        "external_identifier_type": p["source"] if p["source_id"] else None,
    }
    more = {"addresses": _addresses(place), "accessibility": _accessibility(place)} if full else {}
    return known(told | more)


def _addresses(place: Feature) -> list[Told]:
    """Tell an address. HSDS wants each part; one that we do not know, as the province, is an empty text."""
    p, item = place["properties"], place["id"]
    if not p["address"]:
        return []
    told = {
        "id": child(item, "address"),
        "location_id": item,
        "address_1": p["address"],
        "city": p.get("city") or "",
        "state_province": "",
        "postal_code": p.get("postcode") or "",
        "country": "NL",
        "address_type": "physical",
    }
    return [told]


def _accessibility(place: Feature) -> list[Told]:
    item, kept = place["id"], place["properties"].get("accessibility") or {}
    return [
        {
            "id": child(item, f"accessibility {key}"),
            "location_id": item,
            "description": f"{label.en}: {'yes' if kept[key] else 'no'}",
        }
        for key, label in ACCESSIBILITY.items()
        if kept.get(key) is not None
    ]


def service(record: Record, today: date, *, full: bool) -> Told:
    """Tell what is done for people, by itself; `full` with all lists of it, but for its locations."""
    p, item = record.properties, record.feature["id"]
    groups = [TARGET_GROUPS[key].en for key in p.get("target_groups") or [] if key in TARGET_GROUPS]
    told = {
        "id": item,
        "organization_id": str(record.row.organization),
        "name": p.get("name") or p["title"],
        "description": "\n\n".join(text for text in (p["summary"], p.get("description")) if text),
        "url": uri(p.get("url")),
        "status": _status(record),
        "application_process": p.get("how_to_join"),
        "fees_description": p["cost"],
        "eligibility_description": "; ".join(groups),
        "assured_date": p["confirmed_on"],
        "alert": INVENTED if p["demo"] else None,
        "last_modified": moment(record.row.modified),
    }
    return known(told | (_lists(record, today) if full else {}))


def _status(record: Record) -> str:
    """An activity that never takes place again, and an initiative that ended, are over."""
    p = record.properties
    if record.row.record == ACTIVITIES:
        return "active" if p["next_on"] else "defunct"
    return "defunct" if p["growth"] and p["growth"][-1]["stage"] == "ended" else "active"


def _lists(record: Record, today: date) -> Told:
    p, item = record.properties, record.feature["id"]
    if record.row.record == ACTIVITIES:
        when = schedules.of_activity(item, p)
    else:
        when = schedules.of_hours(item, p["opening_hours"], today) if p["opening_hours"] else []
    free = {"amount": 0, "currency": "EUR"} if is_free(p["cost"]) else {}
    cost = {"id": child(item, "cost"), "service_id": item, **free, "amount_description": p["cost"]}
    return {
        "schedules": when,
        "service_areas": _areas(record),
        "languages": [
            known({"id": child(item, f"language {c}"), "service_id": item, "name": LANGUAGES.get(c), "code": c})
            for c in p.get("languages") or []
        ],
        "funding": [
            {"id": child(item, f"funding {key}"), "service_id": item, "source": FUNDING[key].en}
            for key in p.get("funding") or []
            if key in FUNDING
        ],
        "cost_options": [cost] if p["cost"] else [],
        "attributes": attributes(record),
    }


def _areas(record: Record) -> list[Told]:
    """Tell for which neighbourhoods something works: those it names, or, without a place, the one it lies in."""
    p, item = record.properties, record.feature["id"]
    named = [(area["id"], area["name"]) for area in p.get("catchment") or []]
    if not named and "catchment" in p and record.row.location is None and p["neighbourhood_name"]:
        named = [(p["neighbourhood"], p["neighbourhood_name"])]
    return [{"id": child(item, f"area {area}"), "service_id": item, "name": name} for area, name in named]


def attributes(record: Record) -> list[Told]:
    """Tell the terms that a service carries, each with all that is known of it."""
    p, item = record.properties, record.feature["id"]
    carried = {name: p.get(name) or [] for name in VOCABULARIES}
    carried["kinds"] = [p["kind"]] if "kind" in p else []
    carried["themes"] = [p["theme"]] if "theme" in p else carried["themes"]
    named = [Named(name, key) for name, keys in carried.items() for key in keys if key in VOCABULARIES[name]]
    return [
        {
            "id": child(item, f"attribute {each.vocabulary}/{each.key}"),
            "link_id": item,
            "taxonomy_term_id": str(term_id(each)),
            "link_type": each.vocabulary,
            "link_entity": "service",
            "taxonomy_term": term(each),
        }
        for each in named
    ]


def child(item: str, name: str) -> str:
    """Give the id of what a record holds: it follows from the record's id, so that it never changes."""
    return str(uuid5(UUID(item), name))
