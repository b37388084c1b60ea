"""The pages of gaps: a question from the address, the rows of one run from geo, HTML from maps."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import select
from sqlalchemy.orm import Session as DatabaseSession

from api.deps import Session
from api.frames import CurrentFrame, answer
from api.pages import MOST, items, known
from api.texts import Key
from geo import features
from geo.collections import Wanted
from geo.coverage import differences, results
from geo.coverage.differences import Only
from geo.coverage.models import CoverageRun
from geo.coverage.policy import Policy, of_json
from geo.errors import InvalidInput, NotFound
from geo.features import Feature
from geo.models import Neighbourhood
from geo.rights import VISITOR
from geo.vocabulary import KINDS, LEVELS, SERVICES, Kind, Level, RunStatus
from maps import broker
from maps.broker import Asked, Gaps
from maps.gap_card import Look
from maps.gap_figures import FIGURES
from maps.gap_measures import MEASURES, shown
from maps.gap_words import EVERYONE, GROUPS, Subject
from maps.ranking import NAME
from maps.runs import AtWork, Run
from maps.since import Because, Since

router = APIRouter(include_in_schema=False)

ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
SHOWN_RUNS = 30  # to choose from; the API knows all


class GapsQuery(BaseModel):
    """What may stand in the address of the gap pages. The form sends `what`: `kind:initiative`, `service:meals`."""

    what: Key = ""
    kind: Key = ""
    service: Key = ""
    level: Key = broker.DEFAULT_LEVEL
    measure: Key = broker.DEFAULT_MEASURE
    group: Key = EVERYONE
    run: UUID | Literal[""] = ""
    sort: Key = ""

    @field_validator("run", mode="before")
    @classmethod
    def known_run(cls, run: object) -> object:
        """Refuse what is no id of a run, in one sentence."""
        if isinstance(run, str) and run and not ID.fullmatch(run):
            raise PydanticCustomError("run", "is no id of a coverage run; without it the page shows now")
        return run

    @field_validator("measure")
    @classmethod
    def known_measure(cls, measure: str) -> str:
        """Refuse a measure that there is not; empty is the usual one."""
        return known(measure, [*MEASURES]) if measure else broker.DEFAULT_MEASURE

    @field_validator("group")
    @classmethod
    def known_group(cls, group: str) -> str:
        """Refuse a group of residents that is not counted; empty is everyone."""
        return known(group, [*GROUPS]) if group else EVERYONE

    @field_validator("sort")
    @classmethod
    def known_sort(cls, sort: str) -> str:
        """Refuse an order that no ranking has."""
        return known(sort, [NAME, *FIGURES]) if sort else ""

    def subject(self) -> Subject:
        """Give what is mapped; community rooms when nothing is asked. Raises InvalidInput for what is unknown."""
        for field, keys in (("kind", KINDS), ("service", SERVICES), ("level", LEVELS)):
            value = getattr(self, field)
            if value and value not in keys:
                raise InvalidInput(f"{field}: {value!r} is not one of: {', '.join(keys)}.")
        if self.kind and self.service and self.kind != "volunteer":
            raise InvalidInput("Ask for a kind or for a service, not for both.")
        if not self.kind and not self.service:
            return Subject("community_room", None)
        return Subject(self.kind or None, self.service or None)

    def asked(self, subject: Subject, run: str) -> Asked:
        """Give all that is asked of one subject, and what can be shown of it."""
        of = shown(subject, self.measure, self.group)
        return Asked(subject, self.level, self.measure, self.group, run, self.sort, of)


@router.get("/gaps", name="gaps_page")
def gaps_page(request: Request, session: Session, page: CurrentFrame, query: Annotated[GapsQuery, Query()]) -> Response:
    """Where what is missing."""
    if query.what:
        return RedirectResponse(query.asked(broker.subject_of(query.what), str(query.run)).address(), 303)
    run, kept = run_asked(session, query)
    asked = query.asked(query.subject(), kept)
    found = coverage_of(session, asked.subject, kept, level=asked.level) if run else []
    runs = results.runs(session, SHOWN_RUNS)
    gaps = Gaps(
        asked=asked,
        features=found,
        run=told(run) if run else None,
        runs=[told(each) for each in runs if each.status == RunStatus.done],
        work=at_work(runs),
        source=source_of(asked) if found else "",
        now=uncovered_now(session, asked) if kept and not asked.subject.volunteers else {},
        whole=municipalities(session),
    )
    return answer(request, page, broker.gaps_page(page, gaps))


@router.get("/gaps/{neighbourhood}", name="gap_page")
def gap_page(
    request: Request,
    session: Session,
    page: CurrentFrame,
    neighbourhood: str,
    query: Annotated[GapsQuery, Query()],
) -> Response:
    """Why a neighbourhood is coloured as it is."""
    subject = query.subject()
    run, kept = run_asked(session, query)
    mine = one_of(coverage_of(session, subject, kept, neighbourhood=neighbourhood), neighbourhood)
    if run is None or mine is None:
        raise NotFound(f"Nothing was reckoned for the neighbourhood {neighbourhood!r}.")
    since = since_of(session, run, mine, subject) if kept and not subject.volunteers else None
    look = Look(subject, told(run), named_in(session, mine), since)
    return answer(request, page, broker.gap_page(page, mine, look, kept))


def run_asked(session: DatabaseSession, query: GapsQuery) -> tuple[CoverageRun | None, str]:
    """Find the run to show, and its id where it is a past one. Raises NotFound where there is none that is done."""
    if not query.run:
        return results.latest(session), ""
    run = results.kept(session, query.run)
    if run.status != RunStatus.done:
        raise NotFound(f"The coverage run {str(query.run)!r} is not done.")
    return run, "" if run.live else str(run.id)


def coverage_of(
    session: DatabaseSession,
    subject: Subject,
    run: str,
    *,
    level: str | None = None,
    neighbourhood: str | None = None,
) -> list[Feature]:
    """Read the coverage of one subject; an empty run means as it is now."""
    wanted = Wanted(
        kind=(subject.kind,) if subject.kind else (),
        service=(subject.service,) if subject.service else (),
        level=(level,) if level else (),
        neighbourhood=neighbourhood,
        run=UUID(run) if run else None,
    )
    return features.page(session, VISITOR, "coverage", wanted, limit=MOST * 10).features


def one_of(found: Sequence[Feature], neighbourhood: str) -> Feature | None:
    """Find one neighbourhood, by id or code, among the rows of all that lie in it."""
    return next(
        (row for row in found if neighbourhood in (row["properties"]["neighbourhood"], row["properties"]["code"])), None
    )


def named_in(session: DatabaseSession, row: Feature) -> dict[str, Feature]:
    """Read the assets that an explanation names, as far as a visitor may see them, by id."""
    why: Mapping[str, object] = row["properties"]["why"] or {}
    ids = {UUID(asset) for listed in why.values() if isinstance(listed, list) for asset, _ in listed}
    seen = features.chosen(session, VISITOR, "assets", Wanted(), sorted(ids))
    return {str(asset): feature for asset, feature in seen.items()}


def source_of(asked: Asked) -> str:
    """Give the address of the same coverage as GeoJSON."""
    named = {name: value for name, value in asked.subject._asdict().items() if value}
    return items("coverage", {**named, "level": asked.level, **({"run": asked.run} if asked.run else {})})


def uncovered_now(session: DatabaseSession, asked: Asked) -> dict[str, float | None]:
    """Read how many are beyond reach by now, by neighbourhood."""
    rows = coverage_of(session, asked.subject, "", level=asked.level)
    return {row["properties"]["neighbourhood"]: row["properties"]["uncovered"] for row in rows}


def municipalities(session: DatabaseSession) -> list[tuple[str, str]]:
    """Read the municipalities in force by name: id and name of each."""
    wanted = select(Neighbourhood.id, Neighbourhood.name).where(
        Neighbourhood.level == Level.gemeente, Neighbourhood.in_force
    )
    return [(id_, name) for id_, name in session.execute(wanted.order_by(Neighbourhood.name, Neighbourhood.id))]


def since_of(session: DatabaseSession, run: CoverageRun, then: Feature, subject: Subject) -> Since | None:
    """Compare a neighbourhood in a run of the past with the same now; None where there is nothing later."""
    now, area = results.latest(session), then["properties"]["neighbourhood"]
    row = one_of(coverage_of(session, subject, "", neighbourhood=area), area)
    if now is None or row is None or now.id == run.id or now.computed_at < run.computed_at:
        return None
    figures = {name: (then["properties"][name], row["properties"][name]) for name in ("uncovered", "gap")}
    found = differences.between(
        session, run, now, only=Only(area, Kind(subject.kind) if subject.kind else None, subject.service)
    )
    for change in found.listed:
        because = [Because(each.name, each.what) for each in change.because]
        return Since(figures["uncovered"], figures["gap"], because, change.also)
    return Since(figures["uncovered"], figures["gap"])


def at_work(runs: Sequence[CoverageRun]) -> AtWork | None:
    """Tell of the newest run that is not done yet, or of the newest of all where it failed."""
    going = [run for run in runs if run.status in (RunStatus.waiting, RunStatus.working)]
    failed = [run for run in runs[:1] if run.status == RunStatus.failed]
    return next((AtWork(run.status.value, run.progress, run.computed_at) for run in (*going, *failed)), None)


def told(run: CoverageRun) -> Run:
    """Give what the pages tell of a run; one from before there were policies has its norm and detour only."""
    policies = of_json(run.policy, Policy(norm_m=run.norm_m, detour=run.detour))
    return Run(str(run.id), run.computed_at, run.live, run.lattice_m, run.walks, policies)
