"""The rows of the live state: compared with what they should say, and made to say it."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import ColumnElement, Table, all_, and_, delete, insert, select
from sqlalchemy.orm import Session

from geo.channels import LIVE
from geo.collections import keys
from geo.coverage import records
from geo.coverage.lives import Lives, Subject, Touched
from geo.coverage.models import Coverage
from geo.errors import Unavailable

TABLE: Table = Coverage.metadata.tables[Coverage.__tablename__]
EXACTLY = 1e-9  # numbers that are nearer than this share are the same
Row = dict[str, Any]  # by column; None is NULL


def renew(session: Session, run_id: UUID, lives: Lives) -> int:
    """Compare all rows of the live state with what they should say, and write those that differ; gives how many."""
    _begin(session, run_id)
    areas = [area.id for area in lives.ground.areas]
    gone = delete(TABLE).where(TABLE.c.run_id == run_id, TABLE.c.neighbourhood_id != all_(keys(areas)))
    differing = session.connection().execute(gone).rowcount
    for subject in lives.subjects():
        wanted = dict(zip(areas, records.rows(lives.rows(subject)), strict=True))
        stored = _stored(session, run_id, subject)
        other = {area: row for area, row in wanted.items() if area in stored and not _same(row, stored[area])}
        new = {area: row for area, row in wanted.items() if area not in stored}
        _update(session, run_id, subject, other)
        _insert(session, run_id, subject, new)
        differing += len(other) + len(new)
    _tell(session, run_id)
    return differing


def write(session: Session, run_id: UUID, lives: Lives, touched: Sequence[Touched]) -> int:
    """Write the rows that a change has touched; gives how many. Those that are not there yet are left to `renew`."""
    _begin(session, run_id)
    written = 0
    for subject, areas in touched:
        ids = [lives.ground.areas[area].id for area in areas.tolist()]
        rows = dict(zip(ids, records.rows(lives.rows(subject, areas)), strict=True))
        _update(session, run_id, subject, rows)
        written += len(rows)
    _tell(session, run_id)
    return written


def _begin(session: Session, run_id: UUID) -> None:
    """Take the row of the live run first, as a run that is being stored does: who comes second waits for the first."""
    driver = _driver(session)
    driver.execute("SET LOCAL statement_timeout = 0")
    driver.execute("UPDATE coverage_run SET computed_at = clock_timestamp() WHERE id = %s", [run_id])


def _tell(session: Session, run_id: UUID) -> None:
    _driver(session).execute("SELECT pg_notify(%s, %s)", [LIVE, str(run_id)])


def _driver(session: Session) -> psycopg.Connection:
    """Give psycopg's own connection, in the transaction of the session: what is done at every change goes by it."""
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise Unavailable("The connection to the database is gone.")
    return driver


def _stored(session: Session, run_id: UUID, subject: Subject) -> dict[str, Row]:
    told = session.connection().execute(select(TABLE).where(TABLE.c.run_id == run_id, _is(subject)))
    return {row["neighbourhood_id"]: dict(row) for row in told.mappings()}


def _same(wanted: Row, stored: Row) -> bool:
    return all(_alike(value, stored[name]) for name, value in wanted.items())


def _alike(one: object, other: object) -> bool:
    """Compare two values, and what is in them; sums may differ in their last bits."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= EXACTLY * max(1.0, abs(one))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other


def _is(subject: Subject) -> ColumnElement[bool]:
    kind, service = subject
    return and_(
        TABLE.c.kind.is_(None) if kind is None else TABLE.c.kind == kind,
        TABLE.c.service.is_(None) if service is None else TABLE.c.service == service,
    )


def _update(session: Session, run_id: UUID, subject: Subject, rows: dict[str, Row]) -> None:
    if not rows:
        return
    kind, service = subject
    told = json.dumps([{"neighbourhood_id": area, **row} for area, row in rows.items()], default=str)
    names = tuple(next(iter(rows.values())))
    statement = _updating(names, kind is None, service is None)
    _driver(session).execute(statement, {"rows": told, "run": run_id, "kind": kind and kind.value, "service": service})


@cache
def _updating(names: tuple[str, ...], no_kind: bool, no_service: bool) -> sql.Composed:
    """Compose the statement that writes these columns of some rows; of their subject one of both is NULL."""
    of_kind, of_service = (
        sql.SQL("c.{} IS NULL" if none else f"c.{{}} = %({name})s").format(sql.Identifier(name))
        for name, none in (("kind", no_kind), ("service", no_service))
    )
    told = sql.SQL(", ").join(sql.SQL("{0} = r.{0}").format(sql.Identifier(name)) for name in names)
    return sql.SQL(
        "UPDATE coverage AS c SET {told} FROM json_populate_recordset(NULL::coverage, %(rows)s) AS r"
        " WHERE c.run_id = %(run)s AND c.neighbourhood_id = r.neighbourhood_id AND {kind} AND {service}"
    ).format(told=told, kind=of_kind, service=of_service)


def _insert(session: Session, run_id: UUID, subject: Subject, rows: dict[str, Row]) -> None:
    kind, service = subject
    keyed = {"run_id": run_id, "kind": kind, "service": service}
    if rows:
        values = [{**keyed, "neighbourhood_id": area, **row} for area, row in rows.items()]
        session.connection().execute(insert(TABLE), values)
