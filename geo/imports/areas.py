"""Rows of areas with their outlines: which can go in, and what somebody should know of those that do.

Rows are a frame by row number with `code`, `name` and `shape`, and any other columns that go with them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from geo.base import RD_NEW, WGS84
from geo.errors import Flaw, InvalidInput
from geo.imports import outlines
from geo.imports.jobs import Task
from geo.imports.outlines import Shapes
from geo.imports.report import Line, Verdict

HECTARE_M2 = 10_000


def refuse(task: Task, rows: pd.DataFrame, reasons: Iterable[str], field: str, values: Sequence[Any]) -> pd.DataFrame:
    """Refuse each row that has a reason; gives the others. `values` are what stands in the field, by row."""
    why = [str(reason) for reason in reasons]
    codes, numbers = rows["code"].to_list(), rows.index.to_list()
    for at, reason in enumerate(why):
        if reason:
            key, shown = ("" if pd.isna(each) else str(each) for each in (codes[at], values[at]))
            task.report.say(Line(numbers[at], Verdict.refused, key, field, shown, reason))
    good: pd.DataFrame = rows[np.array([not reason for reason in why], dtype=bool)]
    task.report.count(Verdict.refused, len(rows) - len(good))
    return good


def with_outlines(task: Task, rows: pd.DataFrame) -> pd.DataFrame:
    """Refuse rows without a polygon."""
    reasons = outlines.flaws(shapes(rows))
    return refuse(task, rows, reasons, "geometry", [""] * len(rows))


def shapes(rows: pd.DataFrame) -> Shapes:
    """Give the outlines of rows."""
    found: Shapes = rows["shape"].to_numpy(dtype=object)
    return found


def in_metres(task: Task, rows: pd.DataFrame, crs: int) -> pd.DataFrame:
    """Turn the outlines into RD New, and refuse those that cannot lie where their file says.

    raises InvalidInput where none can: then it is the file that says it wrong
    """
    drawn = shapely.force_2d(shapes(rows))
    degrees = CRS.from_epsg(crs).is_geographic
    turned = drawn if degrees else turn(drawn, crs)
    reasons = outlines.misplaced(turned, degrees=degrees)
    if len(rows) and all(reasons):
        raise InvalidInput(
            f"The outlines cannot lie where the file says: the first {reasons[0]}.", Flaw("geometry", reasons[0])
        )
    corners = [f"{west:.6g} {south:.6g}" for west, south, _, _ in shapely.bounds(drawn)]
    crossed = ~shapely.is_valid(drawn)  # as the file has it: the turn may hide it, or make it
    good = refuse(task, rows.assign(shape=drawn, crossed=crossed), reasons, "geometry", corners)
    return good.assign(shape=turn(shapes(good), crs))


def turn(drawn: Shapes, crs: int) -> Shapes:
    """Turn outlines of any system (EPSG) into RD New metres."""
    if crs == RD_NEW:
        return drawn
    transformer = Transformer.from_crs(crs, RD_NEW, always_xy=True)
    moved: Shapes = shapely.transform(drawn, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
    return moved


def known_crs(task: Task, told: int | None, drawn: Shapes) -> int:
    """Give the system (EPSG) of a file: the one that it says, else the one in which its outlines lie in the country.

    raises InvalidInput where it says one that nobody knows, or says none and fits none
    """
    if told is not None:
        try:
            return CRS.from_epsg(told).to_epsg() or told
        except CRSError:
            raise InvalidInput(
                f"Nobody knows the coordinate system EPSG:{told}.", Flaw("crs", "is not known")
            ) from None
    for crs, name in ((WGS84, "WGS 84 degrees"), (RD_NEW, "RD New metres")):
        if not all(outlines.misplaced(drawn, degrees=crs == WGS84)):
            task.report.note(f"The file does not say its coordinate system; by its numbers it is {name} (EPSG:{crs}).")
            return crs
    raise InvalidInput(
        "The file does not say its coordinate system, and its numbers fit neither WGS 84 nor RD New.",
        Flaw("crs", "is not said"),
    )


def mended(task: Task, rows: pd.DataFrame) -> pd.DataFrame:
    """Mend outlines that cross themselves, and say how much area moved; refuse tangles, and what encloses nothing.

    Rows have been through `in_metres`.
    """
    done = outlines.mend(shapes(rows))
    lost = shapely.area(done.shapes) == 0
    said = "crossed itself and was mended: so much area lies elsewhere than it was drawn"
    mended_rows = np.flatnonzero((done.mended | rows["crossed"].to_numpy(dtype=bool)) & ~lost)
    _doubt(task, rows, [(int(at), f"{done.moved_m2[at]:.1f} m²", said) for at in mended_rows])
    if len(mended_rows):
        task.report.note(
            f"{len(mended_rows)} outlines crossed themselves and were mended: {done.moved_m2.sum():.1f} m² moved."
        )
    nothing = "encloses no area: nothing is left of it without its crossings"
    reasons = np.where(done.tangled, outlines.TANGLE, np.where(lost, nothing, ""))
    return refuse(task, rows.assign(shape=done.shapes), reasons, "geometry", [""] * len(rows))


def once(task: Task, rows: pd.DataFrame, alike: Sequence[str]) -> pd.DataFrame:
    """Join rows of one code that say the same in the columns `alike`: parts of one area. Refuse those that do not."""
    twice = rows[rows["code"].duplicated(keep=False)]
    reasons, joined, told_of = dict[int, str](), dict[int, Any](), list[str]()
    for code, parts in twice.groupby("code", sort=True):
        numbers = [int(number) for number in parts.index]
        if len(parts[list(alike)].astype("string").fillna("").drop_duplicates()) == 1:
            joined[numbers[0]] = shapely.union_all(shapes(parts))
            task.report.count(Verdict.skipped, len(numbers) - 1)
            told_of.append(f"rows {_listed(numbers)} of {code}")
        else:
            told = f"stands in rows {_listed(numbers)}, which do not say the same: which of them is right?"
            reasons |= dict.fromkeys(numbers, told)
    if told_of:
        some = "; ".join(told_of[:5]) + (" …" if len(told_of) > 5 else "")
        task.report.note(
            f"{len(told_of):,} areas stand in several rows, which are parts of them and were joined: {some}."
        )
    good = refuse(task, rows, [reasons.get(int(number), "") for number in rows.index], "code", list(rows["code"]))
    good = good[~good["code"].duplicated(keep="first")]
    return good.assign(
        shape=[joined.get(int(row), shape) for row, shape in zip(good.index, good["shape"], strict=True)]
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")


def tell_overlaps(task: Task, rows: pd.DataFrame) -> None:
    """Say where outlines overlap: in all, and each pair that shares more than 1 % of the smaller one."""
    found = outlines.overlaps(shapes(rows))
    large = [overlap for overlap in found if overlap.share > outlines.TOLD]
    if found:
        hectares = sum(overlap.m2 for overlap in found) / HECTARE_M2
        number = len({index for overlap in found for index in (overlap.one, overlap.other)})
        task.report.note(
            f"{len(found):,} pairs of outlines overlap ({number:,} areas, {hectares:,.2f} ha in all), {len(large):,} "
            "of them by more than 1 % of the smaller one. A place in an overlap belongs to the lowest code."
        )
    codes, numbers = rows["code"].to_list(), rows.index.to_list()
    _doubt(
        task,
        rows,
        [
            (
                overlap.one,
                f"{overlap.m2:.0f} m²",
                f"overlaps {codes[overlap.other]}, row {numbers[overlap.other]}: {overlap.share:.1%} of the smaller",
            )
            for overlap in large
        ],
    )


def tell_gaps(task: Task, rows: pd.DataFrame, whole: Sequence[BaseGeometry]) -> None:
    """Say where outlines leave holes: in all, and each of more than 1 % of an area beside it.

    whole   outlines that together cover what the areas do, and what lies between them and is no gap
    """
    found = outlines.gaps(shapes(rows), whole)
    large = [gap for gap in found if gap.share > outlines.TOLD]
    if found:
        hectares = sum(gap.m2 for gap in found) / HECTARE_M2
        task.report.note(
            f"The outlines leave {len(found):,} gaps between them ({hectares:,.2f} ha in all), {len(large):,} of them "
            "of more than 1 % of an area beside it. A place in a gap belongs to the nearest within 250 m."
        )
    codes = rows["code"].to_list()
    _doubt(
        task,
        rows,
        [
            (
                gap.around[0],
                f"{gap.m2:.0f} m²",
                f"a gap between {_few([codes[index] for index in gap.around])}: {gap.share:.1%} of the smallest",
            )
            for gap in large
        ],
    )


def _few(codes: Sequence[str]) -> str:
    return ", ".join(codes[:4]) + (" …" if len(codes) > 4 else "")


def _doubt(task: Task, rows: pd.DataFrame, said: Iterable[tuple[int, str, str]]) -> None:
    """Say things beside the verdicts of rows, which go in all the same: which row (by position), how much, what."""
    codes, numbers = rows["code"].to_list(), rows.index.to_list()
    for at, value, reason in said:
        task.report.say(Line(numbers[at], Verdict.doubtful, codes[at], "geometry", value, reason))


def water(rows: pd.DataFrame, crs: int) -> Shapes:
    """Give the outlines of rows that are no areas, in RD New: what lies between areas and is no gap."""
    drawn = shapes(rows)
    good = drawn[np.isin(shapely.get_type_id(drawn), outlines.POLYGONS)]
    return outlines.mend(turn(shapely.force_2d(good), crs)).shapes
