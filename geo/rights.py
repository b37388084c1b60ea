"""Who may do and see what: one table of operations, one of fields. Default is no: what is missing is refused to all.

An operation is a route or a group of files. A role may do it to everything, to what lies in the neighbourhoods that it
looks after, or to what it made itself. A field that a role may not see is absent, not empty.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from geo.errors import NotAllowed
from geo.vocabulary import Role


class Scope(StrEnum):
    """To which records a right extends."""

    everything = "everything"
    area = "area"  # what lies in the neighbourhoods of the account, and in those within them
    own = "own"  # what the account made, until somebody else has published it


class Viewer(NamedTuple):
    """Who asks.

    name     stands in the history
    account  None of a visitor, of a key and of the command line
    areas    codes of the neighbourhoods that a steward or broker looks after
    scopes   what a key is for (`KEY_SCOPES`); empty: all that its role may
    """

    role: Role
    name: str
    account: UUID | None = None
    areas: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


VISITOR = Viewer(Role.visitor, "visitor")
Rights = Mapping[Role, Scope]

EVERYBODY = tuple(Role)
MEMBERS = tuple(role for role in Role if role != Role.visitor)


def _all(*roles: Role) -> Rights:
    return dict.fromkeys(roles, Scope.everything)


_WRITING: Rights = {
    **dict.fromkeys((Role.contributor, Role.broker, Role.planner), Scope.own),
    Role.steward: Scope.area,
    Role.admin: Scope.everything,
}
_OF_BROKERS: Rights = {Role.broker: Scope.area, Role.admin: Scope.everything}
_FOR_EVERYBODY = """livez readyz read_landing read_conformance read_openapi read_vocabulary read_collections
 read_collection read_queryables read_sortables read_schema read_items read_item read_exports read_export
 exports_page read_runs read_run read_changes read_feed
 what_if siting resident_page place_page
 activity_page gaps_page gap_page about_page imports_page static"""
_TILES = """read_tile_matrix_sets read_tile_matrix_set read_tilesets read_tileset read_tilejson read_tile"""
_HSDS = """read_hsds read_hsds_organizations read_hsds_organization read_hsds_services read_hsds_service
 read_hsds_service_at_locations read_hsds_service_at_location read_hsds_locations read_hsds_location
 read_hsds_taxonomies read_hsds_taxonomy read_hsds_taxonomy_terms read_hsds_taxonomy_term"""
_SIGNING_IN = "sign_in_page sign_in welcome_page welcome ask_provider back_from_provider"
_FOR_MEMBERS = """sign_out account_page change_password sign_out_everywhere volunteer_page save_offer withdraw_consent
 renew_consent answer_request download_data erase_account"""
_WRITTEN = "create_asset change_asset archive_asset create_activity change_activity archive_activity"
_FOR_ADMINS = """upload_import read_imports read_import confirm_import discard_import undo_import read_doubts
 decide_doubt"""

# Operation → role → to which records. `imports_page` is a shell: what it shows, its script asks of other routes.
OPERATIONS: dict[str, Rights] = {
    **dict.fromkeys(f"{_FOR_EVERYBODY} {_TILES} {_HSDS} {_SIGNING_IN}".split(), _all(*EVERYBODY)),
    **dict.fromkeys(_FOR_MEMBERS.split(), _all(*MEMBERS)),
    **dict.fromkeys(_WRITTEN.split(), _WRITING),
    **dict.fromkeys(_FOR_ADMINS.split(), _all(Role.admin)),
    "draw_neighbourhood": _all(Role.steward, Role.admin),
    "start_run": _all(Role.planner, Role.admin),
    **dict.fromkeys(("offers_page", "ask_volunteer"), _OF_BROKERS),
}

# What a key can be for → the operations; and what none is for, because it takes a person with an account.
FOR_PEOPLE = frozenset(f"{_SIGNING_IN} {_FOR_MEMBERS} offers_page ask_volunteer".split())
KEY_SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset(
        f"""{_TILES} {_HSDS}
        livez readyz read_landing read_conformance read_openapi read_vocabulary read_collections read_collection
        read_queryables read_sortables read_schema read_items read_item read_exports read_export
        read_feed exports_page resident_page place_page activity_page gaps_page
        gap_page about_page static""".split()
    ),
    "write": frozenset([*_WRITTEN.split(), "draw_neighbourhood"]),
    "import": frozenset([*_FOR_ADMINS.split(), "imports_page"]),
    "coverage": frozenset("read_runs read_run read_changes start_run what_if siting".split()),
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

# Of the results of coverage, what belongs to one measure; each says of which neighbourhood, subject and run it is.
_OF_A_RUN = "run computed_at norm_m neighbourhood code name level kind service residents unknown_residents schematic"
_REACH = """covered covered_share uncovered covered_by_catchment covered_lo covered_hi band_lo band_hi certain_share
 edge_share fallback_share demand_source groups"""
_DISTANCE = "nearest_id nearest_name nearest_m median_m mean_m p90_m reached_share depth_m fgt1 fallback_share"
_SUPPLY = """assets_in_reach assets_across_border choice fragile_share per_1000 crowding volunteers open_hours
 worst_part worst_part_share"""
_GAPS = "gap people_none people_doubtful people_closed people_full people_served why"


def _seen(names: str, roles: Iterable[Role] = EVERYBODY) -> dict[str, frozenset[Role]]:
    return dict.fromkeys(names.split(), frozenset(roles))


# Collection → field → the roles that see it.
_ASSET_FIELDS = {**_seen(_PUBLIC_ASSET), **_seen("confirmed_by", (Role.steward, Role.admin))}
FIELDS: dict[str, dict[str, frozenset[Role]]] = {
    **dict.fromkeys(("assets", "community_rooms", "initiatives", "care_locations"), _ASSET_FIELDS),
    "activities": _seen(_PUBLIC_ACTIVITY),
    **dict.fromkeys(
        ("neighbourhoods", "buurten", "wijken", "gemeenten", "drawn_neighbourhoods"), _seen(_PUBLIC_NEIGHBOURHOOD)
    ),
    "coverage": _seen(_PUBLIC_COVERAGE),
    "coverage_reach": _seen(f"{_OF_A_RUN} {_REACH}"),
    "coverage_distance": _seen(f"{_OF_A_RUN} {_DISTANCE}"),
    "coverage_supply": _seen(f"{_OF_A_RUN} {_SUPPLY}"),
    "coverage_gaps": _seen(f"{_OF_A_RUN} {_GAPS}"),
    "squares": _seen("code year residents residents_65 one_person_households children"),
    "neighbours": _seen("services target_groups languages", MEMBERS),
}


def scope(viewer: Viewer, operation: str) -> Scope:
    """Say to which records the viewer may do something.

    raises NotAllowed where the table gives it to none, or the viewer's key is not for it
    """
    given = OPERATIONS.get(operation, {}).get(viewer.role)
    if given is None:
        raise NotAllowed(f"The role {viewer.role.value!r} may not do this. Sign in, or send an API key that may.")
    if viewer.scopes and not any(operation in KEY_SCOPES.get(name, ()) for name in viewer.scopes):
        raise NotAllowed(_not_for(operation, viewer.scopes))
    return given


def _not_for(operation: str, scopes: frozenset[str]) -> str:
    missing = next((name for name, operations in KEY_SCOPES.items() if operation in operations), None)
    told = f"this needs the scope {missing!r}" if missing else "this is for people who sign in"
    return f"This API key has the scopes {', '.join(map(repr, sorted(scopes)))} only; {told}."


def fields(viewer: Viewer, collection: str) -> list[str]:
    """Name the fields of a collection that the viewer sees, in the order in which they are shown."""
    return [name for name, roles in FIELDS[collection].items() if viewer.role in roles]
