"""Sealing: what nobody may read who has the database, or a backup of it, but not the key of the installation.

AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a key of its own, derived from `KAART_SECRET` by HKDF (RFC 5869).
Every seal is bound to what it is about: moved to another row or column, it does not open.
"""

import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from geo.errors import Unavailable

FORMAT = b"\x01"  # of what follows: a nonce, the sealed text, its tag
NONCE_BYTES = 12


def seal(key: bytes, about: str, value: object) -> bytes:
    """Seal a value that JSON can hold. The same value gives other bytes each time.

    key    of the installation, of any length
    about  the row and the column that it stands in
    """
    nonce = os.urandom(NONCE_BYTES)
    return FORMAT + nonce + _cipher(key).encrypt(nonce, json.dumps(value).encode(), about.encode())


def unseal(key: bytes, about: str, sealed: bytes) -> Any:
    """Give the value back. Raises Unavailable where the key is another one, or this is not what was sealed."""
    nonce = sealed[len(FORMAT) : len(FORMAT) + NONCE_BYTES]
    try:
        if not sealed.startswith(FORMAT):
            raise InvalidTag
        told = _cipher(key).decrypt(nonce, sealed[len(FORMAT) + NONCE_BYTES :], about.encode())
    except (InvalidTag, ValueError):
        raise Unavailable(
            "A secret does not open: KAART_SECRET is not the key that it was sealed with, or it is damaged."
        ) from None
    return json.loads(told)


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    derived = HKDF(SHA256(), 32, None, b"levende-kaart: secrets of people").derive(key)
    return AESGCM(derived)
