"""What a route may ask for: a session of its own, who asks, and the settings."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader
from sqlalchemy import orm

from api import forms
from geo import records, rights, settings
from geo.errors import NotFound
from geo.people import accounts, api_keys, entries
from geo.people.models import Account

KEY = APIKeyHeader(name="X-API-Key", scheme_name="ApiKey", auto_error=False)


def open_session(request: Request) -> Iterator[orm.Session]:
    """Give a session whose changes are committed before the answer is sent; an error takes all of them back."""
    with request.app.state.sessions() as session:
        yield session
        session.commit()


Session = Annotated[orm.Session, Depends(open_session, scope="function")]


Mark = Annotated[str, Depends(forms.sent_mark)]


def viewer_of(
    request: Request, session: Session, sent: Annotated[str | None, Security(KEY)], mark: Mark
) -> rights.Viewer:
    """Say who asks, by a key or else by the cookie of an entry; refuse what the visibility table does not give them.

    raises NotAllowed; Forged where a change comes with the cookie and from no page of ours
    """
    request.state.viewer, request.state.person = rights.VISITOR, ""
    if sent:
        request.state.viewer = api_keys.viewer_of(session, sent)
    else:
        _look_at_the_cookie(request, session)
        if request.method not in forms.READING:
            forms.guard(request, mark)
    viewer: rights.Viewer = request.state.viewer
    rights.scope(viewer, request.scope["route"].name)
    if request.method not in ("GET", "HEAD"):
        records.act_as(session, viewer.name)
    return viewer


def _look_at_the_cookie(request: Request, session: orm.Session) -> None:
    """Find out who is signed in; a cookie that is nobody's any more makes a visitor, and is to be forgotten."""
    token = forms.entry_of(request)
    account = entries.who(session, token) if token else None
    if account:
        request.state.viewer, request.state.person = accounts.viewer(account), account.name or account.email
    request.state.entry_is_over = bool(token) and account is None


CurrentViewer = Annotated[rights.Viewer, Depends(viewer_of, scope="function")]


def account_of(session: Session, viewer: CurrentViewer) -> Account:
    """Give the account of who is signed in. Raises NotFound for a key, which has none."""
    account = session.get(Account, viewer.account) if viewer.account else None
    if account is None:
        raise NotFound("A key has no account.")
    return account


CurrentAccount = Annotated[Account, Depends(account_of, scope="function")]


def settings_of(request: Request) -> settings.Settings:
    """Give the settings that the service was started with."""
    given: settings.Settings = request.app.state.settings
    return given


CurrentSettings = Annotated[settings.Settings, Depends(settings_of)]
