"""Where rows lie: degrees, metres and shapes become points and areas in WGS 84, or are refused with why."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import InvalidInput
from geo.imports import places
from geo.imports.mapping import Place
from geo.imports.read import Frame

DEGREES, METRES = Place(lonlat=("lon", "lat")), Place(xy=("x", "y"))
AMERSFOORT_RD, AMERSFOORT = (155_000, 463_000), (5.38720621, 52.15517440)  # where RD New is tied to WGS 84


def table(names: tuple[str, str], *spots: tuple[Any, Any]) -> Frame:
    return Frame(pd.DataFrame(list(spots), columns=list(names), dtype=object), None, None)


def drawn(crs: int | None, *shapes: Any) -> Frame:
    held = np.empty(len(shapes), object)
    held[:] = shapes
    return Frame(pd.DataFrame(index=range(len(shapes))), held, crs)


def reason(frame: Frame, place: Place) -> str:
    """Give why the only row is refused."""
    found = places.find(frame, place)
    [fault] = found.faults
    assert fault.at == 0
    assert found.shapes[0] is None
    return fault.reason


def test_degrees_are_read_with_a_point_or_a_comma() -> None:
    found = places.find(table(("lon", "lat"), (" 4,8952", "52.3702"), (4.8952, 52.3702), (None, "")), DEGREES)
    assert found.faults == []
    assert [None if shape is None else (shape.x, shape.y) for shape in found.shapes] == [(4.8952, 52.3702)] * 2 + [None]


def test_metres_become_degrees() -> None:
    [point] = places.find(table(("x", "y"), AMERSFOORT_RD), METRES).shapes
    assert (point.x, point.y) == pytest.approx(AMERSFOORT, abs=1e-5)  # 0.25 m is 0.000004 degrees


@pytest.mark.parametrize(
    ("spot", "cause"),
    [
        ((52.3702, 4.8952), "latitude, longitude"),
        ((121_687, 487_316), "RD New"),
        ((13.4, 52.5), "outside the Netherlands"),
        ((0, 0), "unknown place"),
        (("NaN", "52"), "is no number"),
        (("inf", "52"), "is no number"),
        ((float("inf"), 52.0), "is no number"),
        (("1e999", "52"), "is no number"),
        (("4.895.168", "52"), "separator for thousands"),
        (("4,8", None), "is empty, though 'lon' is given"),
        ((None, "52"), "is empty, though 'lat' is given"),
        (("west", "52"), "is no number"),
    ],
)
def test_degrees_that_are_none_are_refused_with_the_likely_cause(spot: tuple[Any, Any], cause: str) -> None:
    assert cause in reason(table(("lon", "lat"), spot), DEGREES)


@pytest.mark.parametrize(
    ("spot", "cause"),
    [
        ((4.8952, 52.3702), "looks like degrees"),
        ((487_316, 121_687), "give x first"),
        (("121.687", "487.316"), "separates thousands"),
        (("121.687,50", "487.316,00"), "separator for thousands"),
        ((900_000, 487_316), "outside the Netherlands"),
        ((0, 0), "unknown place"),
        ((2_000, 300_000), "outside the Netherlands"),
    ],
)
def test_metres_that_are_none_are_refused_with_the_likely_cause(spot: tuple[Any, Any], cause: str) -> None:
    found = places.find(table(("x", "y"), spot), METRES)
    assert cause in " ".join(fault.reason for fault in found.faults)
    assert found.shapes[0] is None


def test_an_empty_way_falls_to_the_next_but_a_wrong_one_does_not() -> None:
    data = pd.DataFrame(
        {"lon": [None, "5.387", "52.2"], "lat": [None, "52.155", "5.4"], "x": [155_000] * 3, "y": [463_000] * 3},
        dtype=object,
    )
    found = places.find(Frame(data, None, None), Place(lonlat=("lon", "lat"), xy=("x", "y")))
    assert [None if shape is None else round(shape.x, 3) for shape in found.shapes] == [5.387, 5.387, None]
    assert [(fault.at, fault.field) for fault in found.faults] == [(2, "lon, lat")]


def test_shapes_become_points_and_areas_in_degrees() -> None:
    square = shapely.box(5.38, 52.15, 5.39, 52.16)
    frame = drawn(4326, shapely.Point(5.4, 52.1, 7), shapely.MultiPoint([(5.4, 52.1)]), square, None, shapely.Point())
    found = places.find(frame, Place(geometry=True))
    assert found.faults == []
    assert [None if shape is None else shape.geom_type for shape in found.shapes] == [
        "Point", "Point", "MultiPolygon", None, None,
    ]  # fmt: skip
    assert not found.shapes[0].has_z
    assert found.shapes[2].equals(square)


@pytest.mark.parametrize(("said_by_file", "said_by_mapping"), [(28992, None), (None, 28992), (4326, 28992)])
def test_the_mapping_may_say_what_the_file_does_not(said_by_file: int | None, said_by_mapping: int | None) -> None:
    frame = drawn(said_by_file, shapely.Point(AMERSFOORT_RD))
    [point] = places.find(frame, Place(geometry=True, crs=said_by_mapping)).shapes
    assert (point.x, point.y) == pytest.approx(AMERSFOORT, abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "crs", "cause"),
    [
        (shapely.LineString([(5, 52), (5.1, 52)]), 4326, "is a LineString"),
        (shapely.MultiPoint([(5, 52), (5.1, 52)]), 4326, "is a MultiPoint"),
        (shapely.Polygon([(4.4, 52.1), (4.5, 52.2), (4.5, 52.1), (4.4, 52.2)]), 4326, "crosses itself"),
        (shapely.Point(AMERSFOORT_RD), None, "RD New"),
        (shapely.Point(52.1, 5.4), 4326, "latitude, longitude"),
        (shapely.Point(5.4, 52.1), 28992, "looks like degrees"),
        (shapely.Point(float("nan"), 52.1), 4326, "no number"),
    ],
)
def test_a_shape_that_is_no_place_is_refused_with_the_likely_cause(shape: Any, crs: int | None, cause: str) -> None:
    assert cause in reason(drawn(crs, shape), Place(geometry=True))


def test_what_the_caller_gave_is_left_as_it_was() -> None:
    frame = drawn(4326, shapely.MultiPoint([(5.4, 52.1)]), shapely.Point(52.1, 5.4))
    before = frame.shapes.tolist() if frame.shapes is not None else []
    places.find(frame, Place(geometry=True))
    assert frame.shapes is not None
    assert frame.shapes.tolist() == before


def test_a_mapping_that_counts_on_shapes_needs_a_file_with_shapes() -> None:
    with pytest.raises(InvalidInput, match="the file has no shapes"):
        places.find(table(("lon", "lat"), (5, 52)), Place(geometry=True))


def test_a_coordinate_system_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match="EPSG:2"):
        places.find(drawn(2, shapely.Point(5, 52)), Place(geometry=True))
