"""What imports keep beside the records: 100 m squares, streets, and the addresses that somebody must look at."""

from datetime import datetime
from uuid import UUID

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, Computed, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.base import RD_NEW, Base, geometry


class Square(Base):
    """A CBS square of 100 m with the people in it; x and y are its centre, RD New. NULL is suppressed, never 0."""

    __tablename__ = "square"
    __table_args__ = (
        Index("square_job", "job_id"),
        Index("square_place", "x", "y"),
        Index("square_outline", "outline", postgresql_using="gist"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # "{code}.{year}"
    code: Mapped[str]  # of its south-western corner in units of 100 m, such as E0846N4376
    year: Mapped[int]
    x: Mapped[int]
    y: Mapped[int]
    residents: Mapped[int | None]
    residents_65: Mapped[int | None]
    one_person_households: Mapped[int | None]
    children: Mapped[int | None]  # younger than 15
    job_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id"))
    outline: Mapped[WKBElement] = mapped_column(
        geometry("POLYGON"),
        Computed("ST_Transform(ST_MakeEnvelope(x - 50, y - 50, x + 50, y + 50, 28992), 4326)", True),
    )


class NetworkEdge(Base):
    """A stretch of street between two nodes of a network, walked both ways. A network belongs to its import."""

    __tablename__ = "network_edge"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0, near edges near each other
    start_node: Mapped[int]
    end_node: Mapped[int]
    metres: Mapped[float]  # to walk; never less than it is drawn
    geom: Mapped[WKBElement] = mapped_column(Geometry("LINESTRING", srid=RD_NEW, spatial_index=False))


class AddressDoubt(Base):
    """A row whose address has no certain place: what was found, for somebody to choose from. Nothing is guessed."""

    __tablename__ = "address_doubt"
    __table_args__ = (Index("address_doubt_open", "job_id", "row", postgresql_where=text("decided_at IS NULL")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id"))
    row: Mapped[int]
    asked: Mapped[str]
    record: Mapped[dict[str, object]]  # the values of the asset, all but its place
    candidates: Mapped[list[dict[str, object]]] = mapped_column(JSONB)  # label, lon, lat, score; the likeliest first
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    choice: Mapped[int | None]  # which candidate, from 0; NULL where none was right
