"""Compute the coverage of all neighbourhoods, and keep it: dated runs, and the live state that begins as the newest."""

from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import pandas as pd
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.coverage import gaps, measures, policy, records, store, walks, why, zones
from geo.coverage.demand import LATTICE_M
from geo.coverage.models import Coverage, CoverageRun
from geo.coverage.policy import Policies
from geo.coverage.records import Land, Outcome
from geo.coverage.store import Assets, Ground, Subject
from geo.errors import Conflict
from geo.imports import bulk
from geo.imports.report import Progress
from geo.models import History, ImportJob
from geo.sql import statements
from geo.vocabulary import JobStatus, Level, RunStatus
from geo.volunteers import counts

RUN_LOCK = 0x6B616173  # one run at a time
COPIED = (
    """computed_at year norm_m detour lattice_m counts code_version status step progress policy data walks""".split()
)


def quiet(_step: str, _done: int, _total: int | None) -> None:
    """Tell nobody how far it is."""


def order(session: Session, policies: Policies, status: RunStatus = RunStatus.waiting) -> CoverageRun:
    """Note that a run is wanted; `work` makes it."""
    base = policies.base
    made = CoverageRun(
        year=0, norm_m=base.norm_m, detour=base.detour, lattice_m=LATTICE_M, policy=policies.as_json(),
        code_version=version("levende-kaart"), status=status, progress=0.0,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def run(session: Session, policies: Policies, *, key: bytes, progress: Progress = quiet) -> CoverageRun:
    """Compute the coverage of all neighbourhoods in force now, and store it as a new run; see `work`."""
    made = order(session, policies, RunStatus.working)
    work(session, made, key=key, progress=progress)
    return made


def work(session: Session, made: CoverageRun, *, key: bytes, progress: Progress = quiet) -> None:
    """Compute and store all results of a run in this transaction, and begin the live state anew as a copy of it.

    key      of the repeatable rounding of numbers of volunteers
    raises   Conflict while another run is being made; InvalidInput where no neighbourhood is stored
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(RUN_LOCK))):
        raise Conflict("Another coverage run is being made. Try again when it is done.")
    session.execute(text("SET LOCAL statement_timeout = 0"))  # the limit is for those who look something up
    policies = policies_of(made)
    data = versions(session)  # read first: a change in between is named twice rather than never
    given = store.ground(session, policies, progress)
    assets = store.assets(session, given)
    subjects = list(store.subjects(assets))
    for number, subject in enumerate(subjects):
        progress("computing", number, len(subjects))
        _keep(session, made, given, subject, table(given, assets, subject, policies))
    progress("computing", len(subjects), len(subjects))
    people = counts.rows(session, made.id, given.areas, key)
    bulk.copy(
        session, Coverage.__tablename__, pd.DataFrame(people).astype({"volunteers": "Int64", "residents": "Int64"})
    )
    describe(made, given, assets, data)
    made.status, made.progress, made.step = RunStatus.done, 1.0, ""
    made.computed_at = session.scalars(select(func.clock_timestamp())).one()
    session.flush()
    _make_live(session, made)
    session.execute(text("ANALYZE coverage"))


def describe(made: CoverageRun, given: Ground, assets: Assets, data: Mapping[str, object]) -> None:
    """Keep beside a run what it was made from."""
    years = sorted({area.year for area in given.areas if area.level != Level.drawn})
    edges = None if given.network is None else given.network.edges
    made.year, made.walks = years[-1], "line" if given.network is None else "network"
    made.counts = _counts(given, assets, policies_of(made))
    made.data = {**data, "boundaries": years, "network_edges": edges}


def policies_of(made: CoverageRun) -> Policies:
    """Give the policies that a run is made with."""
    return policy.of_json(made.policy)


def land(given: Ground) -> Land:
    """Give what rows need of the ground."""
    return Land(given.zones, given.demand, given.known, given.unknown, given.sources, given.edge_m)


def table(given: Ground, assets: Assets, subject: Subject, policies: Policies) -> pd.DataFrame:
    """Compute one subject for all areas, as columns of `coverage`."""
    rules = policies.of(subject.kind, subject.service)
    places = assets.places.take(subject.chosen)
    ways = store.walks(given, rules)
    reached, _ = measures.reach(ways, places, given.demand, rules)
    lies = why.Land(given.zones, given.demand, zones.taken(assets.homes, subject.chosen), given.by_point)
    outcome = Outcome(
        np.arange(len(given.areas)), reached, gaps.figures(given.zones, given.demand, reached, rules),
        why.why(walks.walked(ways, places, rules.norm_m), places, reached, lies),
        [assets.ids[i] for i in subject.chosen], ways.fallback(),
    )  # fmt: skip
    return records.frame(records.columns(land(given), outcome, rules))


def _keep(session: Session, made: CoverageRun, given: Ground, subject: Subject, told: pd.DataFrame) -> None:
    keys = {
        "run_id": str(made.id), "neighbourhood_id": [area.id for area in given.areas],
        "kind": subject.kind and subject.kind.value, "service": subject.service,
    }  # fmt: skip
    bulk.copy(session, Coverage.__tablename__, told.assign(**keys))


def _make_live(session: Session, made: CoverageRun) -> None:
    """Begin the live state anew: a copy of this run, under an id that stays the same."""
    live = session.scalar(select(CoverageRun).where(CoverageRun.live))
    told = {column: getattr(made, column) for column in COPIED}
    if live is None:
        live = CoverageRun(live=True, **told)
        session.add(live)
    for name, value in told.items():
        setattr(live, name, value)
    session.flush()
    for statement in statements("coverage/live.sql"):
        session.execute(text(statement), {"live": live.id, "made": made.id})


def _counts(given: Ground, assets: Assets, policies: Policies) -> dict[str, float]:
    """Keep beside a run what it was made from, so that a reader can judge it."""
    buurten = [i for i, area in enumerate(given.areas) if area.level == Level.buurt]
    reaching = len(assets.places.served) + int((~np.isnan(assets.places.xy[:, 0])).sum())
    people = given.demand
    aside = store.walks(given, policies.base).fallback()
    return {
        "areas": len(given.areas),
        "points": people.count,
        "residents": float(people.residents.sum()),
        "residents_without_street": float(people.residents[aside].sum()),
        "suppressed_points": int(people.suppressed.sum()),
        "areas_without_residents": sum(1 for i in buurten if not given.known[i]),
        "areas_on_a_lattice": sum(1 for i in buurten if given.sources[i] == "lattice"),
        "assets": len(assets.ids),
        "assets_without_place_or_catchment": len(assets.ids) - reaching,
        "assets_without_hours": int((assets.places.open_mask < 0).sum()),
        "assets_without_capacity": int(np.isnan(assets.places.capacity).sum()),
        "assets_never_confirmed": int(np.isnan(assets.places.age_days).sum()),
    }


def versions(session: Session) -> dict[str, object]:
    """Say which versions of the data are there: imports by their moment, and the last change of a record."""
    imports = session.execute(
        select(ImportJob.what, func.max(ImportJob.done_at))
        .where(ImportJob.status == JobStatus.done)
        .group_by(ImportJob.what)
    )
    told = {what.value: moment.isoformat() for what, moment in imports if moment}
    return {"last_change": session.scalar(select(func.max(History.id))), "imports": told}
