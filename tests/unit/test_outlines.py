"""Outlines as they come, worked out on paper: squares of 100 m, a bow tie, a ring that overlaps itself, holes."""

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidInput
from geo.imports import outlines
from geo.imports.outlines import Gap, Shapes

X, Y = 100_000, 400_000


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    return shapely.box(X + west, Y + south, X + east, Y + north)


def shapes(*given: BaseGeometry | None) -> Shapes:
    return np.array([*given, None], dtype=object)[:-1]


def ring(*points: tuple[float, float]) -> BaseGeometry:
    return shapely.Polygon([(X + x, Y + y) for x, y in points])


BOW_TIE = ring((0, 0), (100, 100), (100, 0), (0, 100))  # two triangles of 2,500 m² that touch in the middle
SPIKE = ring(
    (0, 0), (100, 0), (100, 100), (100, 200), (100, 100), (0, 100)
)  # a square with a line that encloses nothing
LINE = ring((0, 0), (100, 0), (200, 0))


def test_what_is_sound_stays_as_it_came() -> None:
    sound = box(0, 0, 100, 100)
    done = outlines.mend(shapes(sound))
    assert done.shapes[0] is sound
    assert (done.moved_m2.tolist(), done.mended.tolist()) == ([0.0], [False])


def test_a_bow_tie_becomes_its_two_triangles_and_moves_nothing() -> None:
    done = outlines.mend(shapes(BOW_TIE, box(0, 0, 1, 1)))
    assert done.shapes[0].is_valid
    assert done.shapes[0].area == pytest.approx(5_000)
    assert (done.moved_m2.tolist(), done.mended.tolist()) == ([pytest.approx(0), 0.0], [True, False])


def test_a_star_drawn_in_one_line_says_how_large_the_middle_is_that_a_map_leaves_white() -> None:
    turns = [math.pi / 2 + point * 4 * math.pi / 5 for point in range(5)]
    star = ring(*((100 * math.cos(turn), 100 * math.sin(turn)) for turn in turns))
    middle = 2.5 * (100 / ((1 + math.sqrt(5)) / 2) ** 2) ** 2 * math.sin(math.radians(72))  # a pentagon of 3,469 m²
    assert outlines.mend(shapes(star)).moved_m2[0] == pytest.approx(middle)


def test_a_line_that_encloses_nothing_is_taken_off_and_an_outline_of_lines_only_is_empty() -> None:
    done = outlines.mend(shapes(SPIKE, LINE))
    assert done.shapes[0].equals(box(0, 0, 100, 100))
    assert done.shapes[1].is_empty


def test_a_tangle_is_told_and_left_empty_before_mending_it_takes_minutes() -> None:
    corners = np.random.default_rng(1).random((400, 2)) * 1000 + [X, Y]
    began = time.process_time()
    done = outlines.mend(shapes(shapely.Polygon(corners), BOW_TIE))
    assert time.process_time() - began < 5  # 98 s where each crossing is looked at
    assert (done.tangled.tolist(), done.mended.tolist()) == ([True, False], [True, True])
    assert done.shapes[0].is_empty
    assert done.shapes[1].area == pytest.approx(5_000)


def test_a_ring_that_goes_round_and_round_is_told_before_it_is_looked_at_for_long() -> None:
    round_and_round = ring(*[(0, 0), (100, 0), (100, 100), (0, 100)] * 50_000)
    began = time.process_time()
    assert outlines.flaws(shapes(round_and_round, box(0, 0, 1, 1))) == [outlines.TANGLE, ""]
    assert outlines.mend(shapes(round_and_round)).tangled.tolist() == [True]
    assert time.process_time() - began < 8  # 20 s where each is first asked whether it is sound


def test_a_long_outline_with_a_few_crossings_is_no_tangle() -> None:
    wave = [(east, (east % 2) * 10) for east in range(3_000)]
    done = outlines.mend(shapes(ring(*wave, (3_000, 5), (-1, 5.5))))  # each side of the zigzag meets the way back
    assert done.tangled.tolist() == [True]
    done = outlines.mend(shapes(ring(*wave, (3_000, -50), (10, -50), (20, 60), (-1, -50))))
    assert (done.tangled.tolist(), done.mended.tolist()) == ([False], [True])


def test_a_geometry_that_is_no_outline_says_why() -> None:
    odd = shapely.Polygon([(X, Y), (X + 1, Y), (X, np.inf), (X, Y)])
    given = shapes(
        box(0, 0, 1, 1), None, shapely.Point(X, Y), shapely.Polygon(), odd, shapely.MultiPolygon([box(0, 0, 1, 1)])
    )
    assert outlines.flaws(given) == [
        "", "is missing", "is a Point, not a polygon", "is empty", "holds a coordinate that is no number", "",
    ]  # fmt: skip


def test_an_overlap_is_told_with_its_share_of_the_smaller_area() -> None:
    found = outlines.overlaps(shapes(box(0, 0, 100, 100), box(90, 0, 300, 100), box(300, 0, 400, 100)))
    (overlap,) = found
    assert (overlap.one, overlap.other) == (0, 1)
    assert overlap.m2 == pytest.approx(1_000)
    assert overlap.share == pytest.approx(0.1)


def test_an_area_inside_another_overlaps_it_whole() -> None:
    assert outlines.overlaps(shapes(box(0, 0, 100, 100), box(20, 20, 40, 40))) == [(0, 1, 400, 1)]


def test_areas_that_only_touch_do_not_overlap() -> None:
    assert outlines.overlaps(shapes(box(0, 0, 100, 100), box(100, 0, 200, 100))) == []


def test_areas_that_all_lie_on_top_of_each_other_are_refused_and_a_few_that_do_are_told() -> None:
    piled = [box(0, 0, 1_000 + number * 0.001, 1_000) for number in range(1_000)]
    with pytest.raises(InvalidInput, match=r"lie on top of each other: more than 20,000 pairs of 1,000 areas meet"):
        outlines.overlaps(shapes(*piled))
    assert len(outlines.overlaps(shapes(*piled[:50]))) == 50 * 49 / 2


def test_pairs_are_found_whatever_number_is_looked_at_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    row = shapes(*(box(90 * at, 0, 90 * at + 100, 100) for at in range(10)))  # each 10 m over the next
    whole = outlines.overlaps(row)
    monkeypatch.setattr(outlines, "AT_ONCE", 30)
    assert sorted(outlines.overlaps(row)) == sorted(whole)
    assert sorted(pair[:2] for pair in whole) == [(at, at + 1) for at in range(9)]


AROUND = (box(0, 0, 300, 100), box(0, 200, 300, 300), box(0, 100, 100, 200), box(200, 100, 300, 200))  # a hole of 1 ha


def gaps(*given: BaseGeometry, filled: Sequence[BaseGeometry] = ()) -> list[Gap]:
    return outlines.gaps(shapes(*given), [*given, *filled])


def test_a_gap_is_told_with_its_share_of_the_smallest_area_beside_it() -> None:
    assert gaps(*AROUND, box(900, 0, 1000, 100)) == [((0, 1, 2, 3), 10_000, 1)]


def test_an_opening_of_a_hair_leaves_a_gap_a_gap() -> None:
    ajar = box(200, 100.004, 300, 200)
    assert [gap.around for gap in gaps(*AROUND[:3], ajar)] == [(0, 1, 2, 3)]
    assert gaps(*AROUND[:3], box(200, 101, 300, 200)) == []  # an opening of a metre: it is the outside


def test_what_lies_between_areas_is_no_gap() -> None:
    assert gaps(*AROUND, filled=[box(100, 100, 200, 200)]) == []
    assert gaps(*AROUND, filled=[box(100, 100, 200, 150)]) == [((1, 2, 3), 5_000, 0.5)]


def test_a_hole_in_an_area_that_another_fills_is_no_gap() -> None:
    ringed = box(0, 0, 300, 300).difference(box(100, 100, 200, 200))
    assert gaps(ringed, box(100, 100, 200, 200)) == []


def test_no_areas_have_no_overlaps_and_no_gaps() -> None:
    assert (outlines.overlaps(shapes()), gaps()) == ([], [])


LEIDEN = shapely.box(4.45, 52.13, 4.52, 52.18)


@pytest.mark.parametrize(
    ("shape", "degrees", "said"),
    [
        (LEIDEN, True, ""),
        (box(0, 0, 100, 100), False, ""),
        (shapely.box(52.13, 4.45, 52.18, 4.52), True, "axes swapped: WGS 84 degrees have longitude first"),
        (box(0, 0, 100, 100), True, "is in RD New metres, though the file says WGS 84 degrees"),
        (shapely.box(Y, X, Y + 100, X + 100), True, "is in RD New metres with its axes swapped"),
        (shapely.box(Y, X, Y + 100, X + 100), False, "axes swapped: RD New metres have x first"),
        (LEIDEN, False, "is in WGS 84 degrees, though the file says RD New metres"),
        (shapely.box(2.29, 48.85, 2.30, 48.86), True, "lies outside the Netherlands"),
    ],
)
def test_an_outline_that_cannot_lie_there_says_the_likely_cause(shape: BaseGeometry, degrees: bool, said: str) -> None:
    (told,) = outlines.misplaced(shapes(shape), degrees=degrees)
    assert said in told
    assert bool(told) == bool(said)
