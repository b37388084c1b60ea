"""From points to areas: how well one kind or service reaches the people of each neighbourhood, and how sure that is."""

from typing import NamedTuple

import numpy as np

from geo.coverage import sums
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.measures import Reached
from geo.coverage.policy import Policy
from geo.coverage.rows import whole
from geo.coverage.sums import People, Rules
from geo.coverage.zones import Zones, plain
from geo.errors import Flaw, InvalidInput


class Figures(NamedTuple):
    """What holds for each area, all of shape (areas,). NaN where nothing can be said: without residents, all but that.

    residents         people; those whose number is kept secret are not among them
    covered_share     share of them within the norm of something; uncovered: people who are not
    mean_m            mean walk of those who reach anything, however far; reached_share: their share
    median_m, p90_m   the walk within which half, nine tenths of all live; NaN where they reach nothing
    depth_m           mean metres beyond the norm, of the uncovered who reach anything; NaN where there are none
    fgt1              how far beyond the norm, as a share of it, 1 at twice the norm and beyond; mean over all
    choice            mean number within the norm; fragile_share: share with exactly one
    per_1000          places per 1,000 residents (E2SFCA)
    crowding          demand on a place there is; mean over those with something in reach; NaN where that is not finite
    certain_share     mean chance that one of the records within the norm still holds
    open_hours        hours a week that something within the norm is open, mean over all
    worst_part_share  share with something open in the part of the week in which that is least
    people_…          residents by class, which sum to `residents`: each in the first of policy.CLASSES that applies
    gap               0 to 100: severity of the classes, weighed by people
    covered_lo, _hi   bounds of covered_share, given that people live up to radius_m from their point; who is served
                      by an asset without a place is, wherever they live
    band_lo, _hi      share within 0.8 and 1.2 of the norm
    """

    residents: Floats
    covered_share: Floats
    uncovered: Floats
    mean_m: Floats
    reached_share: Floats
    median_m: Floats
    p90_m: Floats
    depth_m: Floats
    fgt1: Floats
    choice: Floats
    fragile_share: Floats
    per_1000: Floats
    crowding: Floats
    certain_share: Floats
    open_hours: Floats
    worst_part_share: Floats
    people_none: Floats
    people_doubtful: Floats
    people_closed: Floats
    people_full: Floats
    people_served: Floats
    gap: Floats
    covered_lo: Floats
    covered_hi: Floats
    band_lo: Floats
    band_hi: Floats


def figures(zones: Zones, demand: Demand, reached: Reached, policy: Policy, areas: Ints | None = None) -> Figures:
    """Sum up what the people of each area reach.

    zones   which points lie in which area
    areas   only these, in this order: the same numbers to the last bit as when all are asked
    """
    asked = _asked(zones, areas)
    return Figures(*sums.sweep(plain(zones), asked, people(demand, reached), rules(policy)))


def classes(demand: Demand, reached: Reached, policy: Policy) -> Ints:
    """Say of each point in which class its people fall, as an index into policy.CLASSES; shape (points,)."""
    return sums.classes(people(demand, reached), rules(policy))


def worst_part(
    zones: Zones,
    demand: Demand,
    reached: Reached,
    policy: Policy,  # noqa: ARG001  # all questions about areas are asked with the same words
    areas: Ints | None = None,
) -> Ints:
    """Name the part of the week (bit 0 to 20) in which fewest people of each area have something open within the norm.

    returns  shape (areas,); the first of equals; -1 where nobody lives
    """
    return sums.worst_parts(plain(zones), _asked(zones, areas), people(demand, reached))


def group_share(
    zones: Zones,
    demand: Demand,
    reached: Reached,
    policy: Policy,  # noqa: ARG001  # all questions about areas are asked with the same words
    group: str,
    areas: Ints | None = None,
) -> tuple[Floats, Floats]:
    """Count the people of a group in each area, as far as known, and give the share of them within the norm.

    group    a name in demand.groups; InvalidInput where there is none of that name
    returns  both of shape (areas,); where there are none, 0 people and the share NaN
    """
    if group not in demand.groups:
        raise InvalidInput(f"The demand says nothing of {group}.", Flaw("group", f"{group} is not in the demand"))
    members = _floats(demand.groups[group])
    return sums.shares(plain(zones), _asked(zones, areas), members, whole(reached.count))


def _asked(zones: Zones, areas: Ints | None) -> Ints:
    return np.arange(len(zones.start) - 1) if areas is None else whole(areas)


def _floats(values: Floats) -> Floats:
    return np.require(values, np.float64, ["C", "W"])


def people(demand: Demand, reached: Reached) -> People:
    """Give what sums read of each point; the same arrays, where they are laid out as sums want them."""
    floats = (reached.weight, reached.supply, reached.crowding)
    return People(
        _floats(demand.residents), _floats(demand.radius_m), _floats(reached.near_m), whole(reached.count),
        _floats(reached.doubt), whole(reached.open_mask), *(_floats(each) for each in floats),
    )  # fmt: skip


def rules(policy: Policy) -> Rules:
    """Give a policy as sums read it."""
    limits = np.array([policy.norm_m, policy.detour, policy.min_open_hours, policy.supply_norm], dtype=np.float64)
    return Rules(
        limits, sums.week(np.array(policy.hours, dtype=np.float64)), np.array(policy.severity, dtype=np.float64)
    )
