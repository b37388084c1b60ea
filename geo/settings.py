"""What an installation can set: variables named KAART_…, and the same in the file `.env` of the checkout."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from geo.errors import Flaw, InvalidInput

CHECKOUT = Path(__file__).resolve().parents[1]
PREFIX = "KAART_"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
BRT = "https://service.pdok.nl/brt/achtergrondkaart/wmts/v2_0/standaard/EPSG:3857/{z}/{x}/{y}.png"


def _none_when_empty(value: object) -> object:
    return None if value == "" else value


_EMPTY = BeforeValidator(_none_when_empty)


def _postgresql(url: str) -> str:
    """Give the same address for the driver in use, whichever driver it names."""
    try:
        parts = make_url(url)
    except ArgumentError:
        raise ValueError("is not an address like postgresql://user@host/database") from None
    if parts.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError("must name a PostgreSQL database: postgresql://user@host/database")
    return parts.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _web(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c in url for c in " \"'<>;,\\"):
        raise ValueError("is not an address like https://kaart.example.nl")
    return url.rstrip("/")


def _tiles(url: str) -> str:
    if url and not all(part in url for part in ("{x}", "{y}", "{z}")):
        raise ValueError("must hold {z}, {x} and {y}, or be empty for a map without a background")
    return _web(url) if url else ""


def _web_or_none(url: str) -> str:
    return _web(url) if url else ""


def _issuer(url: str) -> str:
    """Give an issuer as it is told: it is compared letter by letter, a slash at its end included."""
    parts = urlsplit(_web(url))
    if parts.query or parts.fragment:
        raise ValueError("must have neither ? nor # in it")
    if parts.scheme != "https" and parts.hostname not in THIS_MACHINE:
        raise ValueError("must begin with https://")
    return url


def _mail(url: SecretStr) -> SecretStr:
    """Check the address of a mail server, which may hold a password: it is never shown."""
    try:
        parts = urlsplit(url.get_secret_value())
        known = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0 and not parts.path.strip("/")
    except ValueError:
        known = False
    if not known:
        raise ValueError(
            "must be an address like smtps://name:password@mail.example.nl, signs such as @ written as %40"
        )
    return url


def _folder(path: Path) -> Path:
    return path.expanduser().absolute()


def _networks(told: object) -> object:
    """Read addresses and networks with commas or spaces between them."""
    if not isinstance(told, str):
        return told
    try:
        return tuple(ip_network(part, strict=False) for part in told.replace(",", " ").split())
    except ValueError:
        raise ValueError("must be addresses or networks, such as 127.0.0.1, 10.0.0.0/8") from None


_Database = Annotated[str, AfterValidator(_postgresql)]
_Issuer = Annotated[str, AfterValidator(_issuer)]
_Folder = Annotated[Path, AfterValidator(_folder)]
_Mail = Annotated[SecretStr, AfterValidator(_mail)]
_Web = Annotated[str, AfterValidator(_web)]
_Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
_Key = Annotated[SecretStr, Field(min_length=16)]


class Settings(BaseSettings):
    """Every setting with its default. Frozen: made once by `read`, passed on to whoever needs it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=CHECKOUT / ".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
    )

    database_url: Annotated[_Database | None, _EMPTY] = Field(None, repr=False)
    """The database to use instead of a private cluster."""
    var: Annotated[_Folder | None, _EMPTY] = None
    """The folder that holds the private cluster and the key below."""
    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8000, ge=1, le=65535)
    public_url: Annotated[_Web | None, _EMPTY] = None
    """How the outside world names this service, where that differs from what a request says."""
    proxies: _Networks = ()
    """Who is believed when it says, in X-Forwarded-For, for whom it asks."""
    requests_a_minute: int = Field(600, ge=0, le=1_000_000_000)
    """How often one asker may read in a minute; other limits are parts of it. 0: no limit at all."""
    tile_url: Annotated[str, AfterValidator(_tiles)] = BRT
    """Where the pages fetch the map's background; empty for none."""
    tile_attribution: str = "Kaartgegevens © Kadaster"
    pdok_url: Annotated[str, AfterValidator(_web_or_none)] = "https://api.pdok.nl"
    """Where boundaries and addresses are looked up; empty where this machine may not ask."""
    demo_boundaries: Literal["schematic", "pdok"] = "schematic"
    """Which outlines the demo municipality gets: the ones that ship, or the official ones of PDOK."""
    secret: Annotated[_Key | None, _EMPTY] = None
    """The key that seals what is secret and rounds numbers of volunteers; when absent one is made and kept."""
    oidc_issuer: Annotated[_Issuer | None, _EMPTY] = None
    """The provider (OpenID Connect) by which people may sign in besides a password; empty for none."""
    oidc_client_id: Annotated[str | None, _EMPTY] = Field(None, validate_default=True)
    """What that provider calls this service."""
    oidc_client_secret: Annotated[SecretStr | None, _EMPTY] = None
    """How this service proves to the provider that it is itself; none for a public client."""
    oidc_name: str = Field("", max_length=60)
    """What people call the provider; when empty, the host of the issuer."""
    smtp_url: Annotated[_Mail | None, _EMPTY] = None
    """The mail server that is told of requests and answers; empty where no mail is sent."""
    mail_from: str = Field("", max_length=200, validate_default=True)
    """In whose name mail is sent: an address, with a name before it or not."""
    norm_m: int = Field(800, ge=1, le=50_000)
    """The walking distance that counts as within reach, metres."""
    detour: FiniteFloat = Field(1.3, ge=1, le=5)
    """Walking metres per metre as the crow flies."""
    policy: Annotated[_Folder | None, _EMPTY] = None
    """A file (TOML) with what the municipality has decided for its coverage; it goes before the two above."""
    db_statement_timeout_s: int = Field(30, ge=1, le=3600)
    cache_mb: int = Field(64, ge=0, le=100_000)
    """How many megabytes of answers each process keeps, to send them again while nothing has changed; 0: none."""
    processes: int = Field(1, ge=1, le=64)
    """How many processes answer requests."""
    log_json: bool = False

    @field_validator("oidc_client_id")
    @classmethod
    def _known_to_the_provider(cls, value: str | None, told: ValidationInfo) -> str | None:
        if told.data.get("oidc_issuer") and not value:
            raise ValueError("must be set where KAART_OIDC_ISSUER is")
        if told.data.get("oidc_issuer") and not told.data.get("public_url", "wrong"):
            raise ValueError("is of no use without KAART_PUBLIC_URL: the provider sends people back to that address")
        return value

    @field_validator("mail_from")
    @classmethod
    def _somebody(cls, value: str, told: ValidationInfo) -> str:
        if any(sign in value for sign in "\r\n") or (value and not parseaddr(value)[1].count("@") == 1):
            raise ValueError("must be an e-mail address, such as Levende Kaart <kaart@example.nl>")
        if told.data.get("smtp_url") and not value:
            raise ValueError("must be set where KAART_SMTP_URL is: an e-mail address")
        return value


def read() -> Settings:
    """Make the settings of this process. Raises InvalidInput naming each variable unknown or wrong."""
    named = {*os.environ, *dotenv_values(CHECKOUT / ".env", encoding="utf-8")}
    if unknown := unknown_variables(named):
        raise InvalidInput("\n".join(f"{flaw.field} {flaw.reason}" for flaw in unknown), *unknown)
    try:
        return Settings()
    except ValidationError as error:
        flaws = [_flaw(".".join(str(part) for part in e["loc"]), e["msg"]) for e in error.errors()]
        raise InvalidInput("\n".join(f"{flaw.field} {flaw.reason}" for flaw in flaws), *flaws) from None


def unknown_variables(named: Iterable[str]) -> list[Flaw]:
    """Find variables that look like settings but are none, each with the nearest setting there is."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    flaws = []
    for name in sorted(name for name in named if name.upper().startswith(PREFIX)):
        if name.upper() not in known:
            nearest = get_close_matches(name.upper(), known, n=1, cutoff=0)[0]
            flaws.append(Flaw(name, f"is not a setting; the nearest is {nearest}"))
    return flaws


def _flaw(field: str, message: str) -> Flaw:
    """Say in one line what is wrong with a setting, without the value: it may be a password."""
    reason = message.removeprefix("Value error, ")
    return Flaw(PREFIX + field.upper(), reason if reason.startswith(("is ", "must ")) else f"is wrong: {reason}")
