"""Whole collections as files: what there is; each of them, sent while it is made, or from a file without a name."""

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from os import fstat
from pathlib import Path
from time import time
from typing import Annotated, Any, BinaryIO, Literal
from urllib.parse import urlencode

from anyio import CancelScope
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from pydantic import Field
from sqlalchemy import Engine
from starlette.types import Receive, Scope, Send

from api import logs
from api.allowing import address_of
from api.answers import IN_CRS, Answers
from api.asking import ChosenQuery
from api.deps import CurrentSettings, CurrentViewer
from api.ogc import base
from api.paging import link
from geo import crs, features, folder
from geo.collections import Collection
from geo.days import today
from geo.errors import Unavailable
from geo.exports import describing, making, reading
from geo.exports.formats import DEFAULT, FORMATS, SYSTEMS, Format, system
from geo.exports.reading import Order, opened
from geo.features import Rendering
from geo.settings import Settings

router = APIRouter(prefix="/v1")

AT_ONCE = 8  # exports that this process makes or sends: each that is streamed holds a connection
CHUNK_BYTES = 1 << 20
KEPT_S = 24 * 3600  # a file that is being made: longer than any takes
METADATA = "metadata"
JSON = "application/json"
PACKED = tuple(form.media_type for form in FORMATS.values() if not form.streams)  # sent as they are, with their length
EACH = 2  # of them, that one asker has
_door = threading.Lock()
_taken: Counter[str] = Counter()  # by asker


class ExportQuery(ChosenQuery):
    """Which of a collection is exported, and as what."""

    f: Literal["geojson", "gpkg", "fgb", "parquet", "csv", "xlsx", "metadata"] = Field(
        "geojson", description="The format; `metadata` gives what a file of these rows says of itself, as JSON"
    )

    def look(self) -> Rendering:
        """Say how the rows are given; in a file x comes before y. Raises InvalidInput for a system of no file."""
        return super().look()._replace(crs=system(crs.named(self.crs, "crs")))


class Sending(StreamingResponse):
    """An answer that is made while it is sent. What makes it is let go at its end, and when whoever asked goes away."""

    def __init__(self, parts: Generator[bytes, None, None], headers: dict[str, str], media_type: str) -> None:
        first = next(parts, b"")  # what is refused is refused now, not half-way
        super().__init__(_all(first, parts), headers=headers, media_type=media_type)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close what it comes from, however that ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._parts.close)


async def _all(first: bytes, parts: Generator[bytes, None, None]) -> Any:
    yield first
    while (part := await run_in_threadpool(next, parts, None)) is not None:
        yield part


FILE = {"schema": {"type": "string", "format": "binary"}}
FILES: Answers = {
    200: {
        "description": "The file, or what it would say of itself",
        "headers": {
            **IN_CRS["headers"],
            "Content-Disposition": {"description": "The name of the file", "schema": {"type": "string"}},
        },
        "content": {
            **{form.media_type: FILE for form in FORMATS.values()},
            **{media_type: {"schema": {"type": "object"}} for media_type in (DEFAULT.media_type, JSON)},
        },
    }
}


@router.get("/exports", name="read_exports")
def read_exports(request: Request, viewer: CurrentViewer, settings: CurrentSettings) -> dict[str, Any]:
    """What can be exported, in which formats and systems."""
    root = f"{base(request, settings)}/exports"
    return {
        "links": [link(root, "self")],
        "formats": [
            {"f": form.key, "title": form.title.en, "description": form.about.en, "type": form.media_type}
            for form in FORMATS.values()
        ],
        "crs": [known.uri for known in crs.KNOWN if known.srid in SYSTEMS and not known.flipped],
        "exports": [_told(root, name, features.collection(viewer, name)) for name in reading.names(viewer)],
    }


def _told(root: str, name: str, shown: Collection) -> dict[str, Any]:
    links = [link(f"{root}/{name}?f={form.key}", "enclosure", form.media_type) for form in FORMATS.values()]
    return {
        "collection": name,
        "title": shown.title.en,
        "filters": list(shown.filters),
        "links": [*links, link(f"{root}/{name}?f={METADATA}", "describedby")],
    }


@router.get("/exports/{collection}", name="read_export", response_class=Response, responses=FILES)
def read_export(
    request: Request,
    viewer: CurrentViewer,
    settings: CurrentSettings,
    collection: str,
    query: Annotated[ExportQuery, Query()],
) -> Response:
    """All of a collection that matches, as a file."""
    reading.check_name(viewer, collection)
    order = Order(viewer, collection, query.wanted(), query.look(), query.asked())
    engine, headers = _engine(request), {"Content-Crs": f"<{order.look.crs.uri}>"}
    asker = str(viewer.account or address_of(request.scope, settings.proxies))
    if query.f == METADATA:
        with _a_place(asker), opened(engine, order) as found:
            return Response(describing.beside(found), headers=headers, media_type=JSON)
    form = FORMATS[query.f]
    asked = urlencode({**order.asked, "f": METADATA}, doseq=True)
    headers["Link"] = f'<{base(request, settings)}/exports/{collection}?{asked}>; rel="describedby"; type="{JSON}"'
    headers["Content-Disposition"] = f'attachment; filename="{file_name(order, form)}"'
    if form.streams:
        answer = Sending(_streamed(engine, order, form, asker), headers, form.media_type)
    else:
        made = _written(settings, engine, order, form, asker)
        headers["Content-Length"] = str(fstat(made.fileno()).st_size)
        answer = Sending(_chunks(made), headers, form.media_type)
    logs.exported(collection, viewer.role.value, form.key)
    return answer


def file_name(order: Order, form: Format) -> str:
    """Name a file by what is in it: assets-2026-11-22.gpkg, in metres assets-rd-2026-11-22.gpkg."""
    rd = "" if order.look.crs.srid == crs.CRS84.srid else "-rd"
    return f"{order.name}{rd}-{today()}{form.ending}"


def _engine(request: Request) -> Engine:
    with request.app.state.sessions() as session:
        engine: Engine = session.get_bind().engine
        return engine


@contextmanager
def _a_place(asker: str) -> Iterator[None]:
    """Take one of the places there are for exports. Raises Unavailable where all, or all of one asker, are taken."""
    with _door:
        if _taken.total() >= AT_ONCE or _taken[asker] >= EACH:
            raise Unavailable(f"{_taken.total()} exports are under way already. Try again in a moment.")
        _taken[asker] += 1
    try:
        yield
    finally:
        with _door:
            _taken[asker] -= 1
            if not _taken[asker]:
                del _taken[asker]


def _streamed(engine: Engine, order: Order, form: Format, asker: str) -> Generator[bytes, None, None]:
    with _a_place(asker):
        yield from making.stream(engine, order, form)


def _written(settings: Settings, engine: Engine, order: Order, form: Format, asker: str) -> BinaryIO:
    """Write a file and give it open, without a name: it is gone with whoever reads it. Unavailable on a full disk."""
    try:
        with (
            _a_place(asker),
            tempfile.TemporaryDirectory(dir=place(settings), prefix="export-") as passing,
            opened(engine, order) as found,
        ):
            file = Path(passing) / f"{order.name}{form.ending}"
            making.write(found, form, file, lambda _done: None)
            return file.open("rb")
    except OSError as error:
        raise Unavailable(f"The file cannot be made here ({error.strerror}).") from None


def _chunks(made: BinaryIO) -> Generator[bytes, None, None]:
    with made:
        while part := made.read(CHUNK_BYTES):
            yield part


def place(settings: Settings) -> Path:
    """Give the folder in which files are made; only the user who runs the service may enter it."""
    found = folder.var(settings) / "exports"
    try:
        found.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"Cannot make the folder {found} ({error.strerror}).") from None
    return found


def sweep(settings: Settings) -> None:
    """Remove what was being made when a process ended, a day ago or more."""
    oldest = time() - KEPT_S
    for left in place(settings).iterdir():
        with suppress(FileNotFoundError):  # another process sweeps too
            if left.stat().st_mtime < oldest:
                shutil.rmtree(left, ignore_errors=True)
