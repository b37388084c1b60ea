"""Residents by squares of 100 m against the key figures of the buurten they lie in."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from sqlalchemy import text

from geo.imports.jobs import Task
from geo.sql import statements
from geo.whereabouts import HOLE_M

Shapes = NDArray[np.object_]
TOLD, FURTHEST = 10, 3  # municipalities compared in so many words, and buurten named of each
BUURTEN = statements("imports/squares.sql")[-1]


class _Both(NamedTuple):
    """The residents of one area by its squares and by its key figures."""

    name: str
    year: int
    residents: int
    in_squares: int
    squares: int

    @property
    def apart(self) -> int:
        return self.in_squares - self.residents


def tell(task: Task, squares: pd.DataFrame) -> None:
    """Say how far the squares and the key figures of the buurten in force agree, by municipality."""
    task.progress("comparing with the key figures", 0, len(squares))
    buurten: dict[str, list[_Both]] = defaultdict(list)
    rows = task.session.execute(text(BUURTEN)).all()
    held = _held(squares, np.array([shapely.from_wkb(bytes(row.outline)) for row in rows], dtype=object))
    residents = squares["residents"].fillna(0).to_numpy(float)
    in_squares = np.bincount(held[held >= 0], residents[held >= 0], minlength=len(rows))
    number = np.bincount(held[held >= 0], minlength=len(rows))
    for at, row in enumerate(rows):
        both = _Both(row.name, row.year, row.residents, int(in_squares[at]), int(number[at]))
        buurten[row.municipality].append(both)
    sums = [_whole(name, parts) for name, parts in buurten.items() if any(part.squares for part in parts)]
    if not sums:
        task.report.note("No square lies in a buurt with key figures: there is nothing to compare the residents with.")
    sums.sort(key=lambda both: (-abs(both.apart), both.name))
    for both in sums[:TOLD]:
        task.report.note(_said(both, buurten[both.name]))
    if len(sums) > TOLD:
        task.report.note(f"In {len(sums) - TOLD} other municipalities the two are less far apart.")


def _held(squares: pd.DataFrame, outlines: Shapes) -> NDArray[np.intp]:
    """Give for each square the outline that holds its middle, -1 where none does; as `whereabouts` finds it for places.

    The first where several do; the nearest within 250 m where none does.
    """
    middles: Shapes = np.asarray(shapely.points(squares[["x", "y"]].to_numpy(float)), dtype=object)
    held = np.full(len(squares), len(outlines))
    outline, square = shapely.STRtree(middles).query(outlines, predicate="intersects")
    np.minimum.at(held, square, outline)
    lost = np.flatnonzero(held == len(outlines))
    which, outline = shapely.STRtree(outlines).query_nearest(middles[lost], max_distance=HOLE_M)
    np.minimum.at(held, lost[which], outline)
    return np.where(held == len(outlines), -1, held)


def _whole(name: str, parts: Sequence[_Both]) -> _Both:
    """Add up the buurten of a municipality of which the key figures are known."""
    residents, in_squares = sum(part.residents for part in parts), sum(part.in_squares for part in parts)
    return _Both(name, max(part.year for part in parts), residents, in_squares, sum(part.squares for part in parts))


def _said(both: _Both, parts: Sequence[_Both]) -> str:
    share = f" ({both.apart / both.residents:+.1%})" if both.residents else ""
    furthest = sorted(parts, key=lambda part: (-abs(part.apart), part.name))[:FURTHEST]
    told = "; ".join(f"{part.name} {part.in_squares:,} and {part.residents:,}" for part in furthest)
    return (
        f"{both.name}: {both.in_squares:,} residents in the squares, {both.residents:,} in the key figures of its "
        f"buurten of {both.year}{share}. Furthest apart: {told}."
    )
