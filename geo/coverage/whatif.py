"""What if: the figures that edits of assets would change, reckoned by the live state and kept nowhere."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import shapely

from geo import neighbourhoods
from geo.coverage import records
from geo.coverage.demand import Ints
from geo.coverage.gaps import Figures
from geo.coverage.live import Edit, State
from geo.coverage.lives import Lives, Subject
from geo.coverage.policy import CLASSES, Policy
from geo.errors import NotFound
from geo.vocabulary import Kind, Level

Question = Mapping[str, Any]
DIGITS = 9  # the last bits of a sum say nothing
TOLD = ("residents", "uncovered", "covered_share", "gap", *(f"people_{name}" for name in CLASSES))
SUMMED = ("residents", "uncovered", *(f"people_{name}" for name in CLASSES))


def subject_of(question: Question) -> Subject:
    """Say which subject a question is about."""
    kind, service = question["kind"], question["service"]
    return None if kind is None else Kind(kind), service


def answer(lives: Lives, question: Question) -> dict[str, Any]:
    """Say what would change, for all buurten together and for each area whose figures would be others.

    raises   NotFound where an asset is none of the subject that the public sees; InvalidInput where a place cannot be
    """
    subject = subject_of(question)
    live, policy = lives.of(subject), lives.policy(subject)
    edits = [*_added(question["add"]), *_closed(lives, subject, question), *_moved(lives, subject, question)]
    found = live.what_if(edits)
    before = np.array(live.figures)
    after = before.copy()
    after[:, found.areas] = np.array(found.after)
    was, now = (records.blanked(Figures(*each), lives.ground.known) for each in (before, after))
    buurten = np.flatnonzero(np.array([area.level == Level.buurt for area in lives.ground.areas]))
    return {
        "before": _total(was, buurten, policy),
        "after": _total(now, buurten, policy),
        "neighbourhoods": [
            {"neighbourhood": lives.ground.areas[i].id, "before": _told(was, i), "after": _told(now, i)}
            for i in found.areas.tolist()
        ],
    }


def _added(told: Sequence[Mapping[str, Any]]) -> list[Edit]:
    """Make assets of places that there might be; confirmed today, under ids that nobody has."""
    edits = []
    for place in told:
        capacity = float("nan") if place["capacity"] is None else float(place["capacity"])
        edits.append(Edit(uuid4(), State(_in_metres(place), capacity, 0.0, place["open_mask"])))
    return edits


def _closed(lives: Lives, subject: Subject, question: Question) -> list[Edit]:
    return [Edit(_asset(lives, subject, told, f"close.{n}"), None) for n, told in enumerate(question["close"])]


def _moved(lives: Lives, subject: Subject, question: Question) -> list[Edit]:
    edits = []
    for n, told in enumerate(question["move"]):
        asset = _asset(lives, subject, told["asset"], f"move.{n}.asset")
        edits.append(Edit(asset, lives.known[asset].state._replace(xy=_in_metres(told), area=None, served=None)))
    return edits


def _asset(lives: Lives, subject: Subject, told: str, field: str) -> UUID:
    """Find an asset of the subject. Raises NotFound where the public sees none such."""
    asset = UUID(told)
    if asset not in lives.of(subject).roster.slot:
        what = str(subject[0] or subject[1])
        raise NotFound(f"{field}: there is no published asset {told} among those of {what!r}.")
    return asset


def _in_metres(place: Mapping[str, Any]) -> tuple[float, float]:
    x, y = shapely.get_coordinates(neighbourhoods.to_rd(shapely.Point(place["lon"], place["lat"])))[0].tolist()
    return x, y


def _told(figures: Figures, area: int) -> dict[str, float | None]:
    values = {name: round(float(getattr(figures, name)[area]), DIGITS) for name in TOLD}
    return {name: None if np.isnan(value) else value for name, value in values.items()}


def _total(figures: Figures, buurten: Ints, policy: Policy) -> dict[str, float | None]:
    """Add up all buurten of which it is known who lives there."""
    total = {name: float(np.nansum(getattr(figures, name)[buurten])) for name in SUMMED}
    people, uncovered = total["residents"], total["uncovered"]
    if not people > 0:
        return {**dict.fromkeys(TOLD), "residents": people}
    costs = sum(total[f"people_{name}"] * severity for name, severity in zip(CLASSES, policy.severity, strict=True))
    whole = {**total, "covered_share": 1 - uncovered / people, "gap": 100 * costs / people}
    return {name: round(value, DIGITS) for name, value in whole.items()}
