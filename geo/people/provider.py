"""The provider by which people may sign in: OpenID Connect, the authorization code flow with PKCE (RFC 7636).

What it publishes about itself (OpenID Connect Discovery 1.0) is believed where it names itself as we do, kept for an
hour, and read as what a stranger sends: so many bytes, within so many seconds, over HTTPS, no detours.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet

from geo.errors import NotAllowed, Unavailable
from geo.people import id_token, tokens
from geo.people.id_token import Claims, Expected
from geo.settings import THIS_MACHINE, Settings

SCOPES = "openid email"  # who it is, and by which address we may know them; nothing else is asked
WELL_KNOWN = "/.well-known/openid-configuration"
KEPT_S = 3600
SILENCE_S, ANSWER_S = 5.0, 10.0  # how long it may say nothing; how long one answer may take in all
ANSWER_BYTES = 512 * 1024
AT_ONCE, TURN_S = 8, 1.0  # a slow provider holds up so many requests; others wait so long, and are sent away
CODE_REFUSED = "invalid_grant"
PLAIN = {"Accept": "application/json", "Accept-Encoding": "identity"}  # nothing that grows when it is unpacked


class Attempt(NamedTuple):
    """One try to sign in: what only the browser that began it can show (state), the provider repeats (nonce), and
    proves to the provider that we are the one who began it (verifier).
    """

    state: str
    nonce: str
    verifier: str


class Person(NamedTuple):
    """Who a provider says somebody is; `email` is empty where it has not made sure that it is theirs."""

    issuer: str
    subject: str
    email: str


class Endpoints(NamedTuple):
    """Where a provider is asked what; `person` is empty where it tells no more than its tokens do."""

    authorize: str
    token: str
    keys: str
    person: str
    takes_basic: bool


class Provider:
    """One provider, what it calls us, and what it published when it was asked last."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer or ""
        self.name = settings.oidc_name or urlsplit(self.issuer).hostname or ""
        self._client_id = settings.oidc_client_id or ""
        self._secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._endpoints: tuple[Endpoints, float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    def address(self, attempt: Attempt, back: str) -> str:
        """Give the address at which the provider asks somebody who they are, and sends them `back` from.

        raises Unavailable where the provider does not answer as it should
        """
        with self._asking() as client:
            authorize = self._known(client).authorize
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": SCOPES,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return f"{authorize}{'&' if urlsplit(authorize).query else '?'}{urlencode(asked)}"

    def person(self, code: str, attempt: Attempt, back: str) -> Person:
        """Say who somebody is that came back with a code.

        raises Unavailable where the provider does not answer as it should; NotAllowed where it does not know the code
               (any more), or what it says cannot be believed
        """
        with self._asking() as client:
            endpoints = self._known(client)
            answer = self._exchanged(client, endpoints, code, attempt, back)
            access = str(answer.get("access_token") or "")
            expected = Expected(self.issuer, self._client_id, attempt.nonce, access)
            claims = self._believed(client, endpoints, str(answer.get("id_token") or ""), expected)
            told = claims if "email" in claims else self._more(client, endpoints, claims, access)
        email = told.get("email")
        sure = told.get("email_verified") is True and isinstance(email, str)
        return Person(self.issuer, claims["sub"], str(email) if sure else "")

    @contextmanager
    def _asking(self) -> Iterator[httpx.Client]:
        if not self._turns.acquire(timeout=TURN_S):
            raise Unavailable("Too many are waiting for it.")
        try:
            with httpx.Client(timeout=SILENCE_S) as client:
                yield client
        finally:
            self._turns.release()

    def _known(self, client: httpx.Client) -> Endpoints:
        """Give its endpoints, as they were told within the hour."""
        if self._endpoints and self._endpoints[1] > time.monotonic():
            return self._endpoints[0]
        told = _found(client, self.issuer.rstrip("/") + WELL_KNOWN)
        if told.get("issuer") != self.issuer:
            raise Unavailable("It calls itself by another name than KAART_OIDC_ISSUER.")
        named = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        authorize, token, keys, person = (_askable(told.get(name), self.issuer) for name in named)
        if not (authorize and token and keys):
            raise Unavailable("It does not publish where to ask it, at addresses that begin with https://.")
        methods = told.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        found = Endpoints(authorize, token, keys, person, basic)
        self._endpoints = found, time.monotonic() + KEPT_S
        return found

    def _exchanged(
        self, client: httpx.Client, endpoints: Endpoints, code: str, attempt: Attempt, back: str
    ) -> dict[str, Any]:
        """Give the tokens for a code, which is good for one time."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client_id,
            "code_verifier": attempt.verifier,
        }
        basic = None
        if self._secret and endpoints.takes_basic:
            basic = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))  # RFC 6749, 2.3.1
        elif self._secret:
            form["client_secret"] = self._secret
        request = client.build_request("POST", endpoints.token, data=form, headers=PLAIN)
        status, told = _answer(client, request, basic)
        if status == httpx.codes.BAD_REQUEST and told.get("error") == CODE_REFUSED:
            raise NotAllowed("It does not know this code, or not any more.")
        if status != httpx.codes.OK:
            raise Unavailable(f"It answers with status {status} where a code is changed for tokens.")
        return told

    def _believed(self, client: httpx.Client, endpoints: Endpoints, token: str, expected: Expected) -> Claims:
        """Check a token by the keys of within the hour; one that names another key by those of now, once."""
        kept = self._keys
        if kept and kept[1] > time.monotonic():
            try:
                return id_token.read(token, kept[0], expected)
            except id_token.UnknownKey:
                pass
        keys = id_token.keys_in(_found(client, endpoints.keys))
        self._keys = keys, time.monotonic() + KEPT_S
        try:
            return id_token.read(token, keys, expected)
        except id_token.UnknownKey:
            raise NotAllowed("Its ID token names a key that it does not publish.") from None

    def _more(self, client: httpx.Client, endpoints: Endpoints, claims: Claims, access: str) -> dict[str, Any]:
        """Ask what the token does not tell of the same person; nothing where the provider has no more to tell."""
        if not (endpoints.person and access):
            return {}
        told = _found(client, endpoints.person, {"Authorization": f"Bearer {access}"})
        if told.get("sub") != claims["sub"]:
            raise NotAllowed("It tells of another person than its ID token.")
        return told


def of(settings: Settings) -> Provider | None:
    """Give the provider that an installation trusts; None where people sign in by password only."""
    return Provider(settings) if settings.oidc_issuer else None


def attempt() -> Attempt:
    """Begin a try to sign in."""
    return Attempt(tokens.new(), tokens.new(), tokens.new())


def _askable(url: object, issuer: str) -> str:
    """Give an address that may be asked as it is, else nothing: over HTTPS, or here where the issuer is here too."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\#'):
        return ""
    try:
        parts, own = urlsplit(url), urlsplit(issuer)
        here = own.scheme == parts.scheme == "http" and parts.hostname in THIS_MACHINE
    except ValueError:
        return ""
    return url if parts.hostname and (parts.scheme == "https" or here) else ""


def _found(client: httpx.Client, url: str, headers: Mapping[str, str] = PLAIN) -> dict[str, Any]:
    status, told = _answer(client, client.build_request("GET", url, headers={**PLAIN, **headers}))
    if status != httpx.codes.OK:
        raise Unavailable(f"It answers with status {status} at an address that it publishes.")
    return told


def _answer(
    client: httpx.Client, request: httpx.Request, auth: httpx.BasicAuth | None = None
) -> tuple[int, dict[str, Any]]:
    """Give status and JSON object of an answer; of one that is no success also an empty object. Raises Unavailable."""
    until, body = time.monotonic() + ANSWER_S, bytearray()
    try:
        response = client.send(request, auth=auth, stream=True)
        try:
            for part in response.iter_raw():
                body += part
                if len(body) > ANSWER_BYTES or time.monotonic() > until:
                    raise Unavailable("Its answer is too large, or takes too long.")
        finally:
            response.close()
    except (httpx.RequestError, httpx.InvalidURL):
        raise Unavailable("It does not answer.") from None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) and response.is_success:
        raise Unavailable("Its answer is no JSON object.")
    return response.status_code, told if isinstance(told, dict) else {}
