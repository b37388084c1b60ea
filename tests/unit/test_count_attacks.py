"""What can be concluded from numbers of volunteers by who knows the rounding and every answer, but not the key.

Towns are drawn at random: neighbourhoods in a tree, people with services, runs between which some join and some leave.
The attacker lists all counts that agree with two answers, or, in the audit, with all answers of a town at once.

Protected: every count, and every difference of two nested cells, that is below 10: two answers never leave one value.
Not protected: cells that hold the same land, whose difference is 0 for who looks at the map; and that there is nobody
else in a cell, for who knows of 14 people there or more (of five such cells one gives it away: less than 0 cannot be).
Measured with all answers of a town at once, 200 towns: docs/privacy.md.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from numpy.random import Generator, default_rng
from scipy.optimize import Bounds, LinearConstraint, milp

from geo.coverage.store import Area
from geo.vocabulary import SERVICES, Level
from geo.volunteers.counts import Cell, told, totals

PAIRS = 10_000
TOWNS = 200
AUDITED = 30
RUNS = 3
MOST = 250  # more people than any cell here has
SOME = list(SERVICES)[:4]
OFFERED: tuple[str | None, ...] = (None, *SOME)

Person = tuple[int, frozenset[str]]  # the index of a buurt, and what the person offers


class Town(NamedTuple):
    """Neighbourhoods, and of each run the true counts and what is told of them."""

    areas: list[Area]
    true: list[dict[Cell, int]]
    told: list[dict[Cell, int | None]]

    def same_land(self, a: int, b: int) -> bool:
        """Say whether two areas hold the same buurten."""
        return self.buurten(a) == self.buurten(b)

    def buurten(self, at: int) -> set[int]:
        """Give the buurten that lie in an area."""
        return {i for i, area in enumerate(self.areas) if area.level == Level.buurt and at in self.lies_in(i)}

    def lies_in(self, at: int) -> list[int]:
        """Give an area and all above it."""
        found = []
        while at >= 0:
            found.append(at)
            at = self.areas[at].parent
        return found


def town(rng: Generator) -> Town:
    areas = [Area("GM", "GM", Level.gemeente, 2024, None, -1)]
    for wijk in range(rng.integers(1, 4)):
        above, parts = len(areas), range(rng.integers(1, 5))
        areas.append(Area(f"WK{wijk}", f"WK{wijk}", Level.wijk, 2024, None, 0))
        areas += [Area(f"BU{wijk}{n}", f"BU{wijk}{n}", Level.buurt, 2024, None, above) for n in parts]
    buurten = [i for i, area in enumerate(areas) if area.level == Level.buurt]
    usual = {at: rng.choice([0, 1, 4, 8, 14, 25]) for at in buurten}
    key, people = rng.bytes(32), [person for at in buurten for person in joining(rng, at, usual[at])]
    true, answers = [], []
    for _ in range(RUNS):
        counted: Counter[tuple[str, str | None]] = Counter()
        for at, services in people:
            counted.update((areas[at].id, service) for service in (None, *services))
        true.append(totals(areas, counted))
        answers.append(told(areas, true[-1], key))
        stayed = [person for person in people if rng.random() > 0.15]
        people = stayed + [person for at in buurten for person in joining(rng, at, usual[at] / 4)]
    return Town(areas, true, answers)


def joining(rng: Generator, at: int, usual: float) -> Iterator[Person]:
    for _ in range(rng.poisson(usual)):
        yield at, frozenset(rng.choice(SOME, rng.integers(1, 4), replace=False).tolist())


def answer(count: int, offset: int) -> int | None:
    """Tell a count as docs/privacy.md says that it is told."""
    number = (count + offset) // 5 * 5
    return number if number >= 15 else None


AGREEING: dict[int | None, list[tuple[int, int]]] = {}  # answer → all counts and offsets that give it
for pair in ((count, offset) for count in range(MOST) for offset in range(5)):
    AGREEING.setdefault(answer(*pair), []).append(pair)


class Conclusion(NamedTuple):
    """All values that are left of one that the attacker wants, and the true one."""

    question: str
    left: set[int]
    true: int


def conclusions(rng: Generator, drawn: Town) -> list[Conclusion]:
    """Ask two questions at random and conclude what can be."""
    at, service = int(rng.integers(len(drawn.areas))), rng.choice(np.array(OFFERED, dtype=object))
    run = int(rng.integers(RUNS))
    match rng.integers(4):
        case 0:
            above = int(rng.choice(drawn.lies_in(at)))
            return nested(drawn, run, (at, service), (above, service), "level and level")
        case 1:
            return nested(drawn, run, (at, service), (at, None), "service and total")
        case 2:
            above = int(rng.choice(drawn.lies_in(at)))
            return nested(drawn, run, (at, service), (above, None), "service and total of another level")
        case _:
            return moved(drawn, (at, service), int(rng.integers(RUNS)), run)


def nested(drawn: Town, run: int, inner: Cell, outer: Cell, question: str) -> list[Conclusion]:
    """Conclude from two cells of which one holds the other; of the same cell there is one answer."""
    one, other = drawn.told[run][inner], drawn.told[run][outer]
    true = drawn.true[run].get(inner, 0), drawn.true[run].get(outer, 0)
    if drawn.same_land(inner[0], outer[0]) and inner[1] == outer[1]:
        assert one == other
        return [Conclusion("same land", {count for count, _ in AGREEING[one]}, true[0])]
    left = {(a, b) for a, _ in AGREEING[one] for b, _ in AGREEING[other] if a <= b}
    return [
        Conclusion(f"{question}: the part", {a for a, _ in left}, true[0]),
        Conclusion(f"{question}: the whole", {b for _, b in left}, true[1]),
        Conclusion(f"{question}: the difference", {b - a for a, b in left}, true[1] - true[0]),
    ]


def moved(drawn: Town, cell: Cell, one: int, other: int) -> list[Conclusion]:
    """Conclude from one cell in two runs, knowing how many more or fewer there are."""
    before, after = drawn.true[one].get(cell, 0), drawn.true[other].get(cell, 0)
    more = after - before
    fits = set(AGREEING[drawn.told[other][cell]])
    left = {count for count, offset in AGREEING[drawn.told[one][cell]] if (count + more, offset) in fits}
    return [
        Conclusion("run and run: before", left, before),
        Conclusion("run and run: after", {count + more for count in left}, after),
    ]


def test_of_no_count_below_ten_one_value_is_left_by_two_questions() -> None:
    rng, widths = default_rng(2026), dict[str, Counter[int]]()
    drawn = [town(rng) for _ in range(TOWNS)]
    for number in range(PAIRS):
        for found in conclusions(rng, drawn[number % TOWNS]):
            assert found.true in found.left, found  # else the attacker reckons wrongly
            if found.true < 10:
                widths.setdefault(found.question, Counter())[len(found.left)] += 1
    for question, counted in sorted(widths.items()):
        print(f"{question}: {dict(sorted(counted.items()))}")
    assert len(widths) == 12
    assert min(min(counted) for counted in widths.values()) > 1
    for question, counted in widths.items():
        if "run and run" not in question:
            assert min(counted) >= (4 if "difference" in question else 15), question


def test_who_adds_invented_people_until_a_number_appears_is_left_with_five_counts_of_the_others() -> None:
    for others, offset in product(range(10), range(5)):
        added = next(n for n in range(20) if answer(others + n, offset))
        left = {
            count
            for count, unknown in product(range(15), range(5))
            if answer(count + added, unknown) and not answer(count + added - 1, unknown)
        }
        assert others in left
        assert len(left) == min(5, 16 - added)  # fewer only where the others are close to none


def extremes(drawn: Town, runs: Sequence[int], wanted: Sequence[tuple[Cell, Cell | None]]) -> Iterator[tuple[int, int]]:
    """Give the least and the most that each wanted count or difference may be, by all answers of some runs at once.

    Of several runs the attacker knows the movements of all cells. Everybody offers something: the attacker knows that.
    """
    cells = [(at, service) for at in range(len(drawn.areas)) for service in OFFERED]
    index = {cell: n for n, cell in enumerate(cells)}  # the count of a cell in the first run; then come the offsets
    rules: list[tuple[dict[int, int], float, float]] = []
    for cell, n in index.items():
        for run in runs:
            more = drawn.true[run].get(cell, 0) - drawn.true[runs[0]].get(cell, 0)
            number = drawn.told[run][cell]
            least, most = (0, 14) if number is None else (number, number + 4)
            rules += [({n: 1, n + len(cells): 1}, least - more, most - more), ({n: 1}, -more, np.inf)]
    for at, service in cells:
        parts = [i for i, area in enumerate(drawn.areas) if area.parent == at]
        if parts:
            rules.append(({index[at, service]: 1, **{index[part, service]: -1 for part in parts}}, 0, 0))
        if len(parts) == 1:
            rules.append(({index[at, service] + len(cells): 1, index[parts[0], service] + len(cells): -1}, 0, 0))
        if service is not None:
            rules.append(({index[at, None]: 1, index[at, service]: -1}, 0, np.inf))
        else:
            rules.append(({index[at, None]: 1, **{index[at, each]: -1 for each in SOME}}, -np.inf, 0))
    matrix = np.zeros((len(rules), 2 * len(cells)))
    for row, (terms, _, _) in enumerate(rules):
        matrix[row, list(terms)] = list(terms.values())
    within = LinearConstraint(matrix, [low for _, low, _ in rules], [high for _, _, high in rules])
    bounds = Bounds(0, np.repeat([np.inf, 4], len(cells)))
    for whole, part in wanted:
        goal = np.zeros(2 * len(cells))
        goal[index[whole]] = 1
        if part is not None:
            goal[index[part]] -= 1
        ends = [milp(sign * goal, integrality=1, bounds=bounds, constraints=within) for sign in (1, -1)]
        assert all(end.success for end in ends)
        yield round(ends[0].fun), round(-ends[1].fun)


def wanted(drawn: Town) -> list[tuple[Cell, Cell | None]]:
    """Name the counts, and the differences of nested cells, that are below 10 in the first run."""
    cells = [(at, service) for at in range(len(drawn.areas)) for service in OFFERED]
    found: list[tuple[Cell, Cell | None]] = [(cell, None) for cell in cells]
    for at, service in cells:
        above = drawn.areas[at].parent
        if above >= 0 and not drawn.same_land(at, above):
            found.append(((above, service), (at, service)))
        if service is not None:
            found.append(((at, None), (at, service)))
    return [pair for pair in found if true_of(drawn, pair) < 10]


def true_of(drawn: Town, pair: tuple[Cell, Cell | None]) -> int:
    whole, part = pair
    return drawn.true[0].get(whole, 0) - (0 if part is None else drawn.true[0].get(part, 0))


@pytest.mark.slow
@pytest.mark.parametrize("runs", [[0], [0, 1, 2]], ids=["one run", "three runs and every movement known"])
def test_all_numbers_of_a_town_at_once_leave_more_than_one_value_of_each_count_below_ten(runs: list[int]) -> None:
    """With every movement of three runs known, that cells are empty may be certain; no count of people ever is."""
    rng, widths, pinned = default_rng(7), Counter[int](), Counter[int]()
    for _ in range(AUDITED):
        drawn = town(rng)
        asked = wanted(drawn)
        for pair, (least, most) in zip(asked, extremes(drawn, runs, asked), strict=True):
            true = true_of(drawn, pair)
            assert least <= true <= most
            widths[most - least + 1] += 1
            pinned[true] += least == most
    print(f"{AUDITED} towns, {widths.total()} values below 10; how many are left: {dict(sorted(widths.items()))}")
    print(f"only one is left of these true values: {dict(+pinned)}")
    assert not +pinned if runs == [0] else set(+pinned) <= {0}
