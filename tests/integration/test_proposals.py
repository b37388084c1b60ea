"""What is proposed waits for a person: shown to nobody until it is accepted, and gone for good when it is dismissed."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import proposals
from geo.errors import InvalidInput, NotFound
from geo.models import Asset, History
from geo.privacy import seen_assets
from geo.rights import VISITOR
from geo.vocabulary import Kind, Status


def stored(session: Session, name: str, status: Status = Status.proposed, **more: object) -> UUID:
    told = {"kind": Kind.community_room, "source": "OpenStreetMap", "source_id": f"node/{name}", **more}
    asset = Asset(name=name, status=status, **told)
    session.add(asset)
    session.flush()
    return asset.id


def names(session: Session, **asked: object) -> list[str | None]:
    return [asset.name for asset in proposals.listed(session, **asked)]  # type: ignore[arg-type]


def test_proposals_are_listed_by_kind_and_name_and_nothing_else_is(session: Session) -> None:
    stored(session, "b")
    stored(session, "a")
    stored(session, "shown", Status.published)
    stored(session, "put away", Status.archived)
    stored(session, "clinic", kind=Kind.care_location)
    stored(session, "own", source="levende-kaart")
    assert names(session) == ["clinic", "a", "b", "own"]
    assert names(session, source="OpenStreetMap") == ["clinic", "a", "b"]
    assert names(session, kind="care_location") == ["clinic"]
    assert names(session, limit=2) == ["clinic", "a"]


def test_a_kind_that_is_none_is_refused(session: Session) -> None:
    with pytest.raises(InvalidInput, match="There is no kind 'school'"):
        proposals.listed(session, kind="school")


def test_an_accepted_proposal_is_shown_and_not_confirmed(session: Session) -> None:
    item = stored(session, "De Klok")
    visitor = seen_assets(VISITOR)
    assert session.scalars(select(Asset.id).where(visitor)).all() == []
    [accepted] = proposals.accept(session, [item], "an admin")
    assert (accepted.status, accepted.confirmed_on) == (Status.published, None)
    assert session.scalars(select(Asset.id).where(visitor)).all() == [item]


def test_a_decision_stands_in_the_history_with_who_took_it(session: Session) -> None:
    kept, put_away = stored(session, "a"), stored(session, "b")
    proposals.accept(session, [kept], "Anna")
    proposals.dismiss(session, [put_away], "Bas")
    told = select(History.row_id, History.changed_by, History.after["status"].astext).where(History.before.is_not(None))
    assert {tuple(row) for row in session.execute(told)} == {
        (str(kept), "Anna", "published"), (str(put_away), "Bas", "archived"),
    }  # fmt: skip


def test_a_dismissed_proposal_is_kept_and_shown_to_nobody(session: Session) -> None:
    item = stored(session, "De Klok")
    [dismissed] = proposals.dismiss(session, [item], "an admin")
    assert dismissed.status == Status.archived
    assert names(session) == []


def test_all_is_decided_or_nothing(session: Session) -> None:
    good, shown, unknown = stored(session, "a"), stored(session, "b", Status.published), uuid4()
    with pytest.raises(NotFound) as refused:
        proposals.accept(session, [good, shown, unknown, unknown], "an admin")
    assert str(refused.value) == f"Not proposed, or not any more: {shown}, {unknown}."
    assert names(session) == ["a"]


def test_a_proposal_is_decided_once(session: Session) -> None:
    item = stored(session, "a")
    proposals.dismiss(session, [item], "an admin")
    with pytest.raises(NotFound):
        proposals.accept(session, [item], "another")


def test_a_long_list_of_unknown_proposals_is_told_shortly(session: Session) -> None:
    with pytest.raises(NotFound, match="and 990 more") as refused:
        proposals.accept(session, [uuid4() for _ in range(1000)], "an admin")
    assert len(str(refused.value)) < 500


def test_a_proposal_named_twice_is_decided_once(session: Session) -> None:
    item = stored(session, "a")
    assert [asset.id for asset in proposals.accept(session, [item, item], "an admin")] == [item]
