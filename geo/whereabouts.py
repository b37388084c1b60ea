"""Where things lie: which buurt in force holds a place, for one place and for hundreds of thousands at once."""

import re

from geoalchemy2 import Geography
from geoalchemy2.shape import from_shape
from shapely.geometry.base import BaseGeometry
from sqlalchemy import case, cast, func, select, text
from sqlalchemy.orm import Session

from geo import privacy
from geo.base import WGS84
from geo.models import Neighbourhood
from geo.sql import statements
from geo.vocabulary import Level
from geo.volunteers import spots

HOLE_M, HOLE_DEGREES = 250.0, 0.005  # how far a place may lie from every outline and still belong to one
OWN_TABLE = re.compile(r"[a-z][a-z0-9_]{0,50}")
PLACES = """INSERT INTO whereabouts (record, id, spot)
SELECT 'asset', id, coalesce(place, ST_PointOnSurface(area)) FROM asset WHERE num_nonnulls(place, area) > 0
UNION ALL SELECT 'activity', id, place FROM activity WHERE place IS NOT NULL"""
SUCCESSORS = """CREATE TEMP TABLE successor ON COMMIT DROP AS
SELECT id, by FROM (
  SELECT old.id, coalesce(
    (SELECT n.id FROM neighbourhood n WHERE n.code = old.code AND n.in_force ORDER BY n.year DESC LIMIT 1),
    (SELECT n.id FROM neighbourhood n WHERE n.level = old.level AND n.in_force
       AND ST_Intersects(n.geom, ST_PointOnSurface(old.geom)) ORDER BY n.code, n.id LIMIT 1)) AS by
  FROM neighbourhood old
  WHERE NOT old.in_force AND old.id IN (
    SELECT neighbourhood_id FROM asset UNION SELECT neighbourhood_id FROM activity
    UNION SELECT neighbourhood_id FROM asset_catchment)
) known WHERE by IS NOT NULL"""


def holding(session: Session, shape: BaseGeometry) -> str | None:
    """Find the buurt in force that holds a place (WGS 84); of an area, the one that holds a point in it.

    In an overlap the lowest code wins; in a hole between outlines the nearest within 250 m; None where there is none.
    """
    spot = from_shape(shape.representative_point(), WGS84)
    held = func.ST_Intersects(Neighbourhood.geom, spot)
    outside = func.ST_Distance(cast(Neighbourhood.geom, Geography), cast(spot, Geography))
    metres = case((held, -1.0), else_=outside)  # what holds it comes before what it only touches to the last bit
    near = func.ST_DWithin(Neighbourhood.geom, spot, HOLE_DEGREES)  # wide, and by the index
    found = select(Neighbourhood.id).where(Neighbourhood.level == Level.buurt, Neighbourhood.in_force, near)
    nearest = found.where(metres <= HOLE_M).order_by(metres, Neighbourhood.code, Neighbourhood.id)
    return session.scalar(nearest.limit(1))


def settle(session: Session, spots: str) -> None:
    """Find the same for every row of a temporary table, at once.

    spots   its name; it has the columns `spot` (a point, WGS 84, or NULL) and `neighbourhood_id` (text), which is
            filled: NULL where no buurt holds the spot, untouched where there is no spot
    """
    if not OWN_TABLE.fullmatch(spots):
        raise ValueError(f"{spots!r} is no name of a table of ours")
    asked = {"hole_m": HOLE_M, "hole_degrees": HOLE_DEGREES}
    for statement in statements("whereabouts.sql"):
        session.execute(text(statement.format(spots=spots)), asked if ":hole_m" in statement else {})


def repoint(session: Session) -> int:
    """Point every asset, activity and catchment to a neighbourhood in force; what stays where it is is not written.

    What has a place goes by its place, volunteers by their true one; the rest by the same code, and where that is
    gone to where the middle of the old outline lies now. What nothing in force answers to stays as it is.

    returns  the number of rows changed, volunteers aside: outlines may be drawn so that it tells where one lives
    """
    session.flush()
    for table in ("whereabouts", "successor"):
        session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    columns = "record text, id uuid, spot geometry(Point, 4326), neighbourhood_id text"
    session.execute(text(f"CREATE TEMP TABLE whereabouts ({columns}) ON COMMIT DROP"))
    session.execute(text(PLACES))
    settle(session, "whereabouts")
    privacy.repoint_people(session, settle)
    changed = 0
    session.execute(text(SUCCESSORS))
    for statement in statements("repoint.sql"):
        written = int(session.execute(text(statement)).rowcount)  # type: ignore[attr-defined]
        changed += 0 if "INSERT" in statement else written  # a catchment moves by a new pair and the end of the old
    spots.settle_strays(session)
    session.expire_all()
    return changed
