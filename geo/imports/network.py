"""The streets that people walk, out of OpenStreetMap or a layer of lines. The last network that was imported counts."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
import shapely
from geoalchemy2.shape import from_shape
from numpy.typing import NDArray
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from geo.base import RD_NEW, WGS84
from geo.coverage import network
from geo.coverage.demand import Floats, Ints
from geo.coverage.network import Made, Network
from geo.coverage.snapping import SNAP_M
from geo.errors import Flaw, InvalidInput
from geo.imports import bulk, lines, ways
from geo.imports.jobs import Task
from geo.imports.models import NetworkEdge
from geo.imports.osm import ATTRIBUTION
from geo.imports.report import Line, Progress, Verdict
from geo.models import ImportJob, Neighbourhood
from geo.neighbourhoods import to_wgs84
from geo.vocabulary import JobStatus, Level, What

EXTRACT = ".pbf"
AT_ONCE = 100_000  # edges that are copied, or read, together
ISLANDS = 3  # that are told one by one
Shapes = NDArray[np.object_]


class Options(NamedTuple):
    """What is asked of a file.

    layer         where it has several
    length_field  the column with metres, where it is not called `length` or the like
    least_island  islands with fewer metres of street are left out
    """

    layer: str | None = None
    length_field: str | None = None
    least_island: int = 0


class Found(NamedTuple):
    """A network as a file gives it, and what is to be said of the file.

    row       the row, or way, that each line is of, shape (lines,)
    left_out  how many ways are left out, by why
    refused   rows that are wrong
    """

    made: Made
    row: Ints
    left_out: Counter[str]
    refused: list[Line]
    notes: list[str]


def load(task: Task, options: Options) -> None:
    """Import a network; it takes the place of the one before, which comes back when it is undone.

    raises  InvalidInput where the file cannot be read as a whole, or nobody can walk anywhere in it
    """
    found = _found(task.file, options, task.progress)
    found = found._replace(made=network.without_islands(found.made, options.least_island))
    for line in found.refused:
        task.report.count(Verdict.refused)
        task.report.say(line)
    for why, times in found.left_out.most_common():
        task.report.count(Verdict.skipped, times)
        task.report.note(f"{times:,} left out, {why}")
    for note in found.notes:
        task.report.note(note)
    made = found.made
    used, rows = len(np.unique(found.row[made.line])), len(np.unique(found.row))
    if not used and not found.refused:
        raise InvalidInput("Nobody can walk anywhere in this file.", Flaw("file", "holds no street"))
    if rows > used:
        task.report.count(Verdict.skipped, rows - used)
        island = ", or they lie on an island that is left out" if options.least_island else ""
        task.report.note(f"{rows - used:,} left out, as both their ends are one place{island}")
    _tell(task, made)
    _tell_where(task, made)
    before = _in_force(task.session)
    if before is not None and _same(_stored(task.session, before), made.network):
        task.report.count(Verdict.unchanged, used)
        return
    task.report.count(Verdict.new, used)
    if before is not None:
        task.report.note("This network takes the place of the one that was there; undo brings that back.")
    _write(task, made.network)


def read(file: Path, layer: str | None = None, length_field: str | None = None) -> Network:
    """Read a network out of a file, without storing it.

    raises  InvalidInput as `load` does, and on every row that is wrong
    """
    found = _found(file, Options(layer, length_field), lambda *_: None)
    if found.refused:
        told = "; ".join(f"row {line.row}: {line.field} {line.reason}" for line in found.refused[:3])
        flaws = (Flaw(f"row {line.row}, {line.field}", line.reason) for line in found.refused[:3])
        raise InvalidInput(f"{file.name}: {len(found.refused):,} rows can be no street: {told}.", *flaws)
    if not found.made.network.edges:
        raise InvalidInput(f"{file.name}: nobody can walk anywhere in this file.", Flaw("file", "holds no street"))
    return found.made.network


def stored(session: Session) -> Network | None:
    """Read the network that is in force: the last that was imported and not taken back. None where there is none."""
    job = _in_force(session)
    return None if job is None else _stored(session, job)


def take_back(session: Session, job: ImportJob) -> tuple[int, int]:
    """Remove what an import brought. Gives how many edges went, and how many of an earlier one are in force again."""
    was = _in_force(session)
    gone = session.execute(delete(NetworkEdge).where(NetworkEdge.job_id == job.id))
    now = _in_force(session) if was == job.id else None
    of = select(func.count()).select_from(NetworkEdge).where(NetworkEdge.job_id == now)
    return int(gone.rowcount), (session.scalar(of) or 0) if now else 0  # type: ignore[attr-defined]


def _found(file: Path, options: Options, progress: Progress) -> Found:
    progress("reading", 0, None)
    if file.suffix.lower() == EXTRACT:
        if options.layer or options.length_field:
            raise InvalidInput("An extract of OpenStreetMap has no layers and no column with lengths.")
        walked = ways.read(file, progress)
        made = network.cut(walked.corners, walked.line, walked.node)
        notes = [f"Source: {ATTRIBUTION}"]
        if walked.torn:
            notes.append(f"{walked.torn:,} ways are not whole in this extract, or go abroad: what is there is used.")
        return Found(made, walked.way, walked.left_out, [], notes)
    told = lines.read_lines(file, options.layer, options.length_field)
    progress("finding where lines meet", 0, len(told.shapes))
    made = network.of_lines(told.shapes, told.metres)
    notes = told.notes
    if len(made.lifted):
        rows = ", ".join(f"{row:,}" for row in np.unique(told.row[made.lifted])[:3])
        notes.append(
            f"{len(made.lifted):,} lengths are shorter than their line is drawn, and count as drawn (rows {rows} …)."
        )
    return Found(made, told.row, Counter(), told.refused, notes)


def _tell(task: Task, made: Made) -> None:
    """Say how large the network is, and what does not hang together with the rest."""
    found, note = network.parts(made.network), task.report.note
    whole = float(made.network.metres.sum())
    note(f"{made.network.edges:,} edges between {made.network.nodes:,} nodes: {whole / 1000:,.1f} km of street.")
    if len(found.nodes) < 2:
        note("All of it hangs together.")
        return
    largest = float(found.metres[0])
    note(f"The largest part that hangs together has {largest / 1000:,.1f} km, {largest / whole:.1%} of it.")
    first = np.unique(found.part, return_index=True)[1]
    told = "; ".join(
        f"{found.metres[part] / 1000:,.1f} km and {found.nodes[part]:,} nodes near "
        f"{made.network.xy[first[part], 0]:.0f} {made.network.xy[first[part], 1]:.0f}"
        for part in range(1, min(len(found.nodes), 1 + ISLANDS))
    )
    rest = float(found.metres[1:].sum())
    note(
        f"{len(found.nodes) - 1:,} islands have {rest / 1000:,.1f} km together: nobody can walk from one to another. "
        f"The largest (RD New): {told}."
    )


def _tell_where(task: Task, made: Made) -> None:
    """Say how many of the neighbourhoods that are stored lie about where the streets are."""
    (west, south), (east, north) = made.network.xy.min(axis=0) - SNAP_M, made.network.xy.max(axis=0) + SNAP_M
    box = from_shape(to_wgs84(shapely.box(west, south, east, north)), WGS84)
    buurten = select(func.count()).where(Neighbourhood.in_force, Neighbourhood.level == Level.buurt)
    every = task.session.scalar(buurten) or 0
    there = task.session.scalar(buurten.where(func.ST_Intersects(Neighbourhood.geom, box))) or 0
    if every and not there:
        task.report.note(
            f"None of the {every:,} buurten lies where these streets are: all walks stay straight lines. "
            "Is it the right area?"
        )
    elif there < every:
        task.report.note(f"{there:,} of {every:,} buurten lie about where these streets are; the others have none.")


def _write(task: Task, made: Network) -> None:
    """Copy the edges into the database."""
    drawn = shapely.set_srid(made.drawn(), RD_NEW)
    for at in range(0, made.edges, AT_ONCE):
        task.progress("writing", at, made.edges)
        some = slice(at, min(at + AT_ONCE, made.edges))
        rows = {
            "job_id": str(task.job.id),
            "number": np.arange(some.start, some.stop),
            "start_node": made.ends[some, 0],
            "end_node": made.ends[some, 1],
            "metres": made.metres[some],
            "geom": shapely.to_wkb(drawn[some], hex=True, include_srid=True),
        }
        bulk.copy(task.session, NetworkEdge.__tablename__, pd.DataFrame(rows))
    task.progress("writing", made.edges, made.edges)


def _in_force(session: Session) -> UUID | None:
    """Find the last import of a network that has edges; one of the same network again has none of its own."""
    has = exists().where(NetworkEdge.job_id == ImportJob.id)
    done = select(ImportJob.id).where(ImportJob.what == What.network, ImportJob.status == JobStatus.done, has)
    return session.scalar(done.order_by(ImportJob.done_at.desc(), ImportJob.id).limit(1))


def _stored(session: Session, job: UUID) -> Network:
    """Read the edges of an import, as they were written."""
    blocks = list(_blocks(session, job))
    start, end, metres, wkb = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    ends = np.stack((start, end), axis=1)
    corners, edge = shapely.get_coordinates(shapely.from_wkb(wkb), return_index=True)
    first = np.concatenate(([0], np.cumsum(np.bincount(edge, minlength=len(ends)))))
    xy = np.empty((int(ends.max()) + 1, 2))
    xy[start], xy[end] = corners[first[:-1]], corners[first[1:] - 1]
    return Network(xy, ends, metres, corners, first)


def _blocks(session: Session, job: UUID) -> Iterator[tuple[Ints, Ints, Floats, Shapes]]:
    edge = NetworkEdge
    wanted = select(edge.start_node, edge.end_node, edge.metres, func.ST_AsBinary(edge.geom)).order_by(edge.number)
    wanted = wanted.where(edge.job_id == job)
    number = 0
    while rows := session.execute(wanted.where(edge.number >= number).limit(AT_ONCE)).all():
        start, end, metres, wkb = zip(*rows, strict=True)
        yield np.array(start), np.array(end), np.array(metres), np.array([bytes(each) for each in wkb], dtype=object)
        number += len(rows)


def _same(one: Network, other: Network) -> bool:
    return (
        np.array_equal(one.ends, other.ends)
        and np.array_equal(one.metres, other.metres)
        and np.array_equal(one.corners, other.corners)
        and np.array_equal(one.first, other.first)
    )
