"""A provider of OpenID Connect on this machine, which knows one person, with the troubles that one is told."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "kaart", "tell: nobody/this"
SCOPE = "openid email"
Claims = dict[str, Any]
Sent = tuple[int, bytes]


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def elliptic(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


@dataclass
class Oidc:
    """Who is signed in there, its keys, and what it does otherwise than it should.

    person     the claims about who is signed in there
    public     the keys that it publishes, where they are not just its own
    other      claims that stand in its ID tokens instead of those that are right; None: left out
    document   what it publishes of itself instead of what is right
    query      stands in the address of its page already
    signed     makes a token of claims in place of its own key
    answers    what is sent instead, by the last part of the path
    silent_s   how long it says nothing before each answer
    drips_s    how long it waits after each byte
    on_asked   called before each answer
    """

    back: str
    person: Claims
    key: RSAKey | ECKey = field(default_factory=lambda: rsa("one"))
    alg: str = "RS256"
    public: list[RSAKey | ECKey] = field(default_factory=list)
    secret: str = SECRET
    methods: list[str] | None = None
    other: Claims = field(default_factory=dict)
    document: Claims = field(default_factory=dict)
    query: str = ""
    signed: Callable[[Claims], str] | None = None
    userinfo: Claims | None = None
    answers: dict[str, Sent] = field(default_factory=dict)
    silent_s: float = 0
    drips_s: float = 0
    on_asked: Callable[[], object] = lambda: None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def of(self, last: str) -> int:
        """Count how often something was asked for."""
        return sum(urlsplit(path).path.endswith(f"/{last}") for path in self.asked)

    def published(self) -> Claims:
        """Give the document of OpenID Connect Discovery."""
        named = {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize{self.query}",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/jwks", "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }  # fmt: skip
        if self.methods is not None:
            named["token_endpoint_auth_methods_supported"] = self.methods
        if self.userinfo is not None:
            named["userinfo_endpoint"] = f"{self.url}/userinfo"
        return {**named, **self.document}

    def keys(self) -> Claims:
        """Give its public keys."""
        return dict(KeySet(list(self.public or [self.key])).as_dict(private=False))

    def sent_back(self, query: str) -> str:
        """Give where the browser goes from the page of the provider: back with a code, if all was asked rightly."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        right = {
            "response_type": "code", "client_id": CLIENT, "redirect_uri": self.back, "scope": SCOPE,
            "code_challenge_method": "S256",
        }  # fmt: skip
        assert asked.items() >= right.items(), asked
        assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{self.back}?{urlencode({'code': code, 'state': asked['state'], 'session_state': 'x'})}"

    def exchanged(self, form: dict[str, str], authorization: str) -> Sent:
        """Give tokens for a code, once, to who shows the secret of the client and the verifier of the challenge."""
        if self.secret and not self._knows_secret(form, authorization):
            return 401, b'{"error": "invalid_client"}'
        begun = self.codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = begun and begun["code_challenge"] == plain64(proof) and form.get("redirect_uri") == self.back
        if not begun or not right or form.get("grant_type") != "authorization_code" or form.get("client_id") != CLIENT:
            return 400, b'{"error": "invalid_grant"}'
        access = secrets.token_urlsafe(16)
        now = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.url, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": begun["nonce"],
            "at_hash": plain64(half), **self.person, **self.other,
        }  # fmt: skip
        told = {name: value for name, value in claims.items() if value is not None}
        token = self.signed(told) if self.signed else self.sign(told)
        return 200, json.dumps({"access_token": access, "token_type": "Bearer", "id_token": token}).encode()

    def sign(self, claims: Claims) -> str:
        """Make an ID token by its own key."""
        return jwt.encode({"alg": self.alg, "kid": self.key.kid}, claims, self.key, algorithms=[self.alg])

    def _knows_secret(self, form: dict[str, str], authorization: str) -> bool:
        if self.methods is not None and "client_secret_basic" not in self.methods:
            return form.get("client_secret") == self.secret and not authorization
        told = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        return [unquote(part) for part in told] == [CLIENT, self.secret] and "client_secret" not in form


def plain64(content: bytes) -> str:
    """Write bytes as tokens do: base64 for addresses, without the signs at its end."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def by_hand(header: Claims, claims: Claims, key: bytes | None) -> str:
    """Make a token as no library would: without a signature, or with one by a key that is no secret."""
    parts = ".".join(plain64(json.dumps(part).encode()) for part in (header, claims))
    return f"{parts}.{plain64(hmac.digest(key, parts.encode(), 'sha256')) if key is not None else ''}"


def pour(write: Callable[[bytes], object], content: bytes, drips_s: float) -> None:
    """Send an answer at once, or byte by byte."""
    for part in [content[at : at + 1] for at in range(len(content))] if drips_s else [content]:
        write(part)
        time.sleep(drips_s)


@contextmanager
def serving(oidc: Oidc) -> Iterator[Oidc]:
    """Serve on a free port of this machine; `oidc.url` is the issuer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, body: str) -> None:
            oidc.asked.append(self.path)
            oidc.on_asked()
            time.sleep(oidc.silent_s)
            path = urlsplit(self.path)
            last = path.path.rpartition("/")[2]
            if last == "authorize":
                self.send_response(302)
                self.send_header("Location", oidc.sent_back(path.query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status, content = oidc.answers.get(last) or self._right(last, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):  # who asked had heard enough
                pour(self.wfile.write, content, oidc.drips_s)

        def _right(self, last: str, body: str) -> Sent:
            authorization = self.headers.get("Authorization", "")
            if last == "token":
                return oidc.exchanged({name: values[0] for name, values in parse_qs(body).items()}, authorization)
            if last == "userinfo" and oidc.userinfo is not None and authorization.startswith("Bearer "):
                return 200, json.dumps(oidc.userinfo).encode()
            told = {"openid-configuration": oidc.published, "jwks": oidc.keys}.get(last)
            return (200, json.dumps(told()).encode()) if told else (404, b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        oidc.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield oidc
        finally:
            server.shutdown()
            thread.join()
