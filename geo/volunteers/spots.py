"""Where signed-in neighbours see a volunteer who wants that: one spot near the true place, kept, and never that place.

The spot lies in a ring around the true place: not nearer than 100 metres, nor than the 20 residents who live nearest,
and at most twice as far; in the same neighbourhood, where others could have it for a spot as well. Direction and
distance follow from the key of the installation: to ask again, or to go off the map and on, tells nothing new.

Two spots of one home would tell more than one, so another is drawn only for who moves house. When residents or
boundaries are counted or drawn anew the spot stays, or gives way to the middle of the neighbourhood.
"""

import hashlib
import hmac
import math
from typing import NamedTuple
from uuid import UUID, uuid4

import numpy as np
import shapely
from geoalchemy2.shape import from_shape, to_shape
from scipy.spatial import KDTree
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from geo import neighbourhoods, privacy
from geo.base import WGS84
from geo.collections import Column
from geo.coverage.demand import SQUARE_RADIUS_M, Floats
from geo.coverage.models import DemandAddress
from geo.imports.models import Square
from geo.models import Asset, ImportJob, Neighbourhood
from geo.sealing import seal, unseal
from geo.vocabulary import Purpose
from geo.volunteers import consents
from geo.volunteers.models import Volunteer

NEAREST_M = 100.0  # no spot is nearer than this to the true place
RESIDENTS = 20  # nor than so many who live nearest
FARTHEST_M = 500.0  # where fewer than that live within this, a spot of one's own would tell too much
NEAR_M = 5 * FARTHEST_M  # whoever may matter lives within this
EDGE_M = 0.1  # spots keep this from both edges of the ring: places are rounded when they are stored
ATTEMPTS = 50
SAME_M = 50.0  # who is said to live so far from before has not moved house: the place was corrected
ABOUT = b"levende-kaart: spots of volunteers\0"


class People(NamedTuple):
    """Who lives near: where (n, 2), how many (n,), and how far from there at most; RD New metres."""

    xy: Floats
    residents: Floats
    radius_m: float


class Rule(NamedTuple):
    """What a spot must keep to: its distance from the true place, and who else could have it for a spot."""

    place: Floats
    inner_m: float  # inf where too few live near
    buurt: BaseGeometry
    others: Floats  # where people of this buurt live, shape (n, 2)
    residents: Floats
    others_inner_m: Floats


def rule(place: tuple[float, float], people: People, buurt: BaseGeometry) -> Rule:
    """Work out what a spot for a true place must keep to; all in RD New metres."""
    at = np.array([place])
    inside = shapely.contains_xy(buurt, people.xy[:, 0], people.xy[:, 1])
    others = people.xy[inside]
    return Rule(
        at[0], float(_inner_m(at, people)[0]), buurt, others, people.residents[inside], _inner_m(others, people)
    )


def _inner_m(places: Floats, people: People) -> Floats:
    """Say how far from each place its ring begins; inf where fewer than 20 live within half a kilometre."""
    lives = people.residents > 0
    count = min(int(lives.sum()), 4 * RESIDENTS)
    if not count or not len(places):
        return np.full(len(places), np.inf)
    metres, who = KDTree(people.xy[lives]).query(places, k=np.arange(1, count + 1))
    enough = np.cumsum(people.residents[lives][who], axis=1) >= RESIDENTS
    begins = np.maximum(NEAREST_M, metres[np.arange(len(places)), enough.argmax(axis=1)] + people.radius_m)
    return np.where(enough.any(axis=1) & (begins <= FARTHEST_M), begins, np.inf)


def keeps(spot: tuple[float, float], given: Rule) -> bool:
    """Say whether a spot keeps to the rule."""
    away = float(np.hypot(*(given.place - spot)))
    if not given.inner_m <= away <= 2 * given.inner_m or not given.buurt.covers(shapely.Point(spot)):
        return False
    from_spot = np.hypot(*(given.others - spot).T)
    could = (from_spot >= given.others_inner_m) & (from_spot <= 2 * given.others_inner_m)
    far = np.hypot(*(given.others[could] - given.place).T) >= NEAREST_M
    return bool(given.residents[could].sum() >= RESIDENTS and far.any())


def displace(given: Rule, seed: bytes) -> tuple[float, float] | None:
    """Draw a spot that keeps to the rule, evenly over the ring; None where there is none or 50 attempts find none.

    The same seed gives the same spot.
    """
    if given.inner_m == np.inf:
        return None
    least, most = given.inner_m + EDGE_M, 2 * given.inner_m - EDGE_M
    for attempt in range(ATTEMPTS):
        drawn = hmac.digest(seed, str(attempt).encode(), hashlib.sha256)
        turn, out = (int.from_bytes(part) / 2**64 for part in (drawn[:8], drawn[8:16]))
        metres = np.sqrt(least**2 + out * (most**2 - least**2))
        east, north = metres * np.cos(2 * np.pi * turn), metres * np.sin(2 * np.pi * turn)
        spot = float(given.place[0] + east), float(given.place[1] + north)
        if keeps(spot, given):
            return spot
    return None


def seed(key: bytes, who: UUID, given: Rule) -> bytes:
    """Give what direction and distance are drawn from, for one person who lives there among so many.

    Another place or another ring draws another direction: two spots of one person lie on no line with a home.
    """
    about = f"{who} {given.place[0]:.1f} {given.place[1]:.1f} {given.inner_m:.1f}"
    return hmac.digest(key, ABOUT + about.encode(), hashlib.sha256)


def centre(buurt: BaseGeometry) -> tuple[float, float]:
    """Give a place that depends on the neighbourhood only."""
    middle = buurt.centroid
    chosen = middle if buurt.covers(middle) else buurt.representative_point()
    return chosen.x, chosen.y


def settle(session: Session, asset_id: UUID) -> None:
    """Give a volunteer the spot that neighbours see, or take it away, as consent to `map` is in force or not.

    Without a true place, or where too few live near, it is the middle of the neighbourhood; without a neighbourhood
    there is none.
    """
    session.flush()
    found = session.execute(
        select(Volunteer, Neighbourhood.geom, consents.holds(Purpose.map).label("agreed"))
        .join(Asset, Asset.id == Volunteer.asset_id)
        .outerjoin(Neighbourhood, Neighbourhood.id == Asset.neighbourhood_id)
        .where(Volunteer.asset_id == asset_id)
    ).one_or_none()
    if found is None:
        return
    volunteer = found.Volunteer
    if not found.agreed or found.geom is None:
        volunteer.spot = None
    else:
        _draw(session, volunteer, neighbourhoods.to_rd(to_shape(found.geom)))
        volunteer.spot = volunteer.drawn
    session.flush()


def _draw(session: Session, volunteer: Volunteer, buurt: BaseGeometry) -> None:
    """Keep the spot of a volunteer, or draw the first, or another one for who moved house."""
    place = privacy.read_secret(session, volunteer.asset_id, "displacement").place
    true = None if place is None else _metres(shapely.Point(place))
    now = None if volunteer.drawn is None else _metres(to_shape(volunteer.drawn))
    key, about = privacy.key_of(session), f"{volunteer.asset_id} drawn for"
    before = None if volunteer.drawn_for is None else unseal(key, about, volunteer.drawn_for)
    moved = true is None or before is None or math.dist(true, before) > SAME_M
    if true is None:
        spot = centre(buurt)
    elif moved:
        given = rule(true, _people(session, true, buurt), buurt)
        drawn = displace(given, seed(key, volunteer.account_id or volunteer.asset_id, given))
        spot = now if now is not None and keeps(now, given) else drawn or centre(buurt)
    else:
        stays = now is not None and math.dist(now, true) >= NEAREST_M and buurt.covers(shapely.Point(now))
        spot = now if now is not None and stays else centre(buurt)
    if now is None or math.dist(spot, now) > EDGE_M:
        volunteer.drawn = from_shape(neighbourhoods.to_wgs84(shapely.Point(spot)), srid=WGS84)
        volunteer.spot_id = uuid4()
    if moved:
        volunteer.drawn_for = None if true is None else seal(key, about, list(true))


def settle_strays(session: Session) -> None:
    """Put those whose spot lies outside their own neighbourhood in its middle, as when boundaries change."""
    holds = func.ST_Intersects(Neighbourhood.geom, Volunteer.spot)
    astray = (
        select(Volunteer.asset_id)
        .join(Asset, Asset.id == Volunteer.asset_id)
        .outerjoin(Neighbourhood, Neighbourhood.id == Asset.neighbourhood_id)
        .where(Volunteer.spot.is_not(None), func.coalesce(holds, false()).is_(false()))
        .order_by(Volunteer.asset_id)
    )
    for asset_id in session.scalars(astray).all():
        settle(session, asset_id)


def _metres(degrees: BaseGeometry) -> tuple[float, float]:
    x, y = shapely.get_coordinates(neighbourhoods.to_rd(degrees))[0]
    return float(x), float(y)


def _people(session: Session, place: tuple[float, float], buurt: BaseGeometry) -> People:
    """Read who lives near: the newest dwellings, else the newest squares, of which there are any in the buurt."""
    newest = (ImportJob.done_at.desc(), ImportJob.id)
    dwellings = (
        select(DemandAddress.job_id, DemandAddress.x, DemandAddress.y, func.coalesce(DemandAddress.residents, 1))
        .join(ImportJob, ImportJob.id == DemandAddress.job_id)
        .where(*_near(DemandAddress.x, DemandAddress.y, place))
        .order_by(*newest, DemandAddress.id)
    )
    squares = (
        select(Square.year, Square.x, Square.y, func.coalesce(Square.residents, 0))
        .where(*_near(Square.x, Square.y, place))
        .order_by(Square.year.desc(), Square.id)
    )
    for wanted, radius_m in ((dwellings, 0.0), (squares, SQUARE_RADIUS_M)):
        counts: dict[object, list[tuple[float, float, float]]] = {}
        for of, *numbers in session.execute(wanted):
            counts.setdefault(of, []).append((numbers[0], numbers[1], numbers[2]))
        for points in counts.values():
            told = np.array(points, dtype=float)
            if shapely.contains_xy(buurt, told[:, 0], told[:, 1]).any():
                return People(told[:, :2], told[:, 2], radius_m)
    return People(np.empty((0, 2)), np.empty(0), 0.0)


def _near(x: Column, y: Column, place: tuple[float, float]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return x.between(place[0] - NEAR_M, place[0] + NEAR_M), y.between(place[1] - NEAR_M, place[1] + NEAR_M)
