"""Walks along a graph of streets, in whole nanometres: sums are exact, so equal walks are equal, in whatever order."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Floats, Ints
from geo.coverage.entries import Entries
from geo.coverage.front import FAR, Front, come, put, take
from geo.coverage.network import Network
from geo.coverage.snapping import Snapped
from geo.coverage.walks import ROUNDING
from geo.errors import Flaw, InvalidInput

UNITS = 1e9  # in a metre
TOLD = 1000  # units to which a walk is rounded when it is told: all errors of the many sums together are far smaller
HAIR = 0.1  # of a unit: what floating point may add to a length that is whole
MOST_M = 4e9  # of all streets together: what can be summed
NOBODY = 1 << 40  # beyond every asset
BUCKET = 3.0  # times the middle edge: wide enough to stay near in memory, narrow enough to seldom come back
FINEST = 16  # bits: the costliest step spans at most so many buckets


class Graph(NamedTuple):
    """A network to walk: from node u along slots[start[u]:start[u + 1]], rows of a node, the cost to go there, and way.

    The way is twice the edge, and one more where it is walked from its last node to its first.

    ends   of each edge, shape (edges, 2)
    cost   of each edge, shape (edges,)
    most   no step costs more, and no first one from an asset to the end of its edge
    shift  costs that differ only in so many last bits are gone through together
    """

    start: Ints
    slots: Ints
    ends: Ints
    cost: Ints
    most: int
    shift: int


class Spots(NamedTuple):
    """Demand points that were snapped, edge by edge: edge e has those from start[e] to start[e + 1].

    row  the index of the point, the cost from the edge's first node along it, and the cost from there to the point
    """

    start: Ints
    row: Ints


class Ways(NamedTuple):
    """Stretches of edges at which walks to assets end, by asset: asset a has those from start[a] to start[a + 1].

    low, high  costs from the edge's first node to where the stretch begins and ends;  leg  cost from there to the asset
    """

    start: Ints
    asset: Ints
    edge: Ints
    low: Ints
    high: Ints
    leg: Ints


class Offers(NamedTuple):
    """Walks that are known already, by asset, to `point` at `cost`; they count where no street makes a shorter one."""

    start: Ints
    point: Ints
    cost: Ints


def graph(network: Network, leg_m: float) -> Graph:
    """Lay out a network so that one may walk from each node, in both directions of every edge.

    leg_m   how far an asset may be from its edge, metres
    raises  InvalidInput where it has more than 4 million km of street
    """
    if network.metres.sum() > MOST_M:
        raise InvalidInput(
            f"The network has more than {MOST_M / 1000:,.0f} km of street.", Flaw("metres", "are too many")
        )
    cost = np.maximum(up(network.metres), 1)
    u, v = network.ends.T
    begin, end = np.concatenate((u, v)), np.concatenate((v, u))
    edge = np.arange(network.edges)
    order = np.lexsort((end, begin))
    way = np.concatenate((2 * edge, 2 * edge + 1))
    slots = np.stack((end, np.concatenate((cost, cost)), way), axis=1)[order]
    start = np.concatenate(([0], np.cumsum(np.bincount(begin, minlength=network.nodes))))
    most = int(cost.max(initial=0)) + limit(leg_m)
    middle = float(np.median(cost)) if len(cost) else 1.0
    shift = max(round(np.log2(BUCKET * middle)), most.bit_length() - FINEST)
    return Graph(start, slots, np.ascontiguousarray(network.ends), cost, most, shift)


def spots(snapped: Snapped, network: Network, cost: Ints) -> Spots:
    """Put the demand points that were snapped in order of their edge."""
    point = np.flatnonzero(snapped.edge >= 0)
    point = point[np.argsort(snapped.edge[point], kind="stable")]
    edge = snapped.edge[point]
    start = np.concatenate(([0], np.cumsum(np.bincount(edge, minlength=len(cost)))))
    far = along(snapped.offset_m[point], network.metres[edge], cost[edge])
    return Spots(start, np.stack((point, far, up(snapped.leg_m[point])), axis=1))


def ways(entries: Entries, network: Network, cost: Ints) -> Ways:
    """Give the entries of assets as units."""
    e = entries.edge
    asset = np.repeat(np.arange(len(entries.start) - 1), np.diff(entries.start))
    low, high = (along(metres, network.metres[e], cost[e]) for metres in (entries.low_m, entries.high_m))
    return Ways(entries.start, asset, e, low, high, up(entries.leg_m))


def up(metres: Floats) -> Ints:
    """Give metres as units, rounded up, so that no walk becomes shorter than the crow flies."""
    return np.ceil(metres * UNITS - HAIR).astype(np.int64)


def limit(limit_m: float) -> int:
    """Give the largest cost that is told as at most so many metres."""
    most: int = int(limit_m * ROUNDING * UNITS / TOLD) * TOLD + TOLD // 2 - 1
    return most


def told(cost: Ints) -> Floats:
    """Give costs as metres, rounded."""
    metres: Floats = (cost + TOLD // 2) // TOLD / (UNITS / TOLD)
    return metres


def along(offset_m: Floats, metres: Floats, cost: Ints) -> Ints:
    """Give a walk along an edge of so many metres as units, so that all of the edge is exactly its cost."""
    return np.rint(offset_m / metres * cost).astype(np.int64)


@compiled
def flood(graph: Graph, ways: Ways, front: Front) -> None:
    """Reach every node from its nearest asset, of equally near ones the lowest; `front.state` tells.

    What `come` does stands here once more: a call for every step would take half of the time.
    """
    first, beside, state, start, slots = front.first, front.beside, front.state, graph.start, graph.slots
    waiting, bucket = 0, 0
    for w in range(len(ways.edge)):
        e = ways.edge[w]
        waiting += come(front, graph.ends[e, 0], ways.leg[w] + ways.low[w], ways.asset[w])
        waiting += come(front, graph.ends[e, 1], ways.leg[w] + graph.cost[e] - ways.high[w], ways.asset[w])
    while waiting:
        u = first[bucket]
        if u < 0:
            bucket = (bucket + 1) & (len(first) - 1)
            continue
        take(first, beside, u)
        waiting -= 1
        worth, asset = state[u, 0], state[u, 1] - 1
        state[u, 1] = asset
        for s in range(start[u], start[u + 1]):
            v = slots[s, 0]
            there, was, mark = worth - slots[s, 1], state[v, 0], state[v, 1]
            if there < was or (there == was and asset >= (mark & -2)):
                continue
            state[v, 0], state[v, 1] = there, asset + 1
            other = (FAR - there) >> front.shift
            if mark & 1:
                if (FAR - was) >> front.shift == other:
                    continue
                take(first, beside, v)
            else:
                waiting += 1
            put(first, beside, v, other & (len(first) - 1))


@compiled
def gather(graph: Graph, spots: Spots, ways: Ways, by_edge: tuple[Ints, Ints], front: Front, found: Ints) -> None:
    """Give each spot the nearest asset: past either end of its edge, or on the edge itself.

    by_edge  the ways of each edge: edge e has by_edge[1][by_edge[0][e]:by_edge[0][e + 1]]
    found    rows of cost and asset, which hold FAR and NOBODY before; shape (points, 2)
    """
    for e in range(len(graph.cost)):
        for k in range(spots.start[e], spots.start[e + 1]):
            point, far, leg = spots.row[k]
            for end in range(2):
                worth, mark = front.state[graph.ends[e, end], 0], front.state[graph.ends[e, end], 1]
                if worth:
                    _better(found, point, FAR - worth + leg + (graph.cost[e] - far if end else far), mark >> 1)
            for at in range(by_edge[0][e], by_edge[0][e + 1]):
                w = by_edge[1][at]
                cost = ways.leg[w] + max(ways.low[w] - far, far - ways.high[w], 0) + leg
                _better(found, point, cost, ways.asset[w])


@compiled
def _better(found: Ints, point: int, cost: int, asset: int) -> None:
    if cost < found[point, 0] or (cost == found[point, 0] and asset < found[point, 1]):
        found[point, 0], found[point, 1] = cost, asset


@compiled
def lay(offers: Offers, found: Ints) -> None:
    """Lay walks that are known over the nearest of each point, rows of cost and asset."""
    for asset in range(len(offers.start) - 1):
        for o in range(offers.start[asset], offers.start[asset + 1]):
            _better(found, offers.point[o], offers.cost[o], asset)
