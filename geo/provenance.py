"""Where the features of a collection lie, who made them, and under which licences."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo import features
from geo.collections import Box, Wanted
from geo.rights import Viewer

# The licences that records name, and where their words stand (SPDX names, and as CBS and Kadaster write them).
LICENCES: Mapping[str, str] = {
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC BY-SA 4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "ODbL-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
}
NEIGHBOURHOODS = "neighbourhoods"


class Origin(NamedTuple):
    """Who made features, and under which licence; None where that is not known."""

    source: str
    licence: str | None


class Provenance(NamedTuple):
    """Where features lie (None: nowhere, or nobody is told), and whose they are, the most frequent first."""

    extent: Box | None
    origins: list[Origin]


def of(session: Session, viewer: Viewer, name: str) -> Provenance:
    """Read whence the features come that a viewer sees. Of people nothing is told. Raises NotFound."""
    shown = features.collection(viewer, name)
    if shown.origin is None:
        return Provenance(None, [])
    if "run" in shown.filters:  # results lie where the neighbourhoods do, from which they are computed
        return of(session, viewer, NEIGHBOURHOODS)
    source, licence = shown.origin
    box = func.ST_Extent(shown.geometry)
    corners = (func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
    grouped = select(source, licence, *corners).select_from(shown.source(viewer)).group_by(source, licence)
    seen = grouped.where(features.condition(viewer, name, Wanted())).order_by(func.count().desc(), source, licence)
    rows = [tuple(row) for row in session.execute(seen)]
    placed = [row[2:] for row in rows if row[2] is not None]
    west, south, east, north = zip(*placed, strict=True) if placed else ((), (), (), ())
    extent = (min(west), min(south), max(east), max(north)) if placed else None
    return Provenance(extent, [Origin(row[0], row[1]) for row in rows])


def attribution(told: Provenance) -> str:
    """Say in one line whose features these are; empty where nobody is named."""
    named = (f"{origin.source} ({origin.licence})" if origin.licence else origin.source for origin in told.origins)
    return ", ".join(dict.fromkeys(named))
