"""Columns of a table with each different value kept once, so that what is read and checked is checked once."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
EXACT = 2**53  # a whole number up to this is itself as a float


class Pool(NamedTuple):
    """A column: `different[codes[row]]` is what it holds; a code of -1 is nothing."""

    codes: Codes
    different: list[Any]

    def at(self, row: int | np.integer) -> Any:
        """Give the value of one row, None where it is empty."""
        code = self.codes[row]
        return None if code < 0 else self.different[code]

    def rows(self, wanted: Iterable[int]) -> Codes:
        """Give the rows that hold one of the values with these codes, in order."""
        chosen = np.zeros(len(self.different) + 1, bool)
        chosen[list(wanted)] = True
        chosen[-1] = False  # the code of nothing
        return np.flatnonzero(chosen[self.codes])

    def mapped(self, change: Callable[[Any], Any]) -> "Pool":
        """Change each different value; what becomes None is nothing."""
        return cleaned(self.codes, [change(value) for value in self.different])


def cleaned(codes: Codes, values: list[Any]) -> Pool:
    """Make a pool of values of which some are None: those are nothing."""
    kept = np.array([value is not None for value in values] + [False])
    if kept[:-1].all():
        return Pool(codes, values)
    again = np.where(kept, np.cumsum(kept) - 1, -1)
    return Pool(again[codes], [value for value in values if value is not None])


def single(value: object, rows: int) -> Pool:
    """Make a column that holds one value everywhere; None gives an empty one."""
    return Pool(np.full(rows, -1 if value is None else 0, np.int64), [] if value is None else [value])


def texts(column: pd.Series) -> Pool:
    """Read a column as text without white space around it; what is missing or blank is nothing."""
    codes, different = pd.factorize(column.to_numpy(object))
    plain = pd.api.types.infer_dtype(different) == "string"
    return _trimmed(codes.astype(np.int64), list(different) if plain else list(map(_text, different)))


def _trimmed(codes: Codes, told: list[str]) -> Pool:
    """Strip texts, and let those that became the same share a code."""
    bare = [text.strip() for text in told]
    if bare == told and "" not in bare:
        return Pool(codes, bare)
    again, different = pd.factorize(np.array([*(text or None for text in bare), None], object))  # nothing stays last
    return Pool(again.astype(np.int64)[codes], list(different))


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))  # a column of whole numbers with a gap is read as floats
    return str(value)


def joined(columns: Sequence[Pool], separator: str) -> Pool:
    """Join columns of text row by row; empty ones add nothing."""
    if len(columns) == 1:
        return columns[0]
    codes, rows = combinations(columns)
    parts = [[column.at(row) for column in columns] for row in rows]
    return _trimmed(codes, [separator.join(filter(None, each)) for each in parts])


def combinations(columns: Sequence[Pool]) -> tuple[Codes, Codes]:
    """Number the different combinations of values; gives the number for each row, and a row for each number."""
    codes = np.zeros(len(columns[0].codes), np.int64)
    for column in columns:
        codes = pd.factorize(codes * (len(column.different) + 1) + column.codes + 1)[0].astype(np.int64)
    rows = np.empty(codes.max(initial=-1) + 1, np.int64)
    rows[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, rows


def over(above: Pool, below: Pool, where: Mask | None = None) -> Pool:
    """Lay one column over another: where it holds something, or else in the rows that are named, empty or not."""
    wins = above.codes >= 0 if where is None else where
    shifted = np.where(above.codes < 0, -1, above.codes + len(below.different))
    return Pool(np.where(wins, shifted, below.codes), below.different + above.different)
