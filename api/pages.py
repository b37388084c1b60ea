"""The pages that people read: a question from the address, values from geo, HTML from maps."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session as DatabaseSession
from sqlalchemy.orm import load_only

from api.deps import CurrentSettings, Session
from api.frames import CurrentFrame, answer
from api.texts import Key, Keys, Line
from geo import features
from geo.collections import Wanted
from geo.coverage import results
from geo.coverage.demand import LATTICE_M
from geo.days import Days, today
from geo.errors import InvalidInput, NotFound
from geo.models import CoverageRun, Neighbourhood
from geo.privacy import VISITOR
from geo.search import ACTIVITY, find, kinds_on_the_map
from geo.vocabulary import KINDS, LEVELS, SERVICES, Level
from maps import broker, frame, resident
from maps.broker import Gaps, Run
from maps.gap_words import Subject
from maps.resident import Asked, Listing, Turning

router = APIRouter(include_in_schema=False)

ROWS = 100  # of the list, on one page
MOST = 1000  # features that the map asks for at once; it follows the links to more


class ResidentQuery(BaseModel):
    """What may stand in the address of the residents' page. Names it does not know are passed over."""

    q: Line = ""
    kind: Keys = []
    service: Key = ""
    neighbourhood: Key = ""
    when: Literal["any", "today", "week"] = "any"
    page: int = Field(1, ge=1, le=1000)

    @field_validator("kind")
    @classmethod
    def known_kinds(cls, kinds: list[str]) -> list[str]:
        """Refuse a kind that is not on the map."""
        return [_known(kind, kinds_on_the_map()) for kind in kinds if kind]

    @field_validator("service")
    @classmethod
    def known_service(cls, service: str) -> str:
        """Refuse a service that the vocabulary does not hold; empty is any."""
        return _known(service, [*SERVICES]) if service else ""

    def days(self, now: date) -> Days | None:
        """Give the days asked for: today, or seven days from today, so that a Sunday has a week too."""
        ends = {"today": now, "week": now + timedelta(6)}
        return (now, ends[self.when]) if self.when in ends else None

    def wanted(self, now: date) -> Wanted:
        """Turn the address into a question."""
        return Wanted(
            kind=tuple(self.kind), service=(self.service,) if self.service else (), q=self.q,
            neighbourhood=self.neighbourhood or None, datetime=self.days(now),
        )  # fmt: skip

    def filters(self) -> dict[str, object]:
        """Give the filters that are set, as they stand in an address."""
        given = {"q": self.q, "kind": self.kind, "service": self.service, "neighbourhood": self.neighbourhood}
        return {name: value for name, value in given.items() if value}

    def turned_to(self, page: int) -> str:
        """Give the address of another page of the same list."""
        when = {"when": self.when} if self.when != "any" else {}
        return "/?" + urlencode({**self.filters(), **when, "page": page}, doseq=True)

    def sources(self, now: date) -> dict[str, str]:
        """Give the addresses of the same features as GeoJSON. Activities that are over are left out, as in the list."""
        assets = [kind for kind in self.kind if kind != ACTIVITY]
        shared = {name: value for name, value in self.filters().items() if name != "kind"}
        days = self.days(now)
        open_on = {"datetime": f"{days[0]}/{days[1]}"} if days else {}
        coming = {"datetime": f"{days[0]}/{days[1]}" if days else f"{now}/.."}
        sources = {"outlines": items("neighbourhoods", {"level": "buurt"})}
        if assets or not self.kind:
            sources["assets"] = items("assets", {**shared, "kind": assets, **open_on})
        if ACTIVITY in self.kind or not self.kind:
            sources["activities"] = items("activities", {**shared, **coming})
        return sources


class GapsQuery(BaseModel):
    """What may stand in the address of the gap pages. The form sends `what`: `kind:initiative`, `service:meals`."""

    what: Key = ""
    kind: Key = ""
    service: Key = ""
    level: Key = "buurt"
    sort: Literal["uncovered", "share", "nearest", "name"] = "uncovered"

    def subject(self) -> Subject:
        """Give what is mapped; community rooms when nothing is asked. Raises InvalidInput for what is unknown."""
        for value, known in ((self.kind, KINDS), (self.service, SERVICES), (self.level, LEVELS)):
            if value and value not in known:
                raise InvalidInput(f"{value!r} is not one of: {', '.join(known)}.")
        if self.kind and self.service and self.kind != "volunteer":
            raise InvalidInput("Ask for a kind or for a service, not for both.")
        if not self.kind and not self.service:
            return Subject("community_room", None)
        return Subject(self.kind or None, self.service or None)


def _known(value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is not one of: {', '.join(known)}")
    return value


def items(collection: str, asked: dict[str, object]) -> str:
    """Give the address of a collection's items."""
    return f"/v1/collections/{collection}/items?{urlencode({**asked, 'limit': MOST}, doseq=True)}"


@router.get("/", name="resident_page")
def resident_page(
    request: Request,
    session: Session,
    page: CurrentFrame,
    query: Annotated[ResidentQuery, Query()],
) -> Response:
    """The map and the list of what there is."""
    now = today()
    found = find(session, VISITOR, query.wanted(now), limit=ROWS, offset=ROWS * (query.page - 1))
    before = query.turned_to(query.page - 1) if query.page > 1 else ""
    after = query.turned_to(query.page + 1) if found.total > ROWS * query.page else ""
    buurten = buurten_of(session)
    listing = Listing(
        features=found.features,
        total=found.total,
        today=now,
        turning=Turning(before, after),
        sources=query.sources(now),
        neighbourhoods=[(buurt.id, buurt.name) for buurt in buurten],
        schematic=any(buurt.schematic for buurt in buurten),
    )
    asked = Asked(query.q, tuple(query.kind), query.service, query.neighbourhood, query.when)
    return answer(request, page, resident.resident_page(page, asked, listing))


def buurten_of(session: DatabaseSession) -> Sequence[Neighbourhood]:
    """Read the buurten in force by name, without their outlines."""
    named = load_only(Neighbourhood.id, Neighbourhood.name, Neighbourhood.schematic)
    wanted = select(Neighbourhood).where(Neighbourhood.level == Level.buurt, Neighbourhood.in_force)
    return session.scalars(wanted.options(named).order_by(Neighbourhood.name, Neighbourhood.id).limit(MOST)).all()


@router.get("/places/{place}", name="place_page")
def place_page(request: Request, session: Session, page: CurrentFrame, place: str) -> Response:
    """The card of one place or initiative."""
    feature = features.one(session, VISITOR, "assets", place)
    here = features.page(session, VISITOR, "activities", Wanted(asset=UUID(feature["id"])), limit=MOST).features
    held = [activity for activity in here if activity["properties"]["next_on"]]
    held.sort(key=lambda activity: activity["properties"]["next_on"])
    return answer(request, page, resident.place_page(page, feature, held, today()))


@router.get("/activities/{activity}", name="activity_page")
def activity_page(request: Request, session: Session, page: CurrentFrame, activity: str) -> Response:
    """The card of one activity."""
    feature = features.one(session, VISITOR, "activities", activity)
    return answer(request, page, resident.activity_page(page, feature, today()))


@router.get("/gaps", name="gaps_page")
def gaps_page(request: Request, session: Session, page: CurrentFrame, query: Annotated[GapsQuery, Query()]) -> Response:
    """Where what is missing."""
    if query.what:
        asked = broker.subject_query(broker.subject_of(query.what))
        return RedirectResponse(f"/gaps?{asked}&{urlencode({'level': query.level, 'sort': query.sort})}", 303)
    subject = query.subject()
    run = results.latest(session)
    found = coverage_of(session, subject, level=query.level) if run else []
    source = items("coverage", {**subject_asked(subject), "level": query.level}) if found else ""
    gaps = Gaps(subject, query.level, query.sort, found, told(run), source)
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
    run = told(results.latest(session))
    found = coverage_of(session, subject, neighbourhood=neighbourhood)
    mine = [row for row in found if neighbourhood in (row["properties"]["neighbourhood"], row["properties"]["code"])]
    if run is None or not mine:
        raise NotFound(f"Nothing was reckoned for the neighbourhood {neighbourhood!r}.")
    return answer(request, page, broker.gap_page(page, mine[0], subject, run))


def coverage_of(
    session: DatabaseSession, subject: Subject, *, level: str | None = None, neighbourhood: str | None = None
) -> list[features.Feature]:
    """Read the latest coverage of one subject."""
    wanted = Wanted(
        kind=(subject.kind,) if subject.kind else (),
        service=(subject.service,) if subject.service else (),
        level=(level,) if level else (),
        neighbourhood=neighbourhood,
    )
    return features.page(session, VISITOR, "coverage", wanted, limit=MOST * 10).features


def subject_asked(subject: Subject) -> dict[str, object]:
    """Give a subject as filters of the API."""
    return {name: value for name, value in subject._asdict().items() if value}


def told(run: CoverageRun | None) -> Run | None:
    """Give what the pages tell of a run."""
    return None if run is None else Run(run.computed_at, run.norm_m, run.detour, run.lattice_m)


@router.get("/about", name="about_page")
def about_page(request: Request, session: Session, page: CurrentFrame, settings: CurrentSettings) -> Response:
    """What this map is, and how it is made."""
    reader, run = page.reader, results.latest(session)
    parameters = {
        "norm": reader.distance(run.norm_m if run else settings.norm_m),
        "detour": reader.tenths(run.detour if run else settings.detour),
        "lattice": reader.distance(LATTICE_M),
    }
    schematic = any(buurt.schematic for buurt in buurten_of(session))
    return answer(request, page, frame.about_page(page, parameters, schematic))
