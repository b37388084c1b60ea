"""The page on which planners download data: a form that needs no script, and the way from it to the file."""

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session as DatabaseSession

from api.deps import CurrentSettings, CurrentViewer, Session
from api.exports import ExportQuery
from api.frames import CurrentFrame, answer
from api.gap_pages import told as run_told
from api.texts import Key, Keys, Line
from geo import definitions, features, rights
from geo.coverage import results
from geo.errors import Flaw, InvalidInput
from geo.exports import reading
from geo.models import Neighbourhood
from geo.rights import Viewer
from geo.vocabulary import Level, RunStatus
from maps import exports
from maps.exports import Around, Collection, Told
from maps.frame import Frame
from maps.runs import run_choices

router = APIRouter(include_in_schema=False)

MOST_AREAS = 1_500  # to choose from; the names and codes of all others are known too
IN_BRACKETS = re.compile(r"\(([A-Z]{2}[0-9A-Za-z]{4,12})\)\s*$")
TIMES = {"opening_hours", "starts_on"}  # what has one of these has a time of its own
PLAIN = ("kind", "level", "service", "theme", "run", "year", "q")  # filters that the page sends on as they are


class PageQuery(BaseModel):
    """What may stand in the address of the page. With `f` the form was sent: then a file is asked for."""

    collection: Key = "assets"
    f: Key = ""
    crs: Key = "4326"
    kind: Keys = []
    level: Keys = []
    service: Key = ""
    theme: Key = ""
    neighbourhood: Line = ""
    since: Key = ""
    until: Key = ""
    run: Key = ""
    year: Key = ""
    q: Line = ""

    def told(self) -> Told:
        """Give what was filled in, for the form."""
        values = {name: getattr(self, name) for name in Told._fields if name not in ("f", "kind", "level")}
        return Told(**values, f=self.f or Told().f, kind=tuple(self.kind), level=tuple(self.level))


@router.get("/exports", name="exports_page")
def exports_page(
    request: Request,
    session: Session,
    viewer: CurrentViewer,
    page: CurrentFrame,
    settings: CurrentSettings,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """Choose a collection, a format and a part, and get the file."""
    reading.check_name(viewer, query.collection)
    filters, flaws = features.collection(viewer, query.collection).filters, list[str]()
    if query.f:
        asked, flaws = asked_of(session, query, filters)
        if not flaws:
            return RedirectResponse(f"/v1/exports/{query.collection}?{urlencode(asked, doseq=True)}", 303)
    root = settings.public_url or str(request.base_url).rstrip("/")
    around = around_of(session, viewer, page, query.run, root)
    html = exports.exports_page(page, chosen_of(viewer, query.collection), around, query.told(), flaws)
    return answer(request, page, html, 400 if flaws else 200)


def asked_of(
    session: DatabaseSession, query: PageQuery, filters: Mapping[str, object]
) -> tuple[dict[str, Any], list[str]]:
    """Turn the form into parameters of the export, and name what was filled in wrong.

    raises InvalidInput for what no form of ours sends
    """
    given = {name: getattr(query, name) for name in PLAIN if name in filters}
    asked: dict[str, Any] = {"f": query.f, "crs": f"EPSG:{query.crs}", **{n: v for n, v in given.items() if v}}
    flaws = []
    if query.neighbourhood and "neighbourhood" in filters:
        found = code_of(session, query.neighbourhood)
        asked["neighbourhood"] = found
        flaws += [] if found else ["neighbourhood"]
    if query.since or query.until:
        asked["datetime"] = f"{query.since or '..'}/{query.until or '..'}"
    try:
        ExportQuery.model_validate({name: value for name, value in asked.items() if value}).look()
    except ValidationError as error:
        wrong = {str(e["loc"][0]): e["msg"].removeprefix("Value error, ") for e in error.errors()}
        shown = {"datetime": "days", "year": "year"}
        if odd := wrong.keys() - shown.keys():
            why = "; ".join(f"{name}: {wrong[name]}" for name in sorted(odd))
            raise InvalidInput(why, *(Flaw(name, wrong[name]) for name in sorted(odd))) from None
        flaws += [shown[name] for name in wrong]
    return asked, flaws


def code_of(session: DatabaseSession, told: str) -> str | None:
    """Find the neighbourhood that is meant by a name or a code: of several the largest; None where that is not one."""
    bracketed = IN_BRACKETS.search(told)
    name = bracketed[1] if bracketed else told.strip()
    same = or_(Neighbourhood.code == name.upper(), func.lower(Neighbourhood.name) == name.lower())
    named = select(Neighbourhood.level, Neighbourhood.code).where(same, Neighbourhood.in_force).distinct()
    found = session.execute(named).all()
    for level in reversed(Level):
        if codes := [row.code for row in found if row.level == level]:
            return codes[0] if len(codes) == 1 else None
    return None


def chosen_of(viewer: Viewer, name: str) -> Collection:
    """Tell what there is to tell of a collection."""
    shown, fields = features.collection(viewer, name), rights.fields(viewer, name)
    columns = {"id": definitions.IDENTIFIER, **definitions.of(name, fields)}
    return Collection(name, shown.title, shown.about, [*shown.filters], columns, timed=bool(TIMES & {*fields}))


def around_of(session: DatabaseSession, viewer: Viewer, page: Frame, run: str, root: str) -> Around:
    """Read what there is to choose from."""
    titles = {name: features.collection(viewer, name).title for name in reading.names(viewer)}
    named = select(Neighbourhood.name, Neighbourhood.code).where(Neighbourhood.in_force)
    rows = session.execute(named.order_by(Neighbourhood.name, Neighbourhood.code).limit(MOST_AREAS)).all()
    done = [run_told(made) for made in results.runs(session) if made.status == RunStatus.done]
    return Around(titles, [f"{row.name} ({row.code})" for row in rows], run_choices(done, run, page.reader), root)
