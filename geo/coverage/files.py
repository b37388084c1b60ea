"""Coverage from arrays to tables: what `kaart coverage compute` makes of files, on one machine or spread over many."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.gaps import Figures, figures, group_share
from geo.coverage.inputs import GROUP, VOLUNTEER, Stock
from geo.coverage.measures import Loads, Reached, reach
from geo.coverage.places import Places
from geo.coverage.policy import Policies, Policy
from geo.coverage.walks import Walks
from geo.coverage.zones import Zones

COLUMNS = ("area", "kind", *Figures._fields, "group_share")
BLOCK_ROWS = 1 << 20  # of a table with a row for each point: so many at a time, to keep memory flat


class Subject(NamedTuple):
    """A kind of asset: its name, what the policy says of it, which assets they are (indexes, ascending), and where."""

    kind: str
    policy: Policy
    asset: Ints
    places: Places


class Points(NamedTuple):
    """What is told of each demand point, all of shape (points,).

    near_m     walking metres to the nearest asset, inf where none is reached
    nearest    the index of that asset among those of all kinds, -1 where none is reached
    count      assets within the norm; certainty: the chance that one of their records holds
    supply     places per resident
    """

    near_m: Floats
    nearest: Ints
    count: Ints  # type: ignore[assignment]  # the name is the column's; nobody counts values in a tuple of arrays
    certainty: Floats
    supply: Floats

    def some(self, rows: Ints) -> "Points":
        """Give some of them, in the order of their indexes."""
        reals = self.near_m[rows], self.certainty[rows], self.supply[rows]
        return Points(reals[0], self.nearest[rows], self.count[rows], reals[1], reals[2])


class Result(NamedTuple):
    """What was found for one subject: by area, of its group, by asset in the order of `subject.asset`, and by point.

    points    None where nobody asked for them
    fallback  the number of points whose walks are straight lines for want of a street near
    """

    subject: Subject
    figures: Figures
    group_share: Floats
    loads: Loads
    points: Points | None
    fallback: int


def subjects(stock: Stock, policies: Policies) -> list[Subject]:
    """Give every kind there is, in order of name: those of the assets, and those that the policy names.

    Volunteers are people, to whom nobody walks: a policy may speak of them, but here they are no subject.
    """
    none = np.empty(0, dtype=np.int64)
    kinds = sorted({*stock.kinds, *policies.kinds} - {VOLUNTEER})
    chosen = {kind: stock.kinds.get(kind, none) for kind in kinds}
    return [Subject(kind, policies.of(kind), asset, stock.places.take(asset)) for kind, asset in chosen.items()]


def compute(demand: Demand, zones: Zones, subject: Subject, walks: Walks) -> Result:
    """Compute all measures of one subject.

    demand   points in order of their ids; zones: the points of each area
    walks    from these points
    """
    reached, loads = reach(walks, subject.places, demand, subject.policy)
    return summed(demand, zones, subject, reached, loads)._replace(fallback=int(walks.fallback().sum()))


def summed(demand: Demand, zones: Zones, subject: Subject, reached: Reached, loads: Loads) -> Result:
    """Sum what is known of each point over its area, and name assets by their index among those of all kinds."""
    told = figures(zones, demand, reached, subject.policy)
    share = np.full(len(zones.start) - 1, np.nan)
    if GROUP in demand.groups:
        share = np.where(told.residents > 0, group_share(zones, demand, reached, subject.policy, GROUP)[1], np.nan)
    nearest = np.where(reached.nearest < 0, -1, np.append(subject.asset, -1)[reached.nearest])
    points = Points(reached.near_m, nearest, reached.count, 1.0 - reached.doubt, reached.supply)
    return Result(subject, told, share, loads, points, 0)


def no_points() -> Points:
    """Give what is told of no point at all."""
    none, nobody = np.empty(0), np.empty(0, dtype=np.int64)
    return Points(none, nobody, nobody, none, none)


def by_detour(make: Callable[[float], Walks]) -> Callable[[Policy], Walks]:
    """Give walks under a policy, made once for each detour."""
    made: dict[float, Walks] = {}

    def walks(policy: Policy) -> Walks:
        if policy.detour not in made:
            made[policy.detour] = make(policy.detour)
        return made[policy.detour]

    return walks


def area_table(ids: pa.Array, told: Sequence[Result]) -> pa.Table:
    """Lay out a row for each area and kind: areas in their order, then kinds in theirs. NaN and inf become null."""
    kinds, areas = len(told), len(ids)
    values = np.array([(*each.figures, each.group_share) for each in told], dtype=float)
    values = values.reshape(kinds, len(COLUMNS) - 2, areas)
    names = pa.array([each.subject.kind for each in told], pa.string())
    columns = [
        ids.take(pa.array(np.repeat(np.arange(areas), kinds))),
        names.take(pa.array(np.tile(np.arange(kinds), areas))),
        *(_nullable(values[:, at, :].T.ravel()) for at in range(len(COLUMNS) - 2)),
    ]
    return pa.table(columns, names=list(COLUMNS))


def point_table(ids: pa.Array, assets: pa.Array, kind: str, points: Points) -> pa.Table:
    """Lay out a row for each demand point. An asset that is unreachable is null, and so is its distance.

    ids  of the points, shape (points,); assets: ids of all assets
    """
    columns: Mapping[str, pa.Array] = {
        "id": ids,
        "kind": pa.repeat(pa.scalar(kind, pa.string()), len(ids)),
        "near_m": _nullable(points.near_m),
        "nearest": assets.take(pa.array(points.nearest, mask=points.nearest < 0)),
        "count": pa.array(points.count, pa.int64()),
        "certainty": pa.array(points.certainty),
        "supply": pa.array(points.supply),
    }
    return pa.table(columns)


def asset_table(ids: pa.Array, told: Sequence[Result]) -> pa.Table:
    """Lay out a row for each asset, in order of id. A crowding that is not finite, or of nobody, is null."""
    kinds = pa.array([each.subject.kind for each in told], pa.string())
    code = np.zeros(len(ids), dtype=np.int64)
    values = np.full((4, len(ids)), np.nan)
    for at, each in enumerate(told):
        code[each.subject.asset] = at
        values[:, each.subject.asset] = each.loads.load, each.loads.crowding, each.loads.lost, each.loads.gain
    names = ("load", "crowding", "lost_if_closed", "gain_if_checked")
    figures_ = {name: _nullable(values[row]) for row, name in enumerate(names)}
    return pa.table({"id": ids, "kind": kinds.take(pa.array(code)), **figures_})


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))
