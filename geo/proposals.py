"""What is proposed and waits for a person: shown to nobody until it is accepted."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.errors import Flaw, InvalidInput, NotFound
from geo.models import Asset
from geo.records import act_as
from geo.vocabulary import KINDS, Kind, Status

MOST_NAMED = 10  # identifiers in one refusal


def listed(
    session: Session, *, source: str | None = None, kind: str | None = None, limit: int = 100
) -> Sequence[Asset]:
    """Read the proposed assets, of one source or kind where that is named, by kind and name.

    Raises InvalidInput where the kind is none.
    """
    waiting = select(Asset).where(Asset.status == Status.proposed)
    if source is not None:
        waiting = waiting.where(Asset.source == source)
    if kind is not None:
        if kind not in KINDS:
            raise InvalidInput(f"There is no kind {kind!r}.", Flaw("kind", f"is not one of: {', '.join(KINDS)}"))
        waiting = waiting.where(Asset.kind == Kind(kind))
    return session.scalars(waiting.order_by(Asset.kind, Asset.name, Asset.id).limit(limit)).all()


def accept(session: Session, ids: Sequence[UUID], by: str) -> Sequence[Asset]:
    """Publish what was proposed: all of it, or nothing. That does not confirm it: nobody has asked at the place.

    Raises NotFound naming each id that is no proposal, or is none any more.
    """
    return _decide(session, ids, by, Status.published)


def dismiss(session: Session, ids: Sequence[UUID], by: str) -> Sequence[Asset]:
    """Put away what was proposed: all of it, or nothing. No later import brings it back. Raises as `accept`."""
    return _decide(session, ids, by, Status.archived)


def _decide(session: Session, ids: Sequence[UUID], by: str, status: Status) -> Sequence[Asset]:
    act_as(session, by)
    wanted = select(Asset).where(Asset.id.in_(set(ids)), Asset.status == Status.proposed).order_by(Asset.id)
    found = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()
    known = {asset.id for asset in found}
    if absent := [str(each) for each in dict.fromkeys(ids) if each not in known]:
        more = f" and {len(absent) - MOST_NAMED} more" if len(absent) > MOST_NAMED else ""
        raise NotFound(f"Not proposed, or not any more: {', '.join(absent[:MOST_NAMED])}{more}.")
    for asset in found:
        asset.status = status
    session.flush()
    return found
