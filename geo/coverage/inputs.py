"""Demand, assets and areas as files give them, checked row by row and put in order of their ids."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.coverage import values, zones
from geo.coverage.columns import Sheet, Wanted, read
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.network import Network, of_lines
from geo.coverage.places import PARTS, UNKNOWN_HOURS, Places
from geo.coverage.values import Rule, absent, ids, names, numbers, order, points, refuse_other_systems
from geo.coverage.walks import cell_order
from geo.coverage.zones import Zones
from geo.errors import Flaw, InvalidInput

PARQUET = (".parquet", ".geoparquet")
LINE = 1  # type of a geometry
PLACED = frozenset({"x", "y"})
GROUP = "residents_65"  # the one group that a demand file may tell
VOLUNTEER = "volunteer"  # people have no walks
AREA_FIELDS = (
    "area", "code", "buurtcode", "BU_CODE", "wijkcode", "WK_CODE", "gemeentecode", "GM_CODE", "gwb_code", "statcode",
    "cbsCode", "id",
)  # fmt: skip
HIDDEN = "CBS writes -99997 for a number that is kept secret: leave such a cell empty."
RULES: Mapping[str, Rule] = {
    "residents": Rule(words="must be people, 0 or more; empty where the number is kept secret", cause=HIDDEN),
    GROUP: Rule(words="must be people, 0 or more; empty where it is not known", cause=HIDDEN),
    "radius_m": Rule(words="must be metres, 0 or more"),
    "length": Rule(words="must be metres, 0 or more; empty where a line is as long as it is drawn"),
    "capacity": Rule(words="must be places, 0 or more; empty where it is not known"),
    "age_days": Rule(
        words="must be days since it was confirmed, 0 or more; empty where it never was",
        cause="A day in the future gives a negative age.",
    ),
    "open_mask": Rule(
        high=(1 << PARTS) - 1, whole=True, words=f"must be a whole number of {PARTS} bits; empty where it is not known",
        cause="Bit 3 * weekday + part, Monday morning first.",
    ),
}  # fmt: skip


class People(NamedTuple):
    """A demand file: its ids in order, and the points that stand for residents, in the order in which sums are quick.

    row   which of the points each id is of, shape (points,)
    area  the name of the area of each point, null where it is in none; None where the file does not say
    unused columns that are not read, each with one that would have been and is spelt much like it
    """

    ids: pa.Array
    row: Ints
    demand: Demand
    area: pa.Array | None
    unused: Sequence[tuple[str, str]] = ()


class Stock(NamedTuple):
    """An assets file: its ids in order, the places of all of them, and which of them are of each kind, ascending.

    unused  as of `People`
    """

    ids: pa.Array
    places: Places
    kinds: Mapping[str, Ints]
    unused: Sequence[tuple[str, str]] = ()


class Areas(NamedTuple):
    """The ids of areas in order; their outlines as the file has them, or None where demand itself names its area."""

    ids: pa.Array
    outlines: NDArray[np.object_] | None


def people(file: Path) -> People:
    """Read demand: id, x and y or points, residents, and where it has them radius_m, residents_65, area.

    raises InvalidInput naming file, row, field, value and the likely cause
    """
    optional = ("radius_m", GROUP, "area")
    sheet = read(file, Wanted("demand", ("id", "x", "y", "residents", *optional), PLACED))
    _check_columns(sheet, "id", "residents")
    told = ids(sheet, "id")
    ranks = order(sheet, "id", told)
    xy = points(sheet, "demand")
    row = np.empty(len(ranks), dtype=np.int64)
    cells = cell_order(xy[ranks])
    row[cells], rows = np.arange(len(cells)), ranks[cells]  # whatever the order in the file, sums run in the same
    residents = numbers(sheet, "residents", RULES["residents"])[rows]
    secret = np.isnan(residents)
    demand = Demand(
        xy[rows],
        np.where(secret, 0.0, residents),
        np.nan_to_num(_optional(sheet, "radius_m"), nan=0.0)[rows],
        secret,
        {GROUP: numbers(sheet, GROUP, RULES[GROUP])[rows]} if GROUP in sheet.columns else {},
    )
    area = names(sheet, "area", numeric=True).take(pa.array(rows)) if "area" in sheet.columns else None
    return People(told.take(pa.array(ranks)), row, demand, area, misspelt(sheet, optional))


def misspelt(sheet: Sheet, optional: Sequence[str]) -> list[tuple[str, str]]:
    """Name the columns that nobody reads, and which of those that a file may have each may be meant for."""
    absent_ = [name for name in optional if name not in sheet.columns]
    others = [name for name in sheet.names if name not in sheet.columns]
    like = [(name, get_close_matches(name.lower(), absent_, n=1, cutoff=0.7)) for name in others]
    return [(name, found[0]) for name, found in like if found]


def _check_columns(sheet: Sheet, *needed: str) -> None:
    """Refuse a file that lacks a column which every record needs."""
    if lacking := [name for name in needed if name not in sheet.columns]:
        raise absent(sheet, ", ".join(lacking), "which every record needs")


def _optional(sheet: Sheet, field: str) -> Floats:
    """Give a column of numbers, all NaN where the file does not have it."""
    if field in sheet.columns:
        return numbers(sheet, field, RULES[field])
    return np.full(len(sheet.columns["id"]), np.nan)


def stock(file: Path) -> Stock:
    """Read assets: id, kind, x and y or points or outlines, and where it has them capacity, age_days, open_mask.

    raises InvalidInput naming file, row, field, value and the likely cause
    """
    numeric = ("capacity", "age_days", "open_mask")
    sheet = read(file, Wanted("assets", ("id", "kind", "x", "y", *numeric), PLACED))
    _check_columns(sheet, "id", "kind")
    told = ids(sheet, "id")
    ranks = order(sheet, "id", told)
    kind = _kinds(sheet).take(pa.array(ranks)).dictionary_encode()
    xy, areas = _sites(sheet)
    capacity, age, mask = (_optional(sheet, name)[ranks] for name in numeric)
    hours = np.where(np.isnan(mask), UNKNOWN_HOURS, np.nan_to_num(mask)).astype(np.int64)
    placed = {rank: areas[row] for rank, row in enumerate(ranks.tolist()) if row in areas} if areas else {}
    code = kind.indices.to_numpy(zero_copy_only=False)
    kinds = {name: np.flatnonzero(code == at) for at, name in enumerate(kind.dictionary.to_pylist())}
    found = Places(xy[ranks], capacity, age, hours, placed)
    return Stock(told.take(pa.array(ranks)), found, kinds, misspelt(sheet, numeric))


def _kinds(sheet: Sheet) -> pa.Array:
    kind = names(sheet, "kind")
    lost = kind.is_null()
    if pc.any(lost).as_py():
        raise sheet.refusal(int(pc.index(lost, pa.scalar(value=True)).as_py()), "kind", "is missing: what is it?")
    if (at := pc.index(kind, VOLUNTEER).as_py()) >= 0:
        why = f"is {VOLUNTEER!r}: volunteers are people, to whom nobody walks. Leave them out."
        raise sheet.refusal(int(at), "kind", why)
    return kind


def _sites(sheet: Sheet) -> tuple[Floats, dict[int, BaseGeometry]]:
    """Give where assets are; of those that are areas a point inside and, by row, the outline."""
    if set(sheet.columns) >= PLACED or sheet.shapes is None:
        return points(sheet, "assets"), {}
    made = values.outlines(sheet, 0, sheet.shapes.combine_chunks())
    areas = np.flatnonzero(np.isin(shapely.get_type_id(made), (values.POLYGON, values.MULTIPOLYGON)))
    spots = made.copy()
    made[areas] = _mended(made[areas])
    spots[areas] = shapely.point_on_surface(made[areas])
    pointed = sheet._replace(shapes=pa.chunked_array([pa.array(shapely.to_wkb(spots), pa.binary())]))
    return points(pointed, "assets"), {int(row): made[row] for row in areas}


def areas(file: Path, field: str | None = None) -> Areas:
    """Read areas: outlines, and their ids from the column `field`, or else from the first of AREA_FIELDS.

    raises InvalidInput naming file, row, field, value and the likely cause
    """
    sheet = read(file, Wanted("areas", (field,) if field else AREA_FIELDS))
    at = next((name for name in ((field,) if field else AREA_FIELDS) if name in sheet.columns), None)
    if at is None:
        told = field or f"of {', '.join(AREA_FIELDS)}"
        raise absent(sheet, told, "to know areas by" if field else "to know areas by: name it with --area-field")
    if sheet.shapes is None:
        raise InvalidInput(f"{sheet.name}: has no outlines of areas.", Flaw("geometry", "is missing"))
    told_ids = ids(sheet, at)
    ranks = order(sheet, at, told_ids)
    made = values.outlines(sheet, 0, sheet.shapes.combine_chunks())
    flat = ~np.isin(shapely.get_type_id(made), (values.POLYGON, values.MULTIPOLYGON))
    if flat.any():
        row = int(flat.argmax())
        raise sheet.refusal(row, "geometry", f"is a {made[row].geom_type}, not the outline of an area.")
    bounds = shapely.bounds(made).reshape(-1, 2, 2)
    refuse_other_systems(sheet, bounds.mean(axis=1))
    return Areas(told_ids.take(pa.array(ranks)), _mended(made)[ranks])


def _mended(outlines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Give outlines whose rings do not cross themselves."""
    wrong = ~shapely.is_valid(outlines)
    mended = outlines.copy()
    mended[wrong] = shapely.make_valid(outlines[wrong], method="structure", keep_collapsed=False)
    return mended


def streets(file: Path) -> Network:
    """Read lines that people may walk along, out of GeoParquet; a column `length` may say how many metres each is.

    raises InvalidInput naming file, row, field, value and the likely cause
    """
    sheet = read(file, Wanted("network", ("length",)))
    if sheet.shapes is None:
        raise InvalidInput(f"{sheet.name}: has no lines.", Flaw("geometry", "is missing"))
    made = values.outlines(sheet, 0, sheet.shapes.combine_chunks())
    refuse_other_systems(sheet, shapely.bounds(made).reshape(-1, 2, 2).mean(axis=1))
    metres = numbers(sheet, "length", RULES["length"]) if "length" in sheet.columns else np.full(len(made), np.nan)
    parts, row = shapely.get_parts(made, return_index=True)
    bent = shapely.get_type_id(parts) != LINE
    if bent.any():
        at = int(bent.argmax())
        raise sheet.refusal(int(row[at]), "geometry", f"is a {parts[at].geom_type}, not a line.")
    share = shapely.length(parts) / np.maximum(shapely.length(made)[row], np.finfo(float).tiny)
    return of_lines(parts, metres[row] * share).network


def named(told: People) -> Areas:
    """Give the areas that demand itself names. Raises InvalidInput where it names none."""
    if told.area is None:
        raise InvalidInput(
            "Which areas? Give a file of outlines with --areas, or name the area of each point in a column `area`.",
            Flaw("area", "is missing"),
        )
    found = pc.unique(told.area.drop_null())
    return Areas(found.take(pc.sort_indices(found)), None)


def where(told: People, within: Areas) -> Ints:
    """Give the index of the area of each point, shape (points,); -1 where it lies in none."""
    if within.outlines is not None:
        return zones.holding(told.demand.xy, list(within.outlines))
    if told.area is None or not len(within.ids):
        return np.full(told.demand.count, -1, dtype=np.int64)
    found = pc.fill_null(pc.index_in(told.area, value_set=within.ids), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def zoned(area: Ints, areas_: int) -> Zones:
    """Make zones of the area of each point."""
    return zones.of_pairs(np.arange(len(area)), area, areas_)
