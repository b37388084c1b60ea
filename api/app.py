"""The web application: all routes, one shape of error, one table of who may what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session, sessionmaker
from starlette.requests import Request
from starlette.types import ASGIApp

from api import (
    activities,
    assets,
    errors,
    frames,
    gap_pages,
    health,
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
    uploads,
    volunteering,
    whatif,
)
from api.allowing import Allowing
from api.answers import REFUSALS
from api.deps import viewer_of
from api.heads import Heads
from api.limits import BodyLimit
from geo.errors import Unavailable
from geo.people.provider import of as provider_of
from geo.settings import Settings

ROUTES = (
    health, ogc, assets, activities, neighbourhoods, runs, whatif, imports, pages, gap_pages, imports_page,
    sign_in, provider, volunteering, offers, own_data,
)  # fmt: skip


class Service(FastAPI):
    """An app of which every answer, that to our own mistakes too, leaves through one gate."""

    def build_middleware_stack(self) -> ASGIApp:
        """Put the gate around all other layers, the framework's own among them."""
        return frames.Gate(super().build_middleware_stack(), self.state.settings)


@asynccontextmanager
async def starting(app: FastAPI) -> AsyncIterator[None]:
    """Begin without the uploads that nobody came back for."""
    with suppress(Unavailable):  # no folder for them: then nobody can upload, and all else goes on
        await run_in_threadpool(uploads.sweep, app.state.settings)
    yield


def create_app(settings: Settings, sessions: sessionmaker[Session]) -> FastAPI:
    """Make the application on a database that is migrated already."""
    logs.configure(settings)
    app = Service(
        title="Levende Kaart",
        version="1",
        description="Neighbourhood assets, activities, neighbourhoods and coverage as OGC API Features. "
        "Names are English because they follow published English vocabularies (OGC, HSDS, OSM).",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=REFUSALS,
        dependencies=[Depends(viewer_of, scope="function"), Depends(parameters.check)],
        lifespan=starting,
    )
    app.state.settings, app.state.sessions = settings, sessions
    app.state.provider = provider_of(settings)
    for module in ROUTES:
        app.include_router(module.router)

    @app.get("/v1/openapi.json", name="read_openapi", include_in_schema=False)
    def read_openapi(request: Request) -> JSONResponse:
        """The description of this API."""
        accepted = request.headers.get("accept", "*/*")
        plain = "*/*" not in accepted and "version=3.1" not in accepted  # GDAL takes version 3.0, or plain JSON
        media_type = "application/json" if plain else "application/vnd.oai.openapi+json;version=3.1"
        return JSONResponse(app.openapi(), headers={"Vary": "Accept"}, media_type=media_type)

    app.mount("/static", frames.Static(), name="static")
    errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Allowing, settings=settings, sessions=sessions)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"])
    app.add_middleware(Heads)
    return app
