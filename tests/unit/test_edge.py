"""How far a point lies from where the asset data end."""

import numpy as np
import pytest
import shapely

from geo.coverage.edge import edge_m

WEST, EAST = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)


def test_the_edge_is_that_of_all_outlines_together_and_not_the_border_between_two() -> None:
    spots = np.array([[990.0, 500], [1990, 500], [50, 300]])
    assert edge_m(spots, [WEST, EAST], 800) == pytest.approx([500, 10, 50], abs=0.5)


def test_what_lies_farther_than_asked_is_infinitely_far_and_what_lies_outside_at_the_edge() -> None:
    assert edge_m(np.array([[1000.0, 500], [5000, 500]]), [WEST, EAST], 400).tolist() == [np.inf, 0]


def test_a_seam_between_outlines_that_were_drawn_apart_is_no_edge() -> None:
    apart = shapely.box(1060, 0, 2000, 1000)
    assert edge_m(np.array([[990.0, 500]]), [WEST, apart], 800) == pytest.approx([500], abs=5)


def test_without_outlines_or_points_there_is_no_edge() -> None:
    assert edge_m(np.array([[1.0, 1]]), [], 800).tolist() == [np.inf]
    assert edge_m(np.empty((0, 2)), [WEST], 800).tolist() == []
