"""Who lives within a walk of each asset: from one asset after another along the streets, no farther than the limit."""

from typing import NamedTuple

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Ints
from geo.coverage.front import FAR, Front, Shorts, come, take
from geo.coverage.routes import Graph, Offers, Spots, Ways


class Room(NamedTuple):
    """What a search from one asset has found: points `near[:counts[0]]` and nodes `reached[:counts[1]]`.

    best   of each point FAR - its cost, 0 where it is not among them
    limit  no walk may cost more than this
    """

    best: Ints
    near: Shorts
    reached: Shorts
    counts: Ints
    limit: int


def room(points: int, nodes: int) -> Room:
    """Make room for what is found from one asset after another; the limit is not set yet."""
    near, reached = np.empty(points, dtype=np.int32), np.empty(nodes, dtype=np.int32)
    return Room(np.zeros(points, dtype=np.int64), near, reached, np.zeros(2, dtype=np.int64), 0)


@compiled
def sweep(
    graph: Graph, spots: Spots, ways: Ways, offers: Offers, front: Front, room: Room
) -> tuple[Ints, Shorts, Ints]:
    """Find all points within the limit of each asset. Gives where each asset's pairs begin, their points, and costs."""
    start, total = np.zeros(len(ways.start), np.int64), 0
    point, cost = np.empty(1024, np.int32), np.empty(1024, np.int64)
    for asset in range(len(ways.start) - 1):
        for o in range(offers.start[asset], offers.start[asset + 1]):
            _offer(room, offers.point[o], offers.cost[o])
        _go(graph, spots, _set_out(graph, spots, ways, asset, front, room), front, room)
        near = room.near[: room.counts[0]]
        near.sort()
        if total + len(near) > len(point):
            more = np.empty(2 * (total + len(near)), np.int64)
            more[:total] = point[:total]
            point = more.astype(np.int32)
            more[:total] = cost[:total]
            cost = more
        point[total : total + len(near)] = near
        cost[total : total + len(near)] = FAR - room.best[near]
        total += len(near)
        room.best[near] = 0
        for r in range(room.counts[1]):
            front.state[room.reached[r], 0], front.state[room.reached[r], 1] = 0, 0
        room.counts[:] = 0
        start[asset + 1] = total
    return start, point[:total].copy(), cost[:total].copy()


@compiled
def _set_out(graph: Graph, spots: Spots, ways: Ways, asset: int, front: Front, room: Room) -> int:
    """Walk from an asset to the ends of its edges, and to the points on them; gives how many nodes wait."""
    waiting = 0
    for w in range(ways.start[asset], ways.start[asset + 1]):
        e = ways.edge[w]
        for k in range(spots.start[e], spots.start[e + 1]):
            point, far, leg = spots.row[k]
            _offer(room, point, ways.leg[w] + max(ways.low[w] - far, far - ways.high[w], 0) + leg)
        for end in range(2):
            cost = ways.leg[w] + (graph.cost[e] - ways.high[w] if end else ways.low[w])
            if cost <= room.limit:
                waiting += _come(front, room, graph.ends[e, end], cost)
    return waiting


@compiled
def _go(graph: Graph, spots: Spots, waiting: int, front: Front, room: Room) -> None:
    """Walk on to all that is within the limit."""
    first, beside, state, start, slots = front.first, front.beside, front.state, graph.start, graph.slots
    begin, row, best, limit, bucket = spots.start, spots.row, room.best, room.limit, 0
    while waiting:
        u = first[bucket]
        if u < 0:
            bucket = (bucket + 1) & (len(first) - 1)
            continue
        take(first, beside, u)
        waiting -= 1
        state[u, 1] -= 1
        cost = FAR - state[u, 0]
        for s in range(start[u], start[u + 1]):
            v, step, edge = slots[s, 0], slots[s, 1], slots[s, 2] >> 1
            for k in range(begin[edge], begin[edge + 1]):
                walk = cost + row[k, 2] + (step - row[k, 1] if slots[s, 2] & 1 else row[k, 1])
                if walk <= limit and FAR - walk > best[row[k, 0]]:
                    _offer(room, row[k, 0], walk)
            if cost + step <= limit and FAR - cost - step > state[v, 0]:
                waiting += _come(front, room, v, cost + step)


@compiled
def _come(front: Front, room: Room, node: int, cost: int) -> int:
    if not front.state[node, 0]:
        room.reached[room.counts[1]] = node
        room.counts[1] += 1
    return come(front, node, cost, 0)


@compiled
def _offer(room: Room, point: int, cost: int) -> None:
    """Keep a walk to a point where it is within the limit and the shortest until now."""
    was = room.best[point]
    if cost <= room.limit and FAR - cost > was:
        if not was:
            room.near[room.counts[0]] = point
            room.counts[0] += 1
        room.best[point] = FAR - cost
