"""The demo municipality: schematic outlines and plainly invented records, loaded the way that any record comes in."""

import json
import random
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import shapely
import shapely.wkt
from shapely.geometry.base import BaseGeometry
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from geo import activities, assets, neighbourhoods
from geo.days import today
from geo.models import Asset, Neighbourhood
from geo.neighbourhoods import Area, Origin
from geo.records import act_as
from geo.vocabulary import Kind, Level

LOADER = "demo"
FIRST_START = 0x6B616174
MUNICIPALITY = "Oegstgeest"
OUTLINES = Path("boundaries/oegstgeest.geojson")
RECORDS = Path("demo/oegstgeest.toml")
DAYS_A_MONTH = 30.4
Record = dict[str, Any]


class Loaded(NamedTuple):
    """How much was loaded."""

    neighbourhoods: int
    assets: int
    volunteers: int
    activities: int


def is_empty(session: Session) -> bool:
    """Say whether the database holds no neighbourhood and no asset at all.

    Until the transaction ends, nobody else is told so: of two first starts one loads the demo.
    """
    session.execute(select(func.pg_advisory_xact_lock(FIRST_START)))
    return not session.scalar(select(exists(select(Neighbourhood.id)) | exists(select(Asset.id))))


def load(session: Session, data: Path) -> Loaded:
    """Load the demo municipality from the folder `data`, days counted back from today.

    raises Conflict where its records are there already
    """
    act_as(session, LOADER)
    outlines = _outlines(session, data / OUTLINES)
    records = tomllib.loads((data / RECORDS).read_text(encoding="utf-8"))
    organisations = {told["key"]: {k: v for k, v in told.items() if k != "key"} for told in records["organisation"]}
    ids = {
        told["key"]: assets.create(session, _asset(told, organisations, records["licence"])).id
        for told in records["asset"]
    }
    for told in records["activity"]:
        activities.create(session, _activity(told, ids, records["licence"]))
    people = [person for group in records["volunteers"] for person in _volunteers(group, outlines)]
    for person in people:
        assets.create(session, person)
    return Loaded(len(outlines), len(ids), len(people), len(records["activity"]))


def _outlines(session: Session, file: Path) -> dict[str, BaseGeometry]:
    """Store the buurten, and the wijken and gemeente made of them; give all outlines in RD New by code."""
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    buurten = [_area(feature) for feature in features]
    wijk_of = {f["properties"]["code"]: f["properties"]["wijk"] for f in features}
    gemeente = features[0]["properties"]["gemeente"]
    wijken = [
        neighbourhoods.union(
            (b for b in buurten if wijk_of[b.code] == wijk), wijk, f"Wijk {wijk[-2:]} {MUNICIPALITY}", Level.wijk
        )
        for wijk in sorted(set(wijk_of.values()))
    ]
    whole = neighbourhoods.union(buurten, gemeente, MUNICIPALITY, Level.gemeente)
    properties = features[0]["properties"]
    origin = Origin(
        properties["year"],
        properties["source"],
        "EUPL-1.2; key figures CC BY 4.0 (CBS)",
        schematic=properties["schematic"],
    )
    neighbourhoods.load(session, [whole], origin, {})
    neighbourhoods.load(session, wijken, origin, {wijk.code: gemeente for wijk in wijken})
    neighbourhoods.load(session, buurten, origin, wijk_of)
    return {area.code: area.outline for area in (whole, *wijken, *buurten)}


def _area(feature: Mapping[str, Any]) -> Area:
    told = feature["properties"]
    figures = {figure: told[figure] for figure in neighbourhoods.FIGURES}
    outline = neighbourhoods.to_rd(shapely.geometry.shape(feature["geometry"]))
    return Area(told["code"], told["name"], Level.buurt, outline, figures)


def _days_ago(days: float | None) -> date | None:
    return None if days is None else today() - timedelta(days)


def _place(told: Record) -> BaseGeometry | None:
    return neighbourhoods.to_wgs84(shapely.Point(told.pop("x"), told.pop("y"))) if "x" in told else None


def _common(told: Record, licence: str) -> Record:
    """Turn what every record of the file has into values: its own key, its place, the day it was confirmed."""
    told["source_id"] = told.pop("key")
    told["licence"] = licence
    told["confirmed_on"] = _days_ago(told.pop("confirmed_days_ago", None))
    told["place"] = _place(told)
    return told


def _asset(record: Record, organisations: Mapping[str, Any], licence: str) -> Record:
    told = _common(dict(record), licence)
    told["kind"] = Kind(told["kind"])
    if "area" in told:
        told["area"] = neighbourhoods.to_wgs84(shapely.wkt.loads(told["area"]))
    if "organisation" in told:
        told["organisation"] = organisations[told["organisation"]]
    if "growth" in told:
        told["growth"] = [{"stage": step["stage"], "since": _month(step["months_ago"])} for step in told["growth"]]
    return told


def _month(months_ago: int) -> str:
    return (today() - timedelta(months_ago * DAYS_A_MONTH)).isoformat()[:7]


def _activity(record: Record, ids: Mapping[str, UUID], licence: str) -> Record:
    told = _common(dict(record), licence)
    told["asset"] = ids[told["asset"]] if "asset" in told else None
    if told["repeat"] == "once":
        told["starts_on"] = today() + timedelta(told.pop("in_days"))
    else:
        began = today() - timedelta(told.pop("since_days_ago"))
        told["starts_on"] = began + timedelta((told.pop("weekday") - began.weekday()) % 7)
    return told


def _volunteers(group: Record, outlines: Mapping[str, BaseGeometry]) -> Iterable[Record]:
    """Make the volunteers of a group, at invented places in their neighbourhood, the same every time."""
    outline = outlines[group["neighbourhood"]]
    chance = random.Random(json.dumps(group, sort_keys=True))  # noqa: S311
    for number in range(group["count"]):
        yield {
            "kind": Kind.volunteer,
            "services": group["services"],
            "source": "demo",
            "source_id": f"volunteer {group['neighbourhood']} {'-'.join(group['services'])} {number}",
            "demo": True,
            "place": neighbourhoods.to_wgs84(_spot(outline, chance)),
            "contact": {"note": "Invented: there is no such person."},
        }


def _spot(outline: BaseGeometry, chance: random.Random) -> shapely.Point:
    west, south, east, north = outline.bounds
    while True:
        spot = shapely.Point(chance.uniform(west, east), chance.uniform(south, north))
        if outline.contains(spot):
            return spot
