"""Tables with rows of unequal length: row r is value[start[r]:start[r+1]]; `start` has one entry more than rows."""

import numpy as np

from geo.coverage.compiled import compiled
from geo.coverage.demand import Ints


def whole(values: Ints) -> Ints:
    """Give the numbers in the one layout that the machine code is made for; a copy only where they are not in it."""
    return np.require(values, np.int64, ["C", "W"])


@compiled
def gathered(key: Ints, value: Ints, keys: int) -> tuple[Ints, Ints]:
    """Gather the values of each key, in the order in which they come.

    key      shape (pairs,), below `keys`; a pair of which either number is negative is left out
    returns  start, shape (keys + 1,), and the values, row by row
    """
    start = np.zeros(keys + 1, np.int64)
    for i in range(len(key)):
        if key[i] >= 0 and value[i] >= 0:
            start[key[i] + 1] += 1
    start = np.cumsum(start)
    at, held = start[:-1].copy(), np.empty(start[-1], np.int64)
    for i in range(len(key)):
        if key[i] >= 0 and value[i] >= 0:
            held[at[key[i]]] = value[i]
            at[key[i]] += 1
    return start, held


@compiled
def spelled(start: Ints) -> Ints:
    """Name for each value of a table the row that it stands in."""
    row = np.empty(start[-1], np.int64)
    for i in range(len(start) - 1):
        row[start[i] : start[i + 1]] = i
    return row


@compiled
def distinct(start: Ints, value: Ints) -> tuple[Ints, Ints]:
    """Keep one of equal neighbours in each row of a table."""
    kept, first = np.empty(len(value), np.int64), np.zeros(len(start), np.int64)
    n = 0
    for row in range(len(start) - 1):
        for i in range(start[row], start[row + 1]):
            if i == start[row] or value[i] != value[i - 1]:
                kept[n] = value[i]
                n += 1
        first[row + 1] = n
    return first, kept[:n].copy()
