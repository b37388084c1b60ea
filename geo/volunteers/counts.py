"""How many volunteers the public is told of: in windows of five whose start nobody knows, and never from fewer than 10.

Whoever puts two answers beside each other (a wijk and its buurten, all and one service, one run and the next) knows of
each no more than its window. A number changes between two counts that are both 10 or more, and every five: changes tell
nothing of where a window begins. What this hides and what not: docs/privacy.md.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.coverage.store import Area
from geo.models import Asset, Neighbourhood
from geo.privacy import current
from geo.vocabulary import SERVICES, Kind, Level, Purpose
from geo.volunteers import consents

STEP = 5  # published numbers are multiples of this
FIRST = 15  # the lowest number that is ever told: its window begins at 11 to 15
ABOUT = b"levende-kaart: numbers of volunteers\0"

Cell = tuple[int, str | None]  # index of an area, and a service; None stands for all services together


def published(key: bytes, cell: str, count: int) -> int | None:
    """Tell the window of five in which a count lies, by the multiple of five in it; None before the first window.

    Windows begin at an offset that belongs to the cell and the key. The same count always gives the same answer, less
    than five away; over all offsets what is told is the count itself on average.
    """
    told = STEP * ((count + _offset(key, cell)) // STEP)
    return told if told >= FIRST else None


def _offset(key: bytes, cell: str) -> int:
    return int.from_bytes(hmac.digest(key, ABOUT + cell.encode(), hashlib.sha256)[:8]) % STEP


def rows(session: Session, run_id: UUID, areas: Sequence[Area], key: bytes) -> Iterator[dict[str, Any]]:
    """Give the published number per official neighbourhood and service, and that number per 1,000 residents."""
    numbers = told(areas, totals(areas, _counted(session)), key)
    for (at, service), number in numbers.items():
        area = areas[at]
        rate = None if number is None or not area.residents else number / area.residents * 1000
        yield {
            "run_id": str(run_id), "neighbourhood_id": area.id, "kind": Kind.volunteer.value, "service": service,
            "residents": area.residents, "volunteers": number, "per_1000": rate,
        }  # fmt: skip


def told(areas: Sequence[Area], counts: Mapping[Cell, int], key: bytes) -> dict[Cell, int | None]:
    """Give what the public is told of every official neighbourhood, for all services together and for each.

    An area that holds one other and nothing else shares its windows: two windows of the same people would tell more.
    """
    return {
        (at, service): published(key, f"{areas[same].code}|{service or ''}", counts.get((at, service), 0))
        for at, same in enumerate(_innermost(areas))
        if areas[at].level != Level.drawn
        for service in (None, *SERVICES)
    }


def _innermost(areas: Sequence[Area]) -> list[int]:
    """Give for each area the smallest one with the same land: itself, or what it holds where that is one area."""
    parts: dict[int, list[int]] = {}
    for at, area in enumerate(areas):
        if area.level != Level.drawn:
            parts.setdefault(area.parent, []).append(at)
    found = []
    for at in range(len(areas)):
        same = at
        while len(parts.get(same, [])) == 1:
            [same] = parts[same]
        found.append(same)
    return found


def totals(areas: Sequence[Area], counts: Mapping[tuple[str, str | None], int]) -> dict[Cell, int]:
    """Add what is counted in a neighbourhood, named by its id, to all above it."""
    index = {area.id: at for at, area in enumerate(areas)}
    added: dict[Cell, int] = {}
    for (area, service), count in counts.items():
        at = index.get(area, -1)
        while at >= 0:
            added[at, service] = added.get((at, service), 0) + count
            at = areas[at].parent
    return added


def _counted(session: Session) -> dict[tuple[str, str | None], int]:
    """Count who agrees to be counted by neighbourhood and service; None stands for all services together."""
    counts: dict[tuple[str, str | None], int] = {}
    found = session.execute(
        select(Neighbourhood.id, Asset.services)
        .join(Neighbourhood, Asset.neighbourhood_id == Neighbourhood.id)
        .where(Asset.kind == Kind.volunteer, current(), consents.holds(Purpose.offer))
    )
    for area, services in found:
        for service in (None, *services):
            counts[area, service] = counts.get((area, service), 0) + 1
    return counts
