"""What a route may ask for: a session of its own, who asks, and the settings."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader
from sqlalchemy import orm

from geo import privacy, records, settings, users

KEY = APIKeyHeader(name="X-API-Key", scheme_name="ApiKey", auto_error=False)


def open_session(request: Request) -> Iterator[orm.Session]:
    """Give a session whose changes are committed before the answer is sent; an error takes all of them back."""
    with request.app.state.sessions() as session:
        yield session
        session.commit()


Session = Annotated[orm.Session, Depends(open_session, scope="function")]


def viewer_of(request: Request, session: Session, sent: Annotated[str | None, Security(KEY)]) -> privacy.Viewer:
    """Say who asks, and refuse what the visibility table does not give them."""
    request.state.viewer = privacy.VISITOR
    viewer = request.state.viewer = users.viewer_of(session, sent)
    privacy.require(viewer, request.scope["route"].name)
    if request.method not in ("GET", "HEAD"):
        records.act_as(session, viewer.name)
    return viewer


CurrentViewer = Annotated[privacy.Viewer, Depends(viewer_of, scope="function")]


def settings_of(request: Request) -> settings.Settings:
    """Give the settings that the service was started with."""
    given: settings.Settings = request.app.state.settings
    return given


CurrentSettings = Annotated[settings.Settings, Depends(settings_of)]
