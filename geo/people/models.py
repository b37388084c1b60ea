"""Accounts and what lets somebody in. Of every secret only a hash is kept; none of these rows has a history."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from geo.base import Base, terms
from geo.vocabulary import LinkPurpose, Role


class Account(Base):
    """A person who can sign in: by a password, or by the provider that knows them as `subject`."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("issuer", "subject"),
        CheckConstraint("role <> 'visitor'", name="account_has_a_role"),
        CheckConstraint("email = lower(email)", name="account_email_is_lower_case"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role]
    areas: Mapped[list[str]] = terms()  # codes of the neighbourhoods that a steward or broker looks after
    password: Mapped[str | None]  # argon2id
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    disabled_at: Mapped[datetime | None]


class Entry(Base):
    """Somebody who is signed in on one device. The token is in the cookie of that device; its hash is here."""

    __tablename__ = "account_entry"
    __table_args__ = (Index("account_entry_account", "account_id"),)

    hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class Link(Base):
    """A link that works once: to set the first password, or another one."""

    __tablename__ = "account_link"
    __table_args__ = (Index("account_link_account", "account_id"),)

    hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    purpose: Mapped[LinkPurpose]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Allowance(Base):
    """How much of something one asker has used in a stretch of time; lost in a crash, which harms nobody."""

    __tablename__ = "allowance"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012  # SQLAlchemy's own way

    name: Mapped[str] = mapped_column(primary_key=True)
    asker: Mapped[str] = mapped_column(primary_key=True)  # a keyed hash, never an address
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    used: Mapped[int]


class ApiKey(Base):
    """A machine's or an administrator's key. Only the hash of its secret half is kept."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[Role]
    scopes: Mapped[list[str]] = terms()  # what it is for, geo/rights.KEY_SCOPES; none: all that its role may
    hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
