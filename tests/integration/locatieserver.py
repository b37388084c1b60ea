"""A Locatieserver on this machine: it answers in the shape of PDOK's, from a script that a test writes."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

PATH = "/bzk/locatieserver/search/v3_1/free"


class Reply(NamedTuple):
    """What goes over the line; `after_s` is how long the server thinks first."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    after_s: float = 0


# Always the same, or made from the text of a question and how many came before it.
Script = Reply | Callable[[str, int], Reply]


@dataclass
class Server:
    """A server at work: where it is, every question that it got, and the most that were open at once."""

    url: str
    asked: list[Mapping[str, str]] = field(default_factory=list)
    most_at_once: int = 0


def adres(
    street: str, number: str, postcode: str, town: str, at: tuple[float, float] = (4.4706, 52.1805), score: float = 9.5
) -> dict[str, object]:
    """Make one address as it stands in an answer."""
    digits = "".join(sign for sign in number.split("-", maxsplit=1)[0] if sign.isdigit())
    return {
        "type": "adres",
        "weergavenaam": f"{street} {number}, {postcode} {town}",
        "straatnaam": street,
        "huisnummer": int(digits),
        "huis_nlt": number,
        "postcode": postcode,
        "woonplaatsnaam": town,
        "centroide_ll": f"POINT({at[0]} {at[1]})",
        "score": score,
    }


def answer(*docs: dict[str, object]) -> Reply:
    """Answer with addresses, the likeliest first."""
    listed = {"numFound": len(docs), "start": 0, "maxScore": 9.5, "numFoundExact": True, "docs": docs}
    return Reply(200, json.dumps({"response": listed}).encode(), {"Content-Type": "application/json"})


@contextmanager
def served(script: Script) -> Iterator[Server]:
    """Serve on a free port."""
    lock = threading.Lock()
    open_now = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal open_now
            parts = urlsplit(self.path)
            question = {key: values[0] for key, values in parse_qs(parts.query).items()}
            with lock:
                before = len(server.asked)
                server.asked.append(question)
                open_now += 1
                server.most_at_once = max(server.most_at_once, open_now)
            told = script if isinstance(script, Reply) else script(question["q"], before)
            told = told if parts.path == PATH else Reply(404, b"")
            time.sleep(told.after_s)
            with lock:
                open_now -= 1
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of a client that went away."""

    with Quiet(("127.0.0.1", 0), Handler) as listener:
        server = Server(f"http://127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
