"""What the tests of exports share: an export asked for and kept as a file, and programs that read it back."""

import json
import subprocess
from pathlib import Path
from typing import Any

import geopandas
import httpx
import pandas as pd
import shapely

from tests.integration.town import Town

EXPORTS = "/v1/exports"
XLSX_ROWS = "rows"


def kept(town: Town, folder: Path, collection: str, f: str, who: str = "nobody", **asked: Any) -> Path:
    """Ask for an export and keep it as a file."""
    answer = town.get(f"{EXPORTS}/{collection}", who, f=f, **asked)
    assert answer.status_code == 200, answer.text
    file = folder / f"{collection}.{f}"
    file.write_bytes(answer.content)
    return file


def read(file: Path) -> pd.DataFrame:
    """Read a file as somebody does who uses geopandas: rows by their id, the geometry where it is one."""
    if file.suffix == ".parquet":
        return geopandas.read_parquet(file)
    if file.suffix == ".xlsx":
        frame = geopandas.read_file(file, layer=XLSX_ROWS)
        return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries.from_wkt(frame["WKT"]))
    return geopandas.read_file(file)


def through_ogr2ogr(file: Path) -> list[dict[str, Any]]:
    """Turn a file into lines of GeoJSON with Debian's GDAL, and read these."""
    made = file.with_suffix(".geojsonl")
    layer = [XLSX_ROWS] if file.suffix == ".xlsx" else []
    words = ["ogr2ogr", "-f", "GeoJSONSeq", "-lco", "COORDINATE_PRECISION=12", str(made), str(file), *layer]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert "ERROR" not in done.stderr
    return [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()]


def counted_by_ogrinfo(file: Path) -> int:
    """Count rows as ogrinfo does."""
    layer = XLSX_ROWS if file.suffix == ".xlsx" else file.stem
    done = subprocess.run(["ogrinfo", "-so", str(file), layer], capture_output=True, text=True, timeout=60, check=True)
    told = next(line for line in done.stdout.splitlines() if line.startswith("Feature Count:"))
    return int(told.rpartition(" ")[2])


def apart_m(one: Any, other: Any) -> float:
    """Give how far two geometries lie apart at most, in the unit of their system; both may be missing."""
    if one is None or other is None or shapely.is_missing(one) or shapely.is_missing(other):
        assert shapely.is_missing(one) == shapely.is_missing(other)
        return 0.0
    return float(shapely.hausdorff_distance(one, other))


def refused(town: Town, path: str, **asked: Any) -> httpx.Response:
    """Ask for what is refused."""
    answer = town.get(f"{EXPORTS}/{path}", **asked)
    assert answer.headers["content-type"] == "application/problem+json", answer.text[:200]
    return answer
