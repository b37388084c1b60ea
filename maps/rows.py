"""One row of the list of residents: what a place or activity shows of itself before it is opened."""

from datetime import date
from typing import Any, NamedTuple

from geo.vocabulary import ACCESSIBILITY, KINDS, Term
from maps.confirmed import Confirmed, confirmed
from maps.reader import Reader
from maps.when import next_time

Feature = dict[str, Any]

ACTIVITY = Term("Activiteit", "Activity")
SHOWN = {**{key: term for key, term in KINDS.items() if key != "volunteer"}, "activity": ACTIVITY}


class Row(NamedTuple):
    """What the list and the pin have in common. `lon` and `lat` are None where there is no place on the map."""

    collection: str
    id: str
    kind: str
    kind_label: str
    name: str
    aside: str
    details: list[str]
    summary: str
    confirmed: Confirmed
    demo: bool
    lon: float | None
    lat: float | None

    @property
    def href(self) -> str:
        """Give the address of the card."""
        return f"/{'activities' if self.collection == 'activities' else 'places'}/{self.id}"


def row_of(feature: Feature, today: date, reader: Reader) -> Row:
    """Tell one found feature as a row."""
    p = feature["properties"]
    kind = p.get("kind", "activity")
    lon, lat = middle(feature["geometry"])
    return Row(
        collection=feature["collection"],
        id=str(feature["id"]),
        kind=kind,
        kind_label=SHOWN[kind].label(reader.language),
        name=p.get("name") or p.get("title") or reader.say("Without a name"),
        aside=next_time(p, today, reader),
        details=_details(feature, reader),
        summary=p["summary"] or "",
        confirmed=confirmed(p["confirmed_on"], today, reader),
        demo=bool(p["demo"]),
        lon=lon,
        lat=lat,
    )


def _details(feature: Feature, reader: Reader) -> list[str]:
    p = feature["properties"]
    serves = served(feature, reader)
    where = p.get("asset_name") or ("" if serves else p["neighbourhood_name"])
    kind = None if "title" in p else SHOWN[p["kind"]].label(reader.language)
    step_free = (p.get("accessibility") or {}).get("step_free_entrance") is True
    access = ACCESSIBILITY["step_free_entrance"].label(reader.language) if step_free else None
    return [word for word in (kind, where, p["cost"], access, serves) if word]


def served(feature: Feature, reader: Reader) -> str:
    """Tell for which areas something works: those it names, or, without a place, the one it lies in. Else empty."""
    p = feature["properties"]
    names = [area["name"] for area in p.get("catchment") or []]
    if not names and feature["geometry"] is None and "catchment" in p and p["neighbourhood_name"]:
        names = [p["neighbourhood_name"]]
    if len(names) == 1:
        return reader.say("for all of %(name)s", {"name": names[0]})
    return reader.say("for %(names)s", {"names": reader.listed(names)}) if names else ""


def middle(geometry: dict[str, Any] | None) -> tuple[float, float] | tuple[None, None]:
    """Give (lon, lat) of a point, or the middle of the box around anything larger; (None, None) for no geometry."""
    if geometry is None:
        return None, None
    positions = _positions(geometry["coordinates"])
    lons, lats = [lon for lon, _ in positions], [lat for _, lat in positions]
    return (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2


def _positions(coordinates: list[Any]) -> list[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        return [(coordinates[0], coordinates[1])]
    return [position for part in coordinates for position in _positions(part)]
