"""The feed of changes: what a partner reads, again and again, to keep a copy in step."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.answers import Answers, answer
from api.deps import CurrentSettings, Session
from api.ogc import base
from api.paging import link
from geo.ready import feed

NOW = "now"
router = APIRouter(prefix="/v1")

_CHANGE = {
    "collection": {"type": "string"},
    "id": {"type": "string"},
    "deleted": {"type": "boolean"},
    "changed_at": {"type": "string", "format": "date-time"},
    "href": {"type": "string"},
}
READ_FEED: Answers = {
    200: answer(
        "What changed, in the order in which it was committed. `after` is what to ask with next time.",
        "application/json",
        {
            "changes": {"type": "array", "items": {"type": "object", "required": [*_CHANGE], "properties": _CHANGE}},
            "after": {"type": "string"},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    )
}
After = Annotated[
    str | None,
    Query(
        max_length=40, description="`after` of the answer before; `now` for none but the mark; without it all there are"
    ),
]
Limit = Annotated[int, Query(ge=1, le=10_000, description="How many changes at most")]


@router.get("/changes", name="read_feed", responses=READ_FEED)
def read_feed(
    request: Request, session: Session, settings: CurrentSettings, after: After = None, limit: Limit = 1000
) -> dict[str, Any]:
    """What changed of assets, activities and neighbourhoods as everybody sees them, deletions included.

    A record may occur several times; what it is now, is read at `href`. What is `deleted` is seen no longer, whether it
    was archived, erased, or its days are over.
    """
    begin = feed.latest(session) if after == NOW else feed.read_mark(after) if after else feed.START
    read = feed.changes(session, begin, limit)
    root = base(request, settings)
    told = [
        {
            "collection": change.collection,
            "id": change.item,
            "deleted": change.gone,
            "changed_at": change.changed_at,
            "href": f"{root}/collections/{change.collection}/items/{change.item}",
        }
        for change in read.found
    ]
    onward = f"{root}/changes?after={read.mark}&limit={limit}"
    links = [link(f"{root}/changes?after={begin}&limit={limit}", "self")]
    return {
        "changes": told,
        "after": str(read.mark),
        "links": [*links, link(onward, "next")] if read.more else links,
    }
