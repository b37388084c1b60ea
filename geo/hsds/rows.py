"""Which records are organizations, services and locations for a visitor: conditions, order and pages, all in SQL."""

from collections.abc import Sequence
from datetime import datetime
from math import cos, radians
from typing import Any, NamedTuple
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    DateTime,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from geo import activities, assets
from geo.base import WGS84
from geo.collections import Box, Column, Wanted, in_box, keys, says
from geo.features import condition
from geo.hsds.terms import Named
from geo.models import Activity, Asset, Organisation
from geo.rights import VISITOR

ASSETS, ACTIVITIES, ORGANISATIONS = "assets", "activities", "organisations"
DEGREE_M = 110_500  # metres of a degree of latitude, where it is shortest
LOCATED = or_(assets.SHOWN.geometry.is_not(None), Asset.address.is_not(None))
OWN_PLACE = or_(Activity.place.is_not(None), and_(Activity.asset_id.is_(None), Activity.address.is_not(None)))
AT_HOST = and_(activities.AT_HOST, LOCATED)

# Vocabulary → the keys that a record carries of it, as an array.
CARRIED: dict[str, dict[str, ColumnElement[Any]]] = {
    ASSETS: {
        "kinds": func.array_append(keys([]), cast(Asset.kind, Text)),
        "themes": Asset.__table__.c.themes,
        "services": Asset.__table__.c.services,
        "goals": Asset.__table__.c.goals,
        "target_groups": Asset.__table__.c.target_groups,
    },
    ACTIVITIES: {
        "themes": func.array_append(keys([]), Activity.theme),
        "services": Activity.__table__.c.services,
    },
}


class Near(NamedTuple):
    """A circle on the earth: degrees and metres."""

    lat: float
    lon: float
    metres: float


class Asked(NamedTuple):
    """What is asked of a list. An empty filter lets everything through.

    postcode  without a space, in capitals
    taxonomy  the name of a vocabulary
    """

    search: str = ""
    modified_after: datetime | None = None
    term: Named | None = None
    taxonomy: str | None = None
    organizations: tuple[UUID, ...] = ()
    near: Near | None = None
    postcode: str | None = None


class Row(NamedTuple):
    """A record of ours, and the ids under which HSDS knows it.

    record        "assets", "activities" or "organisations"; `id` is its id there
    host          the asset that it is, or at which it takes place
    organization  whose it is: the organisation's id, else that of the asset or activity that stands for itself
    location      the id of the record that tells where it is
    """

    record: str
    id: UUID
    host: UUID | None
    organization: UUID
    location: UUID | None
    modified: datetime


Rows = Select[Any] | CompoundSelect[Any]


def services(asked: Asked) -> Rows:
    """Select what is done for people: each asset and each activity."""
    return union_all(_assets(asked), *_activities(asked))


def services_at_locations(asked: Asked) -> Rows:
    """Select the services that have a place or an address."""
    there = or_(OWN_PLACE, AT_HOST)
    return union_all(_assets(asked).where(LOCATED), *(rows.where(there) for rows in _activities(asked)))


def locations(asked: Asked) -> Rows:
    """Select the places: of assets, and of activities that are not at an asset."""
    return union_all(_assets(asked).where(LOCATED), *(rows.where(OWN_PLACE) for rows in _activities(asked)))


def organizations(asked: Asked) -> Rows:
    """Select who runs what is shown: organisations, and assets and activities of which no organisation is known."""
    alone = Asset.organisation_id.is_(None)
    loose = (rows.where(Activity.asset_id.is_(None)) for rows in _activities(asked))
    return union_all(_organisations(asked), _assets(asked).where(alone), *loose)


def page(session: Session, rows: Rows, *, limit: int, offset: int) -> tuple[list[Row], int]:
    """Read one page in the order of ids, and how many there are in all."""
    every = rows.subquery()
    total = session.scalar(select(func.count()).select_from(every)) or 0
    listed = select(every).order_by(every.c.id).limit(limit).offset(offset)  # an id is in one table only
    return [Row(*row) for row in session.execute(listed)], total


def one(session: Session, rows: Rows, item: UUID) -> Row | None:
    """Read the row of an id; None where there is none that a visitor sees."""
    every = rows.subquery()
    found = session.execute(select(every).where(every.c.id == item).limit(1)).first()
    return None if found is None else Row(*found)


def all_of(session: Session, rows: Rows) -> list[Row]:
    """Read all rows, in the order of ids."""
    every = rows.subquery()
    return [Row(*row) for row in session.execute(select(every).order_by(every.c.id))]


def middle(session: Session, postcode: str) -> tuple[float, float] | None:
    """Give latitude and longitude of the middle of the places that a visitor sees at a postcode; None for none."""
    spot = func.ST_Centroid(func.ST_Collect(assets.SHOWN.geometry))
    places = select(func.ST_Y(spot), func.ST_X(spot)).select_from(assets.SHOWN.source(VISITOR))
    at = _at_postcode(Asset.postcode, postcode)
    found = session.execute(places.where(condition(VISITOR, ASSETS, Wanted()), at)).one()
    return None if found[0] is None else (found[0], found[1])


def _assets(asked: Asked) -> Select[Any]:
    since = func.timezone("Europe/Amsterdam", cast(Asset.visible_from, DateTime))
    modified = func.greatest(Asset.updated_at, Organisation.updated_at, since)
    whose = func.coalesce(Asset.organisation_id, Asset.id)
    where = case((LOCATED, Asset.id))
    rows = _row(ASSETS, (Asset.id, Asset.id, whose, where, modified), assets.SHOWN.source(VISITOR))
    rows = rows.where(*_told(asked, ASSETS, assets.SHOWN.geometry, whose, modified))
    box = None if asked.near is None else _around(asked.near)
    rows = rows if box is None else rows.where(or_(in_box(Asset.place, box), in_box(Asset.area, box)))
    return rows.where(_at_postcode(Asset.postcode, asked.postcode)) if asked.postcode else rows


def _activities(asked: Asked) -> list[Select[Any]]:
    """Select activities; near something, those at a place of their own and those at an asset each by an index."""
    modified = func.greatest(Activity.updated_at, Asset.updated_at, Organisation.updated_at)
    whose = func.coalesce(Asset.organisation_id, Asset.id, Activity.id)
    where = case((OWN_PLACE, Activity.id), (AT_HOST, Asset.id))
    source = activities.SHOWN.source(VISITOR).outerjoin(Organisation, Organisation.id == Asset.organisation_id)
    rows = _row(ACTIVITIES, (Activity.id, Asset.id, whose, where, modified), source)
    rows = rows.where(*_told(asked, ACTIVITIES, activities.PLACE, whose, modified))
    if asked.postcode:
        rows = rows.where(_at_postcode(case((activities.AT_HOST, Asset.postcode)), asked.postcode))
    box = None if asked.near is None else _around(asked.near)
    if box is None:
        return [rows]
    at_host = and_(activities.AT_HOST, or_(in_box(Asset.place, box), in_box(Asset.area, box)))
    return [rows.where(in_box(Activity.place, box)), rows.where(at_host)]


def _organisations(asked: Asked) -> Select[Any]:
    """Select the organisations that run an asset which a visitor sees, and which is what is asked of it."""

    def runs(what: Asked) -> ColumnElement[bool]:
        run = select(Asset.organisation_id).select_from(assets.SHOWN.source(VISITOR)).correlate(None)
        told = _told(what, ASSETS, assets.SHOWN.geometry, Asset.id, Asset.updated_at)
        return Organisation.id.in_(run.where(Asset.organisation_id.is_not(None), *told))

    nothing = keys([])
    plain = asked._replace(modified_after=None, organizations=())
    named = says(func.lower(Organisation.name), asked.search, nothing, nothing)
    found = or_(runs(plain), and_(runs(plain._replace(search="")), named)) if asked.search else runs(plain)
    columns = (Organisation.id, null(), Organisation.id, null(), Organisation.updated_at)
    rows = _row(ORGANISATIONS, columns, Organisation.__table__).where(found)
    return rows.where(Organisation.updated_at >= asked.modified_after) if asked.modified_after else rows


def _row(record: str, columns: Sequence[Any], source: FromClause) -> Select[Any]:
    item, host, whose, where, modified = columns
    ids = (item, cast(host, Uuid), whose, cast(where, Uuid))
    named = zip(("id", "host", "organization", "location"), ids, strict=True)
    told = [column.label(name) for name, column in named]
    return select(literal_column(f"'{record}'", Text).label("record"), *told, modified.label("modified")).select_from(
        source
    )


def _told(asked: Asked, record: str, place: Column, whose: Column, modified: Column) -> list[ColumnElement[bool]]:
    """Give the conditions for what a visitor sees and what is asked, but for the postcode."""
    told = [condition(VISITOR, record, Wanted(q=asked.search))]
    if asked.near is not None:
        told.append(_is_near(place, asked.near))
    if asked.modified_after is not None:
        told.append(modified >= asked.modified_after)
    if asked.organizations:
        told.append(whose.in_(asked.organizations))
    carried = CARRIED[record]
    if asked.term is not None:
        told.append(carried.get(asked.term.vocabulary, keys([])).op("&&")(keys([asked.term.key])))
    if asked.taxonomy is not None:
        told.append(func.cardinality(carried.get(asked.taxonomy, keys([]))) > 0)
    return told


def _is_near(place: Column, near: Near) -> ColumnElement[bool]:
    there = func.ST_SetSRID(func.ST_MakePoint(near.lon, near.lat), WGS84)
    earth = Geography(srid=WGS84)
    return func.ST_DWithin(cast(place, earth), cast(there, earth), near.metres)


def _around(near: Near) -> Box | None:
    """Give a box that surely holds a circle, so that an index finds what lies in it; None where no plain one does."""
    up = (near.metres + 1) / DEGREE_M  # what has no size touches nothing
    south, north = near.lat - up, near.lat + up
    if south < -85 or north > 85:
        return None
    aside = up / cos(radians(max(abs(south), abs(north))))
    west, east = near.lon - aside, near.lon + aside
    return (west, south, east, north) if west >= -180 and east <= 180 else None


def _at_postcode(told: Column, postcode: str) -> ColumnElement[bool]:
    return func.replace(func.upper(told), " ", "") == postcode
