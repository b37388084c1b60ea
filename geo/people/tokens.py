"""What is handed to somebody as a proof: 32 random bytes. Only its SHA-256 is stored."""

import hashlib
import secrets

BYTES = 32


def new() -> str:
    """Make a token that fits in an address and in a cookie."""
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> str:
    """Give what is stored of a token. Nothing slow is needed: nobody guesses 32 random bytes."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
