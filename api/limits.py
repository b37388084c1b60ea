"""How much a request may carry. A plain ASGI layer, so that nothing is read before it is measured."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.uploads import MOST_BYTES as MOST_FILE_BYTES

MOST_BYTES = 1_000_000  # far more than any record
UPLOADS = ("POST", "/v1/imports")  # the one place that takes a file
MOST_UPLOAD_BYTES = MOST_FILE_BYTES + MOST_BYTES  # the file, and the form that it stands in


class BodyLimit:
    """Answer 413 to a request whose body is too large, told beforehand or found out on the way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count what comes in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = MOST_UPLOAD_BYTES if (scope["method"], scope["path"]) == UPLOADS else MOST_BYTES
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most:
            await _refuse(most, scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _detail(most))
            return message

        await self.app(scope, counted, send)


def _detail(most: int) -> str:
    return f"The body may hold at most {most:,} bytes."


async def _refuse(most: int, scope: Scope, receive: Receive, send: Send) -> None:
    body = {"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": _detail(most)}
    await JSONResponse(body, 413, media_type="application/problem+json")(scope, receive, send)
