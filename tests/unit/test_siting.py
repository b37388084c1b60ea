"""Where the next places help most: against every choice there is, against spopt, and on cases worked out on paper."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from random import Random

import highspy
import numpy as np
import pulp  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spopt.locate import MCLP  # type: ignore[import-untyped]  # it has no types

from geo.coverage import covering, places, prices, siting, solver
from geo.coverage.covering import Cover
from geo.coverage.demand import Floats
from geo.coverage.siting import Sites
from geo.coverage.walks import Line, Pairs
from geo.errors import InvalidInput, Unavailable

NORM_M = 800.0
slow = settings(deadline=None)  # the machine code is made at the first call
Problem = tuple[list[set[int]], Floats]
Choose = Callable[[Pairs, Floats, int], Sites]
PULP = pytest.mark.filterwarnings(
    "ignore:Constructing LpVariable:DeprecationWarning", "ignore:PULP_CBC_CMD is deprecated:DeprecationWarning"
)


def pairs(reached: Sequence[Iterable[int]]) -> Pairs:
    """Make walks of the points that each candidate reaches."""
    ascending = [sorted(points) for points in reached]
    start = np.concatenate([[0], np.cumsum([len(points) for points in ascending])]).astype(np.int64)
    point = np.array([point for points in ascending for point in points], dtype=np.int32)
    return Pairs(start, point, np.zeros(len(point)))


def people(*residents: float) -> Floats:
    return np.array(residents, dtype=float)


def value(reached: Sequence[set[int]], residents: Floats, chosen: Iterable[int]) -> float:
    return float(residents[sorted(set[int]().union(*(reached[c] for c in chosen)))].sum())


def most(reached: Sequence[set[int]], residents: Floats, p: int) -> float:
    """Try every choice of p."""
    everything = combinations(range(len(reached)), min(p, len(reached)))
    return max(value(reached, residents, chosen) for chosen in everything)


def cover(reached: Sequence[set[int]], residents: Floats) -> Cover:
    return covering.of(pairs(reached), residents)


@st.composite
def problems(draw: st.DrawFn, whole: bool = False) -> Problem:
    """Make up who reaches whom; of whole numbers small ones too, where one resident more is much."""
    points = draw(st.integers(1, 12))
    reached = draw(st.lists(st.sets(st.integers(0, points - 1)), min_size=1, max_size=8))
    number = st.integers(0, draw(st.sampled_from([3, 50]))).map(float)
    weight = number if whole else number | st.floats(0.001, 100)
    return reached, people(*draw(st.lists(weight, min_size=points, max_size=points)))


def town(points: int, candidates: int, seed: int, side_m: float = 4_000) -> tuple[Floats, Floats, Floats]:
    """Make people in clusters, and candidates among them: places of both in metres, and residents."""
    chance = np.random.default_rng(seed)
    centres = chance.uniform(0, side_m, (12, 2))
    xy = centres[chance.integers(0, 12, points)] + chance.normal(0, side_m / 12, (points, 2))
    spots = xy[chance.choice(points, candidates, replace=False)] + chance.normal(0, 50, (candidates, 2))
    return xy, spots, chance.integers(0, 30, points).astype(float)


def near(xy: Floats, spots: Floats) -> list[set[int]]:
    away = np.hypot(*(xy[:, None] - spots[None]).T)
    return [set(np.flatnonzero(row <= NORM_M).tolist()) for row in away]


def spopt(xy: Floats, spots: Floats, residents: Floats, p: int, forced: Floats | None = None) -> float:
    """Ask spopt for the residents that p places cover, those that are `forced` among them."""
    away = np.hypot(*(xy[:, None] - spots[None]).T).T
    model = MCLP.from_cost_matrix(away, residents, NORM_M, p, predefined_facilities_arr=forced)
    solved = model.solve(pulp.PULP_CBC_CMD(msg=False))
    return float(solved.problem.objective.value())


# On paper


def test_two_places_that_share_nobody_beat_the_one_that_covers_most() -> None:
    # The middle covers 6 + 6 = 12, the sides 10 each: greedy takes the middle and then 4 more, the best are the sides.
    reached = [{0, 1}, {1, 2}, {2, 3}]
    residents = people(4, 6, 6, 4)
    first = siting.greedy(pairs(reached), residents, 2)
    assert (first.chosen.tolist(), first.gained.tolist(), first.covered) == ([1, 0], [12, 4], 16)
    assert first.bound == 20
    assert not first.proven
    best = siting.best(pairs(reached), residents, 2)
    assert (best.chosen.tolist(), best.gained.tolist(), best.alone.tolist()) == ([0, 2], [10, 10], [10, 10])
    assert (best.covered, best.bound, best.proven) == (20, 20, True)


def test_each_place_tells_what_it_adds_after_the_others_and_what_it_would_cover_alone() -> None:
    best = siting.best(pairs([{0, 1}, {1, 2, 3}]), people(1, 10, 10, 5), 2)
    assert best.chosen.tolist() == [1, 0]
    assert best.gained.tolist() == [25, 1]
    assert best.alone.tolist() == [25, 11]


def test_of_equal_places_the_one_that_comes_first_is_chosen() -> None:
    reached: list[set[int]] = [set(), {2}, {0, 1}, {0, 1}, {1, 0}]
    for choose in (siting.greedy, siting.best):
        assert choose(pairs(reached), people(1, 2, 1), 1).chosen.tolist() == [2]


def test_a_place_that_would_add_nobody_is_not_chosen() -> None:
    reached: list[set[int]] = [{0}, {0}, set(), {1}]
    for choose in (siting.greedy, siting.best):
        for p in (2, 3, 4, 9):
            sites = choose(pairs(reached), people(5, 7), p)
            assert (sites.chosen.tolist(), sites.covered, sites.proven) == ([3, 0], 12, True)


def test_what_could_stand_in_for_a_place_is_named_with_the_residents_lost_by_it() -> None:
    # 1 % of 1000 is 10: candidate 1 loses 4, candidate 2 loses 10, candidate 3 loses 11.
    reached = [{0, 1}, {0, 2}, {0}, {3}, {4}]
    best = siting.best(pairs(reached), people(490, 10, 6, 489, 500), 2)
    assert best.chosen.tolist() == [0, 4]
    assert best.covered == 1000
    first, second = best.alternatives
    assert (first.candidate.tolist(), first.lost.tolist()) == ([1, 2], [4, 10])
    assert second.candidate.tolist() == []


# Nothing to choose from, nothing to gain, and what cannot be


@pytest.mark.parametrize("choose", [siting.greedy, siting.best])
@pytest.mark.parametrize(
    ("reached", "residents"),
    [([{0, 1}], people(0, 0)), ([set(), set()], people(3, 4)), ([], people(3)), ([set()], people())],
    ids=["nobody is uncovered", "candidates reach nobody", "no candidates", "no points"],
)
def test_where_nothing_can_be_gained_nothing_is_chosen(
    choose: Choose, reached: list[set[int]], residents: Floats
) -> None:
    sites = choose(pairs(reached), residents, 2)
    assert sites.chosen.tolist() == sites.gained.tolist() == sites.alone.tolist() == sites.alternatives == []
    assert (sites.covered, sites.bound, sites.proven) == (0, 0, True)


@pytest.mark.parametrize(
    ("given_pairs", "residents", "p", "field"),
    [
        (pairs([{0}]), people(1), 0, "p"),
        (pairs([{0}]), people(1), -1, "p"),
        (pairs([{0}]), people(-1), 1, "uncovered"),
        (pairs([{0}]), people(np.nan), 1, "uncovered"),
        (pairs([{0}]), people(np.inf), 1, "uncovered"),
        (pairs([{1}]), people(1), 1, "point"),
        (Pairs(np.array([0, 1]), np.array([-1], np.int32), np.zeros(1)), people(1), 1, "point"),
        (Pairs(np.array([0, 2]), np.array([0, 0], np.int32), np.zeros(2)), people(1), 1, "point"),
        (Pairs(np.array([0, 2]), np.array([1, 0], np.int32), np.zeros(2)), people(1, 1), 1, "point"),
        (Pairs(np.array([0, 2]), np.array([0], np.int32), np.zeros(1)), people(1), 1, "start"),
        (Pairs(np.array([1, 1]), np.array([0], np.int32), np.zeros(1)), people(1), 1, "start"),
        (Pairs(np.array([0, 2, 1]), np.array([0], np.int32), np.zeros(1)), people(1), 1, "start"),
        (Pairs(np.array([], np.int64), np.array([], np.int32), np.zeros(0)), people(1), 1, "start"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given_pairs: Pairs, residents: Floats, p: int, field: str) -> None:
    for choose in (siting.greedy, siting.best):
        with pytest.raises(InvalidInput) as refused:
            choose(given_pairs, residents, p)
        assert [flaw.field for flaw in refused.value.flaws] == [field]


@pytest.mark.parametrize("seconds", [-1, np.nan, np.inf])
def test_a_time_limit_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="time limit"):
        siting.best(pairs([{0}]), people(1), 1, seconds)


def test_one_candidate_after_another_may_reach_the_same_point_first() -> None:
    found = siting.greedy(Pairs(np.array([0, 1, 1, 2]), np.array([0, 0], np.int32), np.zeros(2)), people(3), 1)
    assert found.chosen.tolist() == [0]


# Against every choice there is


@slow
@given(problems(), st.integers(1, 5))
def test_the_best_covers_as_much_as_the_best_of_all_choices_and_proves_it(problem: Problem, p: int) -> None:
    reached, residents = problem
    best = siting.best(pairs(reached), residents, p)
    assert best.covered == pytest.approx(most(reached, residents, p))
    assert best.covered == pytest.approx(value(reached, residents, best.chosen.tolist()))
    assert best.bound == best.covered
    assert best.proven
    assert len(set(best.chosen.tolist())) == len(best.chosen) <= p


@slow
@given(problems(), st.integers(1, 5))
def test_greedy_covers_its_share_of_the_best_and_its_bound_holds(problem: Problem, p: int) -> None:
    reached, residents = problem
    found, optimum = siting.greedy(pairs(reached), residents, p), most(reached, residents, p)
    assert found.covered >= (1 - (1 - 1 / p) ** p) * optimum * (1 - 1e-9)
    assert found.bound >= optimum * (1 - 1e-9)
    assert found.bound >= found.covered
    assert found.proven == (found.bound == found.covered)


@slow
@given(problems(), st.integers(1, 5), st.sampled_from([siting.greedy, siting.best]))
def test_what_each_place_adds_falls_and_sums_to_what_all_cover(problem: Problem, p: int, choose: Choose) -> None:
    reached, residents = problem
    sites = choose(pairs(reached), residents, p)
    assert sites.gained.sum() == sites.covered
    assert (np.diff(sites.gained) <= 0).all()
    assert (sites.gained > 0).all()
    for n, site in enumerate(sites.chosen.tolist()):
        before = value(reached, residents, sites.chosen[:n].tolist())
        after = value(reached, residents, sites.chosen[: n + 1].tolist())
        assert sites.gained[n] == pytest.approx(after - before, abs=1e-9)
        assert sites.alone[n] == pytest.approx(value(reached, residents, [site]))


@slow
@given(problems(), st.sets(st.integers(0, 11)), st.integers(1, 4))
def test_one_more_candidate_or_place_never_covers_fewer(problem: Problem, extra: set[int], p: int) -> None:
    reached, residents = problem
    before = siting.best(pairs(reached), residents, p).covered * (1 - 1e-9)
    more = [*reached, {point for point in extra if point < len(residents)}]
    assert siting.best(pairs(more), residents, p).covered >= before
    assert siting.best(pairs(reached), residents, p + 1).covered >= before


@slow
@given(problems(), st.integers(1, 4), st.sampled_from([siting.greedy, siting.best]))
def test_what_stands_in_for_a_place_covers_what_it_says(problem: Problem, p: int, choose: Choose) -> None:
    reached, residents = problem
    sites = choose(pairs(reached), residents, p)
    chosen = sites.chosen.tolist()
    for n, others in enumerate(sites.alternatives):
        rest = chosen[:n] + chosen[n + 1 :]
        told = dict(zip(others.candidate.tolist(), others.lost.tolist(), strict=True))
        for other in range(len(reached)):
            lost = sites.covered - value(reached, residents, [*rest, other])
            adds = value(reached, residents, [*rest, other]) - value(reached, residents, rest)
            if other in told:
                assert told[other] == pytest.approx(lost, abs=1e-9)
                assert lost <= 0.01 * sites.covered + 1e-6
                assert other not in chosen
                assert residents[sorted(reached[other].difference(*(reached[c] for c in rest)))].sum() > 0
            elif other not in chosen and adds > 1e-6:
                assert lost >= 0.01 * sites.covered - 1e-6


@slow
@given(problems(), st.integers(1, 4), st.randoms())
def test_order_and_splitting_of_points_change_nothing(problem: Problem, p: int, chance: Random) -> None:
    reached, residents = problem
    order = list(range(len(residents)))
    chance.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    halves = np.concatenate([residents[order] / 2, residents[order] / 2])
    split = [{place[i] for i in points} | {place[i] + len(order) for i in points} for points in reached]
    again = siting.best(pairs(split), halves, p).covered
    assert again == pytest.approx(siting.best(pairs(reached), residents, p).covered)


# The steps to it


@slow
@given(problems(whole=True), st.integers(1, 4))
def test_prices_give_a_bound_and_settle_only_what_no_better_choice_changes(problem: Problem, p: int) -> None:
    reached, residents = problem
    assume(p < len(reached) and cover(reached, residents).weight.size)
    found = prices.bound(cover(reached, residents), np.arange(p), lambda: True)
    assert found.bound >= most(reached, residents, p) * (1 - 1e-9)
    assert found.covered == pytest.approx(value(reached, residents, found.chosen.tolist()))
    for chosen in combinations(range(len(reached)), p):
        if value(reached, residents, chosen) > found.covered * (1 + 1e-9):
            assert not found.out[list(chosen)].any()
            assert set(np.flatnonzero(found.sure).tolist()) <= set(chosen)


@slow
@given(problems(whole=True), st.integers(1, 4), st.lists(st.floats(0, 1), min_size=12, max_size=12), st.integers(0, 60))
def test_what_any_prices_settle_no_better_choice_changes(
    problem: Problem, p: int, shares: list[float], steps: int
) -> None:
    reached, residents = problem
    whole = cover(reached, residents)
    assume(p < len(reached) and whole.weight.size)
    price = whole.weight * shares[: len(whole.weight)]
    step = prices.grain(whole.weight)
    out, sure = prices.settled(whole, price, p, prices.enough(steps * step, step))
    for chosen in combinations(range(len(reached)), p):
        if value(reached, residents, chosen) > steps * step:
            assert not out[list(chosen)].any()
            assert set(np.flatnonzero(sure).tolist()) <= set(chosen)


@slow
@given(problems(), st.integers(1, 4), st.integers(0, 255), st.integers(0, 255))
def test_whatever_prices_leave_open_is_settled(problem: Problem, p: int, noticed: int, kept: int) -> None:
    reached, residents = problem
    whole = cover(reached, residents)
    assume(p < len(reached) and whole.weight.size)
    poor = np.arange(p)
    least = value(reached, residents, poor.tolist())
    choices = [set(chosen) for chosen in combinations(range(len(reached)), p)]
    better = [chosen for chosen in choices if value(reached, residents, chosen) > least * (1 + 1e-9)]
    out = np.array([not any(c in chosen for chosen in better) for c in range(len(reached))])
    sure = np.array([all(c in chosen for chosen in better) for c in range(len(reached))])
    out &= np.array([bool(noticed >> c & 1) for c in range(len(reached))])
    sure &= np.array([bool(kept >> c & 1) for c in range(len(reached))])
    known = prices.Bound(poor, least, float(residents.sum()), out, sure)
    chosen, bound = siting._finished(whole, known, time.monotonic() + 30)
    assert value(reached, residents, chosen.tolist()) == pytest.approx(most(reached, residents, p))
    assert bound == pytest.approx(most(reached, residents, p))


@slow
@given(problems(), st.integers(1, 4))
def test_the_solver_alone_finds_the_best_of_all_choices_in_the_small_model(problem: Problem, p: int) -> None:
    reached, residents = problem
    whole = cover(reached, residents)
    assume(whole.weight.size)
    small, stay = solver.small(whole, np.arange(len(reached)))
    answer = solver.solve(small, p, np.empty(0, np.int64), prices.grain(whole.weight), 30)
    assert answer.proven
    optimum = most(reached, residents, p)
    assert value(reached, residents, stay[answer.chosen].tolist()) == pytest.approx(optimum)
    assert answer.bound == pytest.approx(optimum, rel=1e-5)


@slow
@given(problems(), st.integers(1, 4))
def test_the_small_model_is_small_and_loses_nothing(problem: Problem, p: int) -> None:
    reached, residents = problem
    small, stay = solver.small(cover(reached, residents), np.arange(len(reached)))
    held = [set(small.point[small.start[c] : small.start[c + 1]].tolist()) for c in range(len(stay))]
    by_point = [frozenset(c for c in range(len(held)) if i in held[c]) for i in range(len(small.weight))]
    assert len(set(by_point)) == len(by_point)
    assert all(by_point)
    assert not any(one <= other for one, other in combinations(held, 2))
    assert not any(other <= one for one, other in combinations(held, 2))
    if len(stay):
        assert most(held, small.weight, p) == pytest.approx(most(reached, residents, p))


def test_the_small_model_merges_points_and_keeps_the_first_of_equal_candidates() -> None:
    # Point 3 is out of reach; 0 and 1 have the same candidates; 3 is in 0, 2 is in 1, and 0 equals 4.
    reached = [{0, 1, 2}, {2, 4}, {4}, {0, 1}, {0, 1, 2}]
    small, stay = solver.small(cover(reached, people(1, 2, 4, 8, 16)), np.arange(5))
    assert stay.tolist() == [0, 1]
    assert sorted(small.weight.tolist()) == [3, 4, 16]
    # Of 0 alone nothing is left but one point.
    alone, stay = solver.small(cover(reached, people(1, 2, 4, 8, 16)), np.array([0, 3]))
    assert stay.tolist() == [0]
    assert alone.weight.tolist() == [7]


@pytest.mark.parametrize(
    ("weight", "step"),
    [(people(5, 10, 35), 5), (people(3, 7), 1), (people(2.5, 5), 0), (people(4), 4), (people(2.0**52, 2), 0)],
)
def test_residents_that_are_multiples_of_a_number_are_known_by_it(weight: Floats, step: float) -> None:
    assert prices.grain(weight) == step


def test_a_solver_without_an_answer_is_unavailable_and_says_why() -> None:
    assert solver.finished(highspy.HighsModelStatus.kOptimal)
    assert not solver.finished(highspy.HighsModelStatus.kTimeLimit)
    with pytest.raises(Unavailable, match="kInfeasible"):
        solver.finished(highspy.HighsModelStatus.kInfeasible)
    with pytest.raises(Unavailable, match="kInfeasible"):
        solver.solve(cover([{0}], people(1)), -1, np.empty(0, np.int64), 1, 1)
    with pytest.raises(Unavailable, match="refuses the model"):
        solver.solve(cover([{0}], people(1)), np.nan, np.empty(0, np.int64), 1, 1)  # type: ignore[arg-type]  # so it fails


# Of a size where not every choice can be tried


@PULP
@pytest.mark.parametrize(("seed", "p", "part"), [(1, 4, 1.0), (2, 8, 1.0), (3, 12, 0.37)])
def test_the_best_covers_as_much_as_spopt_finds(seed: int, p: int, part: float) -> None:
    xy, spots, residents = town(500, 60, seed)
    best = siting.best(pairs(near(xy, spots)), residents * part, p)
    assert best.proven
    assert best.covered == pytest.approx(spopt(xy, spots, residents * part, p))


@PULP
def test_places_that_exist_are_locked_as_spopt_locks_them() -> None:
    xy, spots, residents = town(500, 60, 4)
    existing, free = np.arange(5), np.arange(5, 60)
    reached = near(xy, spots)
    already = value(reached, residents, existing.tolist())
    left = residents.copy()
    left[sorted(set().union(*(reached[c] for c in existing)))] = 0
    best = siting.best(pairs([reached[c] for c in free]), left, 6)
    forced = np.isin(np.arange(60), existing).astype(float)
    assert best.proven
    assert already + best.covered == pytest.approx(spopt(xy, spots, residents, 11, forced))


def test_whoever_has_a_place_within_the_norm_already_needs_nothing() -> None:
    # A hall at 0 covers points up to 800 m, the last one at exactly 800: only those at 900 and 1500 are left.
    xy = np.array([[100_000.0 + x, 400_000.0] for x in (0, 500, 800, 900, 1_500)])
    line = Line(xy, 1.0)
    here = line.pairs(places.at(xy[:1]), NORM_M)
    left = siting.uncovered(people(10, 20, 40, 80, 160), np.bincount(here.point, minlength=5))
    assert left.tolist() == [0, 0, 0, 80, 160]
    found = siting.best(line.pairs(places.at(xy), NORM_M), left, 2)
    assert found.chosen.tolist() == [2]
    assert found.covered == 240
    assert found.alternatives[0].candidate.tolist() == [3, 4]


HARD = town(900, 150, 5, side_m=5_500)


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_when_time_is_up_the_best_so_far_is_told_with_a_bound_that_holds(seconds: float) -> None:
    xy, spots, residents = HARD
    walked = pairs(near(xy, spots))
    first, found = siting.greedy(walked, residents, 14), siting.best(walked, residents, 14, seconds)
    best = siting.best(walked, residents, 14)
    assert best.proven
    assert first.covered <= found.covered <= best.covered <= found.bound <= first.bound
    assert found.proven == (found.covered == found.bound) == (seconds > 0)


def test_the_solver_keeps_to_its_time_and_then_claims_nothing() -> None:
    xy, spots, residents = town(4_000, 400, 6, side_m=4_000)
    whole = cover(near(xy, spots), residents)
    began = time.monotonic()
    answer = solver.solve(whole, 12, np.empty(0, np.int64), 1, 0.05)
    assert time.monotonic() - began < 15
    assert not answer.proven
    assert answer.bound >= siting.greedy(pairs(near(xy, spots)), residents, 12).covered


def test_what_a_stopped_solver_leaves_open_stays_open() -> None:
    xy, spots, residents = town(4_000, 400, 6, side_m=4_000)
    whole = cover(near(xy, spots), residents)
    first, _, most_of_all = covering.one_by_one(whole, 12, np.arange(400))
    sure = np.arange(400) == first[0]
    poor = np.setdiff1d(np.arange(13), first[:1])[:12]
    known = prices.Bound(poor, covering.value(whole, poor), most_of_all, ~np.ones(400, bool), sure)
    _, bound = siting._finished(whole, known, time.monotonic() + 0.2)
    assert covering.value(whole, first) <= bound <= most_of_all


def test_a_choice_to_begin_with_is_what_the_solver_has_when_it_is_stopped_at_once() -> None:
    xy, spots, residents = HARD
    whole = cover(near(xy, spots), residents)
    start, _, _ = covering.one_by_one(whole, 14, np.arange(150))
    answer = solver.solve(whole, 14, np.sort(start), 1, 30)
    assert covering.value(whole, answer.chosen) >= covering.value(whole, start)


@pytest.mark.parametrize("seed", range(4))
def test_prices_and_the_solver_agree_with_the_solver_alone(seed: int) -> None:
    xy, spots, residents = town(400, 70, seed, side_m=3_500)
    whole = cover(near(xy, spots), residents)
    answer = solver.solve(whole, 9, np.empty(0, np.int64), prices.grain(whole.weight), 60)
    best = siting.best(pairs(near(xy, spots)), residents, 9)
    assert answer.proven
    assert best.proven
    assert best.covered == covering.value(whole, answer.chosen)


def test_the_same_question_has_the_same_answer() -> None:
    xy, spots, residents = HARD
    walked = pairs(near(xy, spots))
    first, second = siting.best(walked, residents, 9), siting.best(walked, residents, 9)
    assert first.chosen.tolist() == second.chosen.tolist()
    assert (walked.point == pairs(near(xy, spots)).point).all()
