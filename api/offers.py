"""The page on which a broker sees what people offer, and asks one of them something. No scripts needed."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, field_validator
from sqlalchemy.orm import Session as DatabaseSession

from api import logs
from api.deps import CurrentSettings, CurrentViewer, Session
from api.frames import CurrentFrame
from api.sign_in import asker, marked, page_with
from geo import allowances, records, rights
from geo.checks import unstorable
from geo.errors import Conflict, InvalidInput, NotAllowed
from geo.rights import Scope, Viewer
from geo.volunteers import notices, offers, requests
from maps import offers as pages
from maps.frame import Frame
from maps.offers import Filters, Shown
from maps.signing_in import Filled

router = APIRouter(include_in_schema=False)

HOME = "/offers"
ASKED, MOST, DAY_S = "ask_volunteer", 20, 24 * 3600  # requests that one account may send in a day


class Chosen(BaseModel):
    """What is chosen of the offers; what is not known finds nothing."""

    neighbourhood: str = ""
    service: str = ""

    @field_validator("neighbourhood", "service")
    @classmethod
    def storable(cls, told: str) -> str:
        """Refuse what no database can look for."""
        if reason := unstorable(told):
            raise ValueError(reason)
        return told


class OfferQuery(Chosen):
    """What may stand in the address of the page."""

    done: str = ""


class Message(Chosen):
    """What a broker asks, and what was chosen on the page that it is asked from."""

    message: str = ""


class Asked(NamedTuple):
    """Who asks for the page, and what it is made of."""

    request: Request
    session: DatabaseSession
    page: Frame
    viewer: Viewer


@router.get("/offers", name="offers_page")
def offers_page(
    request: Request,
    session: Session,
    page: CurrentFrame,
    viewer: CurrentViewer,
    query: Annotated[OfferQuery, Query()],
) -> Response:
    """How many offer what and where, the offers without names, and what became of own requests."""
    told = {"done": query.done}
    return shown(Asked(request, session, page, viewer), Filters(query.neighbourhood, query.service), told)


@router.post("/offers/{asset_id}/ask", name="ask_volunteer")
def ask_volunteer(
    request: Request,
    session: Session,
    page: CurrentFrame,
    settings: CurrentSettings,
    asset_id: UUID,
    sent: Annotated[Message, Form()],
) -> Response:
    """Send a request to a volunteer, without knowing who that is."""
    viewer: Viewer = request.state.viewer
    asked, filters = Asked(request, session, page, viewer), Filters(sent.neighbourhood, sent.service)
    told = {"asset": str(asset_id), "message": sent.message}
    if viewer.account is None:
        raise NotAllowed("Sign in with an account: the volunteer has to see who asks.")
    if not sent.message.strip():
        return shown(asked, filters, told, ("message",))
    session.rollback()  # nothing is changed yet, and counting takes a connection of its own
    wait_s = allowances.take(session, ASKED, asker(settings, viewer.name), most=MOST, per_s=DAY_S)
    if wait_s is not None:
        logs.limited(ASKED)
        response = shown(asked, filters, {**told, "wait_h": ceil(wait_s / 3600)}, ("often",))
        response.headers["Retry-After"] = str(wait_s)
        return response
    records.act_as(session, viewer.name)  # counting ended the transaction that knew it
    try:
        made = requests.ask(session, viewer, asset_id, sent.message)
        notices.order(session, settings, made)
    except InvalidInput:
        return shown(asked, filters, told, ("message",))
    except Conflict:
        return shown(asked, filters, told, ("conflict",))
    return RedirectResponse(filters.address(HOME, done="asked"), HTTPStatus.SEE_OTHER)


def shown(asked: Asked, filters: Filters, told: Mapping[str, object], wrong: tuple[str, ...] = ()) -> Response:
    """Show the page, with what was told in one of its forms and what was wrong with it."""
    request, session, page, viewer = asked
    if viewer.account is None and rights.scope(viewer, "offers_page") == Scope.area:
        raise NotAllowed("A key looks after no neighbourhoods: sign in, or send a key of an administrator.")
    listed = offers.listed(session, viewer, neighbourhood=filters.neighbourhood, service=filters.service)
    sent = requests.sent(session, viewer) if viewer.account else []
    found = Shown(offers.counted(session, viewer), listed, sent, len(listed) == offers.MOST, viewer.account is not None)
    there = replace(page, path=HOME, query=filters.address("").removeprefix("?"))
    html = pages.offers_page(there, Filled(marked(request), told, wrong), filters, found)
    status = {"often": HTTPStatus.TOO_MANY_REQUESTS, "conflict": HTTPStatus.CONFLICT, "message": HTTPStatus.BAD_REQUEST}
    return page_with(request, page, html, status[wrong[0]] if wrong else HTTPStatus.OK)
