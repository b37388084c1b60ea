"""All subjects in memory: what the change of an asset does to each, and the rows of `coverage` that follow from it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

import numpy as np
import pandas as pd

from geo.coverage import records, run, store, why, zones
from geo.coverage.demand import Demand, Ints
from geo.coverage.gaps import Figures
from geo.coverage.live import Edit, Live, State
from geo.coverage.measures import Reached
from geo.coverage.places import Places
from geo.coverage.policy import Policies, Policy
from geo.coverage.records import Land, Outcome
from geo.coverage.store import Assets, Ground
from geo.coverage.walks import Walks
from geo.coverage.zones import Zones
from geo.vocabulary import SERVICES, Kind

Subject = tuple[Kind | None, str | None]  # a kind, or a service


class Known(NamedTuple):
    """An asset that the public sees: what it is, how it stands, and the areas that it lies in."""

    kind: Kind
    services: frozenset[str]
    state: State
    homes: Ints


class Touched(NamedTuple):
    """Areas of one subject whose rows may say something else now, ascending."""

    subject: Subject
    areas: Ints


class Lives:
    """The ground, the assets, and one `Live` for each subject, all by the policies of one run."""

    def __init__(self, ground: Ground, policies: Policies, assets: Assets) -> None:
        self.ground, self.policies = ground, policies
        self.known = dict(_known(assets))
        self._walks: dict[float, Walks] = {}
        self._of = {
            (subject.kind, subject.service): self._live((subject.kind, subject.service), assets, subject.chosen)
            for subject in store.subjects(assets)
        }
        points = ground.demand.count
        self._nearest, self._only = np.full(points, -1), np.full(points, -1)

    def _live(self, subject: Subject, assets: Assets, chosen: Ints) -> Live:
        policy = self.policy(subject)
        if policy.detour not in self._walks:
            self._walks[policy.detour] = store.walks(self.ground, policy)
        places, ids = assets.places.take(chosen), [assets.ids[i] for i in chosen]
        return Live(self._walks[policy.detour], self.ground.demand, self.ground.zones, places, policy, ids)

    def subjects(self) -> list[Subject]:
        """Name all subjects."""
        return list(self._of)

    def policy(self, subject: Subject) -> Policy:
        """Give what holds for a subject."""
        return self.policies.of(*subject)

    def of(self, subject: Subject) -> Live:
        """Give one subject."""
        return self._of[subject]

    def follow(self, asked: Sequence[UUID], found: Assets) -> list[Touched]:
        """Let assets be as they are found now; those asked for that are not found are gone. Gives what that touches."""
        now = dict(_known(found))
        edits: dict[Subject, list[Edit]] = {}
        walked: dict[Subject, list[State]] = {}
        for asset in sorted(set(asked)):
            was, known = self.known.pop(asset, None), now.get(asset)
            if known is not None:
                self.known[asset] = known
            for subject in sorted(_subjects(was) | _subjects(known), key=str):
                before = was if was and subject in _subjects(was) else None
                after = known if known and subject in _subjects(known) else None
                if not _same(before, after):
                    edits.setdefault(subject, []).append(Edit(asset, after and after.state))
                    walked.setdefault(subject, []).extend(each.state for each in (before, after) if each is not None)
        return [Touched(subject, self._change(subject, edits[subject], walked[subject])) for subject in edits]

    def _change(self, subject: Subject, edits: Sequence[Edit], walked: Sequence[State]) -> Ints:
        """Keep edits of one subject; gives the areas of which some row may say something else.

        Those whose figures changed; those from which one can walk there; and those with people whose nearest asset is
        another now, however far, though as far as the one before.
        """
        live, reach_m = self.of(subject), self.policy(subject).norm_m
        nearest = live.reached.nearest.copy()
        points = [live.walks.pairs(state.places(), reach_m).point for state in walked]
        changed = live.change(edits)
        others = np.flatnonzero(live.reached.nearest != nearest)
        held = zones.taken(self.ground.by_point, np.unique(np.concatenate([others, *points])))
        return np.union1d(changed, held.point)

    def practise(self) -> None:
        """Try a change that is not kept: what has to be compiled for one then is, before the first that matters."""
        subject = self.subjects()[0]
        x, y = self.ground.demand.xy[0].tolist()
        self.of(subject).what_if([Edit(uuid4(), State((x, y), 1.0, 0.0, 1))])

    def rows(self, subject: Subject, areas: Ints | None = None) -> pd.DataFrame:
        """Give the rows of one subject for some areas, or all, as a run makes them: columns of `coverage`, no keys."""
        live, policy = self.of(subject), self.policy(subject)
        land, fallback = run.land(self.ground), live.walks.fallback()
        if areas is None:
            asked = np.arange(len(self.ground.areas))
            places, reached, _ = live.renumbered()
            ids: list[UUID] = sorted(each for each in live.roster.ids if each is not None)
            told = why.why(live.walks, places, reached, self._lies(ids), policy, asked)
            return records.frame(land, Outcome(asked, reached, live.figures, told, ids, fallback), policy)
        points = self._points(areas)
        places, reached, ids = self._around(live, areas, points)
        told = why.why(live.walks, places, reached, self._lies(ids), policy, areas)
        figures = Figures(*(each[areas] for each in live.figures))
        mine = Reached._make(each[points] for each in reached)
        outcome = Outcome(np.arange(len(areas)), mine, figures, told, ids, fallback[points])
        return records.frame(_part(land, areas, points), outcome, policy)

    def _lies(self, ids: Sequence[UUID]) -> why.Land:
        """Say where people live, and where these assets lie."""
        homes = [self.known[each].homes for each in ids]
        start = np.cumsum([0, *map(len, homes)])
        held = Zones(start, np.concatenate([np.empty(0, np.int64), *homes]))
        return why.Land(self.ground.zones, self.ground.demand, held, self.ground.by_point)

    def _points(self, areas: Ints) -> Ints:
        """Give the points that lie in any of these areas, ascending."""
        mine = np.zeros(self.ground.demand.count, dtype=bool)
        mine[zones.taken(self.ground.zones, areas).point] = True
        return np.flatnonzero(mine)

    def _around(self, live: Live, areas: Ints, points: Ints) -> tuple[Places, Reached, list[UUID]]:
        """Give only the assets that matter to some areas, in order of their ids, and what points have, so numbered.

        What is told of points outside these areas means nothing.
        """
        rows, count = live.roster.rows, len(live.roster.ids)
        every = Places(
            rows.xy[:count], rows.capacity[:count], rows.age_days[:count], rows.open_mask[:count],
            live.roster.areas, live.roster.served,
        )  # fmt: skip
        near = why.around(every, self.ground.demand, zones.taken(self.ground.zones, areas), live.policy.norm_m)
        number = np.full(count + 1, -1)  # the last one is where -1 points to
        for wanted in (near, live.reached.nearest[points], live.reached.only[points]):
            number[wanted] = 0
        slots = np.flatnonzero(number[:-1] == 0)
        slots = slots[np.argsort(rows.rank[slots])]
        number[-1] = -1
        number[slots] = np.arange(len(slots))
        self._nearest[points] = number[live.reached.nearest[points]]
        self._only[points] = number[live.reached.only[points]]
        ids: list[UUID] = [each for slot in slots.tolist() if (each := live.roster.ids[slot]) is not None]
        return every.take(slots), live.reached._replace(nearest=self._nearest, only=self._only), ids


def _part(land: Land, areas: Ints, points: Ints) -> Land:
    """Give what is told of some areas and of the points in them (ascending), numbered from 0 in this order."""
    held, people = zones.taken(land.zones, areas), land.demand
    demand = Demand(
        people.xy[points], people.residents[points], people.radius_m[points], people.suppressed[points],
        {name: each[points] for name, each in people.groups.items()},
    )  # fmt: skip
    within = Zones(held.start, np.searchsorted(points, held.point))
    sources = [land.sources[area] for area in areas.tolist()]
    return Land(within, demand, land.known[areas], land.unknown[areas], sources, land.edge_m[points])


def _known(assets: Assets) -> Iterator[tuple[UUID, Known]]:
    places, homes = assets.places, assets.homes
    for i, asset in enumerate(assets.ids):
        x, y = places.xy[i].tolist()
        state = State(
            None if np.isnan(x) else (x, y), float(places.capacity[i]), float(places.age_days[i]),
            int(places.open_mask[i]), places.areas.get(i), places.served.get(i),
        )  # fmt: skip
        lies_in = homes.point[homes.start[i] : homes.start[i + 1]]
        yield asset, Known(assets.kinds[i], frozenset(assets.services[i]), state, lies_in)


def _subjects(known: Known | None) -> set[Subject]:
    """Name the subjects that an asset belongs to: its kind, and each of its services that the vocabulary holds."""
    if known is None:
        return set()
    return {(known.kind, None), *((None, service) for service in known.services if service in SERVICES)}


def _same(one: Known | None, other: Known | None) -> bool:
    """Say whether coverage says the same of an asset: what it is, and the areas that it lies in."""
    if one is None or other is None:
        return one is other
    alike = one.state.same_place(other.state) and np.array_equal(one.homes, other.homes)
    return alike and np.array_equal(one.state[1:4], other.state[1:4], equal_nan=True)
