"""Rows that have an address and no place: known ones keep theirs, others are looked up, a doubt is not settled here."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.imports import bulk, incoming
from geo.imports.addresses import Answer, Lookup
from geo.imports.incoming import Scope
from geo.sql import statements

STORED, DECIDED, ASKED, ANSWERED, PLACE, CLOSE, LEFT = statements("imports/unplaced.sql")


class Unplaced(NamedTuple):
    """A row without a place: its number, its key, what may be asked, and whether a doubt of it waits for somebody."""

    row: int
    key: str
    asked: str
    waits: bool = False


def place(session: Session, scope: Scope, lookup: Lookup) -> tuple[list[Unplaced], list[tuple[Unplaced, Answer]]]:
    """Give the rows of `incoming` that have only an address their place; those that get none leave the table.

    returns  the rows of which somebody decided that no place is right, or will decide; those for which the lookup
             knows no certain place, with what it answered
    """
    named = {"source": scope.source, "mapped": sorted(scope.fields)}
    session.execute(text(STORED), named)
    decided = session.execute(text(DECIDED), {"source": scope.source}).all()
    asked = session.scalars(text(ASKED)).all()
    answers = lookup(asked) if asked else {}
    if any(answer.found is not None for answer in answers.values()):
        _answer(session, answers)
    close(session, scope.source)
    left = [Unplaced(*each) for each in session.execute(text(LEFT)).all()]
    return [Unplaced(*each) for each in decided], [(each, answers[each.asked]) for each in left]


def close(session: Session, source: str) -> None:
    """Close the doubts that wait of all rows in `incoming`: they have a place now, or ask for another address."""
    session.execute(text(CLOSE), {"source": source})


def _answer(session: Session, answers: Mapping[str, Answer]) -> None:
    sure = {asked: answer.found for asked, answer in answers.items() if answer.found is not None}
    session.execute(text(ANSWERED))
    places = incoming.drawn(np.array(list(sure.values()), object))["place"]
    bulk.copy(session, "answered", pd.DataFrame({"asked": list(sure), "place": places}))
    session.execute(text(PLACE))
