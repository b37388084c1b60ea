"""What the service writes about itself: one line an event, JSON where set; never a value that somebody sent."""

import logging
from pathlib import Path
from traceback import extract_tb

import structlog

from geo.settings import Settings

log = structlog.get_logger()


def configure(settings: Settings) -> None:
    """Set up the log. What is told here already is not told by the server again, in its own words."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(),
        ]
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
