"""The wijken and gemeenten above buurten: linked where they were imported, else made as unions of what lies in them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from geoalchemy2.shape import to_shape
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.imports import cbs
from geo.models import Neighbourhood
from geo.neighbourhoods import FIGURES, Area, Origin, Written, to_rd, to_wgs84
from geo.vocabulary import Level

MADE = " (union of its buurten)"  # ends the source of an area that no file brought
SIGNS = {Level.wijk: 6, Level.gemeente: 4}  # of a code, after its two letters, that all codes below it begin with
LETTERS = {Level.buurt: "BU", Level.wijk: "WK", Level.gemeente: "GM"}
BUURT = "^BU[0-9]{4}"  # a code of CBS, not one that somebody else made
LINK = """UPDATE neighbourhood child SET parent_id = top.id
FROM neighbourhood top
WHERE top.year = :year AND top.code = ANY(CAST(:codes AS text[])) AND child.level = :below
  AND substr(child.code, 3, :signs) = substr(top.code, 3) AND child.parent_id IS DISTINCT FROM top.id
  AND (child.year = top.year OR child.in_force AND top.in_force
    AND NOT EXISTS (SELECT FROM neighbourhood old WHERE old.id = child.parent_id AND old.in_force))"""


class Above(NamedTuple):
    """The levels above buurten, as unions of what lies in them.

    unknown   how many buurten of a gemeente (by code) were refused and are not stored: it has no figures
    """

    wijken: list[Area]
    gemeenten: list[Area]
    unknown: Mapping[str, int]


def code_above(code: str, level: Level) -> str:
    """Give the code of the wijk or gemeente in which CBS's code of something smaller lies."""
    return LETTERS[level] + code[2 : 2 + SIGNS[level]]


def unions(session: Session, buurten: Sequence[Area], year: int, rows: pd.DataFrame) -> Above:
    """Make the wijken and gemeenten of buurten with CBS's codes, and of those beside them that are stored of that year.

    rows   of the file with code, name, gemeente and wijk: what it calls the areas above, and which buurten it refused
    """
    named = {**_stored_names(session), **_names(rows)}
    coming = {area.code for area in buurten}
    of = {code_above(area.code, Level.gemeente) for area in buurten}
    beside = _beside(session, buurten, year, of)
    official = rows["code"].dropna().str.fullmatch(cbs.CODE.pattern)
    refused = set(rows["code"].dropna()[official]) - coming - {area.code for area in beside}
    mixed = {code_above(area.code, Level.gemeente) for area in beside}
    # What was stored has lost its last digits on the way to degrees and back; what lies beside it loses the same.
    parts = [
        area._replace(outline=to_rd(to_wgs84(area.outline))) if code_above(area.code, Level.gemeente) in mixed else area
        for area in buurten
    ]
    wijken = _unions([*parts, *beside], Level.wijk, named, refused)
    unknown = Counter(code_above(code, Level.gemeente) for code in refused)
    return Above(
        wijken,
        _unions(wijken, Level.gemeente, named, refused),
        {code: unknown[code] for code in sorted(of) if unknown[code]},
    )


def _beside(session: Session, buurten: Sequence[Area], year: int, of: Collection[str]) -> list[Area]:
    """Read the other buurten of some gemeenten that are stored of a year, with the figures of which the file tells."""
    told = [figure for figure in FIGURES if any(figure in area.figures for area in buurten)]
    of_year = (Neighbourhood.level == Level.buurt, Neighbourhood.year == year)
    there = session.scalars(select(Neighbourhood.code).where(*of_year, Neighbourhood.code.regexp_match(BUURT)))
    coming = {area.code for area in buurten}
    others = [code for code in there if code not in coming and code_above(code, Level.gemeente) in of]
    if not others:
        return []
    stored = select(Neighbourhood).where(*of_year, Neighbourhood.code == func.any(others))
    return [
        Area(
            row.code, row.name, Level.buurt, to_rd(to_shape(row.geom)),
            {figure: getattr(row, figure) for figure in told}, row.figures_missing,
        )
        for row in session.scalars(stored.order_by(Neighbourhood.code))
    ]  # fmt: skip


def _names(rows: pd.DataFrame) -> dict[str, str]:
    """Give what a file calls the wijken and gemeenten of its buurten, by code."""
    names: dict[str, str] = {}
    for column, level in (("gemeente", Level.gemeente), ("wijk", Level.wijk)):
        said = rows[rows[column].notna() & rows["code"].notna()]
        for code, name in zip(said["code"], said[column], strict=True):
            names.setdefault(code_above(code, level), str(name))
    return names


def store(session: Session, above: Above, origin: Origin) -> tuple[Written, Written]:
    """Store wijken and gemeenten; those that a file of that year brought stay as they are."""
    brought = _brought(session, origin.year)
    made = origin._replace(source=origin.source + MADE)
    tops = neighbourhoods.load(session, [area for area in above.gemeenten if area.code not in brought], made, {})
    of = {area.code: code_above(area.code, Level.gemeente) for area in above.wijken}
    return neighbourhoods.load(session, [area for area in above.wijken if area.code not in brought], made, of), tops


def _unions(parts: Iterable[Area], level: Level, named: Mapping[str, str], refused: Collection[str]) -> list[Area]:
    """Make the unions of one level. Those of which a buurt was refused have no figures: nobody knows their sum."""
    lacking = {code_above(code, level) for code in refused}
    lies_in: dict[str, list[Area]] = {}
    for part in parts:
        lies_in.setdefault(code_above(part.code, level), []).append(part)
    made = [
        neighbourhoods.union(sorted(some, key=lambda part: part.code), code, _name(code, level, named), level)
        for code, some in sorted(lies_in.items())
    ]
    return [
        area._replace(figures=dict.fromkeys(area.figures), missing=dict.fromkeys(area.figures, "not_given"))
        if area.code in lacking
        else area
        for area in made
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
