"""The page on which somebody offers something: the form, what they agreed to, and who asks them. No scripts needed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from shapely import Point
from sqlalchemy.orm import Session as DatabaseSession

from api.deps import CurrentAccount, CurrentViewer, Session
from api.frames import CurrentFrame
from api.sign_in import marked, page_with
from geo import checks, privacy, records, whereabouts
from geo.days import AMSTERDAM, today
from geo.errors import Conflict, InvalidInput
from geo.models import Asset
from geo.people.models import Account
from geo.rights import Viewer
from geo.vocabulary import Purpose, Reply
from geo.volunteers import consents, notices, offers, requests
from geo.volunteers.models import Consent
from maps import volunteering
from maps.consenting import Agreed, Reading
from maps.frame import Frame
from maps.signing_in import Filled
from maps.volunteering import LINES, Choices, Own

router = APIRouter(include_in_schema=False)

HOME = "/volunteer"


class Offer(BaseModel):
    """What somebody offers, as their browser sends it."""

    services: list[str] = []
    target_groups: list[str] = []
    languages: list[str] = []
    neighbourhood: str = ""
    lon: str = ""
    lat: str = ""
    forget: str = ""
    phone: str = ""
    email: str = ""
    note: str = ""
    purposes: list[str] = []


class Withdrawal(BaseModel):
    """For what consent is withdrawn; `sure` is ticked where everything goes."""

    purpose: Purpose
    sure: str = ""


class Answer(BaseModel):
    """What a volunteer answers."""

    reply: Reply
    words: str = ""


class Asked(NamedTuple):
    """Who asks for a page, and what it is made of."""

    request: Request
    session: DatabaseSession
    page: Frame
    account: Account


@router.get("/volunteer", name="volunteer_page")
def volunteer_page(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    viewer: CurrentViewer,
    done: str = "",
) -> Response:
    """Ask somebody what they offer; or show what they do, with all that belongs to it."""
    records.act_as(session, viewer.name)  # what is read is noted in their name
    return shown(Asked(request, session, page, account), {"done": done})


@router.post("/volunteer", name="save_offer")
def save_offer(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    viewer: CurrentViewer,
    sent: Annotated[Offer, Form()],
) -> Response:
    """Keep what somebody offers; what they agreed to before stays as it is until they withdraw it."""
    wrong = flaws(session, sent, held(session, account))
    if not wrong:
        try:
            with session.begin_nested():
                save(session, viewer, account, sent)
            return onward("saved")
        except InvalidInput as refusal:
            wrong = [flaw.field.partition(".")[0] for flaw in refusal.flaws]
    told = {**sent.model_dump(), "languages": spoken(sent)}
    return shown(Asked(request, session, page, account), told, tuple(wrong))


@router.post("/volunteer/withdraw", name="withdraw_consent")
def withdraw_consent(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    viewer: CurrentViewer,
    sent: Annotated[Withdrawal, Form()],
) -> Response:
    """Take back consent for one purpose; for `offer` all that is kept goes, so that has to be ticked."""
    if sent.purpose == Purpose.offer and not sent.sure:
        return shown(Asked(request, session, page, account), {}, ("sure",))
    offers.withdraw(session, viewer, sent.purpose)
    return onward("erased" if sent.purpose == Purpose.offer else "withdrawn")


@router.post("/volunteer/renew", name="renew_consent")
def renew_consent(session: Session, account: CurrentAccount, viewer: CurrentViewer) -> Response:
    """Agree to the same for two more years."""
    offers.renew(session, viewer)
    return onward("renewed")


@router.post("/requests/{request_id}", name="answer_request")
def answer_request(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    request_id: UUID,
    sent: Annotated[Answer, Form()],
) -> Response:
    """Say yes or no to a request."""
    try:
        answered = requests.answer(session, request.state.viewer, request_id, sent.reply, sent.words)
        notices.order(session, request.app.state.settings, answered)
    except InvalidInput:
        told = {"request": str(request_id), "words": sent.words}
        return shown(Asked(request, session, page, account), told, ("words",))
    except Conflict:
        return onward("late")
    return onward("answered")


def onward(done: str) -> Response:
    """Send a browser to the page, where it is told what was done."""
    return RedirectResponse(f"{HOME}?done={done}", HTTPStatus.SEE_OTHER)


def held(session: DatabaseSession, account: Account) -> set[Purpose]:
    """Name the purposes that somebody agrees to already."""
    offer = offers.mine(session, account.id)
    return set() if offer is None else {each.purpose for each in consents.of(session, offer.id)}


def flaws(session: DatabaseSession, sent: Offer, agreed: set[Purpose]) -> list[str]:
    """Name the fields that are not right before anything is kept. `agreed`: to what somebody agrees already."""
    wrong = [] if sent.services else ["services"]
    if Purpose.offer not in {*agreed, *sent.purposes}:
        wrong.append("consent")
    place = place_of(sent)
    if place is not None and (checks.place_flaws("place", place) or whereabouts.holding(session, place) is None):
        wrong.append("place")
    if place is None and sent.neighbourhood not in {row[0] for row in offers.neighbourhoods(session)}:
        wrong.append("neighbourhood")
    contact = {name: getattr(sent, name) for name in LINES}
    longest = {"note": checks.WORDS}
    return wrong + [
        name for name, told in contact.items()
        if len(told) > longest.get(name, checks.LINE) or checks.unstorable(told)
    ]  # fmt: skip


def place_of(sent: Offer) -> Point | None:
    """Give the place that was told; None where none was, or it is to be forgotten."""
    if sent.forget or not (sent.lon and sent.lat):
        return None
    try:
        return Point(float(sent.lon), float(sent.lat))
    except ValueError:
        return Point()


def spoken(sent: Offer) -> list[str]:
    """Give the languages that were told, each once."""
    return [code for code in dict.fromkeys(sent.languages) if code]


def save(session: DatabaseSession, viewer: Viewer, account: Account, sent: Offer) -> None:
    """Keep what is offered, with what was agreed to before and what is ticked now."""
    values: dict[str, Any] = {
        "services": list(dict.fromkeys(sent.services)),
        "target_groups": list(dict.fromkeys(sent.target_groups)),
        "languages": spoken(sent),
        "neighbourhood": sent.neighbourhood,
        "place": place_of(sent),
        "contact": {name: told for name in LINES if (told := getattr(sent, name).strip())},
    }
    agreed = {purpose for purpose in Purpose if purpose in sent.purposes}
    offers.save(session, viewer, values, held(session, account) | agreed)


def shown(asked: Asked, told: Mapping[str, Any], wrong: tuple[str, ...] = ()) -> Response:
    """Show the page, with what was told and what was wrong with it; a form that was sent stands as it was sent."""
    request, session, page, account = asked
    offer = offers.mine(session, account.id)
    filled = {**(kept(session, offer) if offer is not None and "services" not in told else {}), **told}
    own = None if offer is None else own_of(session, offer, account)  # last: the reading of now is told too
    choices = Choices(offers.neighbourhoods(session), checks.LANGUAGES)
    there = replace(page, path=HOME, query="")  # wherever it is shown, its links lead to it
    html = volunteering.volunteer_page(there, Filled(marked(request), filled, wrong), choices, own, consents.TEXT)
    return page_with(request, page, html, HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)


def kept(session: DatabaseSession, offer: Asset) -> dict[str, Any]:
    """Give what is offered as it stands in the form; that the secrets are read is noted."""
    secret = privacy.read_secret(session, offer.id, "own page")
    lon, lat = ("", "") if secret.place is None else (f"{degrees:.6f}" for degrees in secret.place)
    others = [f"{name}: {told}" for name, told in secret.contact.items() if name not in LINES]  # told on paper
    note = "\n".join(filter(None, [secret.contact.get("note", ""), *others]))
    return {
        "services": offer.services, "target_groups": offer.target_groups, "languages": offer.languages,
        "neighbourhood": offer.neighbourhood_id or "", "lon": lon, "lat": lat,
        **{name: secret.contact.get(name, "") for name in LINES}, "note": note,
    }  # fmt: skip


def own_of(session: DatabaseSession, offer: Asset, account: Account) -> Own:
    """Gather what its owner sees of an offer besides the form."""
    agreed = [agreed_of(consent) for consent in consents.of(session, offer.id)]
    soon = today() + timedelta(consents.SOON_DAYS)
    readings = [
        Reading(each.read_at.astimezone(AMSTERDAM).date(), each.read_by == f"account:{account.id}", each.why)
        for each in privacy.readings(session, offer.id)
    ]
    ends_soon = any(each.expires_on <= soon for each in agreed)
    return Own(agreed, ends_soon, requests.got(session, account.id), readings)


def agreed_of(consent: Consent) -> Agreed:
    """Give a consent as a page tells it."""
    given_on = consent.given_at.astimezone(AMSTERDAM).date()
    return Agreed(consent.purpose, given_on, consent.means, consent.text_version, consent.expires_on)
