"""Pages and single features of what is kept ready: one round trip, text by text, in the order of the collections."""

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from geo import cursors, queryables
from geo.catalogue import COLLECTIONS
from geo.collections import Box
from geo.cursors import Key, Values
from geo.ready.readers import Reader
from geo.vocabulary import Kind, Level

WIDE = 0.5  # degrees: how a wider box is best read depends on what lies in it, so that is thought over each time


class Source(NamedTuple):
    """How a collection is read ready: its statements (`_source`), and of which kind or level its features are."""

    page: LiteralString
    onward: LiteralString
    in_box: LiteralString
    onward_in_box: LiteralString
    counted: LiteralString
    counted_in_box: LiteralString
    one: LiteralString
    alone: str | None
    keys: list[Key]


class Asked(NamedTuple):
    """A page that is asked for: how many at most, in which box, after which feature."""

    limit: int
    box: Box | None = None
    after: Values | None = None


class Found(NamedTuple):
    """The texts of a page, and the cursor of the page after it, None where it is the last."""

    features: list[str]
    cursor: str | None


def _source(
    table: LiteralString, keys: LiteralString, of: LiteralString, types: LiteralString, alone: str | None, name: str
) -> Source:
    """Compose the statements of a collection from our own words; values are bound when it is asked."""
    there: LiteralString = "from_day <= d.day AND to_day >= d.day" if of == "kind" else "true"
    today: LiteralString = "(SELECT (now() AT TIME ZONE 'Europe/Amsterdam')::date AS day) AS d"
    where: LiteralString = f"{there} AND {of} = %(alone)s" if alone else there
    box: LiteralString = "ST_Intersects(shape, ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326))"
    page: LiteralString = f"SELECT body, {keys} FROM {table}, {today} WHERE {where}"  # noqa: S608 - our own words
    count: LiteralString = f"SELECT count(*) FROM {table}, {today} WHERE {where}"  # noqa: S608 - our own words
    after: LiteralString = f"({keys}) > ({types})"
    end: LiteralString = f"ORDER BY {keys} LIMIT %(limit)s"
    return Source(
        page=f"{page} {end}", onward=f"{page} AND {after} {end}",
        in_box=f"{page} AND {box} {end}", onward_in_box=f"{page} AND {box} AND {after} {end}",
        counted=count, counted_in_box=f"{count} AND {box}",
        one=f"SELECT body FROM {table}, {today} WHERE {where} AND id = %(item)s",  # noqa: S608 - our own words
        alone=alone, keys=[Key(queryables.expression(column)) for column in COLLECTIONS[name].order],
    )  # fmt: skip


def _assets(name: str, kind: Kind | None = None) -> Source:
    return _source("ready_asset", "name, id", "kind", "%(k0)s, %(k1)s::uuid", kind, name)


def _areas(name: str, level: Level | None = None) -> Source:
    types: LiteralString = "%(k0)s, %(k1)s::integer, %(k2)s"
    return _source("ready_neighbourhood", "code, year, id", "level", types, level, name)


SOURCES: Mapping[str, Source] = {
    "assets": _assets("assets"),
    "community_rooms": _assets("community_rooms", Kind.community_room),
    "initiatives": _assets("initiatives", Kind.initiative),
    "care_locations": _assets("care_locations", Kind.care_location),
    "neighbourhoods": _areas("neighbourhoods"),
    "buurten": _areas("buurten", Level.buurt),
    "wijken": _areas("wijken", Level.wijk),
    "gemeenten": _areas("gemeenten", Level.gemeente),
    "drawn_neighbourhoods": _areas("drawn_neighbourhoods", Level.drawn),
}


async def page(reader: Reader, name: str, asked: Asked) -> Found:
    """Read a page. Raises one of `readers.FAILURES`."""
    source = SOURCES[name]
    told: dict[str, object] = {"limit": asked.limit + 1, "alone": source.alone, **_corners(asked.box)}
    told |= {f"k{number}": value for number, value in enumerate(asked.after or ())}
    ways = ((source.page, source.onward), (source.in_box, source.onward_in_box))
    statement = ways[asked.box is not None][asked.after is not None]
    rows = await reader.rows(statement, told, prepare=_is_narrow(asked.box))
    here = rows[: asked.limit]
    further = cursors.written("", [str(value) for value in here[-1][1:]]) if len(rows) > len(here) else None
    return Found([row[0] for row in here], further)


async def count(reader: Reader, name: str, box: Box | None) -> int:
    """Count what a collection has, in a box or in all. Raises one of `readers.FAILURES`."""
    source = SOURCES[name]
    statement = source.counted if box is None else source.counted_in_box
    [(found,)] = await reader.rows(statement, {"alone": source.alone, **_corners(box)}, prepare=_is_narrow(box))
    return int(found)


async def one(reader: Reader, name: str, item: object) -> str | None:
    """Read one feature; None where there is none that the public sees. Raises one of `readers.FAILURES`."""
    source = SOURCES[name]
    rows = await reader.rows(source.one, {"item": item, "alone": source.alone})
    return str(rows[0][0]) if rows else None


def after(name: str, cursor: str) -> Values:
    """Read a cursor. Raises InvalidInput for one that no page of the collection gave."""
    return cursors.read(cursor, "", SOURCES[name].keys)


def _corners(box: Box | None) -> dict[str, object]:
    return {} if box is None else dict(zip(("west", "south", "east", "north"), box, strict=True))


def _is_narrow(box: Box | None) -> bool:
    return box is None or (box[2] - box[0] <= WIDE and box[3] - box[1] <= WIDE)
