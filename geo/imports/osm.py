"""OpenStreetMap as a source of proposals: kept apart under its own licence, shown to nobody until somebody accepts it.

A proposal follows OpenStreetMap. One that was accepted belongs to the people here: a later extract changes nothing in
it, and what it says otherwise is told. One that was dismissed stays so. Coordinates and texts keep the licence of their
source (ODbL): whoever publishes them names © OpenStreetMap contributors.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import func, select, text

from geo import checks
from geo.days import today
from geo.imports import extract, incoming, tags
from geo.imports.extract import Box, Element
from geo.imports.incoming import FATE, Scope
from geo.imports.jobs import Task
from geo.imports.pools import Pool
from geo.imports.report import Line, Report, Verdict
from geo.sql import statements
from geo.vocabulary import Kind, Status

SOURCE, LICENCE = "OpenStreetMap", "ODbL-1.0"
ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0 (openstreetmap.org/copyright)"
TOLD = """kind name services themes target_groups accessibility address postcode city opening_hours url
 organisation""".split()
FIELDS = frozenset({*TOLD, "licence", "status"})
NO_OUTLINE = "its outline is not whole in this extract"
LEAVE, MISSING = statements("imports/osm.sql")


class Options(NamedTuple):
    """archive_missing  puts away what the source held before in the area of the extract, and no longer does."""

    archive_missing: bool = False


class Candidate(NamedTuple):
    """An element that may be an asset: its number in the report, its id, its values, its place."""

    row: int
    key: str
    told: dict[str, Any]
    place: shapely.Point


def load(task: Task, options: Options) -> None:
    """Import the candidates of an extract by their OSM id, as proposals. An unchanged one is not written.

    raises  InvalidInput where the file is no whole .osm.pbf
    """
    found = extract.read(task.file, tags.wanted(), task.progress)
    candidates = list(_candidates(task.report, found.elements))
    task.progress("comparing", 0, len(candidates))
    scope = Scope(SOURCE, FIELDS)
    incoming.fill(task.session, _packed(candidates))
    incoming.compare(task.session, scope)
    _leave_decided(task)
    _tell_likely(task)
    task.progress("writing", 0, len(candidates))
    incoming.write(task.session, scope)
    _tell_fates(task)
    task.report.note(f"Source: {ATTRIBUTION}")
    box = found.box or _spanned([element.place for element in found.elements if element.place is not None])
    if box is not None:
        seen = [element.id for element in found.elements if tags.why_not(element.tags) is None]
        _tell_missing(task, box, seen, archive=options.archive_missing)


def _candidates(report: Report, elements: list[Element]) -> Iterator[Candidate]:
    """Sort out what may be an asset; what is left out is counted by its reason, and told where somebody can mend it."""
    left_out: Counter[str] = Counter()
    for row, element in enumerate(elements, 1):
        if why := tags.why_not(element.tags):
            left_out[why] += 1
            continue
        values = tags.values(element.tags)
        flaws = checks.asset_flaws({**values, "place": element.place}, today())
        if element.place is None or flaws:
            reason = "; ".join(flaw.reason for flaw in flaws) or NO_OUTLINE
            report.say(Line(row, Verdict.skipped, element.id, "place", values["name"], reason))
            report.count(Verdict.skipped)
            continue
        yield Candidate(row, element.id, values, element.place)
    for why, times in left_out.most_common():
        report.count(Verdict.skipped, times)
        report.note(f"{times} left out, {why}")


def _packed(candidates: list[Candidate]) -> pd.DataFrame:
    """Gather the candidates as they are copied into the database."""
    at = np.arange(len(candidates))
    fields = {field: _pool([each.told.get(field) for each in candidates]) for field in TOLD if field != "organisation"}
    runs = [(each.told.get("organisation") or {}).get("name") for each in candidates]
    fields |= {
        "organisation.name": _pool(runs),
        "source_id": _pool([each.key for each in candidates]),
        "licence": _pool([LICENCE] * len(at)),
        "status": _pool([Status.proposed] * len(at)),
    }
    places = np.empty(len(at), object)
    places[:] = [each.place for each in candidates]
    rows = np.array([each.row for each in candidates], np.int64)
    return pd.DataFrame({"row": rows, **incoming.packed(fields, at, today()), **incoming.drawn(places)})


def _pool(values: list[Any]) -> Pool:
    """Keep each different value once, as it is written; what is None is nothing."""
    different = {repr(value): value for value in values if value is not None}
    code = {told: at for at, told in enumerate(different)}
    return Pool(np.array([code.get(repr(value), -1) for value in values], np.int64), list(different.values()))


def _leave_decided(task: Task) -> None:
    """Take what somebody has decided on out of what is written; say what OpenStreetMap tells otherwise of it."""
    left = task.session.execute(text(LEAVE), {"source": SOURCE})
    for row, key, verdict, how, status, was, becomes, by_hand in left:
        said = how if verdict == Verdict.changed else f"kind: {was} → {becomes}, and a kind stays as it is"
        if status == Status.archived:
            reason = "was dismissed here, and stays so"
        elif status == Status.published:
            reason = f"was accepted here, and stays as it is; OpenStreetMap now says {said}"
        elif by_hand and verdict == Verdict.changed:
            reason = f"was edited here, and stays as it is; OpenStreetMap now says {said}"
        else:
            reason = said
        task.report.say(Line(row, Verdict.skipped, key, "status", status, reason))


def _tell_likely(task: Task) -> None:
    for each in incoming.alike(task.session, SOURCE):
        other = f"in this extract, {each.other_id}" if each.other_row else _called(each.other_source, each.other_id)
        reason = f"perhaps the same as {each.other_name!r} ({other}), {each.metres:.0f} m from it"
        task.report.count(Verdict.duplicate)
        task.report.say(Line(each.row, Verdict.duplicate, each.source_id, "name", each.name, reason))


def _called(source: str, source_id: str | None) -> str:
    """Name a record by its source and what it is called there, where it is called anything."""
    return f"{source} {source_id}" if source_id else source


def _tell_fates(task: Task) -> None:
    fates = incoming.told(task.session, task.report, FATE.c.verdict.in_(("new", "changed")))
    by_kind = (
        select(FATE.c.kind, func.count()).where(FATE.c.verdict == "new").group_by(FATE.c.kind).order_by(FATE.c.kind)
    )
    for kind, times in task.session.execute(by_kind):
        task.report.note(f"{times} proposed as {Kind(kind)}")
    for each in fates:
        new = each.verdict == Verdict.new
        field, value, reason = ("name", each.called, "") if new else (each.fields, "", each.told)
        task.report.say(Line(each.row, Verdict(each.verdict), each.source_id, field, value, reason))


def _spanned(places: list[shapely.Point]) -> Box | None:
    """Give what an extract covers at least, where it does not say so itself."""
    if not places:
        return None
    west, south, east, north = shapely.total_bounds(places)
    return west, south, east, north


def _tell_missing(task: Task, box: Box, seen: list[str], *, archive: bool) -> None:
    """Tell what lies in the area of the extract and is not in it; another municipality's is not looked at."""
    west, south, east, north = box
    asked = {"source": SOURCE, "seen": seen, "west": west, "south": south, "east": east, "north": north}
    gone = task.session.execute(text(MISSING), asked).all()
    away = [each.id for each in gone if archive and not (each.decided or each.by_hand)]
    if away:
        incoming.archive(task.session, away)
    for each in gone:
        reason = "is no longer in OpenStreetMap, or tagged otherwise"
        if archive and not (each.decided or each.by_hand):
            verdict, reason = Verdict.archived, f"{reason}: put away"
        else:
            why = "was accepted here, and " if each.decided else "was edited here, and " if each.by_hand else ""
            verdict, reason = Verdict.missing, f"{reason}; it {why}stays"
        task.report.count(verdict)
        task.report.say(Line(0, verdict, each.source_id, "name", each.name, reason))
