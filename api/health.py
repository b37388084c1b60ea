"""Is the process alive, and can it answer."""

from fastapi import APIRouter

from api.deps import Session
from geo import db
from geo.errors import Unavailable

router = APIRouter()


@router.get("/livez", name="livez")
def livez() -> dict[str, str]:
    """Say that the process runs; asks nothing of the database."""
    return {"status": "ok"}


@router.get("/readyz", name="readyz")
def readyz(session: Session) -> dict[str, str]:
    """Say that the database answers and has the tables of this version; 503 where not."""
    if not db.migrated(session.get_bind().engine):
        raise Unavailable("The database does not have the tables of this version yet.")
    return {"status": "ok"}
