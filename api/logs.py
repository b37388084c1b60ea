"""What the service writes about itself: one line an event, JSON where set; never a value that somebody sent."""

import structlog

from geo.settings import Settings


def configure(settings: Settings) -> None:
    """Set up the log. Tracebacks show places in the code, never the values of variables."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if settings.log_json
            else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
