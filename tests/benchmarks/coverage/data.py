"""A nation of full size, made from a seed, the same every time: people and assets in towns, areas all over it."""

import numpy as np
import shapely

from geo.coverage.demand import Floats

WEST, SOUTH, EAST, NORTH = 10_000.0, 305_000.0, 280_000.0, 620_000.0  # RD New, about the Netherlands
TOWNS, SQUARES, AREAS, ASSETS, KINDS = 2_500, 634_000, 14_000, 200_000, 4
SQUARE_M = 100.0
FILLED = 0.85  # of the land within a town, the share of squares where somebody lives
EDGE_M, WAVE_M, BEND_M = 100.0, 37.0, 20.0  # how the borders of areas bend


def towns(points: int, seed: int = 1, *, squares: bool = True) -> tuple[Floats, Floats]:
    """Make people.

    squares  whether points are the centres of distinct squares of 100 m, in order of their code as CBS gives them, with
             about 28 residents each; else addresses, one town after another, with one to four residents
    returns  RD New, shape (points, 2), and residents, shape (points,)
    """
    chance = np.random.default_rng(seed)
    if not squares:
        return _spots(chance, points, by_town=True), chance.integers(1, 5, points).astype(float)
    cells = np.empty(0, dtype=np.int64)
    while len(cells) < points:
        drawn = np.floor(_spots(chance, points) / SQUARE_M).astype(np.int64)
        cells = np.unique(np.concatenate([cells, drawn[:, 0] * 100_000 + drawn[:, 1]]))
    kept = np.sort(chance.permutation(cells)[:points])
    xy = np.stack(np.divmod(kept, 100_000), axis=1) * SQUARE_M + SQUARE_M / 2
    return xy, 5.0 * np.ceil(chance.lognormal(1.2, 0.9, points))


def assets(n: int, seed: int = 2) -> Floats:
    """Make assets in the same towns, in no order; RD New, shape (n, 2)."""
    return _spots(np.random.default_rng(seed), n)


def areas(n: int, seed: int = 3) -> list[shapely.Polygon]:
    """Make areas that cover the nation without overlap, small where many people live, with borders that bend."""
    chance = np.random.default_rng(seed)
    rural = chance.uniform((WEST, SOUTH), (EAST, NORTH), (n - n // 2, 2))
    centres = np.unique(np.concatenate([rural, _spots(chance, n // 2)]), axis=0)
    nation = shapely.box(WEST - 20_000, SOUTH - 20_000, EAST + 20_000, NORTH + 20_000)
    cells = shapely.voronoi_polygons(shapely.MultiPoint(centres), extend_to=nation)
    cut = shapely.intersection(np.array(list(cells.geoms)), nation)
    return list(shapely.transform(shapely.segmentize(cut, EDGE_M), _bent))


def _bent(xy: Floats) -> Floats:
    """Move every corner by an amount that depends on its place alone, so that neighbours keep the same border."""
    return xy + BEND_M * np.sin(xy[:, ::-1].round(3) / WAVE_M)


def _spots(chance: np.random.Generator, n: int, by_town: bool = False) -> Floats:
    """Draw spots in towns, a few large and many small, always the same towns."""
    made = np.random.default_rng(0)
    centre = made.uniform((WEST, SOUTH), (EAST, NORTH), (TOWNS, 2))
    size = np.minimum(made.pareto(1.0, TOWNS) + 0.3, 150.0)
    share = size / size.sum()
    radius_m = np.sqrt(SQUARES * share / FILLED / np.pi) * SQUARE_M
    town = chance.choice(TOWNS, n, p=share)
    if by_town:
        town.sort()
    away = radius_m[town] * np.sqrt(chance.random(n)) * (1 + 0.15 * chance.normal(size=n))
    turn = chance.uniform(0, 2 * np.pi, n)
    spots: Floats = centre[town] + away[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return spots
