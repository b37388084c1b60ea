"""What belongs to a volunteer besides the row in `asset` and the secret: it all goes when they go."""

from datetime import date, datetime
from uuid import UUID, uuid4

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from geo.base import Base, geometry
from geo.models import Asset
from geo.people.models import Account
from geo.vocabulary import Erased, Means, Purpose, Reply


class Volunteer(Base):
    """Which account a volunteer has, and where neighbours who are signed in see them: never at the true place."""

    __tablename__ = "volunteer"
    __table_args__ = (
        Index("volunteer_account", "account_id", unique=True),
        Index("volunteer_spot", "spot", postgresql_using="gist"),
        Index("volunteer_spot_id", "spot_id", unique=True),
    )

    asset_id: Mapped[UUID] = mapped_column(ForeignKey(Asset.id, ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    drawn: Mapped[WKBElement | None] = mapped_column(geometry("POINT"))  # displaced, kept for when it is shown again
    drawn_for: Mapped[bytes | None]  # the place that it was drawn for, sealed; NULL: for no place of their own
    spot: Mapped[WKBElement | None] = mapped_column(geometry("POINT"))  # the same, as long as it is shown
    spot_id: Mapped[UUID] = mapped_column(default=uuid4)  # of this spot and no other answer: another spot has another


class Consent(Base):
    """What a volunteer agreed to: for what, in which words, when, how, and until which day (inclusive)."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("consent_given", "asset_id", "purpose", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
        Index("consent_ends", "expires_on", postgresql_where=text("withdrawn_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey(Asset.id, ondelete="CASCADE"))
    purpose: Mapped[Purpose]
    text_version: Mapped[str]
    means: Mapped[Means]
    given_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_on: Mapped[date]
    withdrawn_at: Mapped[datetime | None]


class ContactRequest(Base):
    """What a broker asks a volunteer through us. Both texts are sealed; neither side learns an address by it."""

    __tablename__ = "contact_request"
    __table_args__ = (
        Index("contact_request_asset", "asset_id"),
        Index("contact_request_account", "account_id"),
        CheckConstraint("(reply = 'waiting') = (answered_at IS NULL)", name="request_is_answered_once"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey(Asset.id, ondelete="CASCADE"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id, ondelete="CASCADE"))
    message: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    reply: Mapped[Reply] = mapped_column(server_default=text("'waiting'"), default=Reply.waiting)
    words: Mapped[bytes | None]
    answered_at: Mapped[datetime | None]


class SecretReading(Base):
    """Who read a secret, when and why. It goes with the person whose secret it was."""

    __tablename__ = "secret_reading"
    __table_args__ = (Index("secret_reading_asset", "asset_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey(Asset.id, ondelete="CASCADE"))
    read_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    read_by: Mapped[str] = mapped_column(server_default=func.actor())
    why: Mapped[str]


class Erasure(Base):
    """Whom we forgot: an id that means nothing any more, but in a backup from before."""

    __tablename__ = "erasure"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[Erased]
    erased_at: Mapped[datetime] = mapped_column(server_default=func.now())
