"""HEAD for every GET (RFC 9110, 9.3.2). A plain ASGI layer, outermost, so that the headers are those of the GET."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Heads:
    """Answer HEAD as GET is answered, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and of the answer to a HEAD only what is said about it."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, bodiless)
