"""The same sums by many processes: one task for each region, run by dask; results equal those of one machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geo.coverage import partitions, regions, zones
from geo.coverage.demand import Demand, Floats, Ints
from geo.coverage.files import Result, Subject, by_detour, summed
from geo.coverage.gaps import Figures
from geo.coverage.measures import Loads, Reached, reach
from geo.coverage.network import Network
from geo.coverage.partitions import Around
from geo.coverage.policy import Policy
from geo.coverage.snapping import SNAP_M
from geo.coverage.streets import Streets
from geo.coverage.walks import Line, Walks
from geo.errors import Unavailable

NETWORK = "network.parquet"
WIDER = 4.0  # how many times as far is looked for what is nearest, time after time


class Ground(NamedTuple):
    """What is the same for all subjects: points with the area of each (-1: none), the number of areas, the streets."""

    demand: Demand
    area: Ints
    areas: int
    network: Network | None


class Wanted(NamedTuple):
    """One subject, as a task is told of it: the number of its file, and the box that assets are taken from."""

    number: int
    kind: str
    policy: Policy
    box: Floats


class Task(NamedTuple):
    """One region: where the parts are, and what is wanted of it.

    near     the regions whose points may lie in its halo, itself among them; box: where points are read
    whole    the box around all there is; network: whether people walk by the streets
    points   whether what is found of each point is wanted too
    """

    folder: Path
    region: int
    near: Sequence[int]
    box: Floats
    wanted: Sequence[Wanted]
    whole: Floats
    network: bool
    points: bool


class Part(NamedTuple):
    """What a region tells of one subject: figures and group share of its areas, and loads of its assets.

    figures   shape (figures, areas), the group's share last; loads: shape (fields of Loads, assets)
    asset     index among those of all kinds
    fallback  points of the region that have no street near
    """

    number: int
    area: Ints
    figures: Floats
    asset: Ints
    loads: Floats
    fallback: int


class How(NamedTuple):
    """How the work is spread.

    each      has `work` done on every task, somewhere, and gives what came of it as soon as it is there
    most      points of a region, where areas allow
    points    whether what is found of each point is wanted too
    progress  is told how many of how many tasks are done
    """

    each: Callable[[Sequence[Task]], Iterable[list[Part]]]
    most: int
    points: bool = False
    progress: Callable[[int, int], None] = lambda _done, _of: None


def spread(folder: Path, ground: Ground, subjects: Sequence[Subject], how: How) -> Iterator[Result]:
    """Compute all subjects, each as `files.compute` does.

    folder   an empty one that all workers see by the same name; parts of the input and of the output go through it
    raises   Unavailable where the workers fail, or do not see the folder
    """
    tasks = plan(folder, ground, subjects, most=how.most, points=how.points)
    parts: list[list[Part]] = [[] for _ in subjects]
    for done, told in enumerate(how.each(tasks), start=1):
        for part in told:
            parts[part.number].append(part)
        how.progress(done, len(tasks))
    for number, subject in enumerate(subjects):
        found = None
        if how.points:
            found = partitions.read_points(sorted(folder.glob(_points_file(number, "*"))), ground.demand.count)
        yield _joined(subject, ground.areas, parts[number])._replace(points=found)


def plan(folder: Path, ground: Ground, subjects: Sequence[Subject], *, most: int, points: bool) -> list[Task]:
    """Write the parts, and say what each task is; regions have at most so many points where areas allow."""
    region = regions.divide(ground.demand.xy, ground.area, most)
    own = regions.boxes(ground.demand.xy, region)
    partitions.write_demand(folder, ground.demand, ground.area, region)
    if ground.network is not None:
        partitions.write_network(folder / NETWORK, ground.network)
    halos = []
    for number, subject in enumerate(subjects):
        reach_m = subject.policy.norm_m / (1.0 if ground.network is not None else subject.policy.detour)
        halos.append(regions.halo(own, partitions.extents(subject.places), reach_m))
        partitions.write_assets(folder / _assets_file(number), subject, halos[-1].owner)
    streets = [] if ground.network is None else [np.concatenate([ground.network.xy, ground.network.xy], axis=1)]
    whole = regions.around([own, *(partitions.extents(subject.places) for subject in subjects), *streets])
    tasks = []
    for at in range(len(own)):
        box = regions.around([own[at : at + 1], *(halo.demand[at : at + 1] for halo in halos)])
        near = [other for other in np.flatnonzero(regions.touching(own, box)).tolist() if other != at]
        wanted = [
            Wanted(number, subject.kind, subject.policy, halos[number].assets[at])
            for number, subject in enumerate(subjects)
        ]
        tasks.append(Task(folder, at, [at, *near], box, wanted, whole, ground.network is not None, points))
    return tasks


def work(task: Task) -> list[Part]:
    """Compute one region. Raises Unavailable where its parts cannot be read."""
    try:
        around = partitions.read_demand(task.folder, task.near, task.box)
        stocks = [_stock(task, wanted, wanted.box) for wanted in task.wanted]
        walks = by_detour(_walking(task, around.demand.xy, task.wanted, [subject for subject, _ in stocks]))
        return [
            _part(task, around, wanted, stock, walks(wanted.policy))
            for wanted, stock in zip(task.wanted, stocks, strict=True)
        ]
    except FileNotFoundError:
        raise Unavailable(
            f"A worker does not see {task.folder}: all workers must see the folder of --out under the same name."
        ) from None


def _stock(task: Task, wanted: Wanted, box: Floats) -> tuple[Subject, Ints]:
    return partitions.read_assets(task.folder / _assets_file(wanted.number), wanted.kind, wanted.policy, box)


def _walking(task: Task, xy: Floats, wanted: Sequence[Wanted], subjects: Sequence[Subject]) -> Callable[[float], Walks]:
    """Say how people walk from some points: as the crow flies, or by all streets near what is wanted.

    An asset that is an area is entered by the streets around all of it, however far it reaches.
    """
    if not task.network:
        return lambda detour: Line(xy, detour)
    boxes = [each.box.reshape(1, 4) for each in wanted]
    whole = regions.around([*boxes, *(partitions.extents(subject.places) for subject in subjects)])
    network = partitions.read_network(task.folder / NETWORK, regions.widened(whole, SNAP_M))
    return lambda detour: Streets(network, xy, detour)


def _part(task: Task, around: Around, wanted: Wanted, stock: tuple[Subject, Ints], walks: Walks) -> Part:
    subject, owner = stock
    mine = np.flatnonzero(owner == task.region)
    asset = subject.asset[mine]
    reached, loads = reach(walks, subject.places, around.demand, wanted.policy)
    subject, reached = _with_nearest(task, around, wanted, subject, reached)
    own = around.region == task.region
    lies = np.where(own, around.area, -1)
    area = np.unique(lies[lies >= 0])
    local = np.where(lies >= 0, np.searchsorted(area, lies), -1)
    found = summed(around.demand, zones.of_pairs(np.arange(len(local)), local, len(area)), subject, reached, loads)
    if task.points and found.points is not None:
        file = task.folder / _points_file(wanted.number, f"{task.region:06}")
        partitions.write_points(file, found.points, np.flatnonzero(own), around.row[own])
    figures = np.array([*found.figures, found.group_share])
    return Part(wanted.number, area, figures, asset, np.array(loads)[:, mine], int(walks.fallback()[own].sum()))


def _with_nearest(
    task: Task, around: Around, wanted: Wanted, subject: Subject, reached: Reached
) -> tuple[Subject, Reached]:
    """Ask again, with a wider box each time, for own points whose nearest asset may lie beyond what was read.

    returns the subject with the index of assets that were found so at its end, and what is reached, mended
    """
    near_m, nearest, asset = reached.near_m.copy(), reached.nearest.copy(), subject.asset
    open_ = np.flatnonzero(around.region == task.region)
    detour = 1.0 if task.network else wanted.policy.detour
    while True:
        sure = regions.certain(around.demand.xy[open_], near_m[open_], wanted.box, detour)
        open_ = open_[~sure]
        if not len(open_) or regions.covers(wanted.box, task.whole):
            return subject._replace(asset=asset), reached._replace(near_m=near_m, nearest=nearest)
        side = float(np.ptp(wanted.box.reshape(2, 2), axis=0).max())
        wanted = wanted._replace(box=regions.widened(wanted.box, WIDER * side))
        again, _ = _stock(task, wanted, wanted.box)
        walks = _walking(task, around.demand.xy[open_], [wanted], [again])(wanted.policy.detour)
        found = walks.nearest(again.places)
        near_m[open_] = found.metres
        nearest[open_] = np.where(found.asset < 0, -1, found.asset + len(asset))
        asset = np.concatenate([asset, again.asset])


def _joined(subject: Subject, areas: int, parts: Sequence[Part]) -> Result:
    """Put what the regions tell of one subject in its place. Nobody lives in an area, or near an asset, untold of."""
    figures = np.full((len(Figures._fields) + 1, areas), np.nan)
    figures[Figures._fields.index("residents")] = 0.0
    loads = np.zeros((len(Loads._fields), len(subject.asset)))
    loads[Loads._fields.index("crowding")] = np.nan
    for part in parts:
        figures[:, part.area] = part.figures
        loads[:, np.searchsorted(subject.asset, part.asset)] = part.loads
    return Result(
        subject, Figures(*figures[:-1]), figures[-1], Loads(*loads), None, sum(part.fallback for part in parts)
    )


def _assets_file(number: int) -> str:
    return f"assets-{number:04}.parquet"


def _points_file(number: int, region: str) -> str:
    return f"points-{number:04}-{region}.parquet"
