"""What is kept about somebody: to take along as a file, and to have erased."""

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session as DatabaseSession

from api import forms, logs
from api.deps import CurrentAccount, CurrentSettings, CurrentViewer, Session
from api.frames import CurrentFrame, answer
from api.sign_in import BY_OWNER, HOME, asker, counted_own, of_account
from geo import allowances, records
from geo.days import today
from geo.errors import Conflict, NotAllowed
from geo.people import accounts
from geo.people.models import Account
from geo.volunteers import access, erasures
from maps import signing_in

router = APIRouter(include_in_schema=False)


class Farewell(BaseModel):
    """Proof that it is the owner who wants this: the password, or of who has none the e-mail address."""

    password: str = ""
    email: str = ""


@router.get("/account/data", name="download_data")
def download_data(session: Session, account: CurrentAccount, viewer: CurrentViewer) -> Response:
    """Everything that is kept about who asks, as JSON."""
    records.act_as(session, viewer.name)  # what is read is noted in their name
    told = json.dumps(access.data_of(session, account), indent=2, ensure_ascii=False, default=written)
    logs.exported("own_data", viewer.role.value)
    headers = {"Content-Disposition": f'attachment; filename="levende-kaart-{today()}.json"'}
    return Response(told, headers=headers, media_type="application/json")


def written(value: object) -> str:
    """Write a day, a moment or an id as JSON has no word for them; anything else is a mistake of ours."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not meant to leave as a file.")


@router.post("/account/erase", name="erase_account")
def erase_account(
    request: Request,
    session: Session,
    page: CurrentFrame,
    account: CurrentAccount,
    settings: CurrentSettings,
    sent: Annotated[Farewell, Form()],
) -> Response:
    """Erase an account and everything about its owner, for who proves that it is theirs."""
    here = replace(page, path=HOME, query="")
    account_id = account.id
    if counted_own(session, settings, account_id) is not None:
        return of_account(request, session, here, session.get_one(Account, account_id), ("erase_often",))
    records.act_as(session, request.state.viewer.name)  # counting ended the transaction that knew it
    account = session.get_one(Account, account_id)
    if not proven(session, account, sent):
        logs.sign_in_failed("password")
        return of_account(request, session, here, account, ("erase",))
    allowances.forget(session, BY_OWNER[0], asker(settings, str(account_id)))
    try:
        erasures.erase_account(session, account_id)
    except Conflict:
        return of_account(request, session, here, account, ("last",))
    response = answer(request, page, signing_in.erased_page(replace(here, person="", role=None)))
    forms.forget_entry(response, settings)
    return response


def proven(session: DatabaseSession, account: Account, sent: Farewell) -> bool:
    """Tell whether what was sent shows that the account is theirs."""
    if account.password is None:
        return sent.email.strip().lower() == account.email
    try:
        accounts.sign_in(session, account.email, sent.password)
    except NotAllowed:
        return False
    return True
