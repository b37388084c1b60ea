"""From the outcome of one subject to records of the table `coverage`, one for each area asked."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd

from geo.coverage import gaps, why
from geo.coverage.demand import GROUPS, Bools, Demand, Floats, Ints
from geo.coverage.gaps import Figures
from geo.coverage.measures import Reached
from geo.coverage.policy import Policy
from geo.coverage.why import Why
from geo.coverage.zones import Zones


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


def frame(land: Land, outcome: Outcome, policy: Policy) -> pd.DataFrame:
    """Make one row for each area asked; NaN and None become NULL. Columns as in `models.Coverage`, without its keys."""
    areas, figures, told = outcome.areas, outcome.figures, outcome.why
    known = land.known[areas]
    lived_in = known & (figures.residents > 0)
    worst = gaps.worst_part(land.zones, land.demand, outcome.reached, policy, areas)
    main = np.where(lived_in, told.main, -1)
    columns: dict[str, object] = {name: np.where(lived_in, v, np.nan) for name, v in figures._asdict().items()}
    columns |= {
        "residents": np.where(known, figures.residents, np.nan),
        "covered": np.where(lived_in, figures.residents - figures.uncovered, np.nan),
        "covered_by_catchment": np.where(lived_in, told.by_catchment, np.nan),
        "nearest_id": [str(outcome.ids[i]) if i >= 0 else None for i in main.tolist()],
        "nearest_m": np.where(main >= 0, told.main_m, np.nan),
        "assets_in_reach": _whole(told.in_reach, known),
        "assets_across_border": _whole(told.across, known),
        "worst_part": _whole(worst, lived_in & (worst >= 0)),
        "unknown_residents": land.unknown[areas],
        "demand_source": [land.sources[i] for i in areas.tolist()],
        **_doubts(land, outcome, policy, lived_in),
        "groups": _groups(land, outcome, policy),
        "why": _why(outcome, policy, lived_in),
    }
    return pd.DataFrame(columns)


def _whole(values: Ints, told: Bools) -> pd.Series:
    return pd.Series(np.where(told, values, 0)).astype("Int64").where(pd.Series(told))


def _doubts(land: Land, outcome: Outcome, policy: Policy, lived_in: Bools) -> Mapping[str, Floats]:
    """Give the share that lives nearer to the edge of the data than to an asset, and the share without a network."""
    near_edge = land.edge_m < np.minimum(outcome.reached.near_m, policy.norm_m)
    flags = {"edge_share": near_edge, "fallback_share": outcome.fallback}
    people = land.demand.residents
    residents = np.where(lived_in, outcome.figures.residents, np.nan)
    return {name: summed(land.zones, people * flag, outcome.areas) / residents for name, flag in flags.items()}


def summed(zones: Zones, values: Floats, areas: Ints) -> Floats:
    """Add up a value of the points for some areas; 0 where an area has no points, shape (areas asked,)."""
    first, number = zones.start[areas], np.diff(zones.start)[areas]
    steps = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    held = zones.point[np.repeat(first, number) + steps]
    return np.bincount(np.repeat(np.arange(len(areas)), number), values[held], minlength=len(areas)).astype(float)


def _groups(land: Land, outcome: Outcome, policy: Policy) -> list[str]:
    """Tell of each group how many there are as far as known, and the share of them that is covered."""
    told: list[dict[str, dict[str, float]]] = [{} for _ in outcome.areas]
    for group in GROUPS:
        if group not in land.demand.groups:
            continue
        people, share = gaps.group_share(land.zones, land.demand, outcome.reached, policy, group, outcome.areas)
        for row, number, part in zip(told, people.tolist(), share.tolist(), strict=True):
            if number > 0:
                row[group] = {"residents": round(number, 3), "covered_share": round(part, 6)}
    return [json.dumps(row) for row in told]


def _why(outcome: Outcome, policy: Policy, lived_in: Bools) -> list[str]:
    told = outcome.why
    lists = {
        "carriers": (told.carriers, told.carried), "fragile": (told.fragile, told.lost),
        "checks": (told.checks, told.gained),
    }  # fmt: skip
    rows = []
    for i, lived in enumerate(lived_in.tolist()):
        named = {name: _named(outcome.ids, *pair, i) for name, pair in lists.items()} if lived else {}
        reason = why.reason(outcome.figures, i, policy) if lived else why.NOBODY
        rows.append(json.dumps({"reason": reason, **named}))
    return rows


def _named(ids: Sequence[UUID], assets: Ints, people: Floats, row: int) -> list[tuple[str, float]]:
    pairs = zip(assets[row].tolist(), people[row].tolist(), strict=True)
    return [(str(ids[asset]), round(number, 3)) for asset, number in pairs if asset >= 0 and number > 0]
