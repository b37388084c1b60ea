"""Who may do and see what: one table of operations, one of fields, and the only hand that touches secrets.

Default is no: an operation or field that is missing here is refused to everybody. What is public is decided when a
record is written; here it is only looked up.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from geoalchemy2 import WKTElement
from sqlalchemy import ColumnElement, and_, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.base import WGS84
from geo.days import today_nl
from geo.errors import NotAllowed
from geo.models import Activity, Asset, AssetSecret
from geo.vocabulary import Kind, Role, Status

ROLES = list(Role)  # each may do all that those before it may
FEWEST = 10  # fewer volunteers than this are never told
STEP = 5  # published numbers of volunteers are multiples of this


class Viewer(NamedTuple):
    """Who asks: a role, and a name for the history."""

    role: Role
    name: str


VISITOR = Viewer(Role.visitor, "visitor")

# Operation (a route or a command) → the least role that may do it.
OPERATIONS: dict[str, Role] = {
    "livez": Role.visitor,
    "readyz": Role.visitor,
    "read_landing": Role.visitor,
    "read_conformance": Role.visitor,
    "read_openapi": Role.visitor,
    "read_vocabulary": Role.visitor,
    "read_collections": Role.visitor,
    "read_collection": Role.visitor,
    "read_items": Role.visitor,
    "read_item": Role.visitor,
    "read_runs": Role.visitor,
    "read_run": Role.visitor,
    "read_changes": Role.visitor,
    "start_run": Role.admin,
    "what_if": Role.visitor,
    "siting": Role.visitor,
    "create_asset": Role.admin,
    "change_asset": Role.admin,
    "archive_asset": Role.admin,
    "create_activity": Role.admin,
    "change_activity": Role.admin,
    "archive_activity": Role.admin,
    "draw_neighbourhood": Role.admin,
    "upload_import": Role.admin,
    "read_imports": Role.admin,
    "read_import": Role.admin,
    "confirm_import": Role.admin,
    "discard_import": Role.admin,
    "undo_import": Role.admin,
    "read_doubts": Role.admin,
    "decide_doubt": Role.admin,
    "resident_page": Role.visitor,
    "place_page": Role.visitor,
    "activity_page": Role.visitor,
    "gaps_page": Role.visitor,
    "gap_page": Role.visitor,
    "about_page": Role.visitor,
    "imports_page": Role.visitor,  # a shell: what it shows, its script asks of the routes above
    "static": Role.visitor,
}

_PUBLIC_ASSET = """kind name summary description themes services goals target_groups languages cost accessibility
 address postcode city capacity opening_hours organisation url source source_id licence demo status confirmed_on
 visible_from visible_to ladder_level growth legal_form funding founded_in neighbourhood neighbourhood_name catchment
 created_at updated_at version"""
_PUBLIC_ACTIVITY = """title summary theme services repeat starts_on ends_on next_on time_from time_to cost how_to_join
 asset asset_name address neighbourhood neighbourhood_name source source_id licence demo status confirmed_on
 created_at updated_at version"""
_PUBLIC_NEIGHBOURHOOD = """code year level name parent residents residents_65 households one_person_households
 figures_missing in_force schematic source licence created_at updated_at version"""
_PUBLIC_COVERAGE = """run computed_at norm_m neighbourhood code name level kind service residents covered covered_share
 uncovered covered_by_catchment median_m nearest_id nearest_name nearest_m assets_in_reach assets_across_border
 volunteers per_1000 schematic mean_m reached_share p90_m depth_m fgt1 choice fragile_share crowding certain_share
 open_hours worst_part worst_part_share people_none people_doubtful people_closed people_full people_served gap
 covered_lo covered_hi band_lo band_hi unknown_residents edge_share fallback_share demand_source groups why"""

# Collection → field → the least role that sees it. A field that a role may not see is absent, not empty.
FIELDS: dict[str, dict[str, Role]] = {
    "assets": {**dict.fromkeys(_PUBLIC_ASSET.split(), Role.visitor), "confirmed_by": Role.admin},
    "activities": dict.fromkeys(_PUBLIC_ACTIVITY.split(), Role.visitor),
    "neighbourhoods": dict.fromkeys(_PUBLIC_NEIGHBOURHOOD.split(), Role.visitor),
    "coverage": dict.fromkeys(_PUBLIC_COVERAGE.split(), Role.visitor),
}


def reaches(role: Role, least: Role) -> bool:
    """Say whether a role has all the rights of another."""
    return ROLES.index(role) >= ROLES.index(least)


def require(viewer: Viewer, operation: str) -> None:
    """Refuse the viewer an operation that the table does not give to their role."""
    least = OPERATIONS.get(operation)
    if least is None or not reaches(viewer.role, least):
        raise NotAllowed(f"The role {viewer.role.value!r} may not do this. Send an API key that may in X-API-Key.")


def fields(viewer: Viewer, collection: str) -> list[str]:
    """Name the fields of a collection that the viewer sees, in the order in which they are shown."""
    return [name for name, least in FIELDS[collection].items() if reaches(viewer.role, least)]


def seen_assets(viewer: Viewer) -> ColumnElement[bool]:
    """Give the condition under which a viewer sees an asset: volunteers are for administrators only."""
    if reaches(viewer.role, Role.admin):
        return Asset.id.is_not(None)
    return and_(Asset.kind != Kind.volunteer, current())


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
    if reaches(viewer.role, Role.admin):
        return Activity.id.is_not(None)
    return and_(Activity.status == Status.published, or_(Activity.asset_id.is_(None), Asset.id.is_not(None)))


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
