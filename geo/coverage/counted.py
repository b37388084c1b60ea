"""Where people were counted: key figures, CBS squares, and dwellings, as they are stored."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.coverage.demand import SQUARE_RADIUS_M, Floats
from geo.coverage.models import DemandAddress
from geo.coverage.residents import Source
from geo.imports.models import Square
from geo.models import ImportJob, Neighbourhood
from geo.vocabulary import Level

SQUARE_GROUPS = {
    "residents_65": Square.residents_65,
    "one_person_households": Square.one_person_households,
    "children": Square.children,
}


def figures(session: Session) -> dict[str, dict[str, float]]:
    """Read the key figures of groups that are known, by neighbourhood."""
    rows = session.execute(
        select(Neighbourhood.id, Neighbourhood.residents_65, Neighbourhood.one_person_households).where(
            Neighbourhood.in_force, Neighbourhood.level == Level.buurt
        )
    )
    return {
        row.id: {name: float(value) for name, value in row._mapping.items() if name != "id" and value is not None}  # noqa: SLF001 - SQLAlchemy's public way
        for row in rows
    }


def squares(session: Session) -> Source:
    """Read the CBS squares of all years; suppressed is NaN."""
    figures = [Square.residents, *SQUARE_GROUPS.values()]
    rows = session.execute(select(Square.x, Square.y, Square.year, *figures).order_by(Square.id)).all()
    values = _numbers([tuple(row) for row in rows], 3 + len(figures))
    groups = {name: values[:, 4 + n] for n, name in enumerate(SQUARE_GROUPS)}
    return Source("squares", SQUARE_RADIUS_M, values[:, :2], values[:, 3], values[:, 2].astype(np.int64), groups)


def addresses(session: Session) -> Source:
    """Read dwellings; what an import says of a buurt counts where no later one says anything of it."""
    age = func.dense_rank().over(order_by=(ImportJob.done_at, ImportJob.id))
    told = select(DemandAddress.x, DemandAddress.y, age, DemandAddress.residents)
    wanted = told.join(ImportJob, ImportJob.id == DemandAddress.job_id).order_by(ImportJob.done_at, DemandAddress.id)
    values = _numbers([tuple(row) for row in session.execute(wanted)], 4)
    return Source("addresses", 0.0, values[:, :2], values[:, 3], values[:, 2].astype(np.int64), {})


def _numbers(rows: Sequence[tuple[float | None, ...]], columns: int) -> Floats:
    return np.array(rows, dtype=float).reshape(-1, columns)  # None becomes NaN
