"""Ready texts, editions, and what changed in each."""

from datetime import date, datetime
from uuid import UUID

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.base import Base, geometry
from geo.vocabulary import Kind, Level


class ReadyAsset(Base):
    """The text of a published asset that is no volunteer, as a visitor reads it, and the days on which it is shown."""

    __tablename__ = "ready_asset"
    __table_args__ = (
        Index("ready_asset_shape", "shape", postgresql_using="gist"),
        Index("ready_asset_listing", "name", "id"),
        Index("ready_asset_of_kind", "kind", "name", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind]
    name: Mapped[str]
    shape: Mapped[WKBElement | None] = mapped_column(geometry("GEOMETRY"))
    from_day: Mapped[date] = mapped_column(server_default=text("'-infinity'"))
    to_day: Mapped[date] = mapped_column(server_default=text("'infinity'"))
    body: Mapped[str]


class ReadyNeighbourhood(Base):
    """The text of a neighbourhood that is in force."""

    __tablename__ = "ready_neighbourhood"
    __table_args__ = (
        Index("ready_neighbourhood_shape", "shape", postgresql_using="gist"),
        Index("ready_neighbourhood_listing", "code", "year", "id"),
        Index("ready_neighbourhood_of_level", "level", "code", "year", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[Level]
    code: Mapped[str]
    year: Mapped[int]
    shape: Mapped[WKBElement] = mapped_column(geometry("MULTIPOLYGON"))
    body: Mapped[str]


class Edition(Base):
    """One transaction that changed what the public sees; its number is given when it is committed."""

    __tablename__ = "edition"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    parts: Mapped[list[str]]


class Part(Base):
    """A part of what the public sees, and the edition that it was last changed by."""

    __tablename__ = "part"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class PublicChange(Base):
    """A record that the public sees changed, or sees no longer."""

    __tablename__ = "public_change"
    __table_args__ = (Index("public_change_edition", "edition_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    edition_id: Mapped[UUID]
    collection: Mapped[str]
    item: Mapped[str]
    gone: Mapped[bool]


class Turned(Base):
    """The last day whose beginnings and endings are told as changes; one row."""

    __tablename__ = "turned"

    day: Mapped[date] = mapped_column(primary_key=True)
