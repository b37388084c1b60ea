"""Activities: how they are shown, and how they are added, changed and archived."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, select
from sqlalchemy.orm import Session

from geo import checks, whereabouts
from geo.base import WGS84
from geo.collections import Collection, Columns, Wanted, drawn, in_box, keys, own, says, uuid_key, within
from geo.days import Days, as_sql, next_on, today, today_nl
from geo.errors import Flaw
from geo.models import Activity, Asset, Neighbourhood
from geo.privacy import seen_activities, seen_assets
from geo.records import OWN, locked, must_be_new, must_stay
from geo.rights import Viewer
from geo.vocabulary import Kind, Status, Term

Values = Mapping[str, Any]
PLACE = func.coalesce(Activity.place, Asset.place, Asset.area)
AT_HOST = Activity.place.is_(None)  # else address and neighbourhood of the host are of another place
LIES_IN = case((AT_HOST, Asset.neighbourhood_id), else_=Activity.neighbourhood_id)
ADDRESS = func.coalesce(Activity.address, case((AT_HOST, Asset.address)))


def since(wanted: Wanted) -> ColumnElement[Any]:
    """Give the day from which an activity's next time is sought: the first day asked for, else today."""
    return as_sql(wanted.datetime[0]) if wanted.datetime else today_nl()


def _columns(wanted: Wanted) -> Columns:
    return {
        **own(Activity),
        "asset": Asset.id,
        "asset_name": Asset.name,
        "address": ADDRESS,
        "next_on": next_on(since(wanted)),
        "neighbourhood": LIES_IN,
        "neighbourhood_name": Neighbourhood.name,
    }


def _source(viewer: Viewer) -> FromClause:
    at = and_(Activity.asset_id == Asset.id, Asset.kind != Kind.volunteer, seen_assets(viewer))
    joined = Activity.__table__.outerjoin(Asset, at)
    return joined.outerjoin(Neighbourhood, Neighbourhood.id == LIES_IN)


def _of_neighbourhood(neighbourhood: str) -> ColumnElement[bool]:
    return or_(LIES_IN.in_(within(neighbourhood)), drawn(neighbourhood, PLACE))


def _in_box(box: Any) -> ColumnElement[bool]:
    of_asset = or_(in_box(Asset.place, box), in_box(Asset.area, box))
    return or_(in_box(Activity.place, box), and_(Activity.place.is_(None), of_asset))


def _takes_place(days: Days) -> ColumnElement[bool]:
    first, last = days
    return next_on(as_sql(first)) <= as_sql(last)


SHOWN = Collection(
    title=Term("Activiteiten", "Activities"),
    about=Term("Wat er te doen is, eenmalig of elke week.", "What there is to do, once or every week."),
    id=Activity.id,
    key=uuid_key,
    geometry=PLACE,
    geometries=(Activity.place, Asset.place, Asset.area),
    columns=_columns,
    source=_source,
    seen=seen_activities,
    order=(Activity.title, Activity.id),
    parts=("activities", "assets", "neighbourhoods"),
    origin=(Activity.source, Activity.licence),
    filters={
        "bbox": _in_box,
        "service": lambda services: Activity.services.op("&&")(keys(services)),
        "theme": Activity.theme.in_,
        "neighbourhood": _of_neighbourhood,
        "q": lambda q: says(Activity.words, q, Activity.services, func.array_append(keys([]), Activity.theme)),
        "datetime": _takes_place,
        "asset": lambda asset: Activity.asset_id == asset,
    },
)


def create(session: Session, values: Values) -> Activity:
    """Store a new activity from whole `values`: its columns, `place` (shapely, WGS 84) and `asset` (id).

    raises InvalidInput naming every flaw; Conflict where (source, source_id) exists
    """
    activity = Activity(
        source=values.get("source") or OWN, source_id=values.get("source_id"), made_by=values.get("made_by")
    )
    must_be_new(session, Activity, activity.source, activity.source_id)
    _write(session, activity, values)
    session.add(activity)
    session.flush()
    return activity


def change(session: Session, item: UUID, values: Values, version: int | None) -> Activity:
    """Change the given values of an activity. Raises NotFound, InvalidInput, or Conflict on another version."""
    activity = locked(session, Activity, item, version)
    must_stay(activity, values, "source", "source_id")
    now = {name: getattr(activity, name) for name in WRITTEN}
    now["place"] = None if activity.place is None else to_shape(activity.place)
    now["asset"] = activity.asset_id
    _write(session, activity, {**now, **values})
    session.flush()
    session.refresh(activity)
    return activity


def archive(session: Session, item: UUID, version: int | None) -> None:
    """Take an activity off every page. Its record and history stay. Raises NotFound or Conflict."""
    locked(session, Activity, item, version).status = Status.archived
    session.flush()


DERIVED = frozenset("id asset_id neighbourhood_id made_by words created_at updated_at version".split())
WRITTEN = frozenset(own(Activity)) - DERIVED - {"place", "source", "source_id"}


def _write(session: Session, activity: Activity, values: Values) -> None:
    checks.refuse(checks.activity_flaws(values, today()) + _host_flaws(session, values.get("asset")))
    for field in WRITTEN & values.keys():
        setattr(activity, field, values[field])
    activity.asset_id = values.get("asset")
    place = values.get("place")
    activity.place = None if place is None else from_shape(place, WGS84)
    activity.neighbourhood_id = None if place is None else whereabouts.holding(session, place)


def _host_flaws(session: Session, asset: UUID | None) -> list[Flaw]:
    """An activity is held at an asset that exists; a volunteer is a person, not a place to come to."""
    held = select(Asset.id).where(Asset.id == asset, Asset.kind != Kind.volunteer)
    return [] if asset is None or session.scalar(held) else [Flaw("asset", "there is no such place or initiative")]
