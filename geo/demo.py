"""The demo municipality: schematic outlines and plainly invented records, loaded the way that any record comes in."""

import json
import random
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import shapely
import shapely.wkt
from geoalchemy2.shape import to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from geo import activities, assets, neighbourhoods
from geo.days import today
from geo.errors import InvalidInput, NotFound, Unavailable
from geo.imports import boundaries, jobs, pdok, read, undo
from geo.imports.jobs import Order, Source, Task
from geo.imports.report import Verdict
from geo.models import Asset, ImportJob, Neighbourhood
from geo.neighbourhoods import Area, Origin
from geo.vocabulary import JobStatus, Kind, Level, Means, Purpose, What

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
    """Say whether the database holds no neighbourhood and no asset, and nothing was ever imported.

    A demo that was taken back does not come again. Until the transaction ends, nobody else is told so: of two first
    starts one loads the demo.
    """
    session.execute(select(func.pg_advisory_xact_lock(FIRST_START)))
    something = exists(select(Neighbourhood.id)) | exists(select(Asset.id)) | exists(select(ImportJob.id))
    return not session.scalar(select(something))


def load(session: Session, data: Path, *, outlines: Path | None = None) -> Loaded:
    """Import the demo municipality from the folder `data`, days counted back from today.

    outlines  a file of official outlines (see `official`) instead of the schematic ones
    raises    Conflict where its records are there already, or another import is at work
    """
    loaded: list[Loaded] = []
    options = {"outlines": "schematic" if outlines is None else outlines.name}
    order = Order(What.demo, lambda task: loaded.append(_bring(task, data, outlines)), options, skip_bad=True)
    jobs.run(session, order, _source(data / RECORDS), by=LOADER, progress=_quiet)
    return loaded[0]


def remove(session: Session, by: str) -> dict[str, int]:
    """Take the demo municipality back, as any import; it does not come again by itself.

    returns  how much was removed, and what is kept because somebody changed it since (see `undo.undo`)
    raises   NotFound where it is not there; Conflict naming what is in the way
    """
    loaded = select(ImportJob.id).where(ImportJob.what == What.demo, ImportJob.status == JobStatus.done)
    job = session.scalar(loaded.order_by(ImportJob.made_at.desc(), ImportJob.id).limit(1))
    if job is None:
        raise NotFound("The demo municipality is not there as an import: there is nothing to take back.")
    return undo.undo(session, job, by)


def official(data: Path, pdok_url: str, into: Path, tell: Callable[[str], None]) -> Path | None:
    """Fetch the official outlines of the demo municipality from PDOK into the folder `into`.

    None, with one line told, where they cannot be had or do not fit: the demo then takes the schematic ones.
    """
    wanted = [feature["properties"] for feature in _features(data / OUTLINES)]
    try:
        file = pdok.fetch(pdok_url, wanted[0]["year"], wanted[0]["gemeente"], into, _quiet)
    except (Unavailable, InvalidInput) as refusal:
        tell(f"{refusal} The demo takes the schematic outlines that ship with it.")
        return None
    given = {feature["properties"].get("buurtcode") for feature in _features(file)}
    if lacking := [told["code"] for told in wanted if told["code"] not in given]:
        tell(f"PDOK's outlines lack {', '.join(lacking[:3])}. The demo takes the schematic ones that ship with it.")
        return None
    return file


def _source(file: Path) -> Source:
    return Source(file, file.name, read.digest(file), file.stat().st_size)


def _quiet(_step: str, _done: int, _total: int | None) -> None:
    """Tell nobody how far it is: it takes a second."""


def _features(file: Path) -> list[Record]:
    found: list[Record] = json.loads(file.read_text(encoding="utf-8"))["features"]
    return found


def _bring(task: Task, data: Path, official: Path | None) -> Loaded:
    session, schematic = task.session, data / OUTLINES
    outlines = _schematic(task, schematic) if official is None else _official(task, schematic, official)
    records = tomllib.loads(task.file.read_text(encoding="utf-8"))
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
    task.report.count(Verdict.new, len(ids) + len(people) + len(records["activity"]))
    return Loaded(len(outlines), len(ids), len(people), len(records["activity"]))


def _official(task: Task, schematic: Path, official: Path) -> dict[str, BaseGeometry]:
    """Store the official outlines as any file of them; give those of the municipality in RD New by code.

    raises InvalidInput where one is missing that the schematic ones have: its records would have no place
    """
    boundaries.load(replace(task, source=_source(official)), boundaries.Options())
    wanted = [feature["properties"]["code"] for feature in _features(schematic)]
    ours = Neighbourhood.in_force & (func.substr(Neighbourhood.code, 3, 4) == wanted[0][2:6])
    stored = task.session.scalars(select(Neighbourhood).where(ours).order_by(Neighbourhood.id))
    outlines = {area.code: neighbourhoods.to_rd(to_shape(area.geom)) for area in stored}
    if lacking := [code for code in wanted if code not in outlines]:
        raise InvalidInput(
            f"The outlines in {official.name} lack {', '.join(lacking[:3])}: the demo does not fit them."
        )
    return outlines


def _schematic(task: Task, file: Path) -> dict[str, BaseGeometry]:
    """Store the buurten, and the wijken and gemeente made of them; give all outlines in RD New by code."""
    features = _features(file)
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
    neighbourhoods.load(task.session, [whole], origin, {})
    neighbourhoods.load(task.session, wijken, origin, {wijk.code: gemeente for wijk in wijken})
    neighbourhoods.load(task.session, buurten, origin, wijk_of)
    task.report.count(Verdict.new, 1 + len(wijken) + len(buurten))
    task.report.note("The outlines are schematic: they show where buurten lie, not where they end.")
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
            "consent": {"purposes": [Purpose.offer], "means": Means.demo, "text_version": "demo"},
        }


def _spot(outline: BaseGeometry, chance: random.Random) -> shapely.Point:
    west, south, east, north = outline.bounds
    while True:
        spot = shapely.Point(chance.uniform(west, east), chance.uniform(south, north))
        if outline.contains(spot):
            return spot
