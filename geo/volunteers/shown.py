"""Neighbours who offer something, as members see them: what they offer, and a spot that is not where they live.

A row holds nothing that leads to another answer: its id is the spot's own, and it names no neighbourhood and no day.
"""

from sqlalchemy import FromClause, and_, or_

from geo.collections import Collection, Columns, Wanted, in_box, keys, uuid_key
from geo.models import Asset
from geo.privacy import current
from geo.rights import Viewer
from geo.vocabulary import Kind, Purpose, Term
from geo.volunteers import consents
from geo.volunteers.models import Volunteer
from geo.volunteers.offers import comes_in


def _columns(_wanted: Wanted) -> Columns:
    return {"services": Asset.services, "target_groups": Asset.target_groups, "languages": Asset.languages}


def _source(_viewer: Viewer) -> FromClause:
    return Volunteer.__table__.join(Asset.__table__, Asset.id == Volunteer.asset_id)


SHOWN = Collection(
    title=Term("Buren die iets aanbieden", "Neighbours who offer something"),
    about=Term(
        "Vrijwilligers die op de kaart willen voor buren die zijn ingelogd, op een plek dicht bij huis en nooit thuis.",
        "Volunteers who want to be seen by neighbours who are signed in, on a spot near their home and never at it.",
    ),
    id=Volunteer.spot_id,
    key=uuid_key,
    geometry=Volunteer.spot,
    columns=_columns,
    source=_source,
    seen=lambda _viewer: and_(
        Volunteer.spot.is_not(None),
        Asset.kind == Kind.volunteer,
        current(),
        consents.holds(Purpose.offer),
        consents.holds(Purpose.map),
        or_(Volunteer.account_id.is_(None), comes_in()),
    ),
    order=(Volunteer.spot_id,),
    filters={
        "bbox": lambda box: in_box(Volunteer.spot, box),
        "service": lambda services: Asset.services.op("&&")(keys(services)),
    },
    there=lambda viewer: viewer.account is not None,
)
