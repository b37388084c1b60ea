"""What coverage keeps: dated runs and their results, the live state, and questions to the process that keeps it."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.base import Base
from geo.vocabulary import Kind, RunStatus


class CoverageRun(Base):
    """One dated computation of who can walk to what, with all that it was made from.

    One run is `live`: it begins as a copy of the newest, and follows each change of an asset from then on.
    """

    __tablename__ = "coverage_run"
    __table_args__ = (Index("coverage_run_live", "live", unique=True, postgresql_where=text("live")),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    computed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    year: Mapped[int]
    norm_m: Mapped[float]
    detour: Mapped[float]
    lattice_m: Mapped[float]
    counts: Mapped[dict[str, float]] = mapped_column(server_default=text("'{}'"), default=dict)
    code_version: Mapped[str]
    status: Mapped[RunStatus] = mapped_column(server_default=text("'done'"), default=RunStatus.done)
    step: Mapped[str] = mapped_column(server_default=text("''"), default="")
    progress: Mapped[float] = mapped_column(server_default=text("1"), default=1.0)
    failure: Mapped[str | None]
    live: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    policy: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"), default=dict)
    data: Mapped[dict[str, object]] = mapped_column(server_default=text("'{}'"), default=dict)
    walks: Mapped[str] = mapped_column(server_default=text("'line'"), default="line")


class Coverage(Base):
    """What a run says of one neighbourhood and one subject: a kind, a service, or volunteers with a service.

    People may be fractional. All figures are NULL where residents are unknown or none. Definitions: docs/coverage.md.
    """

    __tablename__ = "coverage"
    __table_args__ = (
        Index("coverage_subject", "run_id", "kind", "service", "neighbourhood_id"),
        CheckConstraint("num_nonnulls(kind, service) > 0", name="coverage_has_a_subject"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("coverage_run.id", ondelete="CASCADE"))
    neighbourhood_id: Mapped[str] = mapped_column(ForeignKey("neighbourhood.id"))
    kind: Mapped[Kind | None]
    service: Mapped[str | None]
    residents: Mapped[float | None]
    covered: Mapped[float | None]
    covered_share: Mapped[float | None]
    uncovered: Mapped[float | None]
    covered_by_catchment: Mapped[float | None]
    median_m: Mapped[float | None]
    nearest_id: Mapped[UUID | None]
    nearest_m: Mapped[float | None]
    assets_in_reach: Mapped[int | None]
    assets_across_border: Mapped[int | None]
    volunteers: Mapped[int | None]
    per_1000: Mapped[float | None]
    mean_m: Mapped[float | None]
    reached_share: Mapped[float | None]
    p90_m: Mapped[float | None]
    depth_m: Mapped[float | None]
    fgt1: Mapped[float | None]
    choice: Mapped[float | None]
    fragile_share: Mapped[float | None]
    crowding: Mapped[float | None]
    certain_share: Mapped[float | None]
    open_hours: Mapped[float | None]
    worst_part: Mapped[int | None]
    worst_part_share: Mapped[float | None]
    people_none: Mapped[float | None]
    people_doubtful: Mapped[float | None]
    people_closed: Mapped[float | None]
    people_full: Mapped[float | None]
    people_served: Mapped[float | None]
    gap: Mapped[float | None]
    covered_lo: Mapped[float | None]
    covered_hi: Mapped[float | None]
    band_lo: Mapped[float | None]
    band_hi: Mapped[float | None]
    unknown_residents: Mapped[float | None]
    edge_share: Mapped[float | None]
    fallback_share: Mapped[float | None]
    demand_source: Mapped[str | None]
    groups: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)
    why: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)


class DemandAddress(Base):
    """A dwelling's place, RD New metres, and how many live there where that is known: demand without a radius.

    In each buurt the dwellings of the newest import count that has any there.
    """

    __tablename__ = "demand_address"
    __table_args__ = (Index("demand_address_place", "x", "y"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    x: Mapped[float]
    y: Mapped[float]
    residents: Mapped[float | None]


class CoverageQuestion(Base):
    """A question to the worker, such as a what-if, and its answer; gone once it has been read."""

    __tablename__ = "coverage_question"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    question: Mapped[dict[str, Any]] = mapped_column(JSONB)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    refusal: Mapped[str | None]
    answered_at: Mapped[datetime | None]
