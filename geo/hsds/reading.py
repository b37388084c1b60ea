"""Lists and single objects of HSDS, read with a few statements however many there are."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Never
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.collections import Wanted, uuid_key
from geo.days import today
from geo.errors import NotFound
from geo.features import Feature, chosen
from geo.hsds import rows, telling
from geo.hsds.rows import ACTIVITIES, ASSETS, ORGANISATIONS, Asked, Row, Rows
from geo.hsds.telling import Record
from geo.hsds.terms import Told
from geo.models import Organisation
from geo.rights import VISITOR

MOST = 10_000  # features read with one statement


class Stretch(NamedTuple):
    """Which page, counted from 1, of how many objects; and whether they come with all that belongs to them."""

    page: int = 1
    per_page: int = 100
    full: bool = False


class Listed(NamedTuple):
    """One page, and how many there are in all."""

    contents: list[Told]
    total: int


def services(session: Session, asked: Asked, stretch: Stretch) -> Listed:
    """Read a page of services."""
    return _page(session, rows.services(asked), stretch, _full_service if stretch.full else _service)


def modified_services(session: Session, asked: Asked, stretch: Stretch) -> Listed:
    """Read of a page of services only which there are, and when each was changed."""
    found, total = _rows(session, rows.services(asked), stretch)
    return Listed([{"id": str(row.id), "modified_date": telling.moment(row.modified)} for row in found], total)


def services_at_locations(session: Session, asked: Asked, stretch: Stretch) -> Listed:
    """Read a page of services at their locations."""
    every = rows.services_at_locations(asked)
    return _page(session, every, stretch, lambda record: _there(record, full=stretch.full))


def locations(session: Session, asked: Asked, stretch: Stretch) -> Listed:
    """Read a page of locations; they always come with address and accessibility."""
    return _page(session, rows.locations(asked), stretch, lambda record: telling.location(record, full=True))


def organizations(session: Session, asked: Asked, stretch: Stretch, *, full_service: bool = False) -> Listed:
    """Read a page of organizations; `full_service` with all that is known of their services."""
    found, total = _rows(session, rows.organizations(asked), stretch)
    return Listed(_organizations(session, found, full=stretch.full or full_service, full_service=full_service), total)


def service(session: Session, item: str) -> Told:
    """Read one service with all that belongs to it. Raises NotFound."""
    return _full_service(_one(session, rows.services, item, "service"))


def service_at_location(session: Session, item: str) -> Told:
    """Read one service at its location with all that belongs to both. Raises NotFound."""
    return _there(_one(session, rows.services_at_locations, item, "service at a location"), full=True)


def location(session: Session, item: str) -> Told:
    """Read one location. Raises NotFound."""
    return telling.location(_one(session, rows.locations, item, "location"), full=True)


def organization(session: Session, item: str, *, full_service: bool = False) -> Told:
    """Read one organization with its locations and services. Raises NotFound."""
    row = _row(session, rows.organizations, item, "organization")
    found = _organizations(session, [row], full=True, full_service=full_service)
    return found[0] if found else _missing(item, "organization")


def _rows(session: Session, every: Rows, stretch: Stretch) -> tuple[list[Row], int]:
    return rows.page(session, every, limit=stretch.per_page, offset=stretch.per_page * (stretch.page - 1))


def _page(session: Session, every: Rows, stretch: Stretch, tell: Callable[[Record], Told]) -> Listed:
    found, total = _rows(session, every, stretch)
    return Listed([tell(record) for record in _records(session, found)], total)


def _row(session: Session, select_rows: Callable[[Asked], Rows], item: str, what: str) -> Row:
    key = uuid_key(item)
    row = rows.one(session, select_rows(Asked()), key) if key else None
    return row if row is not None else _missing(item, what)


def _one(session: Session, select_rows: Callable[[Asked], Rows], item: str, what: str) -> Record:
    found = _records(session, [_row(session, select_rows, item, what)])
    return found[0] if found else _missing(item, what)


def _missing(item: str, what: str) -> Never:
    raise NotFound(f"There is no {what} {item!r}.")


def _records(session: Session, found: Sequence[Row]) -> list[Record]:
    """Read the features of rows and of their hosts: two statements. What is gone meanwhile is left out."""
    hosts = {row.host for row in found if row.host is not None}
    held = [row.id for row in found if row.record == ACTIVITIES]
    read = {ASSETS: _features(session, ASSETS, sorted(hosts)), ACTIVITIES: _features(session, ACTIVITIES, held)}
    there = [row for row in found if row.id in read[row.record] and (row.host is None or row.host in read[ASSETS])]
    return [Record(row, read[row.record][row.id], read[ASSETS][row.host] if row.host else None) for row in there]


def _features(session: Session, name: str, items: Sequence[UUID]) -> dict[UUID, Feature]:
    parts = [items[at : at + MOST] for at in range(0, len(items), MOST)]
    return {item: told for part in parts for item, told in chosen(session, VISITOR, name, Wanted(), part).items()}


def _organizations(session: Session, found: Sequence[Row], *, full: bool, full_service: bool) -> list[Told]:
    told = _by_themselves(session, found)
    if full and told:
        run: dict[UUID, list[Record]] = {item: [] for item in told}
        for record in _records(session, rows.all_of(session, rows.services(Asked(organizations=tuple(told))))):
            run[record.row.organization].append(record)
        told = {item: told[item] | _run_by(run[item], full_service=full_service) for item in told}
    return [told[row.id] for row in found if row.id in told]


def _by_themselves(session: Session, found: Sequence[Row]) -> dict[UUID, Told]:
    """Tell organizations without what they run, by id."""
    ours = [row.id for row in found if row.record == ORGANISATIONS]
    of = (Organisation.id, Organisation.name, Organisation.legal_form, Organisation.url)
    read = session.execute(select(*of).where(Organisation.id.in_(ours))) if ours else ()
    told = {row[0]: telling.organisation(*row) for row in read}
    alone = [row for row in found if row.record != ORGANISATIONS]
    return told | {record.row.id: telling.alone(record.feature) for record in _records(session, alone)}


def _run_by(run: Sequence[Record], *, full_service: bool) -> Told:
    """Tell what an organization runs: each location once, and its services."""
    places = {record.row.location: telling.location(record, full=True) for record in run if record.row.location}
    tell = _whole if full_service else _plain
    return telling.known({"locations": list(places.values()), "services": [tell(record) for record in run]})


def _plain(record: Record) -> Told:
    return telling.service(record, today(), full=False)


def _whole(record: Record) -> Told:
    """Tell a service with all that belongs to it but its organization."""
    return telling.known(telling.service(record, today(), full=True) | {"service_at_locations": _at(record)})


def _service(record: Record) -> Told:
    return _plain(record) | {"organization": telling.organization(record)}


def _full_service(record: Record) -> Told:
    return _whole(record) | {"organization": telling.organization(record)}


def _at(record: Record) -> list[Told]:
    return [_link(record) | {"location": telling.location(record, full=True)}] if record.row.location else []


def _link(record: Record) -> Told:
    """Tell that a service is at a location; the description is where to be inside of it."""
    p, place = record.properties, record.place
    aside = p["address"] if place is not None and p["address"] != place["properties"]["address"] else None
    item = record.feature["id"]
    told = {"id": item, "service_id": item, "location_id": str(record.row.location), "description": aside}
    return telling.known(told)


def _there(record: Record, *, full: bool) -> Told:
    service = telling.service(record, today(), full=full) | {"organization": telling.organization(record)}
    return _link(record) | {"location": telling.location(record, full=full), "service": service}
