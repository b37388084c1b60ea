"""Demand, assets and streets as GeoParquet in parts, so that each worker reads what lies in and around its region."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from geo.coverage.columns import RD_NEW
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.files import Points, Subject
from geo.coverage.network import Network, curve
from geo.coverage.places import Places
from geo.coverage.policy import Policy

BOX = ("west", "south", "east", "north")
ROWS = 1 << 14  # of a row group: those beyond a box are not read
POLYGONS = (3, 6)


class Around(NamedTuple):
    """Demand in and around a region: its points in order of id, their row among all, area (-1: none) and region."""

    demand: Demand
    row: Ints
    area: Ints
    region: Ints


def write_demand(folder: Path, demand: Demand, area: Ints, region: Ints) -> None:
    """Write the points of each region to a file of its own, near ones near each other."""
    order = np.lexsort((curve(demand.xy), region))
    starts = np.searchsorted(region[order], np.arange(region.max(initial=-1) + 2))
    for at, (first, last) in enumerate(pairwise(starts)):
        some = order[first:last]
        x, y = demand.xy[some].T
        columns = {
            "geometry": pa.StructArray.from_arrays([pa.array(x), pa.array(y)], names=["x", "y"]),
            "index": pa.array(some),
            "area": pa.array(area[some]),
            "residents": pa.array(demand.residents[some]),
            "radius_m": pa.array(demand.radius_m[some]),
            "suppressed": pa.array(demand.suppressed[some]),
            **{f"group_{name}": pa.array(values[some]) for name, values in demand.groups.items()},
        }
        _write(folder / demand_file(at), pa.table(columns), "point")


def demand_file(region: int) -> str:
    """Name the file with the points of a region."""
    return f"demand-{region:06}.parquet"


def read_demand(folder: Path, regions: Sequence[int], box: Floats) -> Around:
    """Read the points of some regions that lie in a box, edges included, in order of their ids."""
    x, y = pc.field("geometry", "x"), pc.field("geometry", "y")
    inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])
    tables = [pq.read_table(folder / demand_file(at), filters=inside, partitioning=None) for at in regions]
    region = np.repeat(np.asarray(regions, dtype=np.int64), [table.num_rows for table in tables])
    table = pa.concat_tables(tables)
    order = np.argsort(_values(table, "index"))
    spots = table["geometry"].combine_chunks()
    xy = np.column_stack([spots.field(name).to_numpy(zero_copy_only=False) for name in ("x", "y")])
    groups = [name for name in table.column_names if name.startswith("group_")]
    demand = Demand(
        xy[order],
        _values(table, "residents")[order],
        _values(table, "radius_m")[order],
        _values(table, "suppressed")[order].astype(bool),
        {name.removeprefix("group_"): _values(table, name)[order] for name in groups},
    )
    return Around(demand, _values(table, "index")[order], _values(table, "area")[order], region[order])


def extents(places: Places) -> Floats:
    """Give the box around each asset: its point, or around its area; shape (assets, 4)."""
    boxes = np.tile(places.xy, 2)
    for at, outline in places.areas.items():
        boxes[at] = outline.bounds
    return boxes


def write_assets(file: Path, subject: Subject, owner: Ints) -> None:
    """Write the assets of one subject, with the region that tells of each, near ones near each other."""
    places = subject.places
    shapes = np.asarray(shapely.points(places.xy), dtype=object)
    for at, outline in places.areas.items():
        shapes[at] = outline
    columns = {
        "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
        "index": pa.array(subject.asset),
        "owner": pa.array(owner),
        "x": pa.array(places.xy[:, 0]),
        "y": pa.array(places.xy[:, 1]),
        "capacity": pa.array(places.capacity),
        "age_days": pa.array(places.age_days),
        "open_mask": pa.array(places.open_mask),
        **dict(zip(BOX, map(pa.array, extents(places).T), strict=True)),
    }
    _write(file, pa.table(columns).take(pa.array(np.argsort(curve(places.xy), kind="stable"))), "WKB")


def read_assets(file: Path, kind: str, policy: Policy, box: Floats) -> tuple[Subject, Ints]:
    """Read the assets that touch a box, in order of their ids; and the region that tells of each."""
    table = _read_touching(file, box)
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    areas = np.flatnonzero(np.isin(shapely.get_type_id(shapes), POLYGONS))
    places = Places(
        np.column_stack([_values(table, "x"), _values(table, "y")]),
        _values(table, "capacity"),
        _values(table, "age_days"),
        _values(table, "open_mask"),
        {int(at): shapes[at] for at in areas},
    )
    return Subject(kind, policy, _values(table, "index"), places), _values(table, "owner")


def write_network(file: Path, network: Network) -> None:
    """Write the edges of a network, in their order, near ones near each other."""
    lines = network.drawn()
    columns = {
        "geometry": pa.array(shapely.to_wkb(lines), pa.binary()),
        "index": pa.array(np.arange(network.edges)),
        "first": pa.array(network.ends[:, 0]),
        "last": pa.array(network.ends[:, 1]),
        "metres": pa.array(network.metres),
        **dict(zip(BOX, map(pa.array, shapely.bounds(lines).reshape(-1, 4).T), strict=True)),
    }
    _write(file, pa.table(columns), "WKB")


def read_network(file: Path, box: Floats) -> Network:
    """Read the edges that touch a box, whole, in their order, with the nodes that they need, in theirs."""
    table = _read_touching(file, box)
    lines = shapely.from_wkb(table["geometry"].to_numpy())
    corners, line = shapely.get_coordinates(lines, return_index=True)
    first = np.concatenate(([0], np.cumsum(np.bincount(line, minlength=len(lines)))))
    _, at, number = np.unique(
        np.column_stack([_values(table, "first"), _values(table, "last")]), return_index=True, return_inverse=True
    )
    spots = np.stack([corners[first[:-1]], corners[first[1:] - 1]], axis=1).reshape(-1, 2)
    return Network(spots[at], number.reshape(-1, 2), _values(table, "metres"), corners, first.astype(np.int64))


def write_points(file: Path, points: Points, some: Ints, row: Ints) -> None:
    """Write what was found of some of the points, with their row among all, shape (some,)."""
    columns = {name: pa.array(values[some]) for name, values in points._asdict().items()}
    pq.write_table(pa.table({"index": pa.array(row), **columns}), file)


def read_points(files: Sequence[Path], count: int) -> Points:
    """Bring together what was found of all points."""
    near_m, nearest, number = np.full(count, np.inf), np.full(count, -1), np.zeros(count, dtype=np.int64)
    certainty, supply = np.zeros(count), np.zeros(count)
    whole = Points(near_m, nearest, number, certainty, supply)
    for file in files:
        table = pq.read_table(file, partitioning=None)
        index = _values(table, "index")
        for name, values in whole._asdict().items():
            values[index] = _values(table, name)
    return whole


def _read_touching(file: Path, box: Floats) -> pa.Table:
    west, south, east, north = (pc.field(name) for name in BOX)
    touches = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    return pq.read_table(file, filters=touches, partitioning=None).sort_by("index")


def _write(file: Path, table: pa.Table, encoding: str) -> None:
    geometry: dict[str, Any] = {"encoding": encoding, "geometry_types": ["Point"] if encoding == "point" else []}
    geometry["crs"] = pyproj.CRS(RD_NEW).to_json_dict()
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    told = {**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()}
    pq.write_table(table.replace_schema_metadata(told), file, row_group_size=ROWS)


def _values(table: pa.Table, name: str) -> Any:
    """Give a column as an array of its own, that may be written to."""
    return np.array(table[name].to_numpy())
