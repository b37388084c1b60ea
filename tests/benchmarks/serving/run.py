"""This service beside tipg and pygeoapi on one database, in one run, turn by turn; see the README.

python -m tests.benchmarks.serving.run [--small] [--rounds N] [--seconds S] [--only WORDS…]
"""

import argparse
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from geo import cluster
from tests.benchmarks.serving import data, same, servers
from tests.benchmarks.serving.cases import Case, cases
from tests.benchmarks.serving.load import CONNECTIONS, Measured, load
from tests.benchmarks.serving.servers import NAMES, OURS

SIZES = {False: (14_000, 200_000), True: (1_400, 20_000)}  # small or not → areas, assets
COMPARED = {False: 1_000, True: 20}  # small or not → how many answers of each case
WARM_UP = 4  # turns of which one is as long as a warming up


class Plan(NamedTuple):
    """How long, how often and what; how many answers are compared beforehand."""

    seconds: int
    rounds: int
    compared: int
    cases: Sequence[Case]


Turns = dict[tuple[str, str], list[Measured]]  # by case and server


def main() -> None:
    """Make the data, look whether the answers are the same, measure, and print the tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--small", action="store_true", help="a tenth of the data and short turns: does it work?")
    asked.add_argument("--rounds", type=int)
    asked.add_argument("--seconds", type=int, help="of each turn")
    asked.add_argument("--only", nargs="+", default=[""], help="cases whose names hold one of these words")
    told = asked.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left running whatever ends it
    if not shutil.which("wrk"):
        sys.exit("The load comes from wrk: apt-get install wrk")
    versions = servers.install()
    with tempfile.TemporaryDirectory(prefix="kaart-", dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with cluster.kept(folder / "postgres") as url:
            print(f"making {SIZES[told.small][0]:,} polygons and {SIZES[told.small][1]:,} assets …", flush=True)
            drawn = cases(data.fill(url, *SIZES[told.small]))
            chosen = [case for case in drawn if any(word in case.name for word in told.only)]
            seconds = told.seconds or (3 if told.small else 8)
            plan = Plan(seconds, told.rounds or (1 if told.small else 3), COMPARED[told.small], chosen)
            there = check(url, folder, plan)
            turns = measure(url, folder, plan, there)
    print_table(plan, turns, versions)


def check(url: str, folder: Path, plan: Plan) -> Mapping[str, set[str]]:
    """Look whether all three answer the same; say which cases each server has."""
    answers = {}
    for server in NAMES:
        with servers.running(server, url, folder) as there:
            answers[server] = same.gather(there.address, server, plan.cases, plan.compared)
    same.compare(answers, plan.cases)
    return {server: set(found) for server, found in answers.items()}


def measure(url: str, folder: Path, plan: Plan, there: Mapping[str, set[str]]) -> Turns:
    """Give each server its turns, one server at a time, in another order each round."""
    turns: Turns = {}
    for number in range(plan.rounds):
        for server in (*NAMES[number % len(NAMES) :], *NAMES[: number % len(NAMES)]):
            print(f"round {number + 1} of {plan.rounds}: {server}", flush=True)
            with servers.running(server, url, folder) as running:
                for case in (case for case in plan.cases if case.name in there[server]):
                    questions = folder / "questions.txt"
                    questions.write_text("\n".join(case.paths(server)) + "\n")
                    running.settle()
                    load(running.address, questions, 2 * number, -(-plan.seconds // WARM_UP), case.encoding)
                    measured = load(running.address, questions, 2 * number + 1, plan.seconds, case.encoding)
                    if not measured.per_s:
                        sys.exit(f"{case.name}: no answer of {server} within {plan.seconds} s")
                    turns.setdefault((case.name, server), []).append(measured)
    return turns


def print_table(plan: Plan, turns: Turns, versions: Mapping[str, str]) -> None:
    """Print the medians of all rounds, and how many times as fast this service is, beside the goal."""
    print(f"\n{CONNECTIONS} connections, median of {plan.rounds} turns of {plan.seconds} s each")
    print(f"tipg {versions['tipg']}, pygeoapi {versions['pygeoapi']}, {servers.PROCESSES} processes each\n")
    print("| case | server | requests/s | p50 ms | p99 ms | bytes | times as fast | goal |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for case in plan.cases:
        ours = turns.get((case.name, OURS))
        for server in NAMES:
            if found := turns.get((case.name, server)):
                per_s, p50_ms, p99_ms, length, _ = (statistics.median(values) for values in zip(*found, strict=True))
                ratio = f"{statistics.median(m.per_s for m in ours) / per_s:.1f}" if ours and server != OURS else ""
                goal = next((f"{goal:g}" for peer, goal in case.goals if peer == server), "")
                told = f"{per_s:,.0f} | {p50_ms:.2f} | {p99_ms:.2f} | {length:,.0f} | {ratio} | {goal}"
                print(f"| {case.name} | {server} | {told} |")
    busiest = max(measured.busy for found in turns.values() for measured in found)
    print(f"\nThe load generator took at most {busiest:.0%} of one core.")


if __name__ == "__main__":
    main()
