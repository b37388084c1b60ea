"""How much a request may carry. A plain ASGI layer, so that nothing is read before it is measured."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000  # far more than any record
DETAIL = f"The body may hold at most {MOST_BYTES:,} bytes."


class BodyLimit:
    """Answer 413 to a request whose body is larger than a megabyte, told beforehand or found out on the way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count what comes in."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > MOST_BYTES:
            await _refuse(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, DETAIL)
            return message

        await self.app(scope, counted, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    body = {"type": "about:blank", "title": "Request Entity Too Large", "status": 413, "detail": DETAIL}
    await JSONResponse(body, 413, media_type="application/problem+json")(scope, receive, send)
