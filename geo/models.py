"""The whole schema. The database itself keeps versions and history (see `migrations/`)."""

from datetime import date, datetime, time
from uuid import UUID, uuid4

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from geo.base import Base, Versioned, geometry, terms
from geo.people.models import Account
from geo.vocabulary import JobStatus, Kind, Level, Repeat, Status, What


class Neighbourhood(Versioned, Base):
    """An area of one level in one year. A missing figure is NULL, its reason stands in `figures_missing`."""

    __tablename__ = "neighbourhood"
    __table_args__ = (
        UniqueConstraint("code", "year"),
        Index("neighbourhood_geom", "geom", postgresql_using="gist"),
        Index("neighbourhood_parent", "parent_id"),
        Index("neighbourhood_listing", "level", "code", postgresql_where=text("in_force")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)  # "{code}.{year}"
    code: Mapped[str]
    year: Mapped[int]
    level: Mapped[Level]
    name: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("neighbourhood.id"))
    geom: Mapped[WKBElement] = mapped_column(geometry("MULTIPOLYGON"))
    overview: Mapped[WKBElement] = mapped_column(geometry("MULTIPOLYGON"))
    schematic: Mapped[bool] = mapped_column(server_default=text("false"))
    source: Mapped[str]
    licence: Mapped[str | None]
    residents: Mapped[int | None]
    residents_65: Mapped[int | None]
    households: Mapped[int | None]
    one_person_households: Mapped[int | None]
    figures_missing: Mapped[dict[str, str]] = mapped_column(server_default=text("'{}'"), default=dict)
    in_force: Mapped[bool] = mapped_column(server_default=text("true"), default=True)  # no later year has its place


class Organisation(Versioned, Base):
    """Who runs an asset."""

    __tablename__ = "organisation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(unique=True)
    legal_form: Mapped[str | None]
    url: Mapped[str | None]


class Catchment(Base):
    """A neighbourhood that an asset says it serves, besides the one it lies in."""

    __tablename__ = "asset_catchment"
    __table_args__ = (Index("asset_catchment_neighbourhood", "neighbourhood_id"),)

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    neighbourhood_id: Mapped[str] = mapped_column(ForeignKey("neighbourhood.id"), primary_key=True)


# A volunteer is a person: the row says in which neighbourhood and with what they help, nothing else.
PERSON_HAS_NO_PUBLIC_WORDS = """kind <> 'volunteer' OR num_nonnulls(name, summary, description, place, area, address,
 postcode, city, url, opening_hours, cost, capacity, organisation_id, confirmed_by, legal_form,
 ladder_level, founded_in) = 0 AND accessibility = '{}' AND growth = '[]' AND funding = '{}'"""


class Asset(Versioned, Base):
    """Something a neighbourhood can lean on. Every column of a published row is public; the rest is in AssetSecret."""

    __tablename__ = "asset"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint(PERSON_HAS_NO_PUBLIC_WORDS, name="person_has_no_public_words"),
        CheckConstraint("kind = 'volunteer' OR name IS NOT NULL", name="asset_has_a_name"),
        CheckConstraint("place IS NULL OR area IS NULL", name="point_or_area"),
        Index("asset_place", "place", postgresql_using="gist"),
        Index("asset_area", "area", postgresql_using="gist"),
        Index("asset_words", "words", postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}),
        Index("asset_services", "services", postgresql_using="gin"),
        Index("asset_themes", "themes", postgresql_using="gin"),
        Index("asset_listing", "status", "kind", "name", "id"),
        Index("asset_neighbourhood", "neighbourhood_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[Kind]
    name: Mapped[str | None]
    summary: Mapped[str | None]
    description: Mapped[str | None]
    themes: Mapped[list[str]] = terms()
    services: Mapped[list[str]] = terms()
    goals: Mapped[list[str]] = terms()
    target_groups: Mapped[list[str]] = terms()
    languages: Mapped[list[str]] = terms()
    cost: Mapped[str | None]
    accessibility: Mapped[dict[str, bool]] = mapped_column(server_default=text("'{}'"), default=dict)
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    city: Mapped[str | None]
    capacity: Mapped[int | None]
    opening_hours: Mapped[str | None]
    open_mask: Mapped[int | None]  # 21 bits, 3 * weekday + part of the day; NULL where hours are unknown
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    url: Mapped[str | None]
    source: Mapped[str]
    source_id: Mapped[str | None]
    licence: Mapped[str | None]
    demo: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    status: Mapped[Status] = mapped_column(server_default=text("'published'"), default=Status.published)
    confirmed_on: Mapped[date | None]
    confirmed_by: Mapped[str | None]
    visible_from: Mapped[date | None]
    visible_to: Mapped[date | None]
    ladder_level: Mapped[int | None] = mapped_column(
        CheckConstraint("ladder_level BETWEEN 1 AND 6", name="ladder_has_six_levels")
    )
    growth: Mapped[list[dict[str, str]]] = mapped_column(server_default=text("'[]'"), default=list)
    legal_form: Mapped[str | None]
    funding: Mapped[list[str]] = terms()
    founded_in: Mapped[int | None]
    place: Mapped[WKBElement | None] = mapped_column(geometry("POINT"))
    area: Mapped[WKBElement | None] = mapped_column(geometry("MULTIPOLYGON"))
    neighbourhood_id: Mapped[str | None] = mapped_column(ForeignKey("neighbourhood.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id, ondelete="SET NULL"))
    words: Mapped[str] = mapped_column(
        Computed("lower(coalesce(name, '') || ' ' || coalesce(summary, '') || ' ' || coalesce(description, ''))", True)
    )
    catchment: Mapped[list[Neighbourhood]] = relationship(secondary="asset_catchment")


class AssetSecret(Base):
    """What is known of a person and never leaves: the true place and all contacts, each sealed (`geo/sealing.py`).

    Written and read by geo/privacy only.
    """

    __tablename__ = "asset_secret"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[bytes | None]
    contact: Mapped[bytes | None]


class Activity(Versioned, Base):
    """Something that takes place at an asset, or at a place of its own."""

    __tablename__ = "activity"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="activity_ends_after_it_starts"),
        Index("activity_place", "place", postgresql_using="gist"),
        Index("activity_words", "words", postgresql_using="gin", postgresql_ops={"words": "gin_trgm_ops"}),
        Index("activity_asset", "asset_id"),
        Index("activity_listing", "status", "title", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    asset_id: Mapped[UUID | None] = mapped_column(ForeignKey("asset.id"))
    title: Mapped[str]
    summary: Mapped[str | None]
    theme: Mapped[str]
    services: Mapped[list[str]] = terms()
    repeat: Mapped[Repeat]
    starts_on: Mapped[date]  # the day itself, or the first of the weekly days
    ends_on: Mapped[date | None]
    time_from: Mapped[time | None]
    time_to: Mapped[time | None]
    cost: Mapped[str | None]
    how_to_join: Mapped[str | None]
    address: Mapped[str | None]
    place: Mapped[WKBElement | None] = mapped_column(geometry("POINT"))
    neighbourhood_id: Mapped[str | None] = mapped_column(ForeignKey("neighbourhood.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id, ondelete="SET NULL"))
    source: Mapped[str]
    source_id: Mapped[str | None]
    licence: Mapped[str | None]
    demo: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    status: Mapped[Status] = mapped_column(server_default=text("'published'"), default=Status.published)
    confirmed_on: Mapped[date | None]
    words: Mapped[str] = mapped_column(Computed("lower(title || ' ' || coalesce(summary, ''))", True))


class History(Base):
    """Every change, written by the database. `before` is NULL for a new row, `after` for a deleted one."""

    __tablename__ = "history"
    __table_args__ = (
        Index("history_row", "row_table", "row_id"),
        Index("history_account", "changed_by", postgresql_where=text("changed_by LIKE 'account:%'")),
        Index("history_job", "job_id", "row_table", postgresql_where=text("job_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    row_table: Mapped[str]
    row_id: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str]
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("import_job.id"))
    before: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, object] | None] = mapped_column(JSONB)


class ImportJob(Base):
    """One import: who, of which file, with which options, and what came of it. The history names its rows."""

    __tablename__ = "import_job"
    __table_args__ = (Index("import_job_made_at", "made_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    what: Mapped[What]
    status: Mapped[JobStatus]
    file_name: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"), default=dict)
    counts: Mapped[dict[str, float]] = mapped_column(server_default=text("'{}'"), default=dict)
    report: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"), default=dict)
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]
