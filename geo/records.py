"""What changing any versioned record has in common."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import checks
from geo.errors import Conflict, Flaw, NotFound
from geo.models import Activity, Asset

OWN = "levende-kaart"  # the source of what was told here, when no other is named; never who told it
Record = TypeVar("Record", Asset, Activity)


def locked(session: Session, table: type[Record], item: UUID, version: int | None) -> Record:
    """Read a record to change it, and hold off all others until the transaction ends.

    raises NotFound where there is none; Conflict where `version` is given and is not the one that is stored
    """
    record = session.scalar(select(table).where(table.id == item).with_for_update())
    if record is None:
        raise NotFound(f"There is no {table.__tablename__} {str(item)!r}.")
    if version is not None and version != record.version:
        raise Conflict(f"This record is at version {record.version}, not {version}: read it again, then change it.")
    return record


def must_be_new(session: Session, table: type[Record], source: str, source_id: str | None) -> None:
    """Refuse a second record under the same identifier of the same source with Conflict."""
    taken = select(table.id).where(table.source == source, table.source_id == source_id)
    if source_id is not None and session.scalar(taken):
        raise Conflict(f"There is already a record with source {source!r} and source_id {source_id!r}.")


def must_stay(record: Asset | Activity, values: Mapping[str, Any], *fields: str) -> None:
    """Refuse another value for what a record keeps for life, with InvalidInput."""
    now = {field: getattr(record, field) for field in fields}
    checks.refuse(
        [
            Flaw(field, f"stays {str(kept)!r}: archive this record and add another")
            for field, kept in now.items()
            if values.get(field, kept) != kept
        ]
    )


def act_as(session: Session, name: str) -> None:
    """Say in whose name this transaction changes things; the history keeps it."""
    session.execute(text("SELECT set_config('kaart.actor', :name, true)"), {"name": name})
