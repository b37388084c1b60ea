"""What a resident looks for: assets and activities together, in the order in which they help."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, Text, case, cast, func, literal_column, null, select, union_all
from sqlalchemy.orm import Session

from geo.activities import since
from geo.collections import Wanted
from geo.days import next_on
from geo.features import Feature, chosen, collection, condition
from geo.models import Activity, Asset
from geo.rights import Viewer
from geo.vocabulary import Kind

ACTIVITY = "activity"  # beside the kinds of asset, the fourth kind of thing on a resident's map
SOON_DAYS = 7


class Found(NamedTuple):
    """One stretch of a list, and how many there are in all. Each feature also tells its `collection`."""

    total: int
    features: list[Feature]


def find(session: Session, viewer: Viewer, wanted: Wanted, *, limit: int, offset: int = 0) -> Found:
    """Find assets and activities; `wanted.kind` may hold "activity" too.

    Those on the map come first, in them what takes place in the coming week by day and hour, then the rest by name.
    Activities that never take place again are left out.
    """
    parts = _parts(viewer, wanted)
    if not parts:
        return Found(0, [])
    every = union_all(*parts).subquery()
    columns = every.c
    order = (columns.unplaced, columns.soon, columns.time_from, func.lower(columns.name), columns.id)
    total = session.scalar(select(func.count()).select_from(every)) or 0
    rows = session.execute(select(columns.collection, columns.id).order_by(*order).limit(limit).offset(offset)).all()
    read = {name: [item for kind, item in rows if kind == name] for name in ("assets", "activities")}
    asked = replace(wanted, kind=())
    found = {name: chosen(session, viewer, name, asked, items) for name, items in read.items() if items}
    listed = [{**found[name][item], "collection": name} for name, item in rows if item in found[name]]
    return Found(total, listed)


def kinds_on_the_map() -> Sequence[str]:
    """Name the kinds that a resident may choose from."""
    return [*(kind.value for kind in Kind if kind != Kind.volunteer), ACTIVITY]


def _parts(viewer: Viewer, wanted: Wanted) -> list[Select[Any]]:
    assets = tuple(kind for kind in wanted.kind if kind != ACTIVITY)
    parts: list[Select[Any]] = []
    if assets or not wanted.kind:
        parts.append(_rows(viewer, "assets", replace(wanted, kind=assets), Asset.name, null(), null()))
    if ACTIVITY in wanted.kind or not wanted.kind:
        asked = replace(wanted, kind=())
        when = next_on(since(asked))
        soon = func.nullif(func.least(when, since(asked) + SOON_DAYS), since(asked) + SOON_DAYS)
        hour = case((soon.is_not(None), Activity.time_from))
        rows = _rows(viewer, "activities", asked, Activity.title, soon, hour)
        parts.append(rows.where(when.is_not(None)))
    return parts


def _rows(
    viewer: Viewer, name: str, wanted: Wanted, title: Any, soon: Any, time_from: Any
) -> Select[Any]:  # fmt: skip
    shown = collection(viewer, name)
    columns: list[ColumnElement[Any]] = [
        literal_column(f"'{name}'", Text).label("collection"),
        shown.id.label("id"),
        title.label("name"),
        shown.geometry.is_(None).label("unplaced"),
        cast(soon, Date).label("soon"),
        cast(time_from, Activity.time_from.type).label("time_from"),
    ]
    return select(*columns).select_from(shown.source(viewer)).where(condition(viewer, name, wanted))
