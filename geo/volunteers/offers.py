"""Offers: what people say they can do, by themselves; and what a broker sees of them, without a name or a place."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, select, true, union_all
from sqlalchemy.orm import Session, aliased

from geo import assets
from geo.checks import refuse
from geo.collections import keys, within
from geo.errors import Flaw, NotAllowed, NotFound
from geo.models import Asset, Neighbourhood
from geo.people.models import Account
from geo.privacy import current, lying_in
from geo.rights import Viewer
from geo.vocabulary import Kind, Level, Means, Purpose, Reply, Role
from geo.volunteers import consents, erasures, records, spots
from geo.volunteers.models import ContactRequest, Volunteer

MOST = 200  # offers on one page


class Offer(NamedTuple):
    """What a broker sees of a volunteer. `asked` is what became of their own last request; `reachable` by one."""

    id: UUID
    services: list[str]
    target_groups: list[str]
    languages: list[str]
    neighbourhood: str
    neighbourhood_name: str
    reachable: bool
    asked: Reply | None


class Counted(NamedTuple):
    """How many volunteers offer a service in a neighbourhood, exactly; `service` is None for all together."""

    neighbourhood: str
    name: str
    level: Level
    service: str | None
    volunteers: int


def mine(session: Session, account_id: UUID) -> Asset | None:
    """Give the offer of an account; None where it has none."""
    asset_id = records.of_account(session, account_id)
    return None if asset_id is None else session.get(Asset, asset_id)


def save(session: Session, viewer: Viewer, values: Mapping[str, Any], purposes: Iterable[Purpose]) -> Asset:
    """Keep what somebody offers and agrees to, as a whole: what they do not agree to any more is withdrawn.

    values   services, target_groups, languages, neighbourhood, place, contact
    raises   NotAllowed for who has no account; InvalidInput naming each flaw, also where `offer` is not agreed to
    """
    account = _account(session, viewer)
    agreed = set(purposes)
    if Purpose.offer not in agreed:
        refuse([Flaw("consent", "without consent to 'offer' nothing is kept")])
    offer = mine(session, account.id)
    held = set() if offer is None else {consent.purpose for consent in consents.of(session, offer.id)}
    told = dict(values)
    if agreed - held:
        told["consent"] = {"purposes": sorted(agreed - held | {Purpose.offer}), "means": Means.online}
    if offer is None:
        return assets.create(session, {**told, "kind": Kind.volunteer, "account": account.email})
    changed = assets.change(session, offer.id, told, None)
    for purpose in held - agreed:
        _withdraw(session, changed.id, purpose)
    return changed


def withdraw(session: Session, viewer: Viewer, purpose: Purpose) -> None:
    """Take back consent for one purpose; without `offer` nothing of the volunteer stays. Raises NotFound."""
    offer = mine(session, _account(session, viewer).id)
    if offer is None:
        raise NotFound("You offer nothing: there is no consent to take back.")
    session.refresh(offer, with_for_update=True)  # so that no request comes in between
    if purpose == Purpose.offer:
        erasures.erase_volunteer(session, offer.id)
    else:
        _withdraw(session, offer.id, purpose)


def renew(session: Session, viewer: Viewer) -> None:
    """Agree anew to all that somebody agrees to now. Raises NotFound."""
    offer = mine(session, _account(session, viewer).id)
    if offer is None:
        raise NotFound("You offer nothing: there is no consent to renew.")
    held = sorted(consent.purpose for consent in consents.of(session, offer.id))
    assets.change(session, offer.id, {"consent": {"purposes": held, "means": Means.online}}, None)


def _withdraw(session: Session, asset_id: UUID, purpose: Purpose) -> None:
    consents.withdraw(session, asset_id, purpose)
    spots.settle(session, asset_id)


def listed(
    session: Session, viewer: Viewer, *, neighbourhood: str | None = None, service: str | None = None
) -> list[Offer]:
    """Give the offers in the viewer's own neighbourhoods, at most `MOST`, those who can be asked first; of an
    administrator, all.

    neighbourhood, service   only those in it (by id or code, with all within it) and of it
    """
    mine_last = (
        select(ContactRequest.reply)
        .where(ContactRequest.asset_id == Asset.id, ContactRequest.account_id == viewer.account)
        .order_by(ContactRequest.made_at.desc(), ContactRequest.id)
        .limit(1)
        .scalar_subquery()
    )
    reachable = and_(comes_in(), consents.holds(Purpose.contact))
    wanted = (
        select(
            Asset.id, Asset.services, Asset.target_groups, Asset.languages, Neighbourhood.id, Neighbourhood.name,
            reachable, mine_last,
        )
        .join(Neighbourhood, Neighbourhood.id == Asset.neighbourhood_id)
        .join(Volunteer, Volunteer.asset_id == Asset.id)
        .where(offered(viewer))
        .order_by(reachable.desc(), Neighbourhood.name, Asset.id)
        .limit(MOST)
    )  # fmt: skip
    if neighbourhood:
        wanted = wanted.where(Asset.neighbourhood_id.in_(within(neighbourhood)))
    if service:
        wanted = wanted.where(Asset.services.op("@>")(keys([service])))
    return [Offer(*row) for row in session.execute(wanted)]


def comes_in() -> ColumnElement[bool]:
    """Give the condition under which a volunteer can sign in: to read what is asked, and to withdraw consent."""
    theirs = and_(Account.id == Volunteer.account_id, Account.disabled_at.is_(None))
    return exists(select(Account.id).where(theirs).correlate(Volunteer))


def offered(viewer: Viewer) -> ColumnElement[bool]:
    """Give the condition under which a viewer sees the offer of a volunteer: it lies in their own area, or they are
    an administrator. For all others there is none.
    """
    here = Asset.neighbourhood_id.in_(lying_in(viewer.areas)) if viewer.role == Role.broker else true()
    theirs = viewer.role in (Role.broker, Role.admin)
    return and_(literal(theirs), Asset.kind == Kind.volunteer, current(), consents.holds(Purpose.offer), here)


def counted(session: Session, viewer: Viewer) -> list[Counted]:
    """Count volunteers exactly in each of the viewer's neighbourhoods in force where there are any, by service."""
    top, child = Neighbourhood, aliased(Neighbourhood)
    mine_too = top.id.in_(lying_in(viewer.areas)) if viewer.role == Role.broker else true()
    tree = select(top.id.label("top"), top.id.label("part")).where(top.in_force, mine_too).cte(recursive=True)
    tree = tree.union_all(select(tree.c.top, child.id).where(child.parent_id == tree.c.part))
    here = select(tree.c.top, Asset.id, Asset.services).join(Asset, Asset.neighbourhood_id == tree.c.part)
    found = here.where(offered(viewer)).cte()
    each = union_all(
        select(found.c.top, literal(None).label("service"), found.c.id),
        select(found.c.top, func.unnest(found.c.services), found.c.id),
    ).cte()
    numbers = (
        select(top.id, top.name, top.level, each.c.service, func.count())
        .join(each, each.c.top == top.id)
        .group_by(top.id, top.name, top.level, top.code, each.c.service)
        .order_by(top.level != Level.gemeente, top.level != Level.wijk, top.code, each.c.service.nulls_first())
    )
    return [Counted(*row) for row in session.execute(numbers)]


def _account(session: Session, viewer: Viewer) -> Account:
    account = session.get(Account, viewer.account) if viewer.account else None
    if account is None:
        raise NotAllowed("Only who is signed in with an account can offer something.")
    return account


def neighbourhoods(session: Session) -> Sequence[tuple[str, str, str]]:
    """Give the neighbourhoods that somebody can say they live in: id, name, and the name of what it lies in."""
    whole = aliased(Neighbourhood)
    wanted = select(Neighbourhood.id, Neighbourhood.name, func.coalesce(whole.name, "")).outerjoin(
        whole, whole.id == Neighbourhood.parent_id
    )
    buurten = wanted.where(Neighbourhood.in_force, Neighbourhood.level == Level.buurt)
    rows = session.execute(buurten.order_by(whole.name, Neighbourhood.name, Neighbourhood.id))
    return [(row[0], row[1], row[2]) for row in rows]
