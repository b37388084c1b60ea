"""Where new places would help most of those in a neighbourhood whom nothing covers yet, asked of the live state."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import shapely
from geoalchemy2.shape import to_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from geo import neighbourhoods
from geo.coverage import demand, places, siting
from geo.coverage.demand import Floats
from geo.coverage.lives import Lives
from geo.coverage.siting import Sites
from geo.coverage.walks import Pairs
from geo.coverage.whatif import subject_of
from geo.errors import Flaw, InvalidInput, NotFound
from geo.models import Neighbourhood
from geo.vocabulary import Kind

DIGITS = 7  # decimals of a degree: about a centimetre
EXACT = 9  # decimals of residents: the last bits of a sum say nothing
MOST_CANDIDATES = 2000
REST_S = 2.0  # of what the asker waits: for the way back
LEAST_S = 0.5

Question = Mapping[str, Any]


class Task(NamedTuple):
    """A problem with all its own numbers: it may be solved while the live state goes on.

    xy, ids    of the candidates, RD New, shape (candidates, 2); ids where they are assets, else empty
    pairs      walks within the norm by candidate
    uncovered  residents of the neighbourhood whom nothing covers, by demand point; 0 for all others
    """

    xy: Floats
    ids: Sequence[UUID]
    pairs: Pairs
    uncovered: Floats
    p: int
    exact: bool


def task(session: Session, lives: Lives, question: Question) -> Task:
    """Lay out a problem.

    raises   NotFound where there is no such neighbourhood; InvalidInput where candidates are none, or too many
    """
    subject = subject_of(question)
    live, policy = lives.of(subject), lives.policy(subject)
    ground, area = lives.ground, _area(lives, question["within"])
    outline = neighbourhoods.to_rd(to_shape(session.get_one(Neighbourhood, ground.areas[area].id).geom))
    xy, ids = _candidates(lives, question, outline, policy.norm_m)
    _refuse_many(len(xy))
    held = ground.zones.point[ground.zones.start[area] : ground.zones.start[area + 1]]
    there = np.zeros(ground.demand.count)
    there[held] = ground.demand.residents[held]
    pairs = live.walks.pairs(places.at(xy), policy.norm_m)
    return Task(xy, ids, pairs, siting.uncovered(there, live.reached.count), question["p"], exact=question["exact"])


def _refuse_many(candidates: int, times: int = 1) -> None:
    """Refuse no candidates with InvalidInput, or more than there may be, or than so many times as many."""
    if not 0 < candidates <= times * MOST_CANDIDATES:
        why = f"are {candidates}: name 1 to {MOST_CANDIDATES}, or take another step_m or neighbourhood"
        raise InvalidInput(f"candidates: {why}.", Flaw("candidates", why))


def practise() -> None:
    """Solve a problem of two candidates: what has to be compiled for one then is, before somebody waits for it."""
    pairs = Pairs(np.array([0, 2, 4]), np.array([0, 1, 1, 2], dtype=np.int32), np.zeros(4))
    siting.best(pairs, np.array([1.0, 2.0, 4.0]), 1)


def answer(given: Task, left_s: float) -> dict[str, Any]:
    """Solve a problem within the seconds that are left, as well as may be."""
    seconds = max(LEAST_S, left_s - REST_S)
    if given.exact:
        found = siting.best(given.pairs, given.uncovered, given.p, seconds)
    else:
        found = siting.greedy(given.pairs, given.uncovered, given.p)
    return {
        "sites": [_site(given, found, n) for n in range(len(found.chosen))],
        "covered": round(found.covered, EXACT), "bound": round(found.bound, EXACT), "proven": found.proven,
        "uncovered_before": round(float(given.uncovered.sum()), EXACT), "candidates": len(given.xy),
    }  # fmt: skip


def _site(given: Task, found: Sites, n: int) -> dict[str, Any]:
    others = found.alternatives[n]
    told = zip(others.candidate.tolist(), others.lost.tolist(), strict=True)
    return {
        **_spot(given, int(found.chosen[n])),
        "gained": round(float(found.gained[n]), EXACT), "alone": round(float(found.alone[n]), EXACT),
        "alternatives": [{**_spot(given, candidate), "lost": lost} for candidate, lost in told],
    }  # fmt: skip


def _spot(given: Task, candidate: int) -> dict[str, Any]:
    degrees = shapely.get_coordinates(neighbourhoods.to_wgs84(shapely.Point(given.xy[candidate])))[0]
    lon, lat = degrees.round(DIGITS).tolist()
    return {"lon": lon, "lat": lat, "asset": str(given.ids[candidate]) if given.ids else None}


def _area(lives: Lives, named: str) -> int:
    """Find a neighbourhood in force by its id, or by its code. Raises NotFound."""
    for i, area in enumerate(lives.ground.areas):
        if named in (area.id, area.code):
            return i
    raise NotFound(f"within: there is no neighbourhood {named!r} of which coverage is computed.")


def _candidates(lives: Lives, question: Question, outline: BaseGeometry, reach_m: float) -> tuple[Floats, list[UUID]]:
    told = question["candidates"]
    if told == "lattice":
        _refuse_many(round(outline.area / question["step_m"] ** 2), 2)  # before so many are laid
        return demand.lattice(outline, question["step_m"]), []
    if told == "assets":
        return _assets(lives, Kind(question["candidate_kind"]), outline, reach_m)
    xy = shapely.get_coordinates(neighbourhoods.to_rd(shapely.points(told)))
    return xy.reshape(-1, 2), []


def _assets(lives: Lives, kind: Kind, outline: BaseGeometry, reach_m: float) -> tuple[Floats, list[UUID]]:
    """Choose the assets of a kind from which somebody in an outline may be within reach, in order of their ids."""
    known = [(asset, each.state.xy) for asset, each in sorted(lives.known.items()) if each.kind == kind]
    spots = [(asset, xy) for asset, xy in known if xy is not None]
    xy = np.array([xy for _, xy in spots], dtype=float).reshape(-1, 2)
    near = np.flatnonzero(shapely.dwithin(shapely.points(xy), outline, reach_m))
    return xy[near], [spots[i][0] for i in near]
