"""The wijken and gemeenten above buurten: linked where they were imported, else made as unions of what lies in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.models import Neighbourhood
from geo.neighbourhoods import Area, Origin, Written
from geo.vocabulary import Level

MADE = " (union of its buurten)"  # ends the source of an area that no file brought
SIGNS = {Level.wijk: 6, Level.gemeente: 4}  # of a code, after its two letters, that all codes below it begin with
LETTERS = {Level.buurt: "BU", Level.wijk: "WK", Level.gemeente: "GM"}
LINK = """UPDATE neighbourhood child SET parent_id = top.id
FROM neighbourhood top
WHERE top.year = :year AND top.code = ANY(CAST(:codes AS text[])) AND child.level = :below
  AND substr(child.code, 3, :signs) = substr(top.code, 3) AND child.parent_id IS DISTINCT FROM top.id
  AND (child.year = top.year OR child.in_force AND top.in_force
    AND NOT EXISTS (SELECT FROM neighbourhood old WHERE old.id = child.parent_id AND old.in_force))"""


class Above(NamedTuple):
    """The levels above buurten, as unions of what lies in them."""

    wijken: list[Area]
    gemeenten: list[Area]


def code_above(code: str, level: Level) -> str:
    """Give the code of the wijk or gemeente in which CBS's code of something smaller lies."""
    return LETTERS[level] + code[2 : 2 + SIGNS[level]]


def unions(session: Session, buurten: Sequence[Area], names: Mapping[str, str]) -> Above:
    """Make the wijken and gemeenten of buurten with CBS's codes; `names` are theirs by code, those that are told."""
    named = {**_stored_names(session), **names}
    wijken = _unions(buurten, Level.wijk, named)
    return Above(wijken, _unions(wijken, Level.gemeente, named))


def store(session: Session, above: Above, origin: Origin) -> tuple[Written, Written]:
    """Store wijken and gemeenten; those that a file of that year brought stay as they are."""
    brought = _brought(session, origin.year)
    made = origin._replace(source=origin.source + MADE)
    tops = neighbourhoods.load(session, [area for area in above.gemeenten if area.code not in brought], made, {})
    of = {area.code: code_above(area.code, Level.gemeente) for area in above.wijken}
    return neighbourhoods.load(session, [area for area in above.wijken if area.code not in brought], made, of), tops


def _unions(parts: Iterable[Area], level: Level, named: Mapping[str, str]) -> list[Area]:
    lies_in: dict[str, list[Area]] = {}
    for part in parts:
        lies_in.setdefault(code_above(part.code, level), []).append(part)
    return [
        neighbourhoods.union(sorted(some, key=lambda part: part.code), code, _name(code, level, named), level)
        for code, some in sorted(lies_in.items())
    ]


def _name(code: str, level: Level, named: Mapping[str, str]) -> str:
    if code in named:
        return named[code]
    if level == Level.gemeente:
        return f"Gemeente {code[2:]}"
    return " ".join(["Wijk", code[-2:], named.get(code_above(code, Level.gemeente), "")]).strip()


def _stored_names(session: Session) -> dict[str, str]:
    """Read what wijken and gemeenten are called in the newest year in which they are stored."""
    stored = select(Neighbourhood.code, Neighbourhood.name).where(Neighbourhood.level.in_(SIGNS))
    return {row.code: row.name for row in session.execute(stored.order_by(Neighbourhood.year))}


def _brought(session: Session, year: int) -> set[str]:
    """Read the codes of the wijken and gemeenten of a year that came from a file, and not from their parts."""
    official = select(Neighbourhood.code).where(
        Neighbourhood.level.in_(SIGNS), Neighbourhood.year == year, Neighbourhood.schematic.is_(False),
        Neighbourhood.source.not_like(f"%{MADE}"),
    )  # fmt: skip
    return set(session.scalars(official))


def stored_above(session: Session, areas: Sequence[Area], year: int) -> dict[str, str]:
    """Give for wijken the code of their gemeente where that is stored in their year."""
    stored = select(Neighbourhood.code).where(Neighbourhood.level == Level.gemeente, Neighbourhood.year == year)
    there = set(session.scalars(stored))
    of = {area.code: code_above(area.code, Level.gemeente) for area in areas if area.level == Level.wijk}
    return {code: parent for code, parent in of.items() if parent in there}


def link(session: Session, areas: Sequence[Area], level: Level, year: int) -> int:
    """Put the areas one level down under wijken or gemeenten that came in; gives how many rows change.

    Those of the same year, and those in force whose parent no longer is.
    """
    below = Level.buurt if level == Level.wijk else Level.wijk
    asked = {"year": year, "codes": [area.code for area in areas], "below": below.value, "signs": SIGNS[level]}
    changed = int(session.execute(text(LINK), asked).rowcount)  # type: ignore[attr-defined]
    session.expire_all()
    return changed
