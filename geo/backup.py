"""A backup: one file with the database, the key of the rounding and the uploads; and a restore, all of it or nothing.

The key belongs to it: numbers of volunteers rounded with another key would be a second rounding of the same people.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from geo import archive, belongings, cluster, db, dumps, emptiness, folder
from geo.archive import Part, Sum
from geo.belongings import KEY
from geo.errors import Conflict, InvalidInput, Unavailable
from geo.settings import Settings
from geo.volunteers import journal, retention

Tell = Callable[[str], None]

FORMAT = 1
DATABASE, MANIFEST, SEAL = "database.dump", "manifest.json", "manifest.sha256"
MANIFEST_BYTES = 20_000_000
TELL_BYTES = 250_000_000


class Manifest(BaseModel):
    """What a backup was made of: versions, the moment (UTC), and the sum of every part.

    key_mark   tells whether a key is the one in use then, and nothing else; None where there was none yet
    """

    model_config = ConfigDict(frozen=True)

    format: int
    made_at: datetime
    service: str
    revision: str
    postgresql: str
    postgresql_major: int
    postgis: str
    pg_dump_major: int
    key: str
    key_mark: str | None
    parts: dict[str, Sum]


class Restored(NamedTuple):
    """What was restored, and how many of those in it were erased again; None where no journal says who they are."""

    manifest: Manifest
    erased: int | None


class _Snapshot(NamedTuple):
    """What the database says of itself, at the moment that the dump shows."""

    id: str
    revision: str
    postgresql: str
    major: int
    postgis: str


def make(settings: Settings, file: Path, *, replace: bool = False, tell: Tell = cluster.silent) -> Manifest:
    """Write a backup, while the service runs or not; only the owner of the file may read it: it holds secrets.

    The journal of erasures is brought up to date beside it, and is no part of it.

    raises   Conflict where the file exists, or there is nothing to keep; Unavailable where it cannot be written, the
             database does not answer, or pg_dump is missing or older than the server
    """
    with archive.new(file, replace=replace) as to, cluster.running(settings, tell) as url:
        _note_down(settings, url)
        with _snapshot(url) as seen:
            program = dumps.find("pg_dump", seen.major)
            tell(f"dumping the database (PostgreSQL {seen.postgresql}, tables {seen.revision}) …")
            parts = {}
            with closing(dumps.dumped(url, program, seen.id)) as pieces:
                parts[DATABASE] = archive.add(to, DATABASE, _told(pieces, tell), _now())
        key, where = belongings.key(settings)
        if where == KEY and key is not None:
            parts[KEY] = archive.add(to, KEY, [key], _now())
        for name, upload in belongings.uploads(settings):
            parts[name] = archive.add(to, name, *upload)
        manifest = Manifest(
            format=FORMAT, made_at=datetime.now(UTC), service=version("levende-kaart"), revision=seen.revision,
            postgresql=seen.postgresql, postgresql_major=seen.major, postgis=seen.postgis, pg_dump_major=program.major,
            key=where, key_mark=None if key is None else belongings.mark(key), parts=parts,
        )  # fmt: skip
        written = manifest.model_dump_json(indent=2).encode()
        archive.add(to, MANIFEST, [written], _now())
        archive.add(to, SEAL, [_seal(written)], _now())
    return manifest


def restore(settings: Settings, file: Path, *, erased: Path | None = None, tell: Tell = cluster.silent) -> Restored:
    """Bring a backup into an empty installation: the file is checked whole before anything is touched.

    What fails leaves no key, no upload and no row. Tables of an older version are brought up to date. Who was erased
    after the backup is erased again: the journal here is told of them before the first row is there, so that whatever
    happens in between, a service that starts erases them before it answers.

    erased   a copy of the journal of erasures, which the journal here takes over
    raises   InvalidInput on a file that is damaged, cut short, or none of ours; Conflict where the installation holds
             something, or has another key; Unavailable where the backup is of a newer version, a program is missing, or
             a line of a journal cannot be read
    """
    with _opened(file) as source:
        tell(f"checking {file} …")
        manifest, parts = _checked(source)
        _must_be_known(manifest)
        _must_be_the_key(settings, manifest)
        told = _journal(erased)
        with belongings.placed(settings, source, parts), cluster.running(settings, tell) as url:
            kept = journal.place(settings)
            engine = db.engine(url, settings.db_statement_timeout_s)
            try:
                retention.note_down(engine, kept)  # what an emptied database knows would be gone
                journal.read(kept)
                with emptiness.emptied(engine) as room:
                    program = _reader(manifest, room.major)
                    journal.add(kept, told)
                    knows = erased is not None or kept.exists()
                    tell(f"restoring the database (tables {manifest.revision}) …")
                    dumps.load(url, program, _told(archive.pieces(source, parts[DATABASE]), tell))
                    room.open()
                    again = _finish(settings, engine, tell)
            finally:
                engine.dispose()
    return Restored(manifest, again if knows else None)


def _journal(file: Path | None) -> list[journal.Entry]:
    """Read a copy of a journal that was named, whole. Raises Unavailable where there is none."""
    if file is None:
        return []
    if not file.exists():
        raise Unavailable(f"There is no journal of erasures {file}.")
    return journal.read(file, whole=True)


def _note_down(settings: Settings, url: str) -> None:
    """Bring the journal of erasures up to date, for who keeps a copy of it beside the backup."""
    engine = db.engine(url)
    try:
        retention.note_down(engine, journal.place(settings))
    finally:
        engine.dispose()


@contextmanager
def _snapshot(url: str) -> Iterator[_Snapshot]:
    """Hold one view of the database, for this module and for pg_dump, as long as the block lasts."""
    engine = db.engine(url)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield _seen(connection)
    except OperationalError as error:
        raise db.unreachable(engine, error) from error
    finally:
        engine.dispose()


def _seen(connection: Connection) -> _Snapshot:
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    has_tables = connection.scalar(text(f"SELECT to_regclass('{dumps.SCHEMA}.alembic_version') IS NOT NULL"))
    revision = connection.scalar(text("SELECT min(version_num) FROM alembic_version")) if has_tables else None
    if revision is None:
        raise Conflict("The database has no tables yet: there is nothing to keep.")
    told = connection.execute(
        text(
            "SELECT pg_export_snapshot(), current_setting('server_version'),"
            " current_setting('server_version_num')::int / 10000, postgis_lib_version()"
        )
    ).one()
    return _Snapshot(told[0], revision, told[1].split()[0], told[2], told[3])


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise Unavailable(f"Cannot read {file} ({error.strerror}).") from None
    with source:
        yield source


def _checked(source: BinaryIO) -> tuple[Manifest, dict[str, Part]]:
    """Read the manifest and add up every part. Raises InvalidInput where anything differs, is missing or is extra."""
    parts = archive.parts(source)
    if not {DATABASE, MANIFEST, SEAL} <= parts.keys():
        raise InvalidInput("The file has no manifest and database: it is no whole backup.")
    written = archive.whole(source, parts[MANIFEST], MANIFEST_BYTES)
    if not compare_digest(archive.whole(source, parts[SEAL], MANIFEST_BYTES), _seal(written)):
        raise InvalidInput("The manifest is damaged: its sum is not the one that was written.")
    try:
        manifest = Manifest.model_validate_json(written)
    except ValidationError:
        raise InvalidInput("The manifest is not one that this version reads.") from None
    contents = parts.keys() - {MANIFEST, SEAL}
    if odd := contents ^ manifest.parts.keys():
        raise InvalidInput(f"The parts are not those of the manifest: {', '.join(sorted(odd))}.")
    if odd := {name for name in contents if name not in (DATABASE, KEY) and not belongings.is_upload(name)}:
        raise InvalidInput(f"The file holds parts that no backup has: {', '.join(sorted(odd))}.")
    for name in sorted(contents):
        if archive.total(source, parts[name]) != manifest.parts[name]:
            raise InvalidInput(f"The part {name} is damaged: its sum is not the one of the manifest.")
    return manifest, parts


def _must_be_known(manifest: Manifest) -> None:
    """Refuse what a newer version made."""
    if manifest.format > FORMAT or manifest.revision not in emptiness.known():
        raise Unavailable(
            f"The backup was made by Levende Kaart {manifest.service} with tables {manifest.revision}, which this "
            f"version ({version('levende-kaart')}) does not know: restore it with that version or a newer one."
        )


def _must_be_the_key(settings: Settings, manifest: Manifest) -> None:
    """Refuse a second rounding of the same numbers: the key that is in use here must be the one of the backup."""
    here, where = belongings.key(settings)
    if manifest.key_mark is None or (here is not None and compare_digest(belongings.mark(here), manifest.key_mark)):
        return
    if here is None and manifest.key == KEY:
        return
    if here is None:
        raise Conflict("The backup was made with KAART_SECRET, which is not in it: set the same one here first.")
    if where == KEY:
        raise Conflict(
            f"The folder {folder.var(settings)} has a key already, and it is another one. {emptiness.BEGIN_ANEW}"
        )
    raise Conflict("KAART_SECRET is not the key of the backup, and two keys tell more than one: take it away here.")


def _reader(manifest: Manifest, major: int) -> dumps.Program:
    if major < manifest.postgresql_major:
        raise Unavailable(
            f"The backup is of PostgreSQL {manifest.postgresql_major} and this is {major}: "
            f"restore it into PostgreSQL {manifest.postgresql_major} or newer."
        )
    return dumps.find("pg_restore", max(major, manifest.pg_dump_major))


def _finish(settings: Settings, engine: Engine, tell: Tell) -> int:
    """Bring restored tables up to date, let nobody in by what was valid then, and let the database learn what is there.

    Who signed out, changed a password or used a link after the backup was made would be undone by it. So would who was
    erased be: they are erased again. Gives how many.
    """
    current, wanted = db.revisions(engine)
    if current != wanted:
        tell(f"bringing the tables up to date ({current} → {wanted}) …")
        db.migrate(engine, folder.secret(settings))
    tell("erasing again who was erased …")
    again = retention.sync(engine, journal.place(settings))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("DELETE FROM account_entry"))
        connection.execute(text("DELETE FROM account_link"))
        connection.execute(text("ANALYZE"))
        connection.invalidate()
    return again


def _told(pieces: Iterator[bytes], tell: Tell) -> Iterator[bytes]:
    """Pass the pieces on, with a line now and then for who waits."""
    passed = 0
    for piece in pieces:
        yield piece
        if (passed + len(piece)) // TELL_BYTES > passed // TELL_BYTES:
            tell(f"… {(passed + len(piece)) / 1e6:.0f} MB")
        passed += len(piece)


def _seal(written: bytes) -> bytes:
    """Give the sum of the manifest in the form that `sha256sum -c` reads."""
    return f"{sha256(written).hexdigest()}  {MANIFEST}\n".encode()


def _now() -> float:
    return datetime.now(UTC).timestamp()
