"""From the outcome of one subject to records of the table `coverage`, one for each area asked."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd

from geo.coverage import gaps, why
from geo.coverage.demand import GROUPS, Bools, Demand, Floats, Ints
from geo.coverage.gaps import Figures
from geo.coverage.measures import Reached
from geo.coverage.policy import Policy
from geo.coverage.rows import spelled
from geo.coverage.why import Why
from geo.coverage.zones import Zones, taken

WHOLE = ("assets_in_reach", "assets_across_border", "worst_part")
JSON = ("groups", "why")
DIGITS = 9  # the last bits of a sum say nothing
Columns = Mapping[str, Floats | Sequence[Any]]  # of `models.Coverage` without its keys; NaN and None are missing


class Land(NamedTuple):
    """What records need to know of all areas and of the points in them; `store.Ground` tells what each is."""

    zones: Zones
    demand: Demand
    known: Bools
    unknown: Floats
    sources: Sequence[str]
    edge_m: Floats


class Outcome(NamedTuple):
    """What one subject comes to.

    areas     the areas asked, as indexes; `figures` and `why` hold one row for each, in this order
    ids       of the assets that `why` names by index
    fallback  points whose walks are straight lines for want of a network nearby
    """

    areas: Ints
    reached: Reached
    figures: Figures
    why: Why
    ids: Sequence[UUID]
    fallback: Bools


def frame(told: Columns) -> pd.DataFrame:
    """Give columns as a table to be copied to the database."""
    json_told = {name: [json.dumps(each) for each in told[name]] for name in JSON}
    table = pd.DataFrame({**told, **json_told, "nearest_id": [each and str(each) for each in told["nearest_id"]]})
    return table.astype(dict.fromkeys(WHOLE, "Int64"))


def rows(told: Columns) -> list[dict[str, Any]]:
    """Give columns row by row, in plain values that JSON knows, as the database gives them back."""
    plain = {name: _plain(name, column) for name, column in told.items()}
    return [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def _plain(name: str, column: Floats | Sequence[Any]) -> list[Any]:
    if not isinstance(column, np.ndarray):
        return list(column)
    known = [None if math.isnan(value) else value for value in column.tolist()]
    return [None if value is None else int(value) for value in known] if name in WHOLE else known


def blanked(figures: Figures, known: Bools) -> Figures:
    """Blank what cannot be said: all of areas without residents, or whose residents are not known (`known`)."""
    told = Figures(*(np.where(known & (figures.residents > 0), each, np.nan) for each in figures))
    return told._replace(residents=np.where(known, figures.residents, np.nan))


def columns(land: Land, outcome: Outcome, policy: Policy) -> Columns:
    """Make one row for each area asked."""
    areas, figures, told = outcome.areas, outcome.figures, outcome.why
    known = land.known[areas]
    lived_in = known & (figures.residents > 0)
    worst = gaps.worst_part(land.zones, land.demand, outcome.reached, policy, areas)
    main = np.where(lived_in, told.main, -1)
    return {name: each.round(DIGITS) for name, each in blanked(figures, known)._asdict().items()} | {
        "covered": np.where(lived_in, figures.residents - figures.uncovered, np.nan).round(DIGITS),
        "covered_by_catchment": np.where(lived_in, told.by_catchment, np.nan),
        "nearest_id": [outcome.ids[i] if i >= 0 else None for i in main.tolist()],
        "nearest_m": np.where(main >= 0, told.main_m, np.nan),
        "assets_in_reach": np.where(known, told.in_reach, np.nan),
        "assets_across_border": np.where(known, told.across, np.nan),
        "worst_part": np.where(lived_in & (worst >= 0), worst, np.nan),
        "unknown_residents": land.unknown[areas],
        "demand_source": [land.sources[i] for i in areas.tolist()],
        **_doubts(land, outcome, policy, lived_in),
        "groups": _groups(land, outcome, policy),
        "why": _why(outcome, policy, lived_in),
    }


def _doubts(land: Land, outcome: Outcome, policy: Policy, lived_in: Bools) -> Mapping[str, Floats]:
    """Give the share that lives nearer to the edge of the data than to an asset, and the share without a network."""
    near_edge = land.edge_m * policy.detour < np.minimum(outcome.reached.near_m, policy.norm_m)
    flags = {"edge_share": near_edge, "fallback_share": outcome.fallback}
    people = land.demand.residents
    residents = np.where(lived_in, outcome.figures.residents, np.nan)
    return {name: summed(land.zones, people * flag, outcome.areas) / residents for name, flag in flags.items()}


def summed(zones: Zones, values: Floats, areas: Ints) -> Floats:
    """Add up a value of the points for some areas; 0 where an area has no points, shape (areas asked,)."""
    held = taken(zones, areas)
    return np.bincount(spelled(held.start), values[held.point], minlength=len(areas)).astype(float)


def _groups(land: Land, outcome: Outcome, policy: Policy) -> list[dict[str, dict[str, float]]]:
    """Tell of each group how many there are as far as known, and the share of them that is covered."""
    told: list[dict[str, dict[str, float]]] = [{} for _ in outcome.areas]
    for group in GROUPS:
        if group not in land.demand.groups:
            continue
        people, share = gaps.group_share(land.zones, land.demand, outcome.reached, policy, group, outcome.areas)
        for row, number, part in zip(told, people.tolist(), share.tolist(), strict=True):
            if number > 0:
                row[group] = {"residents": round(number, 3), "covered_share": round(part, 6)}
    return told


def _why(outcome: Outcome, policy: Policy, lived_in: Bools) -> list[dict[str, Any]]:
    told = outcome.why
    lists = {
        "carriers": (told.carriers, told.carried), "fragile": (told.fragile, told.lost),
        "checks": (told.checks, told.gained),
    }  # fmt: skip
    rows = []
    for i, lived in enumerate(lived_in.tolist()):
        named = {name: _named(outcome.ids, *pair, i) for name, pair in lists.items()} if lived else {}
        reason = why.reason(outcome.figures, i, policy) if lived else why.NOBODY
        rows.append({"reason": reason, **named})
    return rows


def _named(ids: Sequence[UUID], assets: Ints, people: Floats, row: int) -> list[list[str | float]]:
    pairs = zip(assets[row].tolist(), people[row].tolist(), strict=True)
    return [[str(ids[asset]), round(number, 3)] for asset, number in pairs if asset >= 0 and number > 0]
