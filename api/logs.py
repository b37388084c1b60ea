"""What the service writes about itself: one line an event, JSON where set; never a value that somebody sent."""

import logging
import sys
from pathlib import Path
from time import monotonic
from traceback import extract_tb

import structlog

from geo.settings import Settings

log = structlog.get_logger()
_told_at: dict[str, float] = {}


def configure(settings: Settings, *, command: bool = False) -> None:
    """Set up the log: on standard output, of a command on standard error, where it stays out of what that prints.

    What is told here already is not told by the server again, in its own words.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr if command else sys.stdout),
    )
    logging.getLogger("uvicorn.error").addFilter(_tells_no_exception)


def _tells_no_exception(record: logging.LogRecord) -> bool:
    return record.exc_info is None


def tell(event: str, route: object, error: BaseException) -> None:
    """Tell an error by its kind, the route, and the places in the code that it came through.

    Neither its message nor the address that was asked for: both may hold what a person wrote.
    """
    through = extract_tb(error.__traceback__)[-8:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in through]
    log.error(event, route=getattr(route, "name", None), error=type(error).__name__, places=places)


def denied(role: str, operation: str | None) -> None:
    """Tell that a role was refused an operation."""
    log.warning("denied", role=role, operation=operation)


def limited(use: str) -> None:
    """Tell that somebody asks for too much of something; at most once a second, so that nobody fills the log."""
    if monotonic() - _told_at.get(use, -1.0) >= 1:
        _told_at[use] = monotonic()
        log.warning("limited", use=use)


def signed_in(role: str, way: str) -> None:
    """Tell that somebody signed in: as what, and by a password, a link or a provider."""
    log.info("signed_in", role=role, way=way)


def sign_in_failed(way: str) -> None:
    """Tell that somebody did not get in; never who they said they were."""
    log.warning("sign_in_failed", way=way)


def provider_failed(why: str) -> None:
    """Tell what was wrong with the provider by which people sign in, in our words; nothing of what it sent."""
    log.warning("provider_failed", why=why)


def mail_failed(reason: str) -> None:
    """Tell that a mail was not sent, and why; never to whom."""
    log.warning("mail_failed", reason=reason)


def key_made(key_id: str, role: str) -> None:
    """Tell of a new API key. `key_id` is the half that is no secret; its name is somebody's text."""
    log.info("key_made", key=key_id, role=role)


def key_revoked(key_id: str) -> None:
    """Tell that an API key was ended."""
    log.info("key_revoked", key=key_id)


def exported(what: str, role: str, form: str = "json") -> None:
    """Tell that something was handed over as a file: what kind of thing, to which role, in which format."""
    log.info("exported", what=what, role=role, form=form)
