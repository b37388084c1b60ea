"""The nodes from which a search goes on, the nearest first: in buckets, which is several times as fast as a heap.

Within a bucket the last one in is the first one out: that stays near in memory, and a node that is reached by a shorter
walk afterwards is gone on from again. The end is the same: the shortest walk to every node.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.coverage.compiled import compiled
from geo.coverage.demand import Ints

FAR = 1 << 62  # beyond every walk
Shorts = NDArray[np.int32]


class Front(NamedTuple):
    """Nodes to go on from, in buckets by their cost; those of a bucket are a chain in both directions.

    first   the first node of each bucket, -1 for none; as many as a power of 2
    beside  of each node the one before it (or -1 - its bucket) and the one after it (or -1)
    state   of each node FAR - its cost (0: not reached), and 2 * its asset (+ 1 while it is in a bucket)
    shift   costs that differ only in so many last bits share a bucket
    """

    first: Shorts
    beside: Shorts
    state: Ints
    shift: int


def front(nodes: int, most: int, shift: int) -> Front:
    """Make room for a search over so many nodes, in which no first node and no step costs more than `most`."""
    buckets = np.full(1 << int((most >> shift) + 2).bit_length(), -1, dtype=np.int32)
    return Front(buckets, np.empty((nodes, 2), dtype=np.int32), np.zeros((nodes, 2), dtype=np.int64), shift)


@compiled
def come(front: Front, node: int, cost: int, asset: int) -> int:
    """Come to a node at a cost, from an asset; keep what is better. Gives 1 where the node was in no bucket."""
    first, beside, state = front.first, front.beside, front.state
    worth, was, mark = FAR - cost, state[node, 0], state[node, 1]
    if worth < was or (worth == was and 2 * asset >= (mark & -2)):
        return 0
    state[node, 0], state[node, 1] = worth, 2 * asset + 1
    bucket = cost >> front.shift
    if mark & 1:
        if (FAR - was) >> front.shift == bucket:
            return 0
        take(first, beside, node)
    put(first, beside, node, bucket & (len(first) - 1))
    return 0 if mark & 1 else 1


@compiled
def put(first: Shorts, beside: Shorts, node: int, bucket: int) -> None:
    """Put a node that is in no bucket into one."""
    after = first[bucket]
    beside[node, 0], beside[node, 1] = -1 - bucket, after
    if after >= 0:
        beside[after, 0] = node
    first[bucket] = node


@compiled
def take(first: Shorts, beside: Shorts, node: int) -> None:
    """Take a node out of the bucket that it is in."""
    before, after = beside[node, 0], beside[node, 1]
    if before >= 0:
        beside[before, 1] = after
    else:
        first[-1 - before] = after
    if after >= 0:
        beside[after, 0] = before
