"""What an export reads: one snapshot of the database, from which rows come a few thousand at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, func, literal, select

from geo import features
from geo.collections import Column, Wanted
from geo.coverage.models import CoverageRun
from geo.errors import NotFound
from geo.features import Rendering
from geo.rights import VISITOR, Viewer

BATCH = 2_000  # rows: outlines of 10 kB each are 20 MB
STATEMENT_S = 600  # sorting a large table may take longer than a page may
STALLED_S = 120  # without being asked for more rows: nobody takes them any more
RUN = "run"  # the field that names the run of a result


class Order(NamedTuple):
    """What is exported, for whom; `asked` is how it was asked for, to be told in the file."""

    viewer: Viewer
    name: str
    wanted: Wanted
    look: Rendering
    asked: Mapping[str, Any]


class Origin(NamedTuple):
    """From whom rows come, under which licence, and how many."""

    source: str | None
    licence: str | None
    rows: int


class Opened(NamedTuple):
    """An order in its snapshot: how many rows there are, how many of them lie nowhere, whose, of which runs."""

    order: Order
    connection: Connection
    made_at: datetime
    rows: int
    nowhere: int
    origins: Sequence[Origin]
    runs: Sequence[Mapping[str, Any]]


def names(viewer: Viewer) -> list[str]:
    """Name the collections that can be exported: those that everybody has. Where people are shown is for the page."""
    public = features.names(VISITOR)
    return [name for name in features.names(viewer) if name in public]


def check_name(viewer: Viewer, name: str) -> None:
    """Refuse a collection that is not there to be exported with NotFound."""
    known = names(viewer)
    if name not in known:
        raise NotFound(f"There is no collection {name!r} to export. There are: {', '.join(known)}.")


@contextmanager
def opened(engine: Engine, order: Order) -> Iterator[Opened]:
    """Open a transaction that reads and sees one moment, and look over what is asked.

    raises NotFound for a collection that is not exported; InvalidInput for a filter or property that it does not have
    """
    check_name(order.viewer, order.name)
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            for name, seconds in (
                ("statement_timeout", STATEMENT_S),
                ("idle_in_transaction_session_timeout", STALLED_S),
            ):
                connection.execute(select(func.set_config(name, f"{seconds}s", True)))
            yield _looked_over(connection, order)


def _looked_over(connection: Connection, order: Order) -> Opened:
    shown = features.collection(order.viewer, order.name)
    source, licence = shown.origin or (literal(None), literal(None))
    placed = func.count(shown.geometry)
    grouped = _from(order, select(source, licence, func.count(), placed)).group_by(source, licence)
    found = connection.execute(grouped.order_by(func.count().desc(), source, licence)).all()
    rows = sum(row[2] for row in found)
    return Opened(
        order=order,
        connection=connection,
        made_at=datetime.now(UTC),
        rows=rows,
        nowhere=rows - sum(row[3] for row in found),
        origins=[Origin(row[0], row[1], row[2]) for row in found],
        runs=_runs(connection, order),
    )


def _from(order: Order, columns: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Say of which rows columns are: those that the viewer sees and wants."""
    shown = features.collection(order.viewer, order.name)
    where = features.condition(order.viewer, order.name, order.wanted)
    return columns.select_from(shown.source(order.viewer)).where(where)


def _runs(connection: Connection, order: Order) -> list[dict[str, Any]]:
    """Tell from what the results were computed that are asked for; nothing where they are no results."""
    column = features.collection(order.viewer, order.name).columns(order.wanted).get(RUN)
    if column is None:
        return []
    asked = _from(order, select(column).distinct())
    told = [CoverageRun.id, CoverageRun.computed_at, CoverageRun.live, CoverageRun.year, CoverageRun.norm_m]
    told += [CoverageRun.detour, CoverageRun.lattice_m, CoverageRun.walks, CoverageRun.policy, CoverageRun.counts]
    statement = select(*told, CoverageRun.code_version).where(CoverageRun.id.in_(asked))
    return [dict(row) for row in connection.execute(statement.order_by(CoverageRun.computed_at)).mappings()]


def batches(opened: Opened, columns: Sequence[Column]) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Read columns of all rows, in the order that is asked, some thousands at a time."""
    order = opened.order
    statement = _from(order, select(*columns)).order_by(
        *features.order_of(order.viewer, order.name, order.wanted, order.look.sort)
    )
    with opened.connection.execute(statement, execution_options={"yield_per": BATCH}) as result:
        yield from result.partitions()
