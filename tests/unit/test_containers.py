"""The container files say what the code says: commands, settings, files, ports, versions; a slip in one is named."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml
from fastapi.routing import APIRoute
from pydantic import ValidationError

from api import health
from api.cli import app
from geo.settings import CHECKOUT, PREFIX, Settings
from tests.unit.test_docs import commands

POSTGRESQL = 15  # the oldest that the service is tested with
PIP = "--require-hashes --no-deps --only-binary :all: -r"
SERVICE = "kaart"


class Texts(NamedTuple):
    """The files that have to agree."""

    dockerfile: str
    compose: str
    ignored: str
    docs: str


class Instruction(NamedTuple):
    """One instruction of a Dockerfile: its word, its flags, and the rest."""

    word: str
    flags: dict[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """Give the rest word by word, whether written as JSON or as a shell would read it."""
        return list(json.loads(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


@pytest.fixture
def texts() -> Texts:
    names = ("Dockerfile", "compose.yaml", ".dockerignore", "docs/running-it.md")
    return Texts(*((CHECKOUT / name).read_text(encoding="utf-8") for name in names))


def instructions(dockerfile: str) -> list[Instruction]:
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    found = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            flags = {}
            while match := re.match(r"--([\w-]+)=(\S+)\s+", rest):
                flags[match[1]] = match[2]
                rest = rest[match.end() :]
            found.append(Instruction(word.upper(), flags, rest.strip()))
    return found


def last_stage(found: list[Instruction]) -> list[Instruction]:
    return found[max(place for place, step in enumerate(found) if step.word == "FROM") :]


def of(found: list[Instruction], word: str) -> list[Instruction]:
    return [step for step in found if step.word == word]


def variables(found: list[Instruction]) -> dict[str, str]:
    """Give what ENV sets."""
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(step.rest for step in of(found, "ENV"))))


def faults(texts: Texts) -> list[str]:
    """Name everything in which the files do not fit the code or one another."""
    found, compose = instructions(texts.dockerfile), yaml.safe_load(texts.compose)
    return [
        *wrong_commands(texts, found, compose),
        *wrong_variables(texts, found, compose),
        *wrong_files(texts, found),
        *wrong_installing(found),
        *wrong_ports(found, compose),
        *wrong_images(found, compose),
        *wrong_passwords(texts, found, compose),
        *wrong_wiring(found, compose),
        *wrong_worker(compose),
    ]


def wrong_commands(texts: Texts, found: list[Instruction], compose: Any) -> Iterator[str]:
    known = {tuple(command.split()) for command in commands(app, SERVICE)}
    (entry,), (default,) = of(found, "ENTRYPOINT"), of(found, "CMD")
    told = [(*entry.words, *default.words)]
    for name, service in compose["services"].items():
        if "build" in service and "command" in service:
            said = service["command"]
            told.append((*entry.words, *(shlex.split(said) if isinstance(said, str) else said)))
        if "entrypoint" in service:
            yield f"{name}: another entrypoint than that of the Dockerfile"
    everywhere = f"{texts.docs}\n{texts.compose}\n{texts.dockerfile}"
    for line in re.findall(r"docker compose (?:run|exec) [^\n`]*", everywhere):
        words = shlex.split(line)
        if "--entrypoint" not in words and SERVICE in words:
            after = words[words.index(SERVICE) + 1 :]
            told.append((*(() if words[2] == "exec" else entry.words), *after))
    if len(told) < 3:
        yield "the documentation names no backup and no restore with containers"
    for command in told:
        if not any(command[: len(one)] == one for one in known):
            yield f"{' '.join(command)} is no command"


def wrong_variables(texts: Texts, found: list[Instruction], compose: Any) -> Iterator[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]\b", texts.dockerfile + texts.compose)) - known):
        yield f"{name} is no setting"
    given = compose["services"][SERVICE]["environment"]
    yield from (f"{name} never reaches the service" for name in sorted(known - given.keys()))
    values = {**variables(found), **{name: value for name, value in given.items() if value is not None}}
    try:
        Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in values.items() if name in known})
    except ValidationError as error:
        yield f"a setting has a wrong value: {error.errors()[0]['loc']}"
    for name, value in variables(found).items():
        if name in known and given.get(name) not in (value, None):
            yield f"{name} is {value} in the Dockerfile and {given[name]} in compose.yaml"


def wrong_files(texts: Texts, found: list[Instruction]) -> Iterator[str]:
    sources = [source for step in of(found, "COPY") if "from" not in step.flags for source in step.words[:-1]]
    for source in sources:
        if not (CHECKOUT / source).exists():
            yield f"COPY {source}: there is no such file"
        elif ignored(texts.ignored, source):
            yield f"COPY {source}: .dockerignore keeps it out"
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = [pattern.rstrip("*") for pattern in project["tool"]["setuptools"]["packages"]["find"]["include"]]
    needed = {*packages, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {"data", "scripts", "package.json", "package-lock.json", ".npmrc"}
    yield from (f"{name} is not copied" for name in sorted(needed - set(sources)))
    for private in (".env", "var", ".git", ".venv", "node_modules", "maps/static/vendor", "geo/__pycache__"):
        if not ignored(texts.ignored, private):
            yield f"{private} is sent to the builder"


def ignored(rules: str, path: str) -> bool:
    """Tell whether a .dockerignore keeps a path out: the last rule that fits it, or a folder above it, decides."""
    out = False
    above = [str(part) for part in (PurePosixPath(path), *PurePosixPath(path).parents)]
    for line in (line.strip() for line in rules.splitlines()):
        if line and not line.startswith("#"):
            shape = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]+")
            if any(re.fullmatch(shape, part) for part in above if part != "."):
                out = not line.startswith("!")
    return out


def wrong_installing(found: list[Instruction]) -> Iterator[str]:
    installing = [step.rest for step in of(found, "RUN") if "pip" in step.rest and ".lock" in step.rest]
    script = (CHECKOUT / "scripts/venv").read_text(encoding="utf-8")
    if f'{PIP} "requirements/$1.lock"' not in script or "scripts/venv run" not in (CHECKOUT / "Makefile").read_text():
        yield "scripts/venv installs in another way than this test thinks"
    if not any(re.search(rf"{re.escape(PIP)} requirements/run\.lock\b", step) for step in installing):
        yield "the packages are not those of requirements/run.lock, each checked by its hash"
    for named in {name for step in found for name in re.findall(r"\S+\.lock\b", step.rest)} - {"requirements/run.lock"}:
        yield f"{named} is not the lock file of an installation"
    if not any("scripts/vendor" in step.rest for step in of(found, "RUN")):
        yield "the front-end files are not those of scripts/vendor"


def wrong_ports(found: list[Instruction], compose: Any) -> Iterator[str]:
    last = last_stage(found)
    port = variables(last).get("KAART_PORT")
    if [step.rest for step in of(last, "EXPOSE")] != [port]:
        yield "EXPOSE is not KAART_PORT"
    checks = of(last, "HEALTHCHECK")
    asked = [urlsplit(url) for step in checks for url in re.findall(r"http://[^'\"\s]+", step.rest)]
    paths = {route.path for route in health.router.routes if isinstance(route, APIRoute)}
    if not asked or any((str(url.port), url.path in paths) != (port, True) for url in asked):
        yield "HEALTHCHECK does not ask a route of the service on its port"
    for told in compose["services"][SERVICE]["ports"]:
        if not re.fullmatch(rf"127\.0\.0\.1:\d+:{port}", told):
            yield f"the port {told} is not that of the service, or open to all"


def wrong_images(found: list[Instruction], compose: Any) -> Iterator[str]:
    stages = {match[1] for step in of(found, "FROM") if (match := re.search(r"\bAS (\S+)", step.rest, re.IGNORECASE))}
    images = [step.rest.split()[0] for step in of(found, "FROM")] + [
        service["image"] for service in compose["services"].values() if "image" in service
    ]
    for image in (image for image in images if image not in stages):
        name, _, tag = image.partition(":")
        if not tag or "latest" in tag:
            yield f"{image}: which version is that?"
        elif name.endswith("python") and tuple(map(int, tag.split("-")[0].split("."))) < (3, 11):
            yield f"{image}: older than the service runs on"
    majors = [int(match[1]) for image in images if (match := re.match(r"postgis/postgis:(\d+)-\d", image))]
    clients = [int(major) for step in of(last_stage(found), "RUN") for major in
               re.findall(r"\bpostgresql-client-(\d+)\b", step.rest)]  # fmt: skip
    if len(majors) != 1 or majors[0] < POSTGRESQL:
        yield f"the database is not one PostGIS of PostgreSQL {POSTGRESQL} or newer"
    if not clients or min(clients) < max(majors, default=0):
        yield "pg_dump is missing, or older than the server"


def wrong_passwords(texts: Texts, found: list[Instruction], compose: Any) -> Iterator[str]:
    secret = re.compile("PASSWORD|SECRET|TOKEN", re.IGNORECASE)
    for name in variables(found):
        if secret.search(name):
            yield f"the Dockerfile sets {name}"
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and value is not None and not re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)):
                yield f"{name} has a value, or may be missing"
    if re.search(r"://[^/@\s:]*:[^/@\s]+@", texts.dockerfile + texts.compose):
        yield "an address holds a password"


def wrong_wiring(found: list[Instruction], compose: Any) -> Iterator[str]:
    last, services = last_stage(found), compose["services"]
    users = [step.rest for step in of(last, "USER")]
    if not users or users[-1] in ("root", "0"):
        yield "the service runs as root"
    service = services[SERVICE]
    given = {**variables(last), **{name: value for name, value in service["environment"].items() if value is not None}}
    database = urlsplit(given["KAART_DATABASE_URL"]).hostname
    if database not in services or "healthcheck" not in services[database]:
        yield "KAART_DATABASE_URL names no service that tells of its health"
    elif service["depends_on"].get(database, {}).get("condition") != "service_healthy":
        yield "the service does not wait for its database"
    mounted = dict(mount.split(":")[:2] for one in services.values() for mount in one["volumes"])
    yield from (f"{name} is no volume" for name in sorted(mounted.keys() - compose["volumes"].keys()))
    if given["KAART_VAR"] not in mounted.values():
        yield "the key would be lost with the container: KAART_VAR is on no volume"
    kept = {place for step in of(last, "VOLUME") for place in step.words}
    yield from (f"{place} is no volume of compose.yaml" for place in sorted(kept - set(mounted.values())))


def wrong_worker(compose: Any) -> Iterator[str]:
    services = compose["services"]
    workers = [service for service in services.values() if service.get("command", "").split()[:1] == ["worker"]]
    if len(workers) != 1 or "--no-worker" not in services[SERVICE].get("command", "").split():
        yield "not one worker, in a service of its own"
    for worker in workers:
        if worker["environment"] != services[SERVICE]["environment"]:
            yield "the worker has other settings than the service"
        if worker["depends_on"].get(SERVICE, {}).get("condition") != "service_healthy":
            yield "the worker does not wait until the service has made its tables"
        if not {mount.split(":")[0] for mount in worker["volumes"]} >= {SERVICE}:
            yield "the worker rounds with another key than the service"


def test_the_container_files_name_only_commands_settings_files_and_ports_that_exist(texts: Texts) -> None:
    assert faults(texts) == []


SLIPS = [
    ("dockerfile", 'CMD ["up"]', 'CMD ["start"]', "kaart start is no command"),
    ("dockerfile", 'ENTRYPOINT ["kaart"]', 'ENTRYPOINT ["kart"]', "kart up is no command"),
    ("docs", "kaart backup /backups", "kaart bakcup /backups", "kaart bakcup /backups"),
    ("docs", "kaart restore /backups", "kaart db restore /backups", "kaart db restore /backups"),
    ("compose", "    build: .\n", "    build: .\n    command: db migrat\n", "kaart db migrat is no command"),
    ("dockerfile", "KAART_HOST", "KAART_HOSTS", "KAART_HOSTS is no setting"),
    ("compose", "KAART_NORM_M:", "KAART_NORM:", "KAART_NORM is no setting"),
    ("compose", "      KAART_DETOUR:\n", "", "KAART_DETOUR never reaches the service"),
    ("compose", 'KAART_PORT: "8000"', 'KAART_PORT: "eight"', "a setting has a wrong value: ('port',)"),
    ("compose", 'KAART_PORT: "8000"', 'KAART_PORT: "8080"', "KAART_PORT is 8000 in the Dockerfile and 8080"),
    ("dockerfile", "COPY data data", "COPY date date", "COPY date: there is no such file"),
    ("dockerfile", "COPY geo geo\n", "", "geo is not copied"),
    ("ignored", "!migrations\n", "", "COPY migrations: .dockerignore keeps it out"),
    ("ignored", "!scripts", "!scripts\n!.env", ".env is sent to the builder"),
    ("ignored", "maps/static/vendor\n", "", "maps/static/vendor is sent to the builder"),
    ("dockerfile", "-r requirements/run.lock", "-r requirements/test.lock", "requirements/test.lock is not the lock"),
    ("dockerfile", "--require-hashes ", "", "each checked by its hash"),
    ("dockerfile", "scripts/vendor", "true", "not those of scripts/vendor"),
    ("dockerfile", "EXPOSE 8000", "EXPOSE 80", "EXPOSE is not KAART_PORT"),
    ("dockerfile", "/readyz", "/healthz", "HEALTHCHECK does not ask a route"),
    ("compose", "127.0.0.1:8000:8000", "8000:8000", "open to all"),
    ("compose", "postgis:15-3.3", "postgis:latest", "which version is that?"),
    ("compose", "postgis:15-3.3", "postgis:14-3.3", "PostgreSQL 15 or newer"),
    ("compose", "postgis:15-3.3", "postgis:17-3.5", "pg_dump is missing, or older"),
    ("dockerfile", "postgresql-client-15", "curl", "pg_dump is missing, or older"),
    ("dockerfile", "python:3.11-slim", "python:3.9-slim", "older than the service runs on"),
    ("compose", "${DATABASE_PASSWORD:?set DATABASE_PASSWORD in the file .env}", "kaart", "PASSWORD has a value"),
    ("compose", "${POSTGRES_PASSWORD:?", "${POSTGRES_PASSWORD:-", "POSTGRES_PASSWORD has a value, or may be missing"),
    ("compose", "//kaart@database", "//kaart:kaart@database", "an address holds a password"),
    ("dockerfile", "USER kaart", "USER root", "the service runs as root"),
    ("compose", "service_healthy", "service_started", "does not wait for its database"),
    ("compose", "@database/", "@db/", "names no service that tells of its health"),
    ("compose", "kaart:/var/lib/kaart", "kaart:/var/lib/kart", "KAART_VAR is on no volume"),
    ("compose", "command: up --no-worker", "command: up", "not one worker"),
    ("compose", "command: worker", "command: up", "not one worker"),
    ("compose", "environment: *settings", "environment: {}", "the worker has other settings"),
    ("compose", "      - kaart:/var/lib/kaart # the", "      - backups:/var/lib/kaart # the", "with another key"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "right", "wrong", "told"), SLIPS, ids=[slip[3] for slip in SLIPS])
def test_a_slip_in_one_of_them_is_named(texts: Texts, where: str, right: str, wrong: str, told: str) -> None:
    before = str(getattr(texts, where))
    assert right in before
    found = faults(texts._replace(**{where: before.replace(right, wrong)}))
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("geo", False), ("geo/backup.py", False), ("geo/coverage/__pycache__/x.pyc", True),
        ("requirements/run.lock", False), ("requirements/test.lock", True), ("maps/static/kaart.css", False),
        ("maps/static/vendor/leaflet.js", True), ("tests", True), (".env", True),
        ("compose.yaml", True), ("var/secret", True),
    ],
)  # fmt: skip
def test_the_builder_is_sent_what_the_service_is_made_of_and_nothing_else(texts: Texts, path: str, out: bool) -> None:
    assert ignored(texts.ignored, path) is out
