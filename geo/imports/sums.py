"""Figures of areas that are the sums of their parts: found before figures come in, and summed anew afterwards."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from geo.models import Neighbourhood
from geo.vocabulary import Level

UPWARDS = (Level.wijk, Level.gemeente)
ABOVE = """WITH RECURSIVE above AS (
  SELECT n.parent_id AS id FROM neighbourhood n JOIN figures_in f ON f.id = n.id
  UNION SELECT n.parent_id FROM neighbourhood n JOIN above ON above.id = n.id
) SELECT id FROM above WHERE id IS NOT NULL EXCEPT SELECT id FROM figures_in"""


class Sum(NamedTuple):
    """A figure of an area by its parts: None where it is not known of all of them, and then why."""

    value: int | None
    reason: str | None


def find(session: Session, figures: Sequence[str]) -> dict[str, list[str]]:
    """Find the areas above those of the table `figures_in` that do not stand in it themselves.

    returns  by id, which of the figures are no more than the sum of their parts, or missing as that is
    """
    ids = session.scalars(text(ABOVE)).all()
    sums = _sums(session, ids, figures)
    stored = {row.id: row for row in session.execute(_columns(figures).where(Neighbourhood.id.in_(ids)))}
    return {
        area: [figure for figure in figures if getattr(stored[area], figure) == parts[figure].value]
        for area, parts in sums.items()
    }


def renew(session: Session, found: Mapping[str, Sequence[str]]) -> dict[Level, int]:
    """Sum those figures anew, wijken before gemeenten; gives how many areas changed of each level."""
    changed = dict.fromkeys(UPWARDS, 0)
    figures = sorted({figure for those in found.values() for figure in those})
    for level in UPWARDS:
        of_level = _columns(figures).where(Neighbourhood.id.in_(found), Neighbourhood.level == level)
        stored = session.execute(of_level.order_by(Neighbourhood.id)).all()
        sums = _sums(session, [row.id for row in stored], figures)
        for row in stored:
            changed[level] += _renew(session, row, {figure: sums[row.id][figure] for figure in found[row.id]})
    return changed


def _renew(session: Session, row: Row[Any], sums: Mapping[str, Sum]) -> bool:
    """Write the sums of one area where they differ; says whether they did."""
    missing = {figure: why for figure, why in row.figures_missing.items() if figure not in sums}
    missing |= {figure: part.reason for figure, part in sums.items() if part.reason}
    values = {figure: part.value for figure, part in sums.items()}
    if missing == row.figures_missing and all(getattr(row, figure) == value for figure, value in values.items()):
        return False
    session.execute(update(Neighbourhood).where(Neighbourhood.id == row.id).values(figures_missing=missing, **values))
    return True


def _sums(session: Session, ids: Iterable[str], figures: Sequence[str]) -> dict[str, dict[str, Sum]]:
    parts: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_columns(figures).where(Neighbourhood.parent_id.in_(ids))):
        parts[row.parent_id].append(row)
    return {area: {figure: _sum(rows, figure) for figure in figures} for area, rows in parts.items()}


def _sum(parts: Sequence[Row[Any]], figure: str) -> Sum:
    """Add up one figure. Where parts lack it, it says why where all of those say the same."""
    values = [getattr(part, figure) for part in parts]
    if None not in values:
        return Sum(sum(values), None)
    reasons = {part.figures_missing.get(figure, "not_given") for part in parts if getattr(part, figure) is None}
    return Sum(None, reasons.pop() if len(reasons) == 1 else "not_given")


def _columns(figures: Sequence[str]) -> Any:
    named = [getattr(Neighbourhood, figure) for figure in figures]
    return select(Neighbourhood.id, Neighbourhood.parent_id, Neighbourhood.figures_missing, *named)
