"""The best places beside spopt: `python -m tests.benchmarks.coverage.siting [ROUNDS]`.

5,000 points with residents and 400 candidates in one municipality, 800 m, p from 5 to 10, turn by turn in one run. Both
are given the walks: ours as pairs, spopt as the matrix that it wants. CPU seconds, user and system, of this process and
of those that it starts: spopt's solver, CBC, is one. Ours is compiled by a warm-up before it counts. Both must find the
same number of residents, and ours must prove it.
"""

import resource
import sys
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pulp  # type: ignore[import-untyped]  # it has no types
from spopt.locate import MCLP  # type: ignore[import-untyped]  # it has no types

from geo.coverage import places, siting
from geo.coverage.demand import Floats
from geo.coverage.walks import Line, Pairs

POINTS, CANDIDATES, SIDE_M, TOWNS, SPREAD_M = 5_000, 400, 10_000.0, 40, 600.0
CORNER_M = (100_000.0, 400_000.0)  # RD New
NORM_M, SITES, AT_LEAST = 800.0, range(5, 11), 80


class Case(NamedTuple):
    """One municipality: the same walks twice, as pairs by candidate and as metres of points by candidates."""

    pairs: Pairs
    metres: Floats
    residents: Floats


def municipality(seed: int) -> Case:
    """Make people and candidates around the same centres."""
    chance = np.random.default_rng(seed)
    centres = np.array(CORNER_M) + chance.uniform(0, SIDE_M, (TOWNS, 2))
    xy = centres[chance.integers(0, TOWNS, POINTS)] + chance.normal(0, SPREAD_M, (POINTS, 2))
    spots = xy[chance.choice(POINTS, CANDIDATES, replace=False)] + chance.normal(0, 100, (CANDIDATES, 2))
    residents = 5 * np.ceil(chance.lognormal(1.2, 0.9, POINTS))
    metres = np.hypot(*(xy[:, None] - spots[None]).transpose(2, 0, 1))
    return Case(Line(xy, 1.0).pairs(places.at(spots), NORM_M), metres, residents)


def ours(case: Case, p: int) -> float:
    """Choose with siting.best."""
    best = siting.best(case.pairs, case.residents, p)
    if not best.proven:
        sys.exit(f"p = {p}: {best.covered} is not proven, the bound is {best.bound}")
    return best.covered


def spopt(case: Case, p: int) -> float:
    """Choose with spopt's MCLP and CBC."""
    model = MCLP.from_cost_matrix(case.metres, case.residents, NORM_M, p)
    return float(model.solve(pulp.PULP_CBC_CMD(msg=False)).problem.objective.value())


def cpu_s() -> float:
    """Give the CPU seconds of this process and of those that it started and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def cost(choose: Callable[[Case, int], float], case: Case, p: int) -> tuple[float, float]:
    """Run one of them: CPU seconds, and residents covered."""
    began = cpu_s()
    covered = choose(case, p)
    return cpu_s() - began, covered


def main() -> None:
    """Print what each costs for each p, and the ratio of the sums."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # pulp has one for each of its variables
    ours(municipality(0), SITES[0])
    mine, theirs = 0.0, 0.0
    for seed in range(1, rounds + 1):
        case = municipality(seed)
        for p in SITES:
            (own_s, own), (peer_s, peer) = cost(ours, case, p), cost(spopt, case, p)
            if abs(own - peer) > 1e-6 * peer:
                sys.exit(f"p = {p}: ours covers {own}, spopt {peer}")
            print(
                f"seed {seed}  p {p:2d}  ours {own_s:6.3f} s  spopt {peer_s:6.2f} s  residents {own:,.0f}", flush=True
            )
            mine, theirs = mine + own_s, theirs + peer_s
    ratio = theirs / mine
    print(f"MCLP {POINTS:,} x {CANDIDATES}: spopt {theirs:.1f} s, ours {mine:.2f} s: {ratio:.0f}x, asked {AT_LEAST}x")
    if ratio < AT_LEAST:
        sys.exit("slower than asked")


if __name__ == "__main__":
    main()
