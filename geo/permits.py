"""Whether a viewer may write a given record: to what the right of their role extends, looked up at the record."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from geo import rights
from geo.errors import NotAllowed, NotFound
from geo.models import Activity, Asset, Neighbourhood
from geo.privacy import lying_in, seen_activities, seen_assets
from geo.records import Record
from geo.rights import Scope, Viewer
from geo.vocabulary import Kind, Status


def draft(viewer: Viewer, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a new record as the viewer may store them: with who made it, and as a proposal where that is
    all that they may write. To be checked once it is stored.

    raises NotAllowed where they ask for another status, keep a person without being an administrator, or are a key
    that owns nothing
    """
    scope = rights.scope(viewer, operation)
    if scope == Scope.own and viewer.account is None:
        raise NotAllowed("A key owns no records: sign in with an account, or send a key of an administrator.")
    if scope != Scope.everything and values.get("kind") == Kind.volunteer:
        raise NotAllowed("Only administrators keep the records of volunteers.")
    mine = {**values, "made_by": viewer.account}
    if scope != Scope.own:
        return mine
    if values.get("status", Status.proposed) != Status.proposed:
        raise NotAllowed("You can propose a record; somebody who looks after the neighbourhood publishes it.")
    return {**mine, "status": Status.proposed}


@contextmanager
def changing(session: Session, viewer: Viewer, operation: str, table: type[Record], item: UUID) -> Iterator[None]:
    """Let the block change a record that the viewer may write, and still may when it is changed. Raises as `check`."""
    record = ask(session, viewer, operation, table, item)
    yield
    check(session, viewer, operation, record)


def ask(session: Session, viewer: Viewer, operation: str, table: type[Record], item: UUID) -> Record:
    """Give a record that the viewer may write. Raises as `check`."""
    record = session.scalar(select(table).where(table.id == item).with_for_update())
    if record is None:
        raise NotFound(f"There is no {table.__tablename__} {str(item)!r}.")
    check(session, viewer, operation, record)
    return record


def check(session: Session, viewer: Viewer, operation: str, record: Asset | Activity) -> None:
    """Refuse the viewer to write a record as it stands in the database now.

    raises NotFound where they do not see it; NotAllowed where their right does not extend to it
    """
    scope = rights.scope(viewer, operation)
    session.flush()
    if not _sees(session, viewer, record):
        raise NotFound(f"There is no {record.__tablename__} {str(record.id)!r}.")
    if scope == Scope.own and not (record.made_by == viewer.account and record.status == Status.proposed):
        raise NotAllowed("You can change what you proposed yourself, until it is published.")
    if scope == Scope.area and not _lies_in(session, viewer, record):
        raise NotAllowed("This lies outside the neighbourhoods that you look after.")


def _sees(session: Session, viewer: Viewer, record: Asset | Activity) -> bool:
    wanted = select(Asset.id).where(Asset.id == record.id, seen_assets(viewer))
    if isinstance(record, Activity):
        at = and_(Activity.asset_id == Asset.id, seen_assets(viewer))
        wanted = select(Activity.id).outerjoin(Asset, at).where(Activity.id == record.id, seen_activities(viewer))
    return session.scalar(wanted) is not None


def _lies_in(session: Session, viewer: Viewer, record: Asset | Activity) -> bool:
    lies_in = record.neighbourhood_id
    if lies_in is None and isinstance(record, Activity):
        lies_in = session.scalar(select(Asset.neighbourhood_id).where(Asset.id == record.asset_id))
    here = select(Neighbourhood.id).where(Neighbourhood.id == lies_in, Neighbourhood.id.in_(lying_in(viewer.areas)))
    return session.scalar(here) is not None
