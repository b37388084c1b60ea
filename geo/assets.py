"""The four kinds of asset: how they are shown, and how they are added, changed and archived."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import ColumnElement, FromClause, case, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from geo import checks, hours, neighbourhoods, whereabouts
from geo.base import WGS84
from geo.collections import Collection, Columns, Wanted, around, drawn, in_box, keys, own, says, uuid_key, within
from geo.days import mask_of, today
from geo.models import Asset, Catchment, Neighbourhood, Organisation
from geo.privacy import seen_assets
from geo.records import OWN, locked, must_be_new, must_stay
from geo.rights import Viewer
from geo.vocabulary import Kind, Status, Term
from geo.volunteers import consents, erasures
from geo.volunteers import records as volunteers

Values = Mapping[str, Any]


def _of_neighbourhood(neighbourhood: str) -> ColumnElement[bool]:
    """Say whether an asset lies in a neighbourhood, or serves it, a part of it, or something that it is a part of."""
    ids = within(neighbourhood)
    named = or_(Catchment.neighbourhood_id.in_(ids), Catchment.neighbourhood_id.in_(around(neighbourhood)))
    serves = select(Catchment.asset_id).where(named)
    here = drawn(neighbourhood, func.coalesce(Asset.place, Asset.area))
    return or_(Asset.neighbourhood_id.in_(ids), Asset.id.in_(serves), here)


def _columns(_wanted: Wanted) -> Columns:
    served = aliased(Neighbourhood)
    named = aggregate_order_by(func.json_build_object("id", served.id, "name", served.name), served.id)
    catchment = select(func.coalesce(func.json_agg(named), func.json_build_array())).join(
        Catchment, Catchment.neighbourhood_id == served.id
    )
    organisation = func.json_build_object(
        "name", Organisation.name, "legal_form", Organisation.legal_form, "url", Organisation.url
    )
    return {
        **own(Asset),
        "organisation": case((Organisation.id.is_not(None), organisation)),
        "neighbourhood": Asset.neighbourhood_id,
        "neighbourhood_name": Neighbourhood.name,
        "catchment": catchment.where(Catchment.asset_id == Asset.id).correlate(Asset).scalar_subquery(),
    }


def _source(_viewer: Viewer) -> FromClause:
    joined = Asset.__table__.outerjoin(Organisation, Asset.organisation_id == Organisation.id)
    return joined.outerjoin(Neighbourhood, Asset.neighbourhood_id == Neighbourhood.id)


SHOWN = Collection(
    title=Term("Plekken en initiatieven", "Neighbourhood assets"),
    about=Term(
        "Buurtkamers, initiatieven en zorglocaties: waar een buurt op kan leunen.",
        "Community rooms, citizen initiatives and care locations: what a neighbourhood can lean on.",
    ),
    id=Asset.id,
    key=uuid_key,
    geometry=func.coalesce(Asset.place, Asset.area),
    geometries=(Asset.place, Asset.area),
    columns=_columns,
    source=_source,
    seen=seen_assets,
    order=(Asset.name, Asset.id),
    parts=("assets", "neighbourhoods"),
    origin=(Asset.source, Asset.licence),
    filters={
        "bbox": lambda box: or_(in_box(Asset.place, box), in_box(Asset.area, box)),
        "kind": Asset.kind.in_,
        "service": lambda services: Asset.services.op("&&")(keys(services)),
        "neighbourhood": _of_neighbourhood,
        "q": lambda q: says(Asset.words, q, Asset.services, Asset.themes),
        "datetime": lambda days: Asset.open_mask.op("&")(mask_of(days)) != 0,
    },
)


def create(session: Session, values: Values) -> Asset:
    """Store a new asset from whole `values`: its columns, `place` or `area` (shapely, WGS 84), `organisation`,
    `catchment` (neighbourhood ids) and, of a volunteer, what `volunteers.records.keep` takes.

    raises InvalidInput naming every flaw; Conflict where (source, source_id) exists
    """
    asset = Asset(kind=values["kind"], source=values.get("source") or OWN, made_by=values.get("made_by"))
    must_be_new(session, Asset, asset.source, values.get("source_id"))
    _write(session, asset, values)
    session.add(asset)
    session.flush()
    if asset.kind == Kind.volunteer:
        volunteers.keep(session, asset, values)
    return asset


def change(session: Session, item: UUID, values: Values, version: int | None) -> Asset:
    """Change the given values of an asset. Kind and source never change.

    raises NotFound; InvalidInput naming every flaw; Conflict where `version` is not the one that is stored
    """
    asset = locked(session, Asset, item, version)
    must_stay(asset, values, "kind", "source", "source_id")
    whole = {**_now(asset), **values}
    _write(session, asset, whole)
    session.flush()
    if asset.kind == Kind.volunteer:
        volunteers.keep(session, asset, values)
    session.flush()
    session.refresh(asset)
    return asset


def archive(session: Session, item: UUID, version: int | None) -> None:
    """Take an asset off every page. Its record and history stay; a volunteer is a person, and is erased.

    Raises NotFound or Conflict.
    """
    asset = locked(session, Asset, item, version)
    if asset.kind == Kind.volunteer:
        erasures.erase_volunteer(session, item)
    else:
        asset.status = Status.archived
    session.flush()


def _now(asset: Asset) -> dict[str, Any]:
    """Give the values that an asset has, in the form in which they come in; a volunteer has no place to give."""
    values = {name: getattr(asset, name) for name in own(Asset) if name not in DERIVED}
    values["catchment"] = [area.id for area in asset.catchment]
    for field in ("place", "area"):
        shape = getattr(asset, field)
        values[field] = None if shape is None else to_shape(shape)
    return values


DERIVED = frozenset("id open_mask organisation_id neighbourhood_id made_by words created_at updated_at version".split())
WRITTEN = frozenset(own(Asset)) - DERIVED - {"kind", "place", "area", "source"}


def _write(session: Session, asset: Asset, values: Values) -> None:
    """Check whole values, then set them; where it lies, when it is open and who runs it follow from them."""
    checks.refuse(checks.asset_flaws(values, today()) + consents.flaws(values.get("consent") or {}))
    asset.catchment = neighbourhoods.named(session, "catchment", values.get("catchment") or [])
    for field in WRITTEN & values.keys():
        setattr(asset, field, values[field])
    if values.get("consent"):
        asset.visible_to = consents.last_day(values["consent"])  # no longer than a person agrees to
    parsed = hours.parse(values.get("opening_hours") or "")
    asset.open_mask = None if parsed is None else hours.open_mask(parsed, today())
    if "organisation" in values:
        asset.organisation_id = organisation(session, values["organisation"])
    place, area = values.get("place"), values.get("area")
    if asset.kind != Kind.volunteer:
        asset.place = None if place is None else from_shape(place, WGS84)
        asset.area = None if area is None else from_shape(neighbourhoods.multi(area), WGS84)
    shape = area if place is None else place
    if shape is not None:
        asset.neighbourhood_id = whereabouts.holding(session, shape)
    elif "neighbourhood" in values:
        lies_in = [values["neighbourhood"]] if values["neighbourhood"] else []
        asset.neighbourhood_id = next((a.id for a in neighbourhoods.named(session, "neighbourhood", lies_in)), None)


def organisation(session: Session, told: Mapping[str, str | None] | None) -> UUID | None:
    """Find an organisation by its name, or make it; what is told of one that exists is not overwritten."""
    if told is None:
        return None
    checks.refuse(checks.organisation_flaws(told))
    found = session.scalar(select(Organisation).where(Organisation.name == told["name"]))
    if found is None:
        found = Organisation(name=told["name"], legal_form=told.get("legal_form"), url=told.get("url"))
        session.add(found)
        session.flush()
    return found.id
