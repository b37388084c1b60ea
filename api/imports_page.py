"""The page on which administrators import: a shell, whose script asks for a key and with it for all that it shows."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import uploads
from api.frames import CurrentFrame, answer
from maps import imports

router = APIRouter(include_in_schema=False)


@router.get("/imports", name="imports_page")
def imports_page(request: Request, page: CurrentFrame) -> Response:
    """Upload, report, confirm."""
    return answer(request, page, imports.imports_page(page, uploads.MOST_BYTES))
