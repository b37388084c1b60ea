"""The rows of a file beside what is stored: copied at once, compared over what the mapping names, written as sets."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geoalchemy2 import Geography
from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    text,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from geo import hours, whereabouts
from geo.base import Base
from geo.imports import bulk
from geo.imports.cells import LISTS
from geo.imports.pools import Codes, Pool
from geo.imports.report import MOST_LINES, Report, Verdict
from geo.models import Asset, Catchment, Neighbourhood, Organisation
from geo.sql import statements
from geo.vocabulary import Level, Status

(
    MAKE, FATES, HOLD, CORRECTED, BACK, ORGANISATIONS, NOT_SERVED, SERVED, ALIKE, MISSING, LEFT_OUT,
) = statements("imports/assets.sql")  # fmt: skip
NEAR = {"near_m": 100, "degrees_lon": 0.0016, "degrees_lat": 0.001, "most": 50}  # so many degrees hold 100 m here
ALIKE_FROM = 0.5  # of 1: how much of their trigrams two names share
MEMORY = "64MB"  # for each join and sort: a file of assets fits
SHOWN = 40  # characters of a value in a line that tells of a change
ONCE = frozenset({"kind", "status"})  # said of a new row; later the people here say it
EMPTY = {**dict.fromkeys((LISTS - {"catchment"}) | {"accessibility"}, "{}"), "status": Status.published}
ASSET, ORGANISATION = (Base.metadata.tables[of.__tablename__] for of in (Asset, Organisation))
STORED = ASSET.c
BESIDE = ("row", "asked", "organisation", "catchment")
INCOMING = table("incoming", *(column(each.name) for each in STORED), *map(column, BESIDE))
FATES_OF = "row source_id asset_id verdict archived fields told kind called spot neighbourhood_id".split()
FATE = table("fate", *map(column, FATES_OF), column("back"))
CORRECTION = table("corrected", *map(column, ("row", "source_id", "field", "both_of_them", "stored", "file")))
PLACED = func.num_nonnulls(INCOMING.c.place, INCOMING.c.area) > 0
Element = ColumnElement[Any]
Texts = npt.NDArray[np.object_]


class Scope(NamedTuple):
    """What an import speaks of: its source, and the fields that its mapping names, called as they are stored."""

    source: str
    fields: frozenset[str]

    @property
    def columns(self) -> list[str]:
        """Name the columns of an asset that hold what the mapping names, where the same column comes in."""
        told = self.fields | ({"open_mask"} if "opening_hours" in self.fields else set())
        return sorted(told & set(STORED.keys()) - {"neighbourhood_id"})


def called(fields: Iterable[str]) -> frozenset[str]:
    """Give the names under which the fields of a mapping are stored."""
    bare = {field.partition(".")[0] for field in fields}
    return frozenset("neighbourhood_id" if field == "neighbourhood" else field for field in bare)


def fill(session: Session, rows: pd.DataFrame) -> None:
    """Copy rows into the table `incoming`, named as its columns."""
    session.execute(text("SELECT set_config('work_mem', :memory, true)"), {"memory": MEMORY})
    session.execute(text("DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.fate, pg_temp.answered"))
    session.execute(text(MAKE))
    session.execute(text(FATES))
    bulk.copy(session, "incoming", rows)
    session.execute(text("ANALYZE incoming"))


def packed(fields: dict[str, Pool], at: Codes, week_of: date) -> dict[str, Texts]:
    """Write the values of some rows as COPY reads them; each different one is written once."""
    columns = {_column(field): _taken(pool, at, EMPTY.get(field)) for field, pool in fields.items()}
    if "opening_hours" in fields:
        told = fields["opening_hours"]
        masks = [hours.open_mask(parsed, week_of) if (parsed := hours.parse(each)) else None for each in told.different]
        columns["open_mask"] = _taken(told._replace(different=masks), at, None)
    return columns


def _column(field: str) -> str:
    return "neighbourhood_id" if field == "neighbourhood" else field.removesuffix(".name").replace(".", "_")


def _taken(pool: Pool, at: Codes, empty: str | None) -> Texts:
    written = np.array([*map(_written, pool.different), empty], object)
    taken: Texts = written[pool.codes[at]]
    return taken


def _written(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, list):
        return f"{{{','.join(map(_quoted, value))}}}"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _quoted(item: str) -> str:
    """Write an item of a list: the code of an area may hold commas, braces and quotes."""
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'


def drawn(shapes: Texts) -> dict[str, Texts]:
    """Write points as places and all else as areas, as COPY reads them; their columns know that they are in WGS 84."""
    written: Texts = shapely.to_wkb(shapes, hex=True).astype(object)
    point = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    place, area = written.copy(), written.copy()
    place[~point], area[point] = None, None
    return {"place": place, "area": area}


def hold(session: Session, source: str) -> None:
    """Hold off all who would change records of a source, until the transaction ends."""
    session.execute(text(HOLD), {"source": source})


def keep_corrections(session: Session, scope: Scope) -> Sequence[Row[Any]]:
    """Let incoming rows say what people here corrected, field by field, so that it stays.

    returns  where the source changed as well: row, source_id, field, what is stored, and what the file says
    """
    hold(session, scope.source)
    fields = {*scope.columns, "place"} - ONCE - {"open_mask"}
    fields |= {"organisation_id"} if "organisation" in scope.fields else set()
    session.execute(text("DROP TABLE IF EXISTS pg_temp.corrected"))
    session.execute(text(CORRECTED), {"source": scope.source, "fields": sorted(fields)})
    named = select(ORGANISATION.c.name).where(ORGANISATION.c.id == STORED.organisation_id).scalar_subquery()
    same = and_(STORED.source == scope.source, STORED.source_id == INCOMING.c.source_id)
    here = and_(same, INCOMING.c.row == CORRECTION.c.row)
    for field in session.scalars(select(CORRECTION.c.field).distinct()).all():
        alone: dict[str, Element] = {"organisation": named} if field == "organisation_id" else {field: STORED[field]}
        beside = {"place": "area", "opening_hours": "open_mask"}.get(field)
        values = alone | ({beside: STORED[beside]} if beside else {})
        session.execute(update(INCOMING).values(values).where(here, CORRECTION.c.field == field))
    both = select(CORRECTION).where(CORRECTION.c.both_of_them).order_by(CORRECTION.c.row, CORRECTION.c.field)
    return session.execute(both).all()


def compare(session: Session, scope: Scope) -> None:
    """Say what becomes of each incoming row, in the table `fate`; where it lies is found for those that are written.

    The records of the source are held until the transaction ends, so that what is said stays true.
    """
    hold(session, scope.source)
    differences = dict(_differences(scope))
    verdict = case(
        (STORED.id.is_(None), "new"),
        (STORED.kind != INCOMING.c.kind, "refused"),
        (or_(False, *(differs for differs, _ in differences.values())), "changed"),
        else_="unchanged",
    )
    changed = verdict == "changed"
    fields = func.concat_ws(", ", *(case((differs, name)) for name, (differs, _) in differences.items()))
    told = func.concat_ws("; ", *(case((differs, how)) for differs, how in differences.values()))
    spot = func.coalesce(INCOMING.c.place, func.ST_PointOnSurface(INCOMING.c.area))
    same = and_(STORED.source == scope.source, STORED.source_id == INCOMING.c.source_id)
    rows = select(
        INCOMING.c.row, INCOMING.c.source_id, func.coalesce(STORED.id, func.gen_random_uuid()), verdict,
        func.coalesce(STORED.status == Status.archived, False), case((changed, fields)), case((changed, told)),
        INCOMING.c.kind, INCOMING.c.name, case((verdict.in_(("new", "changed")), spot)),
        INCOMING.c.neighbourhood_id,
    )  # fmt: skip
    joined = INCOMING.outerjoin(ASSET, same).outerjoin(ORGANISATION, ORGANISATION.c.id == STORED.organisation_id)
    session.execute(insert(FATE).from_select(FATES_OF, rows.select_from(joined)))
    session.execute(text(BACK))
    whereabouts.settle(session, "fate")


def _differences(scope: Scope) -> Iterable[tuple[str, tuple[Element, Element]]]:
    """Give for each field whether a row says something else than what is stored, and how that is told."""
    for field in scope.columns:
        if field not in ONCE | {"open_mask"}:
            yield field, _differs(field, STORED[field], INCOMING.c[field])
    if "organisation" in scope.fields:
        yield "organisation", _differs("organisation", ORGANISATION.c.name, INCOMING.c.organisation)
    if "catchment" in scope.fields:
        ordered = aggregate_order_by(Catchment.neighbourhood_id, Catchment.neighbourhood_id.collate("C"))
        served = select(func.array_agg(ordered)).where(Catchment.asset_id == STORED.id).scalar_subquery()
        yield "catchment", _differs("catchment", served, func.nullif(INCOMING.c.catchment, text("'{}'::text[]")))
    if "neighbourhood_id" in scope.fields:
        lies, told = _differs("neighbourhood", STORED.neighbourhood_id, INCOMING.c.neighbourhood_id)
        yield "neighbourhood", (and_(~PLACED, func.num_nonnulls(STORED.place, STORED.area) == 0, lies), told)
    other = or_(STORED.place.is_distinct_from(INCOMING.c.place), STORED.area.is_distinct_from(INCOMING.c.area))
    metres = func.round(func.ST_Distance(cast(STORED.place, Geography), cast(INCOMING.c.place, Geography)))
    how = func.coalesce("place: moved by " + cast(metres, Text) + " m", "place: has another shape")
    yield "place", (and_(PLACED, other), how)


def _differs(name: str, stored: Element, incoming: Element) -> tuple[Element, Element]:
    plain = (func.coalesce(func.nullif(cast(each, Text), ""), "nothing") for each in (stored, incoming))
    old, new = (func.left(each, SHOWN) for each in plain)
    return stored.is_distinct_from(incoming), func.concat(f"{name}: ", old, " → ", new)


def alike(session: Session, source: str) -> Sequence[Row[Any]]:
    """Find new rows that are perhaps the same as another, stored or in the file, before they are written."""
    threshold = text("SELECT set_config('pg_trgm.similarity_threshold', :least, true)")
    session.execute(threshold, {"least": str(ALIKE_FROM)})
    return session.execute(text(ALIKE), {**NEAR, "source": source}).all()


def astray(session: Session) -> Sequence[Row[int, str, str]]:
    """Find new rows with a place that lies in no neighbourhood, where there are neighbourhoods at all."""
    lost = and_(FATE.c.verdict == Verdict.new, FATE.c.spot.is_not(None), FATE.c.neighbourhood_id.is_(None))
    stored = exists(select(Neighbourhood.id).where(Neighbourhood.in_force, Neighbourhood.level == Level.buurt))
    found = select(FATE.c.row, FATE.c.source_id, FATE.c.called).where(lost, stored)
    return session.execute(found.order_by(FATE.c.row).limit(MOST_LINES)).all()


def write(session: Session, scope: Scope) -> None:
    """Store what is new and what has changed; columns that the mapping does not name stay as they are."""
    values: dict[str, Element] = {field: INCOMING.c[field] for field in scope.columns}
    if "organisation" in scope.fields:
        session.execute(text(ORGANISATIONS))
        named = select(ORGANISATION.c.id).where(ORGANISATION.c.name == INCOMING.c.organisation)
        values["organisation_id"] = named.scalar_subquery()
    _add(session, scope, values)
    _change(session, scope, {field: value for field, value in values.items() if field not in ONCE})
    if "catchment" in scope.fields:
        session.execute(text(NOT_SERVED))
        session.execute(text(SERVED))
    session.expire_all()


def _add(session: Session, scope: Scope, values: dict[str, Element]) -> None:
    whole = values | {
        "id": FATE.c.asset_id, "source": cast(scope.source, Text), "source_id": FATE.c.source_id,
        "place": INCOMING.c.place, "area": INCOMING.c.area, "neighbourhood_id": FATE.c.neighbourhood_id,
    }  # fmt: skip
    rows = select(*whole.values()).join_from(FATE, INCOMING, FATE.c.row == INCOMING.c.row)
    new = rows.where(FATE.c.verdict == "new").order_by(FATE.c.row)
    session.execute(insert(ASSET).from_select(list(whole), new, include_defaults=False))


def _change(session: Session, scope: Scope, values: dict[str, Element]) -> None:
    """Change what has changed; a row that gives no place leaves the one that is stored."""
    here = and_(literal("neighbourhood_id" in scope.fields), func.num_nonnulls(STORED.place, STORED.area) == 0)
    whole = values | {
        "place": case((PLACED, INCOMING.c.place), else_=STORED.place),
        "area": case((PLACED, INCOMING.c.area), else_=STORED.area),
        "neighbourhood_id": case((or_(PLACED, here), FATE.c.neighbourhood_id), else_=STORED.neighbourhood_id),
        "status": func.coalesce(FATE.c.back, STORED.status),
    }
    changed = and_(FATE.c.verdict == "changed", FATE.c.asset_id == STORED.id, FATE.c.row == INCOMING.c.row)
    session.execute(update(ASSET).values(whole).where(changed))


def missing(session: Session, source: str, seen: Sequence[str]) -> Sequence[Row[Any]]:
    """Find what an earlier import of a source brought and this one does not; `seen` is in the file, but not good."""
    return session.execute(text(MISSING), {"source": source, "seen": list(seen)}).all()


def left_out(session: Session, source: str, skipped: Sequence[str]) -> Sequence[Row[Any]]:
    """Find what an earlier import of a source brought and the mapping leaves out now; `skipped` is so named there."""
    return session.execute(text(LEFT_OUT), {"source": source, "skipped": list(skipped)}).all()


def told(session: Session, report: Report, which: Element) -> Sequence[Row[Any]]:
    """Count what becomes of the rows; gives those of which a line is said, the first thousand of each verdict."""
    counted = select(FATE.c.verdict, func.count(), func.count().filter(which)).group_by(FATE.c.verdict)
    for verdict, rows, lines in session.execute(counted).all():
        report.count(Verdict(verdict), rows)
        report.leave_out(Verdict(verdict), max(0, lines - MOST_LINES))
    at = func.row_number().over(partition_by=FATE.c.verdict, order_by=FATE.c.row)
    numbered = select(FATE, at.label("at")).where(which).subquery()
    return session.execute(select(numbered).where(numbered.c.at <= MOST_LINES).order_by(numbered.c.row)).all()


def archive(session: Session, ids: Sequence[UUID]) -> None:
    """Take assets off every page; their records stay."""
    session.execute(update(ASSET).values(status=Status.archived).where(STORED.id.in_(ids)))
