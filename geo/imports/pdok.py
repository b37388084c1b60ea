"""Boundaries from PDOK: its OGC API Features read page by page into a file, which is imported like any other."""

import json
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import httpx
import shapely

from geo.errors import Flaw, InvalidInput, Unavailable
from geo.imports.report import Progress

PAGE_BYTES = 50 * 1024 * 1024  # of one answer, unpacked
PAGES = 200  # of one collection: the whole country has 15
AREAS_A_PAGE, MUNICIPALITIES_A_PAGE = 1000, 100  # a municipality's outline is long, and all of them are read
LONGEST_WAIT_S = 60.0
CODE = re.compile(r"GM\d{4}", re.IGNORECASE)
ALSO_CALLED = {"denhaag": "sgravenhage", "denbosch": "shertogenbosch"}
Box = tuple[float, float, float, float]
Feature = dict[str, Any]


class Patience(NamedTuple):
    """How often one page is asked for, how long to wait after the first failure (then twice as long each time)."""

    tries: int = 4
    first_wait_s: float = 1.0
    silence_s: float = 30.0  # how long the service may say nothing
    page_s: float = 180.0  # how long one page may take in all


class _Again(Exception):
    """An answer that may be better when asked once more, after `wait_s` where the service says how long."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class _Place(NamedTuple):
    code: str
    name: str
    box: Box  # degrees: west, south, east, north


def fetch(
    base_url: str, year: int, gemeente: str, into: Path, progress: Progress, patience: Patience | None = None
) -> Path:
    """Write the buurten of one municipality, CBS's figures with them, as GeoJSON (CRS84) into the folder `into`.

    base_url  such as https://api.pdok.nl
    gemeente  its name, however written, or its code GM….
    returns   the file, such as pdok-buurten-2024-GM0579.geojson
    raises    InvalidInput on a year or municipality that PDOK does not have; Unavailable where PDOK does not
              answer, or answers with something else than was asked
    """
    if not base_url:
        raise Unavailable("This installation does not ask PDOK: KAART_PDOK_URL is empty.")
    patience = patience or Patience()
    collections = f"{base_url}/cbs/wijken-en-buurten-{year}/ogc/v1/collections"
    with httpx.Client(timeout=patience.silence_s, headers={"Accept": "application/geo+json"}) as client:

        def pages(collection: str, asked: dict[str, object]) -> Iterator[list[Feature]]:
            first = f"{collections}/{collection}/items?{urlencode({'f': 'json'} | asked)}"
            return _pages(lambda url: _page(client, url, patience), first)

        try:
            place = _find(pages("gemeenten", {"limit": MUNICIPALITIES_A_PAGE}), year, gemeente, progress)
            box = ",".join(f"{side:.6f}" for side in place.box)  # a box is what every such service can filter by
            buurten = pages("buurten", {"limit": AREAS_A_PAGE, "bbox": box})
            return _write(buurten, place, into / f"pdok-buurten-{year}-{place.code}.geojson", progress)
        except httpx.InvalidURL as error:
            raise Unavailable(f"{base_url} is no address that can be asked ({error}).") from None
        except _NoSuchCollection:
            flaw = Flaw("year", f"PDOK answers 404 Not Found for {year}")
            raise InvalidInput(f"PDOK has no buurten of the year {year}.", flaw) from None


class _NoSuchCollection(Exception):
    """The service does not know the collection that was asked."""


def _find(pages: Iterator[list[Feature]], year: int, gemeente: str, progress: Progress) -> _Place:
    """Find a municipality by code or name. One with water has several features: its box holds them all."""
    wanted = gemeente.strip()
    names: dict[str, str] = {}
    found: dict[str, list[Box]] = {}
    for features in pages:
        for feature in features:
            code, name = _told(feature, "gemeentecode"), _told(feature, "gemeentenaam")
            names[code] = name
            if code == wanted.upper() or _letters(name) == _letters(wanted) != "":
                found.setdefault(code, []).append(_box(feature))
        progress("municipalities", len(names), None)
    if len(found) != 1:
        raise InvalidInput(_unknown(names, year, wanted), Flaw("gemeente", f"{wanted!r} is not among those of {year}"))
    code, boxes = found.popitem()
    west, south, east, north = zip(*boxes, strict=True)
    return _Place(code, names[code], (min(west), min(south), max(east), max(north)))


def _unknown(names: dict[str, str], year: int, wanted: str) -> str:
    if not names:
        return f"PDOK gives no municipalities for {year}."
    if CODE.fullmatch(wanted):
        return f"PDOK has no municipality with the code {wanted.upper()} in {year}."
    sought, by_letters = _letters(wanted), {_letters(name): name for name in names.values()}
    near = get_close_matches(sought, by_letters, n=3, cutoff=0.6)
    near += [letters for letters in by_letters if sought and letters.startswith(sought) and letters not in near]
    told = ", ".join(by_letters[letters] for letters in near[:5])
    return f"PDOK has no municipality {wanted!r} in {year}" + (f"; near to it: {told}." if told else ".")


def _letters(name: str) -> str:
    """Give a name without case, accents, blanks and signs: 's-Gravenhage and S Gravenhage are one."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(c for c in plain if c.isalnum())
    return ALSO_CALLED.get(letters, letters)


def _told(feature: Feature, key: str) -> str:
    properties = feature.get("properties")
    value = properties.get(key) if isinstance(properties, dict) else None
    return value if isinstance(value, str) else ""


def _box(feature: Feature) -> Box:
    """Give the box around a feature. Raises Unavailable where it has no outline."""
    try:
        outline = shapely.from_geojson(json.dumps(feature.get("geometry")))
    except shapely.errors.GEOSException:
        outline = None
    if outline is None or outline.is_empty:
        raise Unavailable(f"PDOK's answer has no outline of {_told(feature, 'gemeentenaam')}.")
    west, south, east, north = outline.bounds
    return west, south, east, north


def _write(pages: Iterator[list[Feature]], place: _Place, file: Path, progress: Progress) -> Path:
    """Write the features that belong to a municipality, page by page; the file is there whole or not at all."""
    unfinished = file.with_suffix(".part")
    written = 0
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            out.write('{"type":"FeatureCollection","features":[')
            for features in pages:
                for feature in (each for each in features if _told(each, "gemeentecode") == place.code):
                    out.write((",\n" if written else "\n") + json.dumps(feature, ensure_ascii=False))
                    written += 1
                progress(f"buurten of {place.name}", written, None)
            out.write("\n]}\n")
        if written:
            return unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    flaw = Flaw("gemeente", "has no buurten in that year")
    raise InvalidInput(f"PDOK gives no buurten of {place.name} ({place.code}).", flaw)


def _pages(page: Callable[[str], Feature], first: str) -> Iterator[list[Feature]]:
    """Give the features of page after page; only links to the same place on the same host are followed."""
    url: str | None = first
    asked: set[str] = set()
    while url is not None:
        if url in asked or len(asked) == PAGES:
            raise Unavailable(f"PDOK's pages do not end: after {len(asked)} of them it points to {_short(url)}.")
        asked.add(url)
        answer = page(url)
        yield answer["features"]
        url = _next(answer, url)
        if url is not None and _place_of(url) != _place_of(first):
            raise Unavailable(f"PDOK's answer goes on at {_short(url)}, which is not where it began: not followed.")


def _next(answer: Feature, url: str) -> str | None:
    links = answer.get("links")
    for link in links if isinstance(links, list) else ():
        href = link.get("href") if isinstance(link, dict) and link.get("rel") == "next" else None
        if isinstance(href, str):
            return urljoin(url, href)
    return None


def _place_of(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower(), parts.path


def _short(url: str) -> str:
    return url if len(url) <= 120 else url[:119] + "…"


def _page(client: httpx.Client, url: str, patience: Patience) -> Feature:
    """Ask for one page until it comes whole: only this page is asked again, not those before it."""
    wait_s = patience.first_wait_s
    for left in range(patience.tries - 1, -1, -1):
        try:
            return _whole(_asked(client, url, patience))
        except (_Again, httpx.RequestError) as error:
            if not left:
                said = str(error) or type(error).__name__
                raise Unavailable(f"PDOK ({urlsplit(url).netloc}) does not answer as it should: {said}.") from None
            told_s = error.wait_s if isinstance(error, _Again) else None
            time.sleep(min(wait_s if told_s is None else told_s, LONGEST_WAIT_S))
            wait_s *= 2
    raise AssertionError("the last try either gives or raises")


def _asked(client: httpx.Client, url: str, patience: Patience) -> bytes:
    """Give the body of an answer. Raises _Again on what may pass, Unavailable on what will not."""
    until = time.monotonic() + patience.page_s
    with client.stream("GET", url) as response:
        status = response.status_code
        if status == httpx.codes.NOT_FOUND:
            raise _NoSuchCollection
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            raise _Again(f"status {status}", _seconds(response.headers.get("Retry-After")))
        if status != httpx.codes.OK:
            raise Unavailable(f"PDOK answers with status {status} to {_short(url)}.")
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > PAGE_BYTES:
                raise Unavailable(f"A page of PDOK is larger than {PAGE_BYTES // 1024**2} MB: not read.")
            if time.monotonic() > until:
                raise _Again(f"a page was not complete after {patience.page_s:g} s")
        return bytes(body)


def _seconds(told: str | None) -> float | None:
    """Give the seconds of a Retry-After, which is a number or a moment; None where it is neither."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def _whole(body: bytes) -> Feature:
    """Read a page of features. Raises _Again where it is cut off or holds another number than it says."""
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise _Again("its answer is no JSON, or is cut off") from None
    features = answer.get("features") if isinstance(answer, dict) else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise _Again("its answer is JSON, but no collection of features")
    told = answer.get("numberReturned")
    if isinstance(told, int) and told != len(features):
        raise _Again(f"its answer holds {len(features)} features and says that there are {told}")
    return dict(answer)
