"""All subjects in memory: what the change of an asset does to each, and the rows of `coverage` that follow from it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

import numpy as np

from geo.coverage import records, run, store, why, zones
from geo.coverage.demand import Demand, Ints
from geo.coverage.gaps import Figures
from geo.coverage.live import Edit, Live, State
from geo.coverage.measures import Reached
from geo.coverage.policy import Policies, Policy
from geo.coverage.records import Columns, Land, Outcome
from geo.coverage.store import Assets, Ground
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
        self._of = {
            (subject.kind, subject.service): self._live((subject.kind, subject.service), assets, subject.chosen)
            for subject in store.subjects(assets)
        }
        points = ground.demand.count
        self._nearest, self._only = np.full(points, -1), np.full(points, -1)

    def _live(self, subject: Subject, assets: Assets, chosen: Ints) -> Live:
        policy = self.policy(subject)
        places, ids = assets.places.take(chosen), [assets.ids[i] for i in chosen]
        return Live(store.walks(self.ground, policy), self.ground.demand, self.ground.zones, places, policy, ids)

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
        rehomed: dict[Subject, list[UUID]] = {}
        for asset in sorted(set(asked)):
            was, known = self.known.pop(asset, None), now.get(asset)
            if known is not None:
                self.known[asset] = known
            left, come = _subjects(was), _subjects(known)
            for subject in sorted(left | come, key=str):
                before = was if subject in left else None
                after = known if subject in come else None
                if not _same(before, after):
                    edits.setdefault(subject, []).append(Edit(asset, after and after.state))
                if before and after and not np.array_equal(before.homes, after.homes):
                    rehomed.setdefault(subject, []).append(asset)
        return [Touched(subject, self._change(subject, edits[subject], rehomed.get(subject, []))) for subject in edits]

    def _change(self, subject: Subject, edits: Sequence[Edit], rehomed: Sequence[UUID]) -> Ints:
        """Keep edits of one subject; gives the areas of which some row may say something else.

        Besides those whose figures changed: from which one can walk there, or with people whose nearest asset is
        another now, however far, though as far as the one before.

        rehomed  assets that lie in other areas than before, even where their place is the same
        """
        live = self.of(subject)
        changed = live.change(edits).points
        walked = live.walked(np.array([live.roster.slot[asset] for asset in rehomed], dtype=np.int64)).point
        points = np.concatenate([changed, walked])
        return np.unique(zones.taken(self.ground.by_point, points.astype(np.int64)).point)

    def practise(self) -> None:
        """Try a change that is not kept: what has to be compiled for one then is, before the first that matters."""
        subject = self.subjects()[0]
        x, y = self.ground.demand.xy[0].tolist()
        self.of(subject).what_if([Edit(uuid4(), State((x, y), 1.0, 0.0, 1))])

    def rows(self, subject: Subject, areas: Ints | None = None) -> Columns:
        """Give the rows of one subject for some areas, or all, as a run makes them."""
        live, policy = self.of(subject), self.policy(subject)
        land, fallback = run.land(self.ground), live.walks.fallback()
        if areas is None:
            asked = np.arange(len(self.ground.areas))
            slots = live.roster.places()[1]
            places, reached, _ = live.renumbered()
            ids = _ids(live, slots)
            told = why.why(lambda index: live.walked(slots[index]), places, reached, self._lies(ids), asked)
            return records.columns(land, Outcome(asked, reached, live.figures, told, ids, fallback), policy)
        points = np.unique(zones.taken(self.ground.zones, areas).point)
        slots = live.around(points)
        slots = slots[np.argsort(live.roster.rows.rank[slots])]
        reached, ids = self._numbered(live, slots, points), _ids(live, slots)
        told = why.why(
            lambda index: live.walked(slots[index]), live.roster.some(slots), reached, self._lies(ids), areas
        )
        figures = Figures(*(each[areas] for each in live.figures))
        mine = Reached._make(each[points] for each in reached)
        outcome = Outcome(np.arange(len(areas)), mine, figures, told, ids, fallback[points])
        return records.columns(_part(land, areas, points), outcome, policy)

    def _lies(self, ids: Sequence[UUID]) -> why.Land:
        """Say where people live, and where these assets lie."""
        homes = [self.known[each].homes for each in ids]
        start = np.cumsum([0, *map(len, homes)])
        held = Zones(start, np.concatenate([np.empty(0, np.int64), *homes]))
        return why.Land(self.ground.zones, self.ground.demand, held, self.ground.by_point)

    def _numbered(self, live: Live, slots: Ints, points: Ints) -> Reached:
        """Give what points have, where assets are named by their place in `slots`; of other points it means nothing."""
        number = np.full(len(live.roster.ids) + 1, -1)  # the last one is where -1 points to
        number[slots] = np.arange(len(slots))
        self._nearest[points] = number[live.reached.nearest[points]]
        self._only[points] = number[live.reached.only[points]]
        return live.reached._replace(nearest=self._nearest, only=self._only)


def _ids(live: Live, slots: Ints) -> list[UUID]:
    """Name the assets in some slots, none of which is empty."""
    return [live.roster.ids[slot] for slot in slots.tolist()]


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
