"""One asset changes in a nation: what the live state costs, beside computing all again.

Run as `python -m tests.benchmarks.coverage.live`. 634,000 squares in the order in which a run keeps them, 50,000 assets
of each of four kinds, 14,000 buurten; then the same with wijken and gemeenten of up to 10,000 squares. One asset is
added to one kind; what is computed again is everything, as a run without a live state would, and, apart, that kind
alone. CPU seconds for the ratios, turn by turn in one run, compiling left out; milliseconds on the clock for each edit.
At the end the live state is compared with a full computation.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng

from geo.coverage import demand, gaps, measures, places, walks, zones
from geo.coverage.demand import Demand, Floats
from geo.coverage.live import Edit, Followed, Live, Outcome, State
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.walks import Line
from geo.coverage.zones import Zones
from tests.benchmarks.coverage import data

ROOMS, EDITS, ROUNDS = 50_000, 1_000, 5
P95_MS, AT_LEAST = 5.0, 1000
WIJK_M, GEMEENTE_M = 4_000.0, 13_000.0  # squares of land that stand for them
RULE = Policy(supply_norm=0.01)
SAME = ("near_m", "nearest", "count", "open_mask", "only")


class Nation(NamedTuple):
    """People, the areas they live in, and the assets: those of the kind that is edited, and of the other kinds."""

    people: Demand
    areas: Zones
    rooms: Places
    others: list[Places]
    line: Line


def nation() -> tuple[Nation, Zones]:
    """Make a nation with buurten, and give the zones that it has with wijken and gemeenten too."""
    xy, residents = data.towns(data.SQUARES)
    order = walks.cell_order(xy)
    people = demand.at(xy[order], residents[order], radius_m=demand.SQUARE_RADIUS_M)
    point = np.arange(people.count)
    levels = [zones.holding(people.xy, data.areas(data.AREAS))]
    for side_m in (WIJK_M, GEMEENTE_M):
        land = np.floor(people.xy / side_m).astype(np.int64) @ (1_000, 1)
        levels.append(levels[-1].max() + 1 + np.unique(land, return_inverse=True)[1])
    all_levels = zones.of_pairs(np.tile(point, 3), np.concatenate(levels), int(levels[-1].max()) + 1)
    buurten = zones.of_pairs(point, levels[0], data.AREAS)
    rooms, *others = (kind(seed) for seed in range(2, 2 + data.KINDS))
    return Nation(people, buurten, rooms, others, Line(people.xy, RULE.detour)), all_levels


def kind(seed: int) -> Places:
    """Make the assets of one kind."""
    chance = default_rng(seed + 3)
    return places.at(
        data.assets(ROOMS, seed), capacity=chance.integers(0, 80, ROOMS).astype(float),
        age_days=chance.exponential(400, ROOMS), open_mask=chance.integers(-1, 1 << 21, ROOMS),
    )  # fmt: skip


def room(chance: Generator, spot: Floats) -> State:
    """Make an asset."""
    at = (float(spot[0]), float(spot[1]))
    return State(at, float(chance.integers(1, 80)), float(chance.integers(0, 900)), int(chance.integers(0, 1 << 21)))


def edits(live: Live, what: str, spots: Floats) -> Iterator[list[Edit]]:
    """Give an edit for each spot, each of another asset."""
    chance = default_rng(len(what))
    known = [each for each in live.roster.slot if each < ROOMS]
    chosen = [known[k] for k in chance.permutation(len(known))[: len(spots)]]
    for number, (asset, spot) in enumerate(zip(chosen, spots, strict=True)):
        state, there = live.roster.state(live.roster.slot[asset]), room(chance, spot)
        x, y = state.xy or (0.0, 0.0)
        yield {
            "add": [Edit(ROOMS + len(live.roster.ids) + number, there)],
            "move": [Edit(asset, state._replace(xy=there.xy))],
            "nudge": [Edit(asset, state._replace(xy=(x + 30, y - 20)))],
            "close": [Edit(asset, None)],
            "confirm": [Edit(asset, state._replace(age_days=0.0))],
            "hours": [Edit(asset, state._replace(open_mask=there.open_mask))],
            "capacity": [Edit(asset, state._replace(capacity=there.capacity))],
        }[what]


def timed(work: Callable[[list[Edit]], Followed | Outcome], asked: Sequence[list[Edit]]) -> tuple[Floats, float, float]:
    """Do some edits; gives milliseconds on the clock of each, CPU seconds, and areas that change, in the middle."""
    taken, areas, began = np.empty(len(asked)), 0, time.process_time()
    for k, each in enumerate(asked):
        start = time.perf_counter()
        areas += len(work(each).areas)
        taken[k] = (time.perf_counter() - start) * 1000
    return taken, (time.process_time() - began) / len(asked), areas / len(asked)


def full(given: Nation, rooms: Places) -> float:
    """Compute one kind in full, and give the CPU seconds."""
    began = time.process_time()
    reached, _ = measures.reach(given.line, rooms, given.people, RULE)
    gaps.figures(given.areas, given.people, reached, RULE)
    return time.process_time() - began


def compare(given: Nation, live: Live, spots: Floats) -> float:
    """Add assets and compute all, by turns; gives how many times as fast adding one is."""
    alls, own, ones = [], [], []
    for part in np.array_split(spots, ROUNDS):
        own.append(full(given, given.rooms))
        alls.append(own[-1] + sum(full(given, each) for each in given.others))
        ones.append(timed(live.change, list(edits(live, "add", part)))[1])
    print(f"  one added {min(ones) * 1000:9.3f} CPU ms, best of {ROUNDS} means of {len(spots) // ROUNDS}")
    print(f"  all again {min(alls):9.3f} CPU s, {min(alls) / min(ones):6.0f} x  at least {AT_LEAST}")
    print(f"  its kind  {min(own):9.3f} CPU s, {min(own) / min(ones):6.0f} x")
    return min(alls) / min(ones)


def each_kind(live: Live, spots: Floats) -> None:
    """Print what edits of each kind cost."""
    print(f"  {'':10}     p50     p95     max ms    CPU ms   areas that change")
    for what in ("add", "move", "nudge", "close", "confirm", "hours", "capacity"):
        for asked, work in ((what, live.change), (f"{what}, if", live.what_if)):
            if asked == what or what in ("add", "close"):
                told(asked, *timed(work, list(edits(live, what, spots))))


def told(name: str, taken: Floats, cpu: float, areas: float) -> None:
    """Print one line."""
    p50, p95, most = np.quantile(taken, (0.5, 0.95, 1))
    over = "" if p95 <= P95_MS else f"  MORE THAN {P95_MS} ms"
    print(f"  {name:10} {p50:7.3f} {p95:7.3f} {most:7.2f} {cpu * 1000:12.3f} {areas:10.1f}{over}")


def exact(given: Nation, live: Live) -> None:
    """Compare all numbers with a full computation."""
    rooms, found, loads = live.renumbered()
    reached, full_loads = measures.reach(given.line, rooms, given.people, RULE)
    figures = gaps.figures(live.zones, given.people, reached, RULE)
    for mine, other in ((found, reached), (loads, full_loads), (live.figures, figures)):
        for name, one, two in zip(other._fields, mine, other, strict=True):
            tolerance = 0 if name in SAME else 1e-9
            np.testing.assert_allclose(one, two, rtol=tolerance, atol=tolerance, err_msg=name)
    print("  equal to a full computation afterwards")


def main() -> None:
    """Make a nation, warm up, compare, and look at each kind of edit."""
    given, levels = nation()
    spots = data.assets(EDITS + 100, seed=9)
    for areas in (given.areas, levels):
        mine = given._replace(areas=areas)
        live = Live(given.line, given.people, areas, given.rooms, RULE, range(ROOMS))
        largest = np.diff(areas.start).max()
        print(f"{given.people.count:,} squares, {ROOMS:,} assets, {len(areas.start) - 1:,} areas of 0 to {largest:,}")
        for what in ("add", "close", "hours"):
            timed(live.change, list(edits(live, what, spots[EDITS:])))
        live.what_if(next(edits(live, "add", spots)))
        full(mine, mine.rooms)
        compare(mine, live, spots[:EDITS])
        each_kind(live, spots[:EDITS])
        exact(mine, live)


if __name__ == "__main__":
    main()
