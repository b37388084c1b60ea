"""Which records a viewer sees, and the only hand that touches the place and the contacts of a person.

What is public is decided when a record is written; here it is only looked up.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.collections import below
from geo.days import today_nl
from geo.errors import Unavailable
from geo.models import Activity, Asset, AssetSecret, Neighbourhood
from geo.rights import Viewer
from geo.sealing import seal, unseal
from geo.vocabulary import Kind, Role, Status
from geo.volunteers.models import SecretReading


def seen_assets(viewer: Viewer) -> ColumnElement[bool]:
    """Give the condition under which a viewer sees an asset: volunteers are for administrators only.

    Besides what is current, a member sees what they made, and a steward what lies in the own neighbourhoods.
    """
    if viewer.role == Role.admin:
        return Asset.id.is_not(None)
    return and_(Asset.kind != Kind.volunteer, or_(current(), _with(viewer, Asset)))


def _with(viewer: Viewer, table: type[Asset] | type[Activity]) -> ColumnElement[bool]:
    """Give the condition under which a record is the viewer's own, or lies where they are steward."""
    mine = false() if viewer.account is None else table.made_by == viewer.account
    if viewer.role != Role.steward:
        return mine
    at = func.coalesce(Activity.neighbourhood_id, Asset.neighbourhood_id)
    lies_in = at if table is Activity else Asset.neighbourhood_id
    return or_(mine, lies_in.in_(lying_in(viewer.areas)))


def lying_in(codes: Collection[str]) -> Select[str]:
    """Select the ids of neighbourhoods with these codes, of any year, and of all that lie in them by parent."""
    return below(select(Neighbourhood.id).where(Neighbourhood.code.in_(sorted(codes))))


def current() -> ColumnElement[bool]:
    """Give the condition under which an asset counts today: published, and within the days that it is for."""
    today = today_nl()
    return and_(
        Asset.status == Status.published,
        or_(Asset.visible_from.is_(None), Asset.visible_from <= today),
        or_(Asset.visible_to.is_(None), Asset.visible_to >= today),
    )


def seen_activities(viewer: Viewer) -> ColumnElement[bool]:
    """Give the condition under which a viewer sees an activity; its asset, if any, must be joined as seen."""
    if viewer.role == Role.admin:
        return Activity.id.is_not(None)
    published = and_(Activity.status == Status.published, or_(Activity.asset_id.is_(None), Asset.id.is_not(None)))
    return or_(published, _with(viewer, Activity))


class Secret(NamedTuple):
    """What is kept of a person: the true place (longitude, latitude), and contacts."""

    place: tuple[float, float] | None
    contact: dict[str, str]


def key_of(session: Session) -> bytes:
    """Give the key of the installation. Raises Unavailable for a session that was made without one."""
    key: bytes | None = session.info.get("secret")
    if not key:
        raise Unavailable("Here nobody can keep or read what is sealed: the key of the installation is not at hand.")
    return key


def keep_secret(session: Session, asset_id: UUID, told: Mapping[str, Any]) -> None:
    """Seal a person's `place` (shapely point, WGS 84) and `contact`, where no page, answer or figure reads them.

    What is not told stays as it is; None takes it away.
    """
    place, parts = told.get("place"), {}
    if "place" in told:
        parts["place"] = None if place is None else _sealed(session, asset_id, "place", [place.x, place.y])
    if "contact" in told:
        contact = told["contact"]
        parts["contact"] = _sealed(session, asset_id, "contact", dict(contact)) if contact else None
    statement = insert(AssetSecret).values(asset_id=asset_id, **parts)
    if parts:
        session.execute(statement.on_conflict_do_update(index_elements=["asset_id"], set_=parts))
    else:
        session.execute(statement.on_conflict_do_nothing())


def read_secret(session: Session, asset_id: UUID, why: str) -> Secret:
    """Give what is kept of a person, and note who read it (`records.act_as`), when and why.

    Nothing is kept: no place and no contacts.
    """
    session.flush()
    found = session.execute(
        select(AssetSecret.place, AssetSecret.contact).where(AssetSecret.asset_id == asset_id)
    ).one_or_none()
    if found is None:
        return Secret(None, {})
    session.add(SecretReading(asset_id=asset_id, why=why))
    session.flush()
    place = _opened(session, asset_id, "place", found.place)
    contact = _opened(session, asset_id, "contact", found.contact)
    return Secret(None if place is None else (place[0], place[1]), contact or {})


def try_key(session: Session) -> None:
    """Open something that is sealed, if there is anything, and forget it.

    raises  Unavailable where the key is another one: what is written with it would be lost to the first
    """
    for part in (AssetSecret.place, AssetSecret.contact):
        found = session.execute(select(AssetSecret.asset_id, part).where(part.is_not(None)).limit(1)).first()
        if found is not None:
            _opened(session, found[0], part.key, found[1])
            return


def readings(session: Session, asset_id: UUID) -> Sequence[SecretReading]:
    """Give who read a person's secrets, the latest first."""
    latest = select(SecretReading).where(SecretReading.asset_id == asset_id)
    return session.scalars(latest.order_by(SecretReading.read_at.desc(), SecretReading.id.desc())).all()


def _sealed(session: Session, asset_id: UUID, part: str, value: object) -> bytes:
    return seal(key_of(session), f"{asset_id} {part}", value)


def _opened(session: Session, asset_id: UUID, part: str, sealed: bytes | None) -> Any:
    return None if sealed is None else unseal(key_of(session), f"{asset_id} {part}", sealed)


TRUE_PLACES = """CREATE TEMP TABLE true_places ON COMMIT DROP AS
    SELECT t.asset_id, ST_SetSRID(ST_MakePoint(t.lon, t.lat), 4326) AS spot, NULL::text AS neighbourhood_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:lon AS float[]), CAST(:lat AS float[])) AS t (asset_id, lon, lat)"""
POINT_PEOPLE = """UPDATE asset a SET neighbourhood_id = t.neighbourhood_id FROM true_places t
    WHERE t.asset_id = a.id AND a.neighbourhood_id IS DISTINCT FROM t.neighbourhood_id"""


def repoint_people(session: Session, settle: Callable[[Session, str], None]) -> None:
    """Point volunteers to the buurt that holds their true place, as `settle` finds it; each reading is noted."""
    kept = session.execute(select(AssetSecret.asset_id, AssetSecret.place).where(AssetSecret.place.is_not(None))).all()
    if not kept:
        return
    session.add_all(SecretReading(asset_id=row.asset_id, why="boundaries") for row in kept)
    session.flush()
    places = [_opened(session, row.asset_id, "place", row.place) for row in kept]
    told = {"ids": [row.asset_id for row in kept], "lon": [p[0] for p in places], "lat": [p[1] for p in places]}
    session.execute(text(TRUE_PLACES), told)
    settle(session, "true_places")
    session.execute(text(POINT_PEOPLE))
    session.execute(text("DROP TABLE true_places"))
