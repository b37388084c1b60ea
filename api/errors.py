"""Every refusal becomes an answer here: one status table, one problem+json shape, a page for people."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from api import forms, frames, logs
from geo.errors import Conflict, Flaw, InvalidInput, NotAllowed, NotFound, Refusal, Unavailable
from geo.rights import VISITOR

STATUS: dict[type[Refusal], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    InvalidInput: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'ApiKey realm="X-API-Key"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}
MACHINES = ("/v1", "/livez", "/readyz")  # paths whose answers are read by programs
LINKED = ("volunteer_page", "offers_page")  # pages that people are told of: who is not signed in is sent to do so


def install(app: FastAPI) -> None:
    """Let the app answer every error in our own shape."""
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RecursionError, on_too_deep)
    app.add_exception_handler(DBAPIError, on_database_error)
    app.add_exception_handler(NoConnectionFree, on_database_error)
    app.add_exception_handler(Exception, on_defect)


def answer(request: Request, status: HTTPStatus, detail: str, flaws: Sequence[Flaw] = ()) -> Response:
    """Answer a program with problem+json (RFC 9457), a person with a page."""
    if not request.url.path.startswith(MACHINES):
        return frames.error_response(request, status, detail)
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": detail,
    }
    if flaws:
        body["errors"] = [flaw._asdict() for flaw in flaws]
    return JSONResponse(body, status, HEADERS.get(status), media_type="application/problem+json")


def on_refusal(request: Request, refusal: Exception) -> Response:
    """Answer one of the five refusals; who may not and has not said who they are gets 401."""
    status = next(status for kind, status in STATUS.items() if isinstance(refusal, kind))
    if status == HTTPStatus.FORBIDDEN:
        viewer = getattr(request.state, "viewer", VISITOR)
        logs.denied(viewer.role.value, getattr(request.scope.get("route"), "name", None))
        known = viewer != VISITOR or isinstance(refusal, forms.Forged)
        status = status if known else HTTPStatus.UNAUTHORIZED
        if not known and wants_to_sign_in(request):
            return RedirectResponse(frames.bare_frame(request).way_in, HTTPStatus.SEE_OTHER)
    return answer(request, status, str(refusal), refusal.flaws if isinstance(refusal, InvalidInput) else ())


def wants_to_sign_in(request: Request) -> bool:
    """Tell whether somebody opens a page, without a key, that they would see if they were signed in."""
    return getattr(request.scope.get("route"), "name", None) in LINKED and "x-api-key" not in request.headers


def too_many(request: Request, wait_s: int) -> Response:
    """Answer somebody who asks more often than they may, and say when to come back."""
    seconds = "1 second" if wait_s == 1 else f"{wait_s} seconds"
    response = answer(request, HTTPStatus.TOO_MANY_REQUESTS, f"Too many requests. Try again in {seconds}.")
    response.headers["Retry-After"] = str(wait_s)
    return response


def on_invalid_request(request: Request, error: Exception) -> Response:
    """Answer parameters or a body of the wrong form with 400 and the name of each."""
    flaws = [Flaw(_field(e["loc"]), _reason(e)) for e in cast(RequestValidationError, error).errors()]
    detail = "; ".join(f"{flaw.field}: {flaw.reason}" for flaw in flaws[:10])
    return answer(request, HTTPStatus.BAD_REQUEST, detail, flaws)


def _field(path: Sequence[str | int]) -> str:
    """Name what a flaw stands in; of a body that is no JSON the path tells only where reading stopped."""
    inside = [str(part) for part in path[1:]]
    return "body" if inside in ([], [str(path[-1])]) and isinstance(path[-1], int) else ".".join(inside) or "body"


def _reason(error: dict[str, str]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not known here"
    if error["type"] == "json_invalid":
        return "is no JSON"
    if error["type"] == "model_attributes_type":
        return "must be a JSON object, sent with Content-Type: application/json or application/geo+json"
    return error["msg"].removeprefix("Value error, ")


def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: an unknown path, a method that a path does not have."""
    error = cast(HTTPException, error)
    status = HTTPStatus(error.status_code)
    told = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {request.url.path}.",
    }
    response = answer(request, status, told.get(status, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


def on_too_deep(request: Request, error: Exception) -> Response:
    """Answer a body whose brackets are nested deeper than anything real."""
    return answer(request, HTTPStatus.BAD_REQUEST, "The body is nested too deeply.")


def on_database_error(request: Request, error: Exception) -> Response:
    """Answer what only the database could find out; its own words stay inside."""
    if isinstance(error, IntegrityError):
        return answer(
            request, HTTPStatus.CONFLICT, "Something else changed at the same moment: read again, then retry."
        )
    if isinstance(error, DataError):
        return answer(request, HTTPStatus.BAD_REQUEST, "A value is out of the range that can be stored.")
    logs.tell("database", request.scope.get("route"), error)
    return answer(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The database does not answer just now. Try again in a moment.",
    )


def on_defect(request: Request, error: Exception) -> Response:
    """Answer our own mistake without telling its insides."""
    logs.tell("defect", request.scope.get("route"), error)
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. It has been noted.")
