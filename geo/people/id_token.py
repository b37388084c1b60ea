"""ID tokens: what a provider signs about who stands at the door (OpenID Connect Core 1.0, section 3.1.3.7).

Only keys of which the provider alone has the private half will do. A token that says it has no signature, or one made
with a shared secret, is refused whatever key it names: a public key is no secret.
"""

from typing import Any, NamedTuple

from authlib.oidc.core import CodeIDToken
from joserfc.errors import ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import decode

from geo.errors import NotAllowed

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
LEEWAY_S = 60  # two clocks may differ by so much
KINDS = ("RSA", "EC")
SHORTEST_MODULUS = 342  # characters of base64: 2,048 bits
HEADER_BYTES = 8 * 1024  # some send their certificates along
LONGEST_SUBJECT = 255

Claims = dict[str, Any]
Broken = (ValueError, TypeError, KeyError, OverflowError, RecursionError)  # of what is no token or no key at all


class UnknownKey(Exception):
    """A token that names a key which the provider did not have when it was asked last."""


class Expected(NamedTuple):
    """What a token has to be about: who made it, for whom, the word given along, and the token that came with it."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str = ""


def keys_in(document: object) -> KeySet:
    """Give those of a provider's published keys by which a signature can be checked; others are passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = [_key(told) for told in listed] if isinstance(listed, list) else []
    return KeySet([key for key in found if key])


def _key(told: Any) -> Key | None:
    if not isinstance(told, dict) or told.get("kty") not in KINDS:
        return None
    if told["kty"] == "RSA" and len(str(told.get("n", ""))) < SHORTEST_MODULUS:
        return None
    try:
        return JWKRegistry.import_key(told)
    except (JoseError, *Broken):
        return None


def read(token: str, keys: KeySet, expected: Expected) -> Claims:
    """Give what a token says, now that it is known to be the provider's, for us, of now and of this sign-in.

    raises UnknownKey where none of the keys is the one that it names; NotAllowed on anything else that is not right
    """
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)  # who knows no header passes it over
    registry.max_header_length = HEADER_BYTES
    try:
        told = decode(token, keys, registry=registry)
        _check(told.header, told.claims, expected)
    except InvalidKeyIdError:
        raise UnknownKey from None
    except JoseError as error:
        about = f" ({error.claim})" if isinstance(error, ClaimError) else ""
        raise NotAllowed(f"Its ID token is refused: {error.error}{about}.") from None
    except Broken:
        raise NotAllowed("Its ID token is none.") from None
    return dict(told.claims)


def _check(header: dict[str, Any], claims: Claims, expected: Expected) -> None:
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
    }
    told = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": expected.access_token}
    CodeIDToken(claims, header, options, told).validate(leeway=LEEWAY_S)
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT or not claims["sub"].isprintable():
        raise ValueError
