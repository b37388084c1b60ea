"""Files of full size for the benchmark, the same every time: assets all over the country, squares in towns."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

ASSETS, SQUARES = 200_000, 634_000
KINDS = ("Buurtkamer", "Huis van de wijk", "Dagbesteding", "Zorglocatie")
NAMES = ("De Brug", "Het Anker", "De Zon", "Ons Huis", "De Linde", "Het Trefpunt")
MAPPING = """
source = "benchmark"
source_id = "id"
[place]
geometry = true
[columns]
name = "Naam"
address = "Adres"
postcode = "Postcode"
city = "Plaats"
url = "url"
[values.Categorie]
"Buurtkamer" = { kind = "community_room", services = ["meeting"], themes = ["meet"] }
"Huis van de wijk" = { kind = "community_room", services = ["meeting"] }
"Dagbesteding" = { kind = "care_location", services = ["day_activities"] }
"Zorglocatie" = { kind = "care_location" }
"""


def assets(file: Path) -> Path:
    """Write points with the fields of a usual list as GeoJSON, about 57 MB."""
    chance = np.random.default_rng(1)
    lon, lat = chance.uniform(3.9, 6.9, ASSETS).round(6), chance.uniform(51.4, 53.1, ASSETS).round(6)
    kind, name = chance.integers(0, len(KINDS), ASSETS), chance.integers(0, len(NAMES), ASSETS)
    with file.open("w", encoding="utf-8") as opened:
        opened.write('{"type":"FeatureCollection","features":[\n')
        for i in range(ASSETS):
            properties = {
                "id": f"a{i}", "Naam": f"{NAMES[name[i]]} {i}", "Categorie": KINDS[kind[i]],
                "Adres": f"Straat {i % 3000} {i % 90}", "Postcode": f"{1000 + i % 8999}AB", "Plaats": "Dorp",
                "url": f"https://example.org/{i}",
            }  # fmt: skip
            place = {"type": "Point", "coordinates": [float(lon[i]), float(lat[i])]}
            feature = {"type": "Feature", "properties": properties, "geometry": place}
            opened.write(json.dumps(feature) + (",\n" if i < ASSETS - 1 else "\n"))
        opened.write("]}\n")
    return file


def squares(file: Path) -> Path:
    """Write squares in groups, as towns lie, with columns that CBS gives; a twentieth is suppressed."""
    chance = np.random.default_rng(2)
    towns = chance.uniform((300, 3300), (2600, 6000), (4000, 2))  # in units of 100 m, RD New
    cells: set[tuple[int, int]] = set()
    while len(cells) < SQUARES:
        spots = towns[chance.integers(0, len(towns), SQUARES)] + chance.normal(0, 8, (SQUARES, 2))
        cells.update(map(tuple, spots.astype(int).tolist()))
    x, y = np.array(sorted(cells))[chance.permutation(len(cells))[:SQUARES]].T
    columns: dict[str, object] = {
        "crs28992res100m": [f"E{east:04}N{north:04}" for east, north in zip(x, y, strict=True)]
    }
    for name, most in (
        ("aantal_inwoners", 200), ("aantal_mannen", 100), ("aantal_vrouwen", 100),
        ("aantal_inwoners_0_tot_15_jaar", 40), ("aantal_inwoners_15_tot_25_jaar", 40),
        ("aantal_inwoners_65_jaar_en_ouder", 60), ("aantal_eenpersoonshuishoudens", 60),
    ):  # fmt: skip
        figure = 5 * chance.integers(0, most // 5, SQUARES)
        columns[name] = np.where(chance.random(SQUARES) < 0.05, -99997, figure)
    shapes = shapely.box(x * 100, y * 100, x * 100 + 100, y * 100 + 100)
    gpd.GeoDataFrame(columns, geometry=shapes, crs=28992).to_file(file, layer="vierkanten", engine="pyogrio")
    return file
