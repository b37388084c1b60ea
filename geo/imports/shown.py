"""The squares of CBS as a collection: where people live, as far as CBS tells it of a hectare."""

from sqlalchemy import ColumnElement, Select, case, func, literal, select, true
from sqlalchemy.orm import aliased

from geo.collections import Collection, Column, Columns, Wanted, in_box
from geo.imports import cbs
from geo.imports.models import Square
from geo.vocabulary import Term

FEWEST = 5  # people of whom CBS tells; a smaller number came from elsewhere, and is not shown
FIGURES = ("residents", "residents_65", "one_person_households", "children")


def _told(figure: Column) -> ColumnElement[int]:
    return case((figure >= FEWEST, figure))


def _columns(_wanted: Wanted) -> Columns:
    figures = {name: _told(getattr(Square, name)) for name in FIGURES}
    return {"code": Square.code, "year": Square.year, **figures}


def _unasked(wanted: Wanted) -> ColumnElement[bool]:
    """Without a year asked for, the newest is meant."""
    return true() if wanted.year is not None else Square.year == _newest().scalar_subquery()


def _newest() -> Select[int]:
    return select(func.max(aliased(Square).year))


SHOWN = Collection(
    title=Term("Vierkanten van 100 m (CBS)", "Squares of 100 m (CBS)"),
    about=Term(
        "Hoeveel mensen er wonen, per hectare, zover het CBS dat vertelt.",
        "How many people live there, by the hectare, as far as CBS tells.",
    ),
    id=Square.id,
    key=lambda item: item,
    geometry=Square.outline,
    columns=_columns,
    source=lambda _viewer: Square.__table__,
    seen=lambda _viewer: Square.residents >= FEWEST,
    unasked=_unasked,
    order=(Square.id,),
    parts=("squares",),
    origin=(literal(cbs.SOURCE), literal(cbs.LICENCE)),
    filters={
        "bbox": lambda box: in_box(Square.outline, box),
        "year": lambda year: Square.year == year,
        "datetime": lambda _days: true(),  # it has no time of its own, so it matches any
    },
)
