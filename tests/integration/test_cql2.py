"""Filters in CQL2: each means in the database what it means on paper, as text and as JSON; all else is refused."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyproj
import pytest
import shapely
from geoalchemy2 import Geometry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping
from shapely.ops import nearest_points
from sqlalchemy import Boolean, Column, Connection, Date, DateTime, Float, Integer, MetaData, Table, Text, select

from geo.cql2.conditions import SUPPORTED
from geo.cql2.reading import json_condition, text_condition
from geo.cql2.values import Kind, Known, Property
from geo.errors import InvalidInput

ROWS = Table(
    "cql2_rows", MetaData(), Column("id", Integer), Column("name", Text), Column("kind", Text), Column("size", Float),
    Column("open", Boolean), Column("day", Date), Column("moment", DateTime(timezone=True)),
    Column("place", Geometry("POINT", 4326)), Column("area", Geometry("POLYGON", 4326)), prefixes=["TEMP"],
)  # fmt: skip
KINDS = ["room", "care"]
PROPERTIES = Known(
    {
        "name": Property(Kind.text, [ROWS.c.name]),
        "kind": Property(Kind.text, [ROWS.c.kind], frozenset(KINDS)),
        "size": Property(Kind.number, [ROWS.c.size]),
        "open": Property(Kind.yes_or_no, [ROWS.c.open]),
        "day": Property(Kind.day, [ROWS.c.day]),
        "moment": Property(Kind.moment, [ROWS.c.moment]),
        "geometry": Property(Kind.geometry, [ROWS.c.place, ROWS.c.area]),
    }
)
NAMES = ["Noord", "noord", "De Brug", "100%", "a_b", "O'Hara", 'zeg "hoi"', "", "naïef"]
DAY, MOMENT = date(2026, 11, 22), datetime(2026, 11, 22, 9, tzinfo=UTC)
GEOD = pyproj.Geod(ellps="WGS84")
Row = dict[str, Any]


def rows() -> Iterator[Row]:
    """Give rows of which some lack each thing."""
    for n in range(120):
        spot = shapely.Point(4.4 + 0.01 * (n % 11), 52.1 + 0.01 * (n % 7))
        yield {
            "id": n, "name": None if n % 13 == 0 else NAMES[n % len(NAMES)], "kind": KINDS[n % 2],
            "size": None if n % 7 == 3 else (n % 10) - 2.5, "open": None if n % 5 == 4 else n % 3 == 0,
            "day": None if n % 11 == 5 else DAY + timedelta(n % 9 - 4),
            "moment": None if n % 6 == 1 else MOMENT + timedelta(hours=n % 20 - 10),
            "place": spot if n % 4 else None, "area": None if n % 4 or n % 8 == 0 else spot.buffer(0.004, 2),
        }  # fmt: skip


ALL = list(rows())


@pytest.fixture(scope="module")
def stored(engine: Any) -> Iterator[Connection]:
    """Give a connection that sees the rows in a table of its own."""
    with engine.connect() as connection:
        ROWS.create(connection)
        told = [
            {**row, **{g: None if row[g] is None else f"SRID=4326;{row[g].wkt}" for g in ("place", "area")}}
            for row in ALL
        ]
        connection.execute(ROWS.insert(), told)
        yield connection
        connection.rollback()


SIZES = st.sampled_from([-2.5, -1, 0, 0.5, 3.5, 4])
DAYS = st.sampled_from([DAY + timedelta(n) for n in range(-5, 6)])
MOMENTS = st.sampled_from([MOMENT + timedelta(hours=n) for n in range(-11, 11)])
SHAPES = st.sampled_from(
    [
        shapely.box(4.41, 52.11, 4.455, 52.145),
        shapely.Point(4.4, 52.1),
        shapely.LineString([(4.4, 52.1), (4.5, 52.16)]),
        shapely.Polygon([(4.395, 52.095), (4.46, 52.095), (4.43, 52.17)]),
    ]
)


def literal(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat().replace("+00:00", "Z")}
    return {"date": value.isoformat()} if isinstance(value, date) else value


def compared(name: str, values: st.SearchStrategy[Any], ops: tuple[str, ...]) -> st.SearchStrategy[Row]:
    both = st.tuples(st.sampled_from(ops), values, st.booleans())
    return both.map(
        lambda t: {"op": t[0], "args": [{"property": name}, literal(t[1])][:: 1 if t[2] or t[0] == "like" else -1]}
    )


ORDERED = ("=", "<>", "<", "<=", ">", ">=")
LEAVES = st.one_of(
    compared("name", st.sampled_from(NAMES), ORDERED[:2]),
    compared("name", st.sampled_from(["%oo%", "a\\_b", "a_b", "100\\%", "%", "", "De%", "O'H_ra"]), ("like",)),
    compared("kind", st.sampled_from(KINDS), ORDERED[:2]),
    compared("size", SIZES, ORDERED),
    compared("open", st.booleans(), ORDERED[:2]),
    compared("day", DAYS, ORDERED),
    compared("moment", MOMENTS, ORDERED),
    st.sampled_from(list(PROPERTIES.properties)).map(lambda name: {"op": "isNull", "args": [{"property": name}]}),
    st.tuples(SIZES, SIZES).map(lambda t: {"op": "between", "args": [{"property": "size"}, *t]}),
    st.tuples(DAYS, DAYS).map(lambda t: {"op": "between", "args": [{"property": "day"}, *map(literal, t)]}),
    st.lists(st.sampled_from(NAMES), min_size=1).map(lambda t: {"op": "in", "args": [{"property": "name"}, t]}),
    st.lists(SIZES, min_size=1).map(lambda t: {"op": "in", "args": [{"property": "size"}, t]}),
    st.tuples(st.sampled_from(["t_after", "t_before"]), MOMENTS).map(
        lambda t: {"op": t[0], "args": [{"property": "moment"}, literal(t[1])]}
    ),
    st.tuples(st.sampled_from(["s_intersects", "s_within"]), SHAPES).map(
        lambda t: {"op": t[0], "args": [{"property": "geometry"}, mapping(t[1])]}
    ),
    st.tuples(SHAPES.filter(lambda s: s.geom_type == "Point"), st.sampled_from([0, 1000, 2500])).map(
        lambda t: {"op": "s_dwithin", "args": [{"property": "geometry"}, mapping(t[0]), t[1]]}
    ),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).flatmap(
            lambda parts: st.sampled_from(["and", "or"]).map(lambda op: {"op": op, "args": parts})
        ),
        inner.map(lambda part: {"op": "not", "args": [part]}),
    ),
    max_leaves=6,
)


def meant(node: Row, row: Row) -> bool | None:
    """Say on paper whether a filter holds of a row: yes, no, or unknown."""
    op, args = node["op"], node["args"]
    if op in ("and", "or"):
        parts = [meant(part, row) for part in args]
        decided = op == "or"
        return decided if decided in parts else None if None in parts else not decided
    if op == "not":
        part = meant(args[0], row)
        return None if part is None else not part
    if "property" not in (args[0] if isinstance(args[0], dict) else {}):
        op = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
        args = args[::-1]
    name = args[0]["property"]
    if name == "geometry":
        return about_shape(op, args, row["place"] or row["area"])
    value = row[name]
    if op == "isNull":
        return value is None
    return None if value is None else about_value(op, value, [read(arg) for arg in args[1:]])


def read(told: Any) -> Any:
    if isinstance(told, dict):
        return date.fromisoformat(told["date"]) if "date" in told else datetime.fromisoformat(told["timestamp"])
    return told


def about_value(op: str, value: Any, args: list[Any]) -> bool:
    if op == "like":
        return like(value, args[0])
    if op == "between":
        return bool(args[0] <= value <= args[1])
    answers: dict[str, bool] = {"in": isinstance(args[0], list) and value in args[0]}
    if op == "in":
        return answers["in"]
    order = {"=": value == args[0], "<>": value != args[0]}
    if op in order:
        return bool(order[op])
    less, same = value < args[0], value == args[0]
    told = {"<": less, "<=": less or same, ">": not (less or same), ">=": not less}
    return bool({**told, "t_after": told[">"], "t_before": told["<"]}[op])


def like(value: str, pattern: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "\\":
        return value[:1] == pattern[1] and like(value[1:], pattern[2:])
    if pattern[0] == "%":
        return any(like(value[n:], pattern[1:]) for n in range(len(value) + 1))
    return bool(value) and pattern[0] in ("_", value[0]) and like(value[1:], pattern[1:])


def about_shape(op: str, args: list[Any], shape: Any) -> bool | None:
    if op == "isNull":
        return shape is None
    if shape is None:
        return None
    there = shapely.geometry.shape(args[1])
    if op == "s_dwithin":
        (x, y), (east, north) = (spot.coords[0] for spot in nearest_points(shape, there))
        return bool(shape.intersects(there) or GEOD.inv(x, y, east, north)[2] <= args[2])
    return bool(shape.intersects(there) if op == "s_intersects" else shape.within(there))


def text(node: Row) -> str:
    """Write a filter as CQL2 text."""
    op, args = node["op"], node["args"]
    if op in ("and", "or"):
        return "(" + f" {op.upper()} ".join(map(text, args)) + ")"
    if op == "not":
        return f"NOT ({text(args[0])})"
    told = [words(arg) for arg in args]
    if op == "isNull":
        return f"{told[0]} IS NULL"
    if op == "between":
        return f"{told[0]} BETWEEN {told[1]} AND {told[2]}"
    if op in ("in", "like") or not op[0].isalpha():
        return f"{told[0]} {op.upper()} {told[1]}"
    return f"{op.upper()}({', '.join(told)})"


def words(told: Any) -> str:
    if isinstance(told, list):
        return "(" + ", ".join(map(words, told)) + ")"
    if isinstance(told, dict):
        if "property" in told:
            return str(told["property"])
        if "coordinates" in told:
            return str(shapely.geometry.shape(told).wkt)
        ((key, value),) = told.items()
        return f"{key.upper()}('{value}')"
    return "'" + told.replace("'", "''") + "'" if isinstance(told, str) else json.dumps(told)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILTERS)
def test_a_filter_means_in_the_database_what_it_means_on_paper(stored: Connection, node: Row) -> None:
    expected = [row["id"] for row in ALL if meant(node, row)]
    for condition in (json_condition(json.dumps(node), PROPERTIES), text_condition(text(node), PROPERTIES)):
        assert sorted(stored.scalars(select(ROWS.c.id).where(condition))) == expected, text(node)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("naam = 'x'", "asks for 'naam'; there are: name, kind,"),
        ("kind = 'rom'", "it is one of: care, room"),
        ("size = 'big'", "another kind"),
        ("size = TRUE", "another kind"),
        ("name = 3", "another kind"),
        ("open > TRUE", "has not"),
        ("day = 'yesterday'", "is no date"),
        ("moment > TIMESTAMP('noon')", "is no date-time"),
        ("geometry = 'x'", "has not"),
        ("size = 1e999", "another kind"),
        ("name = size", "another kind"),
        ("1 = 1", "one side must be a property"),
        ("size + 1 = 2", "one side must be a property"),
        ("CASEI(name) = 'a'", "one side must be a property"),
        ("foo(name)", "has the operator 'foo'"),
        ("a_contains(name, 'x')", "not supported"),
        ("name", "neither true nor false"),
        ("TRUE", "neither true nor false"),
        ("", "is no CQL2 text at character 1"),
        ("name = 'x'; DROP TABLE asset", "is no CQL2 text at character 11"),
        ("size > ", "is no CQL2 text"),
        ("s_intersects(geometry, POINT(200 52))", "outside the world"),
        ("s_intersects(geometry, POINT(52.1 4.4, 3 3))", "is no CQL2 text"),
        ("s_intersects(geometry, POLYGON((4 52, 5 53, 5 52, 4 53, 4 52)))", "not valid"),
        ("s_intersects(name, POINT(4 52))", "what only geometry"),
        ("s_dwithin(geometry, POINT(4 52), 100001)", "between 0 and 100000 metres"),
        ("s_dwithin(geometry, POINT(4 52), 10, 'feet')", "give metres"),
        ("t_after(name, TIMESTAMP('2026-11-22T09:00:00Z'))", "what only date, date-time"),
        ("name LIKE 'x\\'", "ends in a single"),
        ("(" * 11 + "size=1" + ")" * 11, "more than 10 brackets"),
        ("(" * 2000 + "size=1" + ")" * 2000, "characters"),
        ("name='x' AND " + "(" * 20, "more than 10 brackets"),
        ("name='\\' AND " + "(" * 23, "more than 10 brackets"),
        ("name='x' AND ((size=1)", "not closed"),
        ("name='x' AND size=1)", "not closed"),
        ("name='x", "not closed"),
        ("NOT " * 100 + "size=1", "more than 20 operators"),
        ("size=1 OR " * 300 + "size=1", "more than 2048"),
    ],
    ids=str,
)
def test_what_is_not_in_the_subset_is_refused_with_the_reason(told: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        text_condition(told, PROPERTIES)
    assert reason in str(refusal.value)
    assert [flaw.field for flaw in refusal.value.flaws] == ["filter"]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([{"property": "size"}]),
                    lambda inner: st.lists(inner) | st.fixed_dictionaries(
                        {"op": st.sampled_from([*SUPPORTED, "x"]), "args": st.lists(inner)})))  # fmt: skip
def test_whatever_json_is_sent_is_a_condition_or_a_refusal(node: Any) -> None:
    try:
        json_condition(json.dumps(node), PROPERTIES)
    except InvalidInput:
        return


@given(st.text(st.sampled_from("()'\"andort=<>size ,.01[]{}%\\")))
def test_whatever_text_is_sent_is_a_condition_or_a_refusal(told: str) -> None:
    try:
        text_condition(told, PROPERTIES)
    except InvalidInput:
        return


@pytest.mark.parametrize("deep", ["[" * 600, '{"op":"not","args":[' * 90, '{"a":' * 300])
def test_json_that_is_too_deep_is_refused_before_it_is_taken_apart(deep: str) -> None:
    with pytest.raises(InvalidInput, match="more than 20 operators"):
        json_condition(deep, PROPERTIES)


def test_a_moment_needs_a_time_zone() -> None:
    node = {"op": ">", "args": [{"property": "moment"}, {"timestamp": "2026-11-22T09:00:00"}]}
    with pytest.raises(InvalidInput, match="without a time zone"):
        json_condition(json.dumps(node), PROPERTIES)


def test_brackets_and_signs_within_quotes_are_words(stored: Connection) -> None:
    assert list(stored.scalars(select(ROWS.c.id).where(text_condition(f"name = '{'(' * 50}'", PROPERTIES)))) == []
