"""The pages that people read: a question from the address, values from geo, HTML from maps."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
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
from geo.models import Neighbourhood
from geo.rights import VISITOR
from geo.search import ACTIVITY, find, kinds_on_the_map
from geo.settings import Settings
from geo.vocabulary import SERVICES, Level
from maps import frame, resident
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
        return [known(kind, kinds_on_the_map()) for kind in kinds if kind]

    @field_validator("service")
    @classmethod
    def known_service(cls, service: str) -> str:
        """Refuse a service that the vocabulary does not hold; empty is any."""
        return known(service, [*SERVICES]) if service else ""

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


def known(value: str, keys: Sequence[str]) -> str:
    """Refuse a value that is not one of these, as a validator does."""
    if value not in keys:
        raise ValueError(f"{value!r} is not one of: {', '.join(keys)}")
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
def place_page(
    request: Request, session: Session, page: CurrentFrame, settings: CurrentSettings, place: str
) -> Response:
    """The card of one place or initiative."""
    feature = features.one(session, VISITOR, "assets", place)
    here = features.page(session, VISITOR, "activities", Wanted(asset=UUID(feature["id"])), limit=MOST).features
    held = [activity for activity in here if activity["properties"]["next_on"]]
    held.sort(key=lambda activity: activity["properties"]["next_on"])
    return answer(request, page, resident.place_page(page, feature, held, today(), root(request, settings)))


@router.get("/activities/{activity}", name="activity_page")
def activity_page(
    request: Request, session: Session, page: CurrentFrame, settings: CurrentSettings, activity: str
) -> Response:
    """The card of one activity."""
    feature = features.one(session, VISITOR, "activities", activity)
    asset = feature["properties"]["asset"]
    host = features.one(session, VISITOR, "assets", asset) if asset else None
    return answer(request, page, resident.activity_page(page, feature, host, today(), root(request, settings)))


def root(request: Request, settings: Settings) -> str:
    """Give the address under which the outside world reaches the pages."""
    return settings.public_url or str(request.base_url).rstrip("/")


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
