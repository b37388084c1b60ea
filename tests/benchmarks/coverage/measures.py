"""All measures of a nation beside PySAL's E2SFCA alone: `python -m tests.benchmarks.coverage.measures [growth [9]]`.

CPU seconds, and extra memory at its highest, each in a process of its own, turn by turn: 634,000 squares and 200,000
assets of four kinds. Ours finds its pairs itself and computes all of `measures.reach` and `gaps.figures` for each
kind, compiled by a warm-up on a little data before it counts. PySAL gets its pairs, which are not counted, and neither
is the making of its Access object; its weights are a function of one distance, as in its manual. It shares the places
of all kinds in one go (places add up over kinds), and, in another process, of one kind after another, as ours does.
With `growth` it prints instead what `measures.reach` costs as addresses grow tenfold; with `growth 9` to 9 million.
"""

import ctypes
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from access import Access  # type: ignore[import-untyped]  # it has no types

from geo.coverage import demand, gaps, measures, places, walks, zones
from geo.coverage.demand import Demand
from geo.coverage.places import Places
from geo.coverage.policy import Policy
from geo.coverage.walks import Line
from geo.coverage.zones import Zones
from tests.benchmarks.coverage import data

AT_LEAST, STRETCH, MOST_SHARE, STRETCH_SHARE, ROUNDS = 7, 13, 1 / 3, 1 / 10, 2
DETOURS = (1.3, 1.0)  # a norm of 800 m walked, as a run takes it; and 800 m as the crow flies, which makes more pairs


class Cost(NamedTuple):
    """What a process took for its task: CPU seconds, extra megabytes, pairs, and what it found, to be compared."""

    cpu_s: float
    mb: float
    pairs: int
    supply: float


def nation(points: int, assets: int) -> tuple[Demand, list[Places]]:
    """Make people and four kinds of asset."""
    chance = np.random.default_rng(9)
    xy, residents = data.towns(points)
    rooms, kinds = data.assets(assets), []
    for k in range(data.KINDS):
        spots = rooms[k :: data.KINDS]
        n = len(spots)
        capacity, age = chance.integers(0, 80, n).astype(float), chance.uniform(0, 2500, n)
        kinds.append(places.at(spots, capacity=capacity, age_days=age, open_mask=chance.integers(-1, 1 << 21, n)))
    return demand.at(xy, residents, radius_m=demand.SQUARE_RADIUS_M), kinds


def resident_mb(what: str) -> float:
    """Give the megabytes of this process now (VmRSS) or at their highest since `forget` (VmHWM)."""
    told = Path("/proc/self/status").read_text().partition(f"{what}:")[2]
    return float(told.split()[0]) / 1024


def forget() -> float:
    """Give back what is free, let the highest memory be that of now, and give it in megabytes."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident_mb("VmRSS")


def sums(people: Demand, kinds: list[Places], areas: Zones, policy: Policy) -> float:
    """Compute all measures of every kind; give the sum of the supply."""
    line = Line(people.xy, policy.detour)
    total = 0.0
    for kind in kinds:
        reached, _ = measures.reach(line, kind, people, policy)
        gaps.figures(areas, people, reached, policy)
        total += float(reached.supply.sum())
        del reached
    return total


def ours(policy: Policy) -> Cost:
    """Compute all measures, and count the pairs afterwards."""
    people, kinds = nation(data.SQUARES, data.ASSETS)
    people = ordered(people)
    outlines = data.areas(data.AREAS)
    area = zones.holding(people.xy, outlines)
    areas = zones.of_pairs(np.arange(people.count), area, len(outlines))
    few, small = nation(2_000, 400)
    sums(few, small, zones.of_pairs(np.arange(few.count), np.arange(few.count) % 7, 7), policy)
    del outlines, area, few, small
    before, began = forget(), time.process_time()
    supply = sums(people, kinds, areas, policy)
    cpu, mb = time.process_time() - began, resident_mb("VmHWM") - before
    line = Line(people.xy, policy.detour)
    return Cost(cpu, mb, sum(len(line.pairs(kind, policy.norm_m).point) for kind in kinds), supply)


def ordered(people: Demand) -> Demand:
    """Put the squares in the order in which a run keeps them."""
    order = walks.cell_order(people.xy)
    return demand.at(people.xy[order], people.residents[order], radius_m=people.radius_m[order])


def pysal(policy: Policy) -> Cost:
    """Let PySAL share the places of all kinds at once."""
    people, kinds = nation(data.SQUARES, data.ASSETS)
    capacity = np.concatenate([kind.capacity for kind in kinds])
    return shared(people, [places.at(np.concatenate([kind.xy for kind in kinds]), capacity=capacity)], policy)


def pysal_by_kind(policy: Policy) -> Cost:
    """Let PySAL share the places of one kind after another."""
    return shared(*nation(data.SQUARES, data.ASSETS), policy)


def shared(people: Demand, kinds: list[Places], policy: Policy) -> Cost:
    """Give PySAL the pairs of each set of places, and count what it does with them."""
    line = Line(people.xy, policy.detour)
    cpu, most, count, supply = 0.0, 0.0, 0, 0.0
    for kind in kinds:
        pairs = line.pairs(kind, policy.norm_m)
        asset = np.repeat(np.arange(kind.count), np.diff(pairs.start))
        costs = pd.DataFrame({"home": pairs.point.astype(np.int64), "room": asset, "metres": pairs.metres})
        homes = pd.DataFrame({"home": np.arange(people.count), "residents": people.residents})
        rooms = pd.DataFrame({"room": np.arange(kind.count), "places": kind.capacity})
        count += len(costs)
        del pairs, asset
        before = forget()
        access = Access(
            demand_df=homes, demand_index="home", demand_value="residents", supply_df=rooms, supply_index="room",
            supply_value="places", cost_df=costs, cost_origin="home", cost_dest="room", cost_name="metres",
        )  # fmt: skip
        began = time.process_time()
        found = access.enhanced_two_stage_fca(weight_fn=lambda metres: 1 - (metres / policy.norm_m) ** 2)
        cpu += time.process_time() - began
        most = max(most, resident_mb("VmHWM") - before)
        supply += float(np.nansum(np.asarray(found.iloc[:, 0], dtype=float)))
        del access, costs, found
    return Cost(cpu, most, count, supply)


TASKS = {"all measures": ours, "PySAL, all at once": pysal, "PySAL, by kind": pysal_by_kind}


def alone(task: str, detour: float) -> Cost:
    """Run one task in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, task, str(detour)]
    return Cost(*json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def main() -> None:
    """Run all in turns, and print the least that each took, with the ratios."""
    for detour in DETOURS:
        runs = [{task: alone(task, detour) for task in TASKS} for _ in range(ROUNDS)]
        least = {task: Cost(*map(min, zip(*(run[task] for run in runs), strict=True))) for task in TASKS}
        mine = least["all measures"]
        print(
            f"{data.SQUARES:,} squares, {data.ASSETS:,} assets, detour {detour}: {mine.pairs:,} pairs; best of {ROUNDS}"
        )
        for task, cost in least.items():
            np.testing.assert_allclose(cost.supply, mine.supply, rtol=1e-9)
            times, share = cost.cpu_s / mine.cpu_s, mine.mb / cost.mb
            told = "" if cost is mine else f"  {times:5.1f} x the time, we take {share:.3f} of the memory"
            print(f"  {task:20} {cost.cpu_s:7.2f} CPU s {cost.mb:7.0f} MB{told}", flush=True)
    print(f"wanted: {AT_LEAST} x, stretch {STRETCH}; at most {MOST_SHARE:.3f} of the memory, stretch {STRETCH_SHARE}")


def growth(most: int) -> None:
    """Print what the measures cost as addresses grow tenfold, while the assets stay what they are."""
    kinds, policy = nation(1_000, data.ASSETS)[1], Policy()
    print("growth: points, CPU s for 4 kinds, microseconds per point and kind, extra MB")
    for points in (1_000, 10_000, 100_000, 1_000_000, 9_000_000):  # the first only warms up
        if points <= most:
            xy, residents = data.towns(points, squares=False)
            people = ordered(demand.at(xy, residents))
            del xy, residents
            before, began = forget(), time.process_time()
            line = Line(people.xy, policy.detour)
            for kind in kinds:
                measures.reach(line, kind, people, policy)
            cpu = time.process_time() - began
            each = cpu / points / data.KINDS * 1e6
            if points > 1_000:
                print(f"  {points:9,} {cpu:7.2f} {each:6.3f} {resident_mb('VmHWM') - before:6.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["growth"]:
        growth(9_000_000 if sys.argv[2:] == ["9"] else 1_000_000)
    elif sys.argv[1:]:
        print(json.dumps(TASKS[sys.argv[1]](Policy(detour=float(sys.argv[2])))))
    else:
        main()
