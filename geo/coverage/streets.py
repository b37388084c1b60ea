"""Walks along the streets: from a door straight to the nearest street, along it, and straight to the other door."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from geo.coverage import entries, routes, snapping, sweep
from geo.coverage.demand import Bools, Floats, Ints
from geo.coverage.front import FAR, Front, front
from geo.coverage.network import Network
from geo.coverage.places import Places
from geo.coverage.routes import NOBODY, UNITS, Offers
from geo.coverage.snapping import SNAP_M
from geo.coverage.sweep import Room
from geo.coverage.walks import FARTHEST_M, Line, Nearest, Pairs, check

TOUCH_M = 1e-6  # a point nearer to an area than this is in it


class Known(NamedTuple):
    """Walks that need no streets: index of the asset, of the demand point, and metres. All of shape (walks,)."""

    asset: Ints
    point: Ints
    metres: Floats


class Streets:
    """Walks on a network. Made once of the demand points.

    A walk is a straight line to the nearest point of a street, the shortest way along the streets, and a straight line
    from there: never less than the straight line between its ends (but for a micrometre, to which metres are rounded).
    Sums are exact: the same walk has the same metres in both directions, and in every network that holds it. Between
    parts of the network that do not hang together nobody walks. Where one end has no street within the limit, the walk
    is the straight line times the detour. Where walks to an area end, `entries.of` says.
    """

    def __init__(self, network: Network, xy: Floats, detour: float, limit_m: float = SNAP_M) -> None:
        """Snap the demand points.

        xy       RD New, metres, shape (points, 2)
        detour   walking metres per metre as the crow flies, where there is no street near
        limit_m  how far a street may be, metres, inclusive
        raises   InvalidInput on a detour or limit that is no positive number, and on degrees
        """
        check(limit_m, "limit_m")
        self._line = Line(xy, detour)
        self._network, self._limit_m = network, limit_m
        self._graph = routes.graph(network, limit_m)
        self._pieces = snapping.pieces(network)
        snapped = snapping.snap(self._pieces, self._line.xy, limit_m)
        self._spots = routes.spots(snapped, network, self._graph.cost)
        self._aside = np.flatnonzero(snapped.edge < 0)
        self._aside_line = Line(self._line.xy[self._aside], detour)
        self._rooms: list[tuple[Front, Room]] = []  # that no search is in: to make them takes longer than a short one

    def pairs(self, places: Places, limit_m: float) -> Pairs:
        """Find all pairs of at most `limit_m` walking metres, the limit itself included.

        raises  InvalidInput on a limit that is no positive number
        """
        check(limit_m, "limit_m")
        placed = _placed(places)
        ends = entries.of(self._pieces, placed, self._limit_m)
        ways = routes.ways(ends, self._network, self._graph.cost)
        offers = _offers([*self._at_once(places), *self._straight(placed, ends.lost, limit_m)], places.count)
        limit = routes.limit(min(limit_m, FARTHEST_M))
        search, room = self._rooms.pop() if self._rooms else (self._front(), self._room())
        start, point, cost = sweep.sweep(self._graph, self._spots, ways, offers, search, room._replace(limit=limit))
        self._rooms.append((search, room))
        return Pairs(start, point, np.minimum(routes.told(cost), limit_m))

    def nearest(self, places: Places) -> Nearest:
        """Find the nearest asset of every demand point however far; of equally near ones the lowest index."""
        placed = _placed(places)
        ends = entries.of(self._pieces, placed, self._limit_m)
        ways = routes.ways(ends, self._network, self._graph.cost)
        search = self._front()
        routes.flood(self._graph, ways, search)
        found = np.tile(np.array([FAR, NOBODY]), (len(self._line.xy), 1))
        routes.gather(self._graph, self._spots, ways, _by_edge(ways.edge, self._network.edges), search, found)
        known = [*self._at_once(places), *self._nearest_straight(placed, ends.lost)]
        routes.lay(_offers(known, places.count), found)
        cost, asset = found.T
        reached = asset < NOBODY
        return Nearest(np.where(reached, asset, -1), np.where(reached, routes.told(cost), np.inf))

    def fallback(self) -> Bools:
        """Say of each point whether it has no street near, so that its walks are straight lines; shape (points,)."""
        without = np.zeros(len(self._line.xy), dtype=bool)
        without[self._aside] = True
        return without

    def _front(self) -> Front:
        return front(self._network.nodes, self._graph.most, self._graph.shift)

    def _room(self) -> Room:
        return sweep.room(len(self._line.xy), self._network.nodes)

    def _at_once(self, places: Places) -> Iterator[Known]:
        """Give who is in an area, and whom an asset without a place serves."""
        areas = np.array(sorted(places.areas.keys() - places.served.keys()), dtype=np.int64)
        if len(areas):
            inside = _known(self._line.pairs(places.take(areas), TOUCH_M), areas)
            yield inside._replace(metres=np.zeros(len(inside.point)))
        for asset, point in places.served.items():
            yield Known(np.full(len(point), asset), point, np.zeros(len(point)))

    def _straight(self, placed: Places, lost: Bools, limit_m: float) -> Iterator[Known]:
        """Give the walks within a limit (rounded up) of which one end has no street near."""
        asset = np.flatnonzero(lost)
        if len(asset):
            yield _known(self._line.pairs(placed.take(asset), limit_m + TOUCH_M), asset)
        if len(self._aside):
            walks = _known(self._aside_line.pairs(placed, limit_m + TOUCH_M), np.arange(placed.count))
            yield walks._replace(point=self._aside[walks.point])

    def _nearest_straight(self, placed: Places, lost: Bools) -> Iterator[Known]:
        """Give the nearest asset without a street near of each point, and of each point without one the nearest."""
        asset = np.flatnonzero(lost)
        if len(asset):
            near = self._line.nearest(placed.take(asset))
            point = np.flatnonzero(near.asset >= 0)
            yield Known(asset[near.asset[point]], point, near.metres[point])
        if len(self._aside):
            near = self._aside_line.nearest(placed)
            point = np.flatnonzero(near.asset >= 0)
            yield Known(near.asset[point], self._aside[point], near.metres[point])


def _placed(places: Places) -> Places:
    """Take what serves out of what has a place."""
    if not places.served:
        return places
    xy = places.xy.copy()
    xy[list(places.served)] = np.nan
    areas = {asset: outline for asset, outline in places.areas.items() if asset not in places.served}
    return replace(places, xy=xy, areas=areas, served={})


def _known(pairs: Pairs, assets: Ints) -> Known:
    """Give pairs of some assets, that are these among all."""
    return Known(np.repeat(assets, np.diff(pairs.start)), pairs.point.astype(np.int64), pairs.metres)


def _offers(known: Sequence[Known], assets: int) -> Offers:
    none = Known(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    asset, point, metres = (np.concatenate(parts) for parts in zip(none, *known, strict=True))
    order = np.argsort(asset, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(asset, minlength=assets))))
    return Offers(start, point[order], np.rint(metres[order] * UNITS).astype(np.int64))


def _by_edge(edge: Ints, edges: int) -> tuple[Ints, Ints]:
    return np.concatenate(([0], np.cumsum(np.bincount(edge, minlength=edges)))), np.argsort(edge, kind="stable")
