"""Where an address lies, asked of PDOK's Locatieserver. What it does not surely know is left for a person to choose."""

import json
import math
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import httpx
import shapely

from geo import checks
from geo.errors import Unavailable
from geo.imports.report import Progress
from geo.imports.streets import Address, Asked, read, surely, words

PATH = "/bzk/locatieserver/search/v3_1/free"
FIELDS = """id type weergavenaam centroide_ll score straatnaam huisnummer huisletter huisnummertoevoeging huis_nlt
 postcode woonplaatsnaam"""
AT_ONCE = 5  # questions: PDOK is everybody's
ROWS = 5
LARGEST_ANSWER = 256 * 1024  # bytes; a real one has about 2 kB
LONGEST_QUESTION = 200  # characters
LONGEST_LABEL = 200
WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
POINT = re.compile(r"POINT ?\((-?\d{1,3}(?:\.\d+)?) (-?\d{1,3}(?:\.\d+)?)\)")
NOT_IN_ADDRESSES = re.compile(r"[^\w\s.,'’-]|(?<!\w)-")  # these mean something else to a search engine


class Candidate(NamedTuple):
    """An address that may be meant; degrees WGS 84."""

    label: str
    lon: float
    lat: float
    score: float


class Answer(NamedTuple):
    """Where an address surely lies (WGS 84); else None with the addresses that may be meant, and why it is not sure."""

    found: shapely.Point | None
    candidates: list[Candidate]
    reason: str


# Answers each different text that it is given; none is left out.
Lookup = Callable[[Sequence[str]], dict[str, Answer]]


class Patience(NamedTuple):
    """How long to wait for a service that is slow or ill."""

    timeout_s: float = 10
    tries: int = 4
    first_wait_s: float = 0.5  # each next one is twice as long
    longest_wait_s: float = 60
    failures: int = 5  # so many questions in a row without an answer: no more are asked


USUAL = Patience()


def offline(asked: Sequence[str]) -> dict[str, Answer]:
    """Answer on a machine that may not ask anybody."""
    reason = "has no coordinates, and this machine may not look addresses up: give them, or set KAART_PDOK_URL"
    return {text: Answer(None, [], reason) for text in asked}


def locatieserver(base_url: str, progress: Progress, patience: Patience = USUAL) -> Lookup:
    """Make a lookup by PDOK's Locatieserver, or by another that answers as it does.

    Nothing but the text of an address leaves this machine: no name, no identifier, no file. An address is found only
    where the postcode, the house number with its letter and addition, and the street or the postcode are those that
    were asked, and one such address exists; how well the service itself thinks that it fits counts for nothing.

    base_url  such as https://api.pdok.nl
    returns   a lookup that never raises: where the service does not answer, the reason says so
    """

    def look_up(asked: Sequence[str]) -> dict[str, Answer]:
        different = list(dict.fromkeys(asked))
        answers = {}
        with _Service(base_url, patience) as service, ThreadPoolExecutor(AT_ONCE) as pool:
            for text, answer in zip(different, pool.map(service.ask, different), strict=True):
                answers[text] = answer
                progress("looking up addresses", len(answers), len(different))
        return answers

    return look_up


def judge(asked: str, found: Sequence[tuple[Candidate, Address]]) -> Answer:
    """Say whether exactly one of the addresses that a service found is the one that was asked."""
    question = read(asked)
    sure = [candidate for candidate, address in found if surely(question, address)]
    if len({(each.label, each.lon, each.lat) for each in sure}) == 1:
        return Answer(shapely.Point(sure[0].lon, sure[0].lat), [], "")
    if not found:
        return Answer(None, [], f"{asked!r} is not found: no address is like it")
    return Answer(None, [candidate for candidate, _ in found], _doubt(question, sure, [one for _, one in found]))


def _doubt(question: Asked, sure: list[Candidate], found: list[Address]) -> str:
    if len(sure) > 1:
        return f"{len(sure)} addresses are called so"
    longer = [" ".join(one.number) for one in found if surely(question, one._replace(number=one.number[:1]))]
    if longer:
        return f"this number has additions ({', '.join(longer)}): which one is meant?"
    if not question.postcode and any(question.words == (*one.street, *one.number) for one in found):
        return "without a postcode or a town the street may be in any town"
    return "no address is surely this one"


class _Service:
    """The service as it is today: how many questions in a row it left open, and until when it wants to rest."""

    def __init__(self, base_url: str, patience: Patience) -> None:
        self._patience = patience
        self._url = base_url.rstrip("/") + PATH
        self._host = urlsplit(base_url).netloc
        self._client = httpx.Client(
            timeout=patience.timeout_s,
            limits=httpx.Limits(max_connections=AT_ONCE),
            headers={"User-Agent": "levende-kaart", "Accept": "application/json", "Accept-Encoding": "identity"},
        )
        self._lock = Lock()
        self._failures = 0
        self._not_before = 0.0  # monotonic seconds
        self._down = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask(self, text: str) -> Answer:
        """Ask for one address; where too many remained without an answer, say so without asking."""
        if self._down:
            return Answer(None, [], self._down)
        question = " ".join(NOT_IN_ADDRESSES.sub(" ", text).split())[:LONGEST_QUESTION]
        if not words(question):
            return Answer(None, [], f"{text!r} is no address")
        try:
            found = self._found(question)
        except Unavailable as error:
            return Answer(None, [], self._failed(str(error)))
        with self._lock:
            self._failures = 0
        return judge(text, found)

    def _failed(self, why: str) -> str:
        """Count a question that stays open; give its reason."""
        reason = f"could not be looked up: {self._host} {why}"
        with self._lock:
            self._failures += 1
            if not self._down and self._failures >= self._patience.failures:
                self._down = f"{reason}, {self._failures} times in a row; import the file again later"
            return self._down or reason

    def _found(self, question: str) -> list[tuple[Candidate, Address]]:
        """Ask until there is an answer. Raises Unavailable saying what came instead."""
        why, wait_s = "", 0.0
        for attempt in range(self._patience.tries):
            self._rest(wait_s)
            wait_s = self._patience.first_wait_s * 2**attempt
            try:
                status, retry_after, body = self._get(question)
            except httpx.TimeoutException:
                why = f"does not answer within {self._patience.timeout_s:g} s"
                continue
            except httpx.HTTPError as error:
                why = f"cannot be reached ({type(error).__name__})"
                continue
            if status == httpx.codes.OK:
                return _addresses(body)
            why = f"answers with HTTP {status}"
            wait_s = _seconds(retry_after, wait_s)
            if status not in WORTH_ANOTHER_TRY or wait_s > self._patience.longest_wait_s:
                break
            if retry_after:  # this is said to all who ask, not to this question
                self._not_before = time.monotonic() + wait_s
        raise Unavailable(why)

    def _rest(self, wait_s: float) -> None:
        """Wait, and longer where the service wants to rest. Raises Unavailable where it is given up already."""
        time.sleep(max(wait_s, self._not_before - time.monotonic(), 0))
        if self._down:
            raise Unavailable("is given up")

    def _get(self, question: str) -> tuple[int, str, bytes]:
        """Send one request: its status, its Retry-After, its body. Neither a large answer nor a late one is awaited."""
        asked = {"q": question, "fq": "type:adres", "fl": " ".join(FIELDS.split()), "rows": str(ROWS)}
        deadline = time.monotonic() + self._patience.timeout_s
        body = bytearray()
        with self._client.stream("GET", self._url, params=asked) as response:
            for part in response.iter_raw():
                body += part
                if len(body) > LARGEST_ANSWER:
                    raise Unavailable("answers with more than any address needs")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("too slow")
        return response.status_code, response.headers.get("Retry-After", ""), bytes(body)


def _seconds(retry_after: str, otherwise: float) -> float:
    """Read how long a service wants to be left alone: seconds, or until a moment."""
    if retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return otherwise
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _addresses(body: bytes) -> list[tuple[Candidate, Address]]:
    """Read an answer; what in it is no address with a place in the Netherlands is left out.

    Raises Unavailable where it is no answer of a Locatieserver.
    """
    try:
        docs = json.loads(body)["response"]["docs"][:ROWS]
        read_docs = [_address(doc) for doc in docs]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise Unavailable("answers with something that is no list of addresses") from None
    return [each for each in read_docs if each is not None]


def _address(doc: dict[str, Any]) -> tuple[Candidate, Address] | None:
    at = POINT.fullmatch(str(doc.get("centroide_ll") or ""))
    if doc.get("type") != "adres" or at is None:
        return None
    lon, lat = float(at[1]), float(at[2])
    if checks.place_flaws("place", shapely.Point(lon, lat)):
        return None
    parts = " ".join(str(doc.get(part) or "") for part in ("huisnummer", "huisletter", "huisnummertoevoeging"))
    label = "".join(sign for sign in str(doc.get("weergavenaam") or "") if sign.isprintable())[:LONGEST_LABEL]
    score = float(doc.get("score") or 0)
    address = Address(
        street=words(str(doc.get("straatnaam") or "")),
        number=words(str(doc.get("huis_nlt") or parts)),
        postcode=str(doc.get("postcode") or "").replace(" ", "").upper(),
        town=words(str(doc.get("woonplaatsnaam") or "")),
    )
    return Candidate(label, lon, lat, score if math.isfinite(score) else 0.0), address
