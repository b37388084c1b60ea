"""Listening and serving: the port first, so that a port in use is known before anything else is started."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from geo.errors import Unavailable
from geo.settings import Settings

GRACE_S = 5


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Hold the port. Raises Unavailable where it is in use, or `host` is no address of this machine."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host} ({error.strerror}): set KAART_HOST.") from None
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen()
        except OSError as error:
            why = f"Cannot listen on {host}, port {port} ({error.strerror}): set another with KAART_PORT."
            raise Unavailable(why) from None
        yield listener


def address(settings: Settings) -> str:
    """Give the address to open in a browser on this machine."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{settings.port}"


def forever(settings: Settings, sessions: sessionmaker[Session], listener: socket.socket) -> None:
    """Serve until a signal says to stop; requests under way get a few seconds to finish."""
    uvicorn.Server(configured(settings, sessions)).run(sockets=[listener])


def until(
    settings: Settings, sessions: sessionmaker[Session], listener: socket.socket, over: Callable[[], object]
) -> None:
    """Serve until `over` comes back, which is waited for in a thread of its own."""
    server = uvicorn.Server(configured(settings, sessions))

    def ended() -> None:
        over()
        server.should_exit = True

    threading.Thread(target=ended, daemon=True).start()
    server.run(sockets=[listener])


def configured(settings: Settings, sessions: sessionmaker[Session]) -> uvicorn.Config:
    """Say how to serve. Who asks is left as it came in: which proxies are believed, `api.allowing` knows."""
    return uvicorn.Config(
        create_app(settings, sessions),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
