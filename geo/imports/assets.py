"""Assets from somebody's table: read through a mapping, compared with what is stored, and written all at once."""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from geo import assets
from geo.days import today
from geo.imports import addresses, incoming, places, read, unplaced
from geo.imports import mapping as meaning
from geo.imports import rows as table
from geo.imports.cells import LISTS, READERS, Fault, day
from geo.imports.incoming import FATE, Scope
from geo.imports.jobs import Task
from geo.imports.models import AddressDoubt
from geo.imports.pools import Codes, Mask, Pool
from geo.imports.report import Line, Report, Verdict, shortened
from geo.models import Asset, Neighbourhood
from geo.vocabulary import Kind

DAYS = frozenset(field for field, reader in READERS.items() if reader is day)
ELSEWHERE = ("neighbourhood", "catchment")  # what may stand for a place
WAITS = "waits for somebody to choose its address, since an earlier import"
NONE_RIGHT = "somebody looked at its address, and none of the places found is right"
ARCHIVED = "is archived here, and stays so"
LEFT_OUT = "is stored by an earlier import, and the mapping leaves it out now; it stays as it is"
UNSURE = "Nothing is called missing: without identifiers a row that is refused may be any of those stored."
OTHER_KIND = "is stored as another kind, which stays: archive that one, and give this one another identifier"
DIGITS = 5  # of degrees, a metre: in the hash that stands for an identifier
HASH = 16  # letters of it


class Options(NamedTuple):
    """How a file of assets is read: the text of its mapping, and the layer where the file has several.

    archive_missing  takes off the map what the source held before and no longer does
    locatieserver    the base address of the service that knows where addresses lie; empty where none may be asked
    """

    mapping: str
    layer: str | None = None
    archive_missing: bool = False
    locatieserver: str = ""


class Sheet(NamedTuple):
    """A file as it was read: what its rows say, how the source names them, where they lie, their numbers."""

    rows: table.Rows
    keys: Pool
    shapes: places.Shapes
    numbers: pd.Index

    def key(self, at: int) -> str:
        """Give how the source names a row; empty where it does not."""
        return self.keys.at(at) or ""

    def may_be_any(self, bad: Mask) -> bool:
        """Say whether there are rows of which nobody knows which they are: no identifiers, and not all is read."""
        unread = bad | (self.rows.skipped & shapely.is_missing(self.shapes))
        return self.rows.keys is None and bool(unread.any())


def load(task: Task, options: Options) -> None:
    """Import the assets of a file by (source, source_id); an unchanged row is not written.

    raises InvalidInput where the mapping cannot be used, or the file does not fit it
    """
    mapping = meaning.parse(options.mapping, today())
    scope = Scope(mapping.source, incoming.called(mapping.fields()))
    task.progress("reading", 0, None)
    sheet = _read(task, mapping, options.layer)
    bad = _tell_faults(task.report, sheet)
    good = np.flatnonzero(~bad & ~sheet.rows.skipped)
    task.progress("comparing", 0, len(good))
    incoming.fill(task.session, _packed(sheet, good))
    seen = [sheet.key(at) for at in np.flatnonzero(bad | sheet.rows.skipped).tolist()]
    if mapping.place.address:
        seen += _look_up(task, sheet, scope, options.locatieserver)
    else:
        unplaced.close(task.session, scope.source)
    _tell_corrections(task, scope)
    incoming.compare(task.session, scope)
    _tell_likely(task, scope.source)
    task.progress("writing", 0, len(good))
    incoming.write(task.session, scope)
    _tell_stray(task)
    _tell_fates(task)
    _tell_left_out(task, scope.source, sheet)
    if sheet.may_be_any(bad):
        task.report.note(UNSURE)
    else:
        _tell_missing(task, scope.source, seen, archive=options.archive_missing)


def store_one(session: Session, record: Mapping[str, object], place: BaseGeometry) -> Asset:
    """Store the asset of a doubtful address at the place that somebody chose: a new one, or a new place of a known one.

    record  what `AddressDoubt` keeps: the values as JSON, with source and source_id
    raises  InvalidInput where a rule is broken that was not before
    """
    values: dict[str, Any] = {
        field: date.fromisoformat(str(value)) if field in DAYS and value else value for field, value in record.items()
    }
    values |= {"kind": Kind(str(record["kind"])), "place": place, "area": None}
    known = select(Asset.id).where(Asset.source == record["source"], Asset.source_id == record["source_id"])
    stored = session.scalar(known)
    if stored is None:
        return assets.create(session, values)
    return assets.change(session, stored, {f: v for f, v in values.items() if f != "status"}, None)


def _read(task: Task, mapping: meaning.Mapping, layer: str | None) -> Sheet:
    """Read a file into values, keys and places; a row that nothing places is a fault."""
    frame = read.frame(task.file, layer=layer, columns=partial(meaning.fit, mapping))
    called = _neighbourhoods(task.session) if mapping.fields() & set(ELSEWHERE) else {}
    task.progress("checking", 0, len(frame.data))
    rows = table.read(frame.data, mapping, today(), called)
    shapes, wrong = places.find(frame, mapping.place)
    faults = rows.faults + [fault for fault in wrong if not rows.skipped[fault.at]]
    unplaced_ones = shapely.is_missing(shapes) & ~rows.skipped
    for pool in [rows.asked, *(rows.fields.get(field) for field in ELSEWHERE)]:
        unplaced_ones &= pool.codes < 0 if pool else True
    unplaced_ones[[fault.at for fault in faults]] = False
    reason = "has no place" + (", no address" if mapping.place.address else "") + " and no neighbourhood"
    faults += [Fault(at, "place", "", reason) for at in np.flatnonzero(unplaced_ones).tolist()]
    keys = rows.keys
    if keys is None:
        keys = _hashed(rows, shapes)
        faults += table.same(keys, rows.skipped, frame.data.index, "has the same name and place")
    return Sheet(rows._replace(faults=faults), keys, shapes, frame.data.index)


def _neighbourhoods(session: Session) -> dict[str, str]:
    """Give the id of each neighbourhood by its id and its code; of one code, the one in force or the latest."""
    latest = select(Neighbourhood.code, Neighbourhood.id).order_by(Neighbourhood.in_force, Neighbourhood.year)
    found = [(code, item) for code, item in session.execute(latest)]
    return dict(found) | {item: item for _, item in found}


def _hashed(rows: table.Rows, shapes: places.Shapes) -> Pool:
    """Name rows that their source does not: a hash of the name and the address, or of the name and the place."""
    centres, asked = shapely.centroid(shapes), rows.asked
    spots = zip(shapely.get_x(centres).tolist(), shapely.get_y(centres).tolist(), strict=True)
    told = [
        f"{rows.fields['name'].at(at)}|{(asked.at(at) if asked else None) or f'{x:.{DIGITS}f} {y:.{DIGITS}f}'}"
        for at, (x, y) in enumerate(spots)
    ]
    codes, different = pd.factorize(np.array(told, object))
    return Pool(codes.astype(np.int64), [hashlib.sha256(each.encode()).hexdigest()[:HASH] for each in different])


def _packed(sheet: Sheet, good: Codes) -> pd.DataFrame:
    """Gather the rows that are copied into the database."""
    rows = sheet.rows
    columns = incoming.packed(rows.fields | {"source_id": sheet.keys}, good, today())
    if rows.asked:
        columns |= incoming.packed({"asked": rows.asked}, good, today())
    return pd.DataFrame({"row": sheet.numbers[good], **columns, **incoming.drawn(sheet.shapes[good])})


def _tell_faults(report: Report, sheet: Sheet) -> Mask:
    """Tell what is refused and what is left out; gives which rows are refused."""
    faults = sorted(sheet.rows.faults, key=lambda fault: fault.at)
    for at, field, value, reason in faults:
        report.say(Line(int(sheet.numbers[at]), Verdict.refused, sheet.key(at), field, value, reason))
    for note in sheet.rows.notes:
        report.note(note)
    bad = np.zeros(len(sheet.numbers), bool)
    bad[[fault.at for fault in faults]] = True
    for verdict, rows in ((Verdict.refused, bad), (Verdict.skipped, sheet.rows.skipped)):
        if rows.any():
            report.count(verdict, int(rows.sum()))
    return bad


def _look_up(task: Task, sheet: Sheet, scope: Scope, base_url: str) -> list[str]:
    """Find places for rows that have only an address; gives the keys of those for which there is none yet."""
    lookup = addresses.locatieserver(base_url, task.progress) if base_url else addresses.offline
    decided, left = unplaced.place(task.session, scope, lookup)
    for known in decided:
        verdict, reason = (Verdict.doubtful, WAITS) if known.waits else (Verdict.skipped, NONE_RIGHT)
        _tell(task.report, verdict, known, reason)
    at = {int(number): position for position, number in enumerate(sheet.numbers)} if left else {}
    for each, answer in left:
        _tell(task.report, Verdict.doubtful if answer.candidates else Verdict.refused, each, answer.reason)
        if answer.candidates:
            record = _record(sheet, at[each.row], scope.source)
            candidates = [candidate._asdict() for candidate in answer.candidates]
            doubt = AddressDoubt(row=each.row, asked=each.asked, record=record, candidates=candidates)
            doubt.job_id = task.job.id
            task.session.add(doubt)
    return [each.key for each in decided] + [each.key for each, _ in left]


def _tell(report: Report, verdict: Verdict, row: unplaced.Unplaced, reason: str) -> None:
    report.count(verdict)
    report.say(Line(row.row, verdict, row.key, "address", row.asked, reason))


def _record(sheet: Sheet, at: int, source: str) -> dict[str, object]:
    """Give the values of a row as JSON, all but its place, as `store_one` takes them."""
    told = {field: pool.at(at) for field, pool in sheet.rows.fields.items()}
    plain = {
        f: v.isoformat() if isinstance(v, date) else v for f, v in told.items() if not f.startswith("organisation")
    }
    runs = {field.partition(".")[2]: value for field, value in told.items() if field.startswith("organisation.")}
    organisation = {"organisation": runs if runs.get("name") else None} if runs else {}
    lists = {field: value or [] for field, value in plain.items() if field in LISTS}
    return {**plain, **lists, **organisation, "source": source, "source_id": sheet.key(at)}


def _tell_likely(task: Task, source: str) -> None:
    """Tell which new rows are perhaps the same as another; they are written all the same."""
    for each in incoming.alike(task.session, source):
        other = f"row {each.other_row}" if each.other_row else f"{each.other_source} {each.other_id or ''}".strip()
        reason = f"perhaps the same as {each.other_name!r} ({other}), {each.metres:.0f} m from it"
        task.report.count(Verdict.duplicate)
        task.report.say(Line(each.row, Verdict.duplicate, each.source_id, "name", each.name, reason))


def _tell_corrections(task: Task, scope: Scope) -> None:
    """Keep what people corrected; tell where the source says something new of it."""
    for each in incoming.keep_corrections(task.session, scope):
        field = each.field.removesuffix("_id")
        here, there = (_plain(field, value) for value in (each.stored, each.file))
        reason = f"somebody here changed it to {here}, which stays; the source now says {there}"
        task.report.say(
            Line(each.row, Verdict.doubtful, each.source_id, field, "" if field == "place" else each.file or "", reason)
        )


def _plain(field: str, value: str | None) -> str:
    """Give a value as it may stand in a sentence; a shape as its point."""
    if field == "place" and value:
        spot = shapely.from_wkb(value).representative_point()
        return f"{spot.y:.{DIGITS}f} N, {spot.x:.{DIGITS}f} E"
    return repr(shortened(value)) if value else "nothing"


def _tell_stray(task: Task) -> None:
    """Tell which new rows lie beyond all neighbourhoods; they are written all the same."""
    for stray in incoming.astray(task.session):
        reason = "lies in none of the neighbourhoods that are stored: is the place right?"
        task.report.say(Line(stray.row, Verdict.doubtful, stray.source_id, "place", stray.called or "", reason))


def _tell_fates(task: Task) -> None:
    """Tell how many rows are new, changed and unchanged, and of each that is not simply kept why."""
    told = or_(FATE.c.verdict != "unchanged", FATE.c.archived)
    for each in incoming.told(task.session, task.report, told):
        line = Line(each.row, Verdict(each.verdict), each.source_id, each.fields or "status", "", each.told or ARCHIVED)
        if each.verdict == Verdict.new:
            line = line._replace(field="name", value=each.called or "", reason="")
        elif each.verdict == Verdict.refused:
            line = line._replace(field="kind", reason=OTHER_KIND)
        task.report.say(line)


def _tell_left_out(task: Task, source: str, sheet: Sheet) -> None:
    """Tell what is stored although the mapping leaves it out now; nobody said that it is no more."""
    row = {sheet.key(at): int(sheet.numbers[at]) for at in np.flatnonzero(sheet.rows.skipped).tolist()}
    row.pop("", None)
    for each in incoming.left_out(task.session, source, list(row)) if row else ():
        task.report.say(Line(row[each.source_id], Verdict.skipped, each.source_id, "name", each.name, LEFT_OUT))


def _tell_missing(task: Task, source: str, seen: list[str], *, archive: bool) -> None:
    gone = incoming.missing(task.session, source, seen)
    if not gone:
        return
    verdict = Verdict.archived if archive else Verdict.missing
    if archive:
        incoming.archive(task.session, [each.id for each in gone])
    task.report.count(verdict, len(gone))
    for each in gone:
        reason = "is no longer in the source" + (": archived" if archive else "; it stays on the map")
        task.report.say(Line(0, verdict, each.source_id, "name", each.name, reason))
