"""The rows of the live state: compared with what they should say, and made to say it."""

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import pandas as pd
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, Table, all_, and_, delete, insert, select
from sqlalchemy.orm import Session

from geo.channels import LIVE
from geo.collections import keys
from geo.coverage.lives import Lives, Subject, Touched
from geo.coverage.models import Coverage
from geo.errors import Unavailable

TABLE: Table = Coverage.metadata.tables[Coverage.__tablename__]
JSON = ("groups", "why")
EXACTLY = 1e-9  # numbers that are nearer than this share are the same
Row = dict[str, Any]  # by column; None is NULL


def renew(session: Session, run_id: UUID, lives: Lives) -> int:
    """Compare all rows of the live state with what they should say, and write those that differ; gives how many."""
    _begin(session, run_id)
    areas = [area.id for area in lives.ground.areas]
    gone = delete(TABLE).where(TABLE.c.run_id == run_id, TABLE.c.neighbourhood_id != all_(keys(areas)))
    differing = session.connection().execute(gone).rowcount
    for subject in lives.subjects():
        wanted = dict(zip(areas, _rows(lives.rows(subject)), strict=True))
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
        rows = dict(zip(ids, _rows(lives.rows(subject, areas)), strict=True))
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


def _rows(told: pd.DataFrame) -> list[Row]:
    """Give rows as the database takes them, and gives them back."""
    columns = {str(name): _values(str(name), column.tolist()) for name, column in told.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(name: str, column: list[Any]) -> list[Any]:
    if name in JSON:
        return [json.loads(value) for value in column]
    told = [None if _missing(value) else value for value in column]
    return [None if value is None else UUID(value) for value in told] if name == "nearest_id" else told


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


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
    keyed = {"run": run_id, "kind": kind and kind.value, "service": service}
    values = [
        {**keyed, "area": area, **{name: Jsonb(value) if name in JSON else value for name, value in row.items()}}
        for area, row in rows.items()
    ]
    with _driver(session).cursor() as cursor:
        cursor.executemany(_updating(tuple(next(iter(rows.values()))), kind is None, service is None), values)


@cache
def _updating(names: tuple[str, ...], no_kind: bool, no_service: bool) -> sql.Composed:
    """Compose the statement that writes these columns of one row; of its subject one of both is NULL."""
    of_kind, of_service = (
        sql.SQL("{} IS NULL" if none else f"{{}} = %({name})s").format(sql.Identifier(name))
        for name, none in (("kind", no_kind), ("service", no_service))
    )
    told = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in names)
    return sql.SQL(
        "UPDATE coverage SET {told} WHERE run_id = %(run)s AND neighbourhood_id = %(area)s AND {kind} AND {service}"
    ).format(told=told, kind=of_kind, service=of_service)


def _insert(session: Session, run_id: UUID, subject: Subject, rows: dict[str, Row]) -> None:
    kind, service = subject
    keyed = {"run_id": run_id, "kind": kind, "service": service}
    if rows:
        values = [{**keyed, "neighbourhood_id": area, **row} for area, row in rows.items()]
        session.connection().execute(insert(TABLE), values)
