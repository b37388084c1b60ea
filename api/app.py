"""The web application: all routes, one shape of error, one table of who may what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES
from starlette.requests import Request
from starlette.types import ASGIApp

from api import (
    activities,
    assets,
    changes,
    describing,
    errors,
    exports,
    exports_page,
    frames,
    gap_pages,
    health,
    hsds,
    imports,
    imports_page,
    logs,
    neighbourhoods,
    offers,
    ogc,
    own_data,
    pages,
    parameters,
    provider,
    runs,
    sign_in,
    tiles,
    uploads,
    volunteering,
    whatif,
)
from api.allowing import Allowing
from api.answers import REFUSALS, VERSION
from api.deps import viewer_of
from api.heads import Heads
from api.kept import Keeping
from api.lane import Lane
from api.limits import BodyLimit
from geo.errors import Unavailable
from geo.people.provider import of as provider_of
from geo.ready.readers import Readers
from geo.settings import Settings

ROUTES = (
    health, ogc, changes, hsds, assets, activities, neighbourhoods, runs, whatif, imports, pages, gap_pages,
    imports_page, tiles, exports, exports_page, sign_in, provider, volunteering, offers, own_data,
)  # fmt: skip

READ_WITH = ("If-None-Match",)
TOLD_IN = ("API-Version", "Content-Crs", "ETag", "Link", "Retry-After")  # what scripts of other sites may read too
GZIP_LEVEL = 5  # a tenth larger than the smallest, in half the time


class Service(FastAPI):
    """An app of which every answer, that to our own mistakes too, leaves through one gate."""

    def openapi(self) -> dict[str, Any]:
        """Describe the API in OpenAPI 3.0, once."""
        if self.openapi_schema is None:
            self.openapi_schema = describing.describe(super().openapi(), self.state.settings)
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """Put the gate around all other layers, the framework's own among them."""
        return frames.Gate(super().build_middleware_stack(), self.state.settings)


@asynccontextmanager
async def starting(app: FastAPI) -> AsyncIterator[None]:
    """Begin without the uploads that nobody came back for, and the exports that were never finished."""
    with suppress(Unavailable):  # no folder for them: then nobody can upload, and all else goes on
        await run_in_threadpool(uploads.sweep, app.state.settings)
        await run_in_threadpool(exports.sweep, app.state.settings)
    yield
    if app.state.readers is not None:
        await app.state.readers.close()


def create_app(settings: Settings, sessions: sessionmaker[Session]) -> FastAPI:
    """Make the application on a database that is migrated already."""
    logs.configure(settings)
    app = Service(
        title=describing.TITLE,
        version=VERSION,
        generate_unique_id_function=lambda route: route.name,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=REFUSALS,
        dependencies=[Depends(viewer_of, scope="function"), Depends(parameters.check)],
        lifespan=starting,
    )
    app.state.settings, app.state.sessions = settings, sessions
    bind = sessions.kw.get("bind")  # a connection of somebody's own is shared with nobody
    readers = Readers(bind, settings.db_statement_timeout_s, settings.processes) if isinstance(bind, Engine) else None
    app.state.readers = readers
    app.state.provider = provider_of(settings)
    for module in ROUTES:
        app.include_router(module.router)

    @app.get("/v1/openapi.json", name="read_openapi", include_in_schema=False)
    def read_openapi(request: Request) -> JSONResponse:
        """The description of this API."""
        return describing.answer(request)

    app.mount("/static", frames.Static(), name="static")
    errors.install(app)
    app.add_middleware(Lane, settings=settings, readers=readers)
    app.add_middleware(BodyLimit)
    packed = (*DEFAULT_EXCLUDED_CONTENT_TYPES, *exports.PACKED)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=GZIP_LEVEL, exclude_content_types=packed)
    app.add_middleware(Keeping, settings=settings, readers=readers)
    app.add_middleware(Allowing, settings=settings, sessions=sessions)
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_headers=READ_WITH, expose_headers=TOLD_IN
    )
    app.add_middleware(Heads)
    return app
