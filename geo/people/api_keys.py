"""API keys. A key is `kaart_<id>_<secret>`; only a hash of the secret is stored: a key is shown once."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.checks import refuse
from geo.errors import Flaw, NotAllowed, NotFound
from geo.people.models import ApiKey
from geo.rights import KEY_SCOPES, VISITOR, Viewer
from geo.vocabulary import Role

PREFIX = "kaart"
DAYS = 365


def create_key(
    session: Session, name: str, role: Role = Role.admin, days: int = DAYS, scopes: Collection[str] = ()
) -> str:
    """Make a key that works for a number of days, and give it in plain: the only time that it can be read.

    scopes  what it is for; none: all that its role may
    raises  InvalidInput naming each scope that is none
    """
    known = ", ".join(KEY_SCOPES)
    refuse([Flaw("scope", f"{each!r} is no scope; there are {known}") for each in scopes if each not in KEY_SCOPES])
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    expires = datetime.now(UTC) + timedelta(days)
    key = ApiKey(id=key_id, name=name, role=role, scopes=sorted(set(scopes)), hash=_hash(secret), expires_at=expires)
    session.add(key)
    session.flush()
    return f"{PREFIX}_{key_id}_{secret}"


def list_keys(session: Session) -> list[ApiKey]:
    """Give all keys, the newest first, without their secrets."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)))


def revoke_key(session: Session, key_id: str) -> None:
    """End a key now. Raises NotFound where there is none with this id."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound(f"There is no key with the id {key_id!r}.")
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    session.flush()


def viewer_of(session: Session, sent: str | None) -> Viewer:
    """Say who sends this key; no key is a visitor. Raises NotAllowed for a key that is wrong, expired or revoked."""
    if not sent:
        return VISITOR
    key_id, _, secret = sent.removeprefix(f"{PREFIX}_").partition("_")
    key = session.get(ApiKey, key_id) if key_id.isascii() and key_id.isalnum() else None
    known = hmac.compare_digest(_hash(secret), key.hash if key else _hash("")) and key is not None
    if not known or key is None or key.revoked_at or key.expires_at <= datetime.now(UTC):
        raise NotAllowed("This API key is not valid: it is wrong, expired or revoked.")
    return Viewer(key.role, key.name, scopes=frozenset(key.scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
