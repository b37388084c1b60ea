"""What prices leave open, made small and solved exactly by HiGHS.

The model (Church & ReVelle 1974): choose p of the candidates x, 0 or 1; a set of points y counts as covered, 0 to 1, as
far as some candidate that covers it is chosen; cover as many residents as can be.
"""

from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from geo.coverage.compiled import compiled
from geo.coverage.covering import Cover, of, times
from geo.coverage.demand import Bools, Floats, Ints
from geo.coverage.rows import gathered, spelled
from geo.coverage.walks import Pairs
from geo.errors import Unavailable

WHOLE = 0.5  # HiGHS gives whole numbers to within 1e-6
CAUTION = 1 + 1e-6  # and bounds
STOPPED = {
    highspy.HighsModelStatus.kTimeLimit,
    highspy.HighsModelStatus.kInterrupt,
    highspy.HighsModelStatus.kIterationLimit,
    highspy.HighsModelStatus.kSolutionLimit,
}


class Answer(NamedTuple):
    """What the solver found: a choice, a bound on every choice, and whether it says that nothing covers more."""

    chosen: Ints
    bound: float
    proven: bool


def small(cover: Cover, kept: Ints) -> tuple[Cover, Ints]:
    """Make a cover of some candidates as small as it can be, with the same best value for every p.

    Points out of their reach go, points that the same candidates cover become one, and of candidates that cover nothing
    that another does not the lowest stays; then points are merged once more.

    kept     candidates, ascending
    returns  the cover, and the candidates that stay, ascending
    """
    merged = _merged(_only(cover, kept))
    stay = np.flatnonzero(~_dominated(merged, *_by_point(merged)))
    return _merged(_only(merged, stay)), kept[stay]


def _only(cover: Cover, kept: Ints) -> Cover:
    """Keep some candidates, numbered anew, and all points."""
    size = np.diff(cover.start)[kept]
    start = np.concatenate([[0], np.cumsum(size)])
    pair = np.repeat(cover.start[kept] - start[:-1], size) + np.arange(start[-1])
    return Cover(start, cover.point[pair], cover.weight)


def _by_point(cover: Cover) -> tuple[Ints, Ints]:
    """Turn a cover round: point i is covered by candidate[start[i]:start[i+1]], ascending."""
    return gathered(cover.point.astype(np.int64), spelled(cover.start), len(cover.weight))


def _merged(cover: Cover) -> Cover:
    """Make one point of all that the same candidates cover, the first of them, and drop those that none covers."""
    start, candidate = _by_point(cover)
    same: dict[bytes, int] = {}
    first, weight = np.full(len(cover.weight), -1), np.zeros(len(cover.weight))
    for i in np.flatnonzero(np.diff(start)):
        first[i] = same.setdefault(candidate[start[i] : start[i + 1]].tobytes(), int(i))
    np.add.at(weight, first[first >= 0], cover.weight[first >= 0])
    return of(Pairs(cover.start, cover.point, np.empty(0)), weight)


@compiled
def _dominated(cover: Cover, start: Ints, candidate: Ints) -> Bools:
    """Find candidates of which another covers all: more besides, or the same and stands lower. Those of nothing too."""
    found = np.zeros(len(cover.start) - 1, np.bool_)
    for c in range(len(found)):
        mine = cover.point[cover.start[c] : cover.start[c + 1]]
        if len(mine) == 0:
            found[c] = True
            continue
        fewest = mine[np.argmin(start[mine + 1] - start[mine])]
        for other in candidate[start[fewest] : start[fewest + 1]]:
            theirs = cover.point[cover.start[other] : cover.start[other + 1]]
            if len(theirs) > len(mine) or (len(theirs) == len(mine) and other < c):
                found[c] = found[c] or _holds(theirs, mine)
    return found


@compiled
def _holds(theirs: NDArray[np.int32], mine: NDArray[np.int32]) -> bool:
    """Say whether all of mine, ascending, are among theirs, ascending."""
    k = 0
    for point in mine:
        while k < len(theirs) and theirs[k] < point:
            k += 1
        if k == len(theirs) or theirs[k] != point:
            return False
    return True


def solve(cover: Cover, p: int, start: Ints, step: float, seconds: float) -> Answer:
    """Choose at most p candidates that cover most.

    start    candidates of a choice to begin with; may be empty
    step     all that can be covered are multiples of it; 0 where that is not known
    seconds  time limit on the clock
    raises   Unavailable where the solver fails
    """
    scale = step or float(cover.weight.max())
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | int | float | str] = {
        "output_flag": False, "threads": 1, "parallel": "off", "time_limit": max(seconds, 0.0),
        "mip_rel_gap": 1e-9, "mip_abs_gap": 0.999 if step else 1e-9,
    }  # fmt: skip
    for option, told in options.items():
        _told(solver.setOptionValue(option, told), f"refuses the option {option}")
    _told(solver.passModel(_model(cover, p, cover.weight / scale)), "refuses the model")
    if len(start):
        _begin(solver, cover, start)
    _told(solver.run(), "fails")
    proven = finished(solver.getModelStatus())
    bound = float(solver.getInfo().mip_dual_bound) * scale * CAUTION
    chosen = np.array(solver.getSolution().col_value[: len(cover.start) - 1]) > WHOLE
    return Answer(np.flatnonzero(chosen), bound if np.isfinite(bound) else np.inf, proven)


def finished(status: highspy.HighsModelStatus) -> bool:
    """Say whether the solver proved its answer, or was stopped. Raises Unavailable where it has none."""
    if status == highspy.HighsModelStatus.kOptimal:
        return True
    if status in STOPPED:
        return False
    raise Unavailable(f"The solver of siting has no answer: {status.name}.")


def _told(status: highspy.HighsStatus, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise Unavailable(f"The solver of siting {what}.")


def _model(cover: Cover, p: int, value: Floats) -> highspy.HighsLp:
    """Write the model: columns are candidates, then points; rows are points, then the number of candidates."""
    places, points = len(cover.start) - 1, len(cover.weight)
    start, candidate = _by_point(cover)
    ends = start[1:] + np.arange(points)  # where each point itself stands, after the candidates that cover it
    index = np.concatenate([np.insert(candidate, start[1:], places + np.arange(points)), np.arange(places)])
    sign = np.ones(len(index))
    sign[ends] = -1
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = places + points, points + 1
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = np.concatenate([np.zeros(places), value])
    model.col_lower_, model.col_upper_ = np.zeros(places + points), np.ones(places + points)
    model.row_lower_ = np.append(np.zeros(points), -np.inf)
    model.row_upper_ = np.append(np.full(points, np.inf), p)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.concatenate([[0], ends + 1, [len(index)]])
    model.a_matrix_.index_ = index
    model.a_matrix_.value_ = sign
    whole, part = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [whole] * places + [part] * points
    return model


def _begin(solver: highspy.Highs, cover: Cover, start: Ints) -> None:
    """Let the solver begin from a choice."""
    values = np.zeros(len(cover.start) - 1 + len(cover.weight))
    values[start] = 1
    values[len(cover.start) - 1 :] = times(cover, start) > 0
    solution = highspy.HighsSolution()
    solution.col_value = list(values)
    _told(solver.setSolution(solution), "refuses a choice to begin with")
