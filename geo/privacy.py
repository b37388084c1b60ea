"""Which records a viewer sees, numbers of people fit to be published, and the only hand that touches secrets.

What is public is decided when a record is written; here it is only looked up.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from geoalchemy2 import WKTElement
from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.base import WGS84
from geo.collections import below
from geo.days import today_nl
from geo.models import Activity, Asset, AssetSecret, Neighbourhood
from geo.rights import Viewer
from geo.vocabulary import Kind, Role, Status

FEWEST = 10  # fewer volunteers than this are never told
STEP = 5  # published numbers of volunteers are multiples of this


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


def keep_secret(session: Session, asset_id: UUID, told: Mapping[str, Any]) -> None:
    """Store a person's `place` (WKT) and `contact` where no page, answer or figure reads them.

    What is not told stays as it is; None takes it away.
    """
    parts: dict[str, object] = {}
    if "place" in told:
        parts["place"] = None if told["place"] is None else WKTElement(told["place"], srid=WGS84)
    if "contact" in told:
        parts["contact"] = dict(told["contact"] or {})
    statement = insert(AssetSecret).values(asset_id=asset_id, **parts)
    if parts:
        session.execute(statement.on_conflict_do_update(index_elements=["asset_id"], set_=parts))
    else:
        session.execute(statement.on_conflict_do_nothing())


TRUE_PLACES = (
    """CREATE TEMP TABLE true_places ON COMMIT DROP AS
    SELECT asset_id, place AS spot, NULL::text AS neighbourhood_id FROM asset_secret WHERE place IS NOT NULL""",
    """UPDATE asset a SET neighbourhood_id = t.neighbourhood_id FROM true_places t
    WHERE t.asset_id = a.id AND a.neighbourhood_id IS DISTINCT FROM t.neighbourhood_id""",
    "DROP TABLE true_places",
)


def repoint_people(session: Session, settle: Callable[[Session, str], None]) -> int:
    """Point volunteers to the buurt that holds their true place, as `settle` finds it; gives how many rows change."""
    lay_out, point, forget = (text(statement) for statement in TRUE_PLACES)
    session.execute(lay_out)
    settle(session, "true_places")
    changed = int(session.execute(point).rowcount)  # type: ignore[attr-defined]
    session.execute(forget)
    return changed


def published_count(key: bytes, cell: str, count: int) -> int | None:
    """Round the number of volunteers in one cell (neighbourhood and service) for the public.

    Below 10 gives None. From there it goes up or down to a multiple of 5 past a threshold that belongs to the cell
    and the key: the same count always gives the same answer, and on average the rounding adds and takes nothing.
    """
    if count < FEWEST:
        return None
    digest = hmac.digest(key, cell.encode(), hashlib.sha256)
    threshold = int.from_bytes(digest[:8]) / 2**64
    whole, rest = divmod(count, STEP)
    return STEP * (whole + (1 if rest / STEP > threshold else 0))
