"""Streets imported: out of OpenStreetMap, out of layers of any kind; replaced, and taken back."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from osmium.osm.mutable import Node, Relation, Way
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.coverage import network as graph
from geo.errors import Conflict, InvalidInput
from geo.imports import jobs, network, orders, undo
from geo.imports.jobs import Source
from geo.imports.models import NetworkEdge
from geo.models import ImportJob
from geo.neighbourhoods import Area, Origin, to_wgs84
from geo.vocabulary import JobStatus, Level, What
from tests.integration.commands import Kaart, Refused

X, Y = 92_000.0, 465_000.0  # where the paper lies, RD New
Spot = tuple[float, float]
CROSS: dict[int, Spot] = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, -50), 5: (100, 50), 6: (900, 0), 7: (990, 0)}
STREET, PATH = {"highway": "residential"}, {"highway": "path"}


def line(*spots: Spot) -> shapely.LineString:
    return shapely.LineString([(X + x, Y + y) for x, y in spots])


LINES = [line((0, 0), (100, 0), (200, 0)), line((100, -50), (100, 0), (100, 50)), line((900, 0), (950, 0))]


def extract(
    file: Path,
    ways: Mapping[int, tuple[Sequence[int], dict[str, str]]],
    nodes: Mapping[int, Spot] = CROSS,
    areas: Iterable[tuple[Sequence[int], dict[str, str]]] = (),
) -> Path:
    """Write an OpenStreetMap extract: ways by number, with their nodes and tags, and areas of ways."""
    file.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(file)) as writer:
        for number, (x, y) in sorted(nodes.items()):
            lon, lat = shapely.get_coordinates(to_wgs84(shapely.Point(X + x, Y + y)))[0].tolist()
            writer.add_node(Node(id=number, version=1, location=(lon, lat)))
        for number, (refs, tags) in sorted(ways.items()):
            writer.add_way(Way(id=number, version=1, nodes=list(refs), tags=tags))
        for number, (members, tags) in enumerate(areas, 1):
            parts = [("w", way, "outer") for way in members]
            writer.add_relation(Relation(id=number, version=1, members=parts, tags=tags))
    return file


def layer(file: Path, shapes: Sequence[Any] = LINES, crs: int | None = 28992, **columns: Sequence[Any]) -> Path:
    """Write lines with columns, by the suffix of the file."""
    frame = gpd.GeoDataFrame(dict(columns), geometry=list(shapes), crs=28992 if crs else None)
    if crs:
        frame = frame.to_crs(crs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has no coordinate system
        frame.to_parquet(file) if file.suffix == ".parquet" else frame.to_file(file, engine="pyogrio")
    return file


def quiet(step: str, done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


def imported(session: Session, file: Path, *, skip_bad: bool = False, check: bool = False, **said: Any) -> ImportJob:
    order = orders.order(What.network, said, skip_bad=skip_bad)
    source = Source(file, file.name, "0" * 64, file.stat().st_size)
    return (jobs.check if check else jobs.run)(session, order, source, by="test", progress=quiet)


def notes(job: ImportJob) -> list[str]:
    found = job.report["notes"]
    assert isinstance(found, list)
    return found


def said(job: ImportJob) -> list[str]:
    found = job.report["lines"]
    assert isinstance(found, list)
    return [f"{each['row']} {each['field']}: {each['reason']}" for each in found]


def lengths(session: Session) -> list[float]:
    made = network.stored(session)
    return [] if made is None else sorted(round(metres, 1) for metres in made.metres.tolist())


# OpenStreetMap.


def test_ways_meet_at_the_nodes_that_they_share_and_nowhere_else(session: Session, tmp_path: Path) -> None:
    below = {8: (50, -50), 9: (50, 50)}  # crosses the first way, at no node: a bridge
    ways = {1: ((1, 2, 3), STREET), 2: ((4, 2, 5), PATH), 3: ((8, 9), STREET)}
    job = imported(session, extract(tmp_path / "a.osm.pbf", ways, CROSS | below))
    assert (job.status, job.counts) == (JobStatus.done, {"new": 3})
    assert lengths(session) == pytest.approx([50, 50, 100, 100, 100], abs=0.1)
    made = network.stored(session)
    assert made is not None
    assert sorted(graph.parts(made).nodes.tolist()) == [2, 5]


def test_the_report_tells_the_size_the_islands_and_what_is_not_walked(session: Session, tmp_path: Path) -> None:
    motorway, barred = {"highway": "motorway"}, {"highway": "path", "foot": "no"}
    ways = {
        1: ((1, 2, 3), STREET), 2: ((4, 2, 5), PATH), 3: ((6, 7), STREET), 4: ((1, 6), motorway),
        5: ((1, 7), motorway), 6: ((3, 6), barred), 7: ((1, 4), {"building": "yes"}),
    }  # fmt: skip
    job = imported(session, extract(tmp_path / "a.osm.pbf", ways))
    assert job.counts == {"new": 3, "skipped": 3}
    assert notes(job) == [
        "2 left out, highway=motorway",
        "1 left out, foot=no",
        "Source: © OpenStreetMap contributors, ODbL 1.0 (openstreetmap.org/copyright)",
        "5 edges between 7 nodes: 0.4 km of street.",
        "The largest part that hangs together has 0.3 km, 76.9% of it.",
        (
            "1 islands have 0.1 km together: nobody can walk from one to another. The largest (RD New): "
            "0.1 km and 2 nodes near 92900 465000."
        ),
    ]


def test_a_square_is_walked_along_its_edge_also_where_its_edge_is_made_of_other_ways(
    session: Session, tmp_path: Path
) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 100.0), 4: (0.0, 100.0), 5: (50.0, 100.0)}
    plaza = {"highway": "pedestrian", "type": "multipolygon"}
    ways: dict[int, tuple[Sequence[int], dict[str, str]]] = {
        1: ((1, 2, 3), {}), 2: ((3, 5, 4, 1), {"barrier": "wall"}), 3: ((3, 4), {"building": "yes"}),
    }  # fmt: skip
    imported(session, extract(tmp_path / "a.osm.pbf", ways, nodes, [((1, 2), plaza), ((3,), {"building": "yes"})]))
    assert lengths(session) == pytest.approx([200, 200], abs=0.1)
    closed = {1: ((1, 2, 3, 4, 1), {"highway": "pedestrian", "area": "yes"}), 2: ((3, 5), STREET)}
    imported(session, extract(tmp_path / "b.osm.pbf", closed, nodes))
    assert lengths(session) == pytest.approx([50, 200, 200], abs=0.1)


def test_a_way_that_is_not_whole_is_walked_as_far_as_it_is_there(session: Session, tmp_path: Path) -> None:
    abroad = {8: (400_000.0, 0.0)}
    ways = {1: ((1, 2, 99, 4, 5), STREET), 2: ((3, 98), STREET), 3: ((2, 3, 8), STREET)}
    job = imported(session, extract(tmp_path / "a.osm.pbf", ways, CROSS | abroad))
    assert job.counts == {"new": 2}
    assert lengths(session) == pytest.approx([100, 100, 100], abs=0.1)
    assert "3 ways are not whole in this extract, or go abroad: what is there is used." in notes(job)


def test_an_extract_in_which_nobody_can_walk_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Nobody can walk"):
        imported(session, extract(tmp_path / "a.osm.pbf", {1: ((1, 2), {"highway": "motorway"})}))
    with pytest.raises(InvalidInput, match="Nobody can walk"):
        imported(session, extract(tmp_path / "b.osm.pbf", {}))


def test_what_is_no_extract_is_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.osm.pbf").write_bytes(b"\0" * 100)
    with pytest.raises(InvalidInput, match="no OpenStreetMap extract"):
        imported(session, tmp_path / "a.osm.pbf")
    whole = extract(tmp_path / "b.osm.pbf", {1: ((1, 2), STREET)})
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(InvalidInput, match="damaged or not whole"):
        imported(session, whole)
    with pytest.raises(InvalidInput, match="no column with lengths"):
        imported(session, extract(tmp_path / "c.osm.pbf", {1: ((1, 2), STREET)}), length_field="length")


# Layers of lines.


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.parquet"])
@pytest.mark.parametrize("crs", [28992, 4326, 25831])
def test_a_layer_of_lines_is_read_from_any_format_in_any_coordinate_system(
    session: Session, tmp_path: Path, name: str, crs: int
) -> None:
    job = imported(session, layer(tmp_path / name, crs=crs, width=[1.5, 2.5, 1.0]))
    assert (job.status, job.counts) == (JobStatus.done, {"new": 3})
    assert lengths(session) == pytest.approx([50, 50, 50, 100, 100], abs=0.02)
    made = network.stored(session)
    assert made is not None
    assert made.xy.min(axis=0) == pytest.approx([X, Y - 50], abs=0.3)


def test_geojson_that_says_nothing_is_in_degrees(session: Session, tmp_path: Path) -> None:
    job = imported(session, layer(tmp_path / "a.geojson", crs=4326))
    assert job.counts == {"new": 3}
    assert lengths(session) == pytest.approx([50, 50, 50, 100, 100], abs=0.02)


@pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.parquet"])
def test_degrees_without_a_coordinate_system_are_refused(session: Session, tmp_path: Path, name: str) -> None:
    degrees = gpd.GeoSeries(LINES, crs=28992).to_crs(4326)
    with pytest.raises(InvalidInput, match="does not say its coordinate system"):
        imported(session, layer(tmp_path / name, [*degrees], crs=None))


def test_metres_without_a_coordinate_system_are_taken_as_rd_new_and_that_is_told(
    session: Session, tmp_path: Path
) -> None:
    job = imported(session, layer(tmp_path / "a.parquet", crs=None))
    assert lengths(session) == [50, 50, 50, 100, 100]
    assert "by its numbers it is RD New metres" in notes(job)[0]


def test_the_length_that_a_column_tells_counts(session: Session, tmp_path: Path) -> None:
    file = layer(tmp_path / "a.gpkg", metres_walked=[220.0, 99.999, None], length=[1.0, 1.0, 1.0])
    job = imported(session, file, length_field="metres_walked")
    assert lengths(session) == [50, 50, 50, 110, 110]
    assert notes(job)[:2] == [
        "Lengths are those of the column 'metres_walked', as metres.",
        "1 lines have no length there: they are as long as they are drawn.",
    ]


def test_a_column_called_length_counts_where_it_looks_like_metres(session: Session, tmp_path: Path) -> None:
    imported(session, layer(tmp_path / "a.gpkg", Length=[200.0, 130.0, 50.0]))
    assert lengths(session) == [50, 65, 65, 100, 100]
    job = imported(session, layer(tmp_path / "b.gpkg", length=[0.2, 0.13, 0.05]))  # kilometres
    assert lengths(session) == [50, 50, 50, 100, 100]
    assert not [note for note in notes(job) if "Lengths are" in note]


def test_lengths_that_are_asked_for_and_are_no_metres_are_refused(session: Session, tmp_path: Path) -> None:
    file = layer(tmp_path / "a.gpkg", length=[0.2, 0.13, 0.05])
    with pytest.raises(InvalidInput, match="are no metres"):
        imported(session, file, length_field="length")
    with pytest.raises(InvalidInput, match="no column 'lenght'; there are: 'length'"):
        imported(session, file, length_field="lenght")


def test_a_length_below_the_line_or_far_above_it_is_told(session: Session, tmp_path: Path) -> None:
    job = imported(session, layer(tmp_path / "a.gpkg", length=[180.0, 300.0, 50.0]))
    assert lengths(session) == [50, 100, 100, 150, 150]
    told = "1 lines are said to be more than 2 times as long as they are drawn, and are taken so: row 2 is 300 m for "
    assert f"{told}100 m." in notes(job)
    assert "1 lengths are shorter than their line is drawn, and count as drawn (rows 1 …)." in notes(job)


def test_the_parts_of_a_line_share_its_length(session: Session, tmp_path: Path) -> None:
    both = shapely.MultiLineString([LINES[0], LINES[2]])
    job = imported(session, layer(tmp_path / "a.gpkg", [both], length=[500.0]))
    assert (job.counts, lengths(session)) == ({"new": 1}, [100, 400])


def test_a_row_that_can_be_no_street_is_refused_and_named_and_the_others_come_in_when_asked(
    session: Session, tmp_path: Path
) -> None:
    rows = [LINES[0], shapely.Point(X, Y), None, LINES[2], shapely.LineString([(9e5, 9e5), (9e5, 9e5 + 50)])]
    file = layer(tmp_path / "a.gpkg", rows, length=["200", "1", "1", "-5", "50"])
    job = imported(session, file)
    assert (job.status, job.counts["refused"], lengths(session)) == (JobStatus.refused, 4, [])
    assert said(job) == [
        "2 geometry: is a Point, not a line",
        "3 geometry: is missing",
        "4 length: is no length in metres",
        "5 geometry: lies outside the Netherlands",
    ]
    job = imported(session, file, skip_bad=True)
    assert (job.status, job.counts, lengths(session)) == (JobStatus.done, {"refused": 4, "new": 1}, [200])


def test_a_line_of_no_length_is_left_out_and_counted(session: Session, tmp_path: Path) -> None:
    job = imported(session, layer(tmp_path / "a.gpkg", [*LINES, line((30, 0), (30, 0))]))
    assert job.counts == {"skipped": 1, "new": 3}
    assert "1 left out, as both their ends are one place" in notes(job)


def test_small_islands_are_left_out_when_that_is_asked(session: Session, tmp_path: Path) -> None:
    islands = [*LINES, line((500, 0), (500, 30)), line((500, 30), (500, 40))]
    job = imported(session, layer(tmp_path / "a.gpkg", islands), least_island=50)
    assert lengths(session) == [50, 50, 50, 100, 100]
    assert job.counts == {"skipped": 2, "new": 3}
    assert "2 left out, as both their ends are one place, or they lie on an island that is left out" in notes(job)
    imported(session, layer(tmp_path / "b.gpkg", islands[2:]), least_island=5000)
    assert lengths(session) == [50]  # the largest part stays, however small


@pytest.mark.parametrize(
    ("shapes", "why"),
    [([shapely.Point(X, Y)], "holds no lines, but Point"), ([shapely.LineString([(4, 52), (5, 52)])], "cannot lie")],
)
def test_a_file_without_any_street_is_refused(session: Session, tmp_path: Path, shapes: list[Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        imported(session, layer(tmp_path / "a.gpkg", shapes))


def test_a_table_without_shapes_and_a_damaged_parquet_are_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("length;name\n12;Dam\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="has no lines"):
        imported(session, tmp_path / "a.csv")
    file = layer(tmp_path / "a.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(InvalidInput, match="cannot be read"):
        imported(session, file)
    gpd.pd.DataFrame({"length": [1.0]}).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(InvalidInput, match="holds no geometry"):
        imported(session, tmp_path / "b.parquet")


# One network at a time.


def test_what_is_stored_is_the_network_that_was_made_to_the_last_bit(session: Session, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    spots = rng.uniform(0, 5000, (300, 2))
    lines = [line(*map(tuple, spots[rng.integers(0, 300, 3)].tolist())) for _ in range(400)]
    file = layer(tmp_path / "a.gpkg", lines)
    imported(session, file)
    made, found = network.read(file), network.stored(session)
    assert found is not None
    assert all(np.array_equal(getattr(made, name), getattr(found, name)) for name in made.__dataclass_fields__)
    srid, wrong = session.execute(
        select(
            func.min(func.ST_SRID(NetworkEdge.geom)), func.sum(func.ST_Length(NetworkEdge.geom) - NetworkEdge.metres)
        )
    ).one()
    assert (srid, wrong) == (28992, pytest.approx(0, abs=1e-6))


@pytest.mark.parametrize(
    ("wests", "told"),
    [
        ((0,), None),
        ((0, 60_000), "1 of 2 buurten lie about where these streets are; the others have none."),
        (
            (60_000,),
            "None of the 1 buurten lies where these streets are: all walks stay straight lines. Is it the right area?",
        ),
    ],
)
def test_streets_that_miss_the_neighbourhoods_are_told(
    session: Session, tmp_path: Path, wests: Sequence[int], told: str | None
) -> None:
    west, south = shapely.total_bounds(np.array(LINES))[:2]
    squares = [shapely.box(west + x, south, west + x + 500, south + 500) for x in wests]
    buurten = [Area(f"BU9999010{n}", "Buurt", Level.buurt, square, {}) for n, square in enumerate(squares)]
    neighbourhoods.load(session, buurten, Origin(2024, "paper", None, schematic=True), {})
    found = [note for note in notes(imported(session, layer(tmp_path / "ways.gpkg"))) if "buurten" in note]
    assert found == ([told] if told else [])


def test_without_a_network_there_is_none(session: Session) -> None:
    assert network.stored(session) is None


def test_a_dry_run_tells_the_same_and_stores_nothing(session: Session, tmp_path: Path) -> None:
    job = imported(session, layer(tmp_path / "a.gpkg"), check=True)
    assert (job.status, job.counts, len(notes(job))) == (JobStatus.checked, {"new": 3}, 3)
    assert session.scalar(select(func.count()).select_from(NetworkEdge)) == 0


def test_a_new_network_takes_the_place_of_the_one_before_and_undo_brings_that_back(
    session: Session, tmp_path: Path
) -> None:
    first = imported(session, layer(tmp_path / "a.gpkg", LINES[:1]))
    second = imported(session, layer(tmp_path / "b.gpkg", LINES[2:]))
    assert lengths(session) == [50]
    assert "This network takes the place of the one that was there; undo brings that back." in notes(second)
    assert undo.undo(session, second.id, "test") == {"restored": 1, "removed": 1, "kept": 0, "runs": 0}
    assert lengths(session) == [200]
    assert undo.undo(session, first.id, "test") == {"restored": 0, "removed": 1, "kept": 0, "runs": 0}
    assert network.stored(session) is None
    with pytest.raises(Conflict):
        undo.undo(session, first.id, "test")


def test_taking_an_earlier_network_back_leaves_the_later_one(session: Session, tmp_path: Path) -> None:
    first = imported(session, layer(tmp_path / "a.gpkg", LINES[:1]))
    imported(session, layer(tmp_path / "b.gpkg", LINES[2:]))
    assert undo.undo(session, first.id, "test")["restored"] == 0
    assert lengths(session) == [50]


def test_the_same_network_again_changes_nothing(session: Session, tmp_path: Path) -> None:
    file = layer(tmp_path / "a.gpkg")
    imported(session, file)
    again = imported(session, file)
    assert again.counts == {"unchanged": 3}
    assert session.scalar(select(func.count(func.distinct(NetworkEdge.job_id)))) == 1
    assert undo.undo(session, again.id, "test")["removed"] == 0
    assert lengths(session) == [50, 50, 50, 100, 100]


def test_a_network_can_be_read_without_a_database(tmp_path: Path) -> None:
    made = network.read(layer(tmp_path / "a.gpkg", length=[220, 100, 50]))
    assert (made.nodes, made.edges, made.metres.sum()) == (7, 5, 370)
    with pytest.raises(InvalidInput, match="1 rows can be no street: row 2: geometry is a Point, not a line"):
        network.read(layer(tmp_path / "b.gpkg", [LINES[0], shapely.Point(X, Y)]))
    with pytest.raises(InvalidInput, match="nobody can walk"):
        network.read(extract(tmp_path / "a.osm.pbf", {}))


def test_a_planner_imports_a_network_looks_at_it_first_and_takes_it_back(kaart: Kaart, tmp_path: Path) -> None:
    file = str(layer(tmp_path / "paden.gpkg", length=[220, 100, 50]))
    assert "5 edges between 7 nodes" in kaart("import", "network", file, "--dry-run", "--length-field", "length")
    assert "takes the place" not in kaart("import", "network", file, "--length-field", "length", "--layer", "paden")
    listed = kaart("import", "list")
    assert "network" in listed
    with pytest.raises(Refused, match="no column"):
        kaart("import", "network", file, "--length-field", "lengte")
    job = next(word for word in listed.split() if word.count("-") == 4)
    assert "5 removed" in kaart("import", "undo", job)
