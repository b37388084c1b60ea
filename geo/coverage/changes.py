"""What became of assets between two coverage runs, out of the history that the database keeps of each."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from shapely import wkb
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ARRAY, Uuid, any_, literal, select, text
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.models import Catchment
from geo.sql import statements
from geo.vocabulary import Kind, Status

ADDED, CLOSED, SERVES = "added", "closed", "catchment"
WHAT = {  # column → what a change of it is called
    "place": "moved", "area": "moved", "open_mask": "hours", "capacity": "capacity", "confirmed_on": "confirmed",
    "services": "services",
}  # fmt: skip
FIELDS = (*WHAT, "kind", "status", "visible_from", "visible_to")
Record = Mapping[str, Any]


class Span(NamedTuple):
    """From one state of the records to another: changes in the history after `since`, up to `until` (None: all)."""

    since: int
    until: int | None
    first: date
    last: date


class Change(NamedTuple):
    """What became of one asset, as far as coverage goes.

    what      added, closed, moved, hours, capacity, confirmed, services, catchment
    services  those that it had before or has now
    shapes    where it was and where it is, RD New
    serves    of one without a place: ids of the neighbourhoods that it said or says it serves
    """

    asset: UUID
    what: tuple[str, ...]
    kind: Kind
    services: frozenset[str]
    shapes: tuple[BaseGeometry, ...]
    serves: frozenset[str]


def changes(session: Session, span: Span) -> list[Change]:
    """Find the assets whose change may show in coverage, in order of id; volunteers are people and left out."""
    written, served, current = (text(statement) for statement in statements("coverage/changes.sql"))
    asked = {"since": span.since, "until": span.until}
    pairs: dict[UUID, tuple[Record | None, Record | None]] = {
        UUID(row.asset): (row.before, row.after) for row in session.execute(written, {**asked, "fields": list(FIELDS)})
    }
    serving: dict[UUID, set[str]] = {}
    for row in session.execute(served, asked):
        serving.setdefault(UUID(row.asset), set()).add(row.neighbourhood)
    named = {"named": list(serving), "first": span.first, "last": span.last}
    for row in session.execute(current, named):
        pairs.setdefault(UUID(row.asset), (row.record, row.record))
    serves = _serves(session, list(pairs))
    found = [
        _change(asset, pair, span, (frozenset(serving.get(asset, ())), serves.get(asset, frozenset())))
        for asset, pair in sorted(pairs.items())
    ]
    return [change for change in found if change is not None]


def _change(
    asset: UUID, pair: tuple[Record | None, Record | None], span: Span, serves: tuple[frozenset[str], frozenset[str]]
) -> Change | None:
    """Say what became of one asset; None where coverage cannot tell.

    pair    the record before and after
    serves  the neighbourhoods that it began or ceased to serve, and those that it serves now
    """
    was, now = _seen(pair[0], span.first), _seen(pair[1], span.last)
    if was is None and now is None:
        return None
    told = [record for record in (was, now) if record is not None]
    shapes = tuple(shape for record in told for shape in _shapes(record))
    changed, current = serves if not shapes else (frozenset(), frozenset())  # with a place, only that counts
    if was is None or now is None:
        what = [ADDED if was is None else CLOSED]
    else:
        what = list(dict.fromkeys(name for field, name in WHAT.items() if was.get(field) != now.get(field)))
        what += [SERVES] if changed else []
    if not what:
        return None
    services = frozenset(service for record in told for service in record["services"])
    return Change(asset, tuple(what), Kind(told[0]["kind"]), services, shapes, changed | current)


def _seen(record: Record | None, day: date) -> Record | None:
    """Give a record as the public saw it on a day; None where it did not."""
    if record is None or record["status"] != Status.published:
        return None
    first, last = record["visible_from"], record["visible_to"]
    return record if (first or "") <= day.isoformat() and (last is None or last >= day.isoformat()) else None


def _shapes(record: Record) -> list[BaseGeometry]:
    told = record["place"] or record["area"]
    return [] if told is None else [neighbourhoods.to_rd(wkb.loads(told, hex=True))]


def _serves(session: Session, asked: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    served: dict[UUID, set[str]] = {}
    named = literal(list(asked), ARRAY(Uuid))
    pairs = select(Catchment.asset_id, Catchment.neighbourhood_id).where(Catchment.asset_id == any_(named))
    for asset, area in session.execute(pairs):
        served.setdefault(asset, set()).add(area)
    return {asset: frozenset(areas) for asset, areas in served.items()}
