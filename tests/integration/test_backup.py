"""A backup and its restore: every row, every rule, the key; and every way in which one is refused, nothing done."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import ProgrammingError

from geo import allowances, archive, backup, cluster, db, demo, folder, privacy, programs
from geo.backup import DATABASE, MANIFEST, SEAL, Manifest
from geo.coverage.policy import Policies
from geo.coverage.run import run
from geo.errors import Conflict, InvalidInput, Refusal, Unavailable
from geo.models import Asset
from geo.people import accounts, api_keys, entries, links
from geo.records import act_as
from geo.settings import CHECKOUT, Settings
from geo.vocabulary import LinkPurpose, Role
from tests.integration.test_up import Up, count, processes

NOBODY_THERE = "postgresql+psycopg://kaart@127.0.0.1:9/kaart"
NOT_OF_EXTENSIONS = """NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.deptype = 'e')"""
OURS = f"relnamespace = 'public'::regnamespace AND {NOT_OF_EXTENSIONS}"
TABLES = f"SELECT relname FROM pg_class o WHERE relkind IN ('r', 'p') AND {OURS} ORDER BY 1"
CATALOGUE = {
    "columns": f"""SELECT o.relname, c.column_name, c.data_type, c.udt_name, c.column_default, c.is_nullable,
      c.is_identity, c.identity_generation, c.generation_expression FROM pg_class o
      JOIN information_schema.columns c ON c.table_schema = 'public' AND c.table_name = o.relname
      WHERE {OURS} ORDER BY o.relname, c.ordinal_position""",
    "shapes": "SELECT f_table_name, f_geometry_column, type, srid FROM geometry_columns ORDER BY 1, 2",
    "constraints": f"""SELECT o.relname, conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
      JOIN pg_class o ON o.oid = conrelid WHERE {OURS} ORDER BY 1, 2""",
    "indexes": f"""SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class o ON o.oid = i.indrelid
      WHERE {OURS} ORDER BY 1""",
    "triggers": f"""SELECT pg_get_triggerdef(t.oid), tgenabled::text FROM pg_trigger t
      JOIN pg_class o ON o.oid = tgrelid WHERE NOT tgisinternal AND {OURS} ORDER BY 1""",
    "routines": f"""SELECT pg_get_functiondef(o.oid), pg_get_userbyid(proowner) FROM pg_proc o
      WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a' AND {NOT_OF_EXTENSIONS} ORDER BY 1""",
    "sequences": """SELECT sequencename, last_value, increment_by, cycle FROM pg_sequences
      WHERE schemaname = 'public' ORDER BY 1""",
    "owners": f"""SELECT relname, relkind::text, pg_get_userbyid(relowner) FROM pg_class o
      WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND {OURS} ORDER BY 1""",
    "comments": f"""SELECT relname, description FROM pg_description JOIN pg_class o ON o.oid = objoid
      WHERE {OURS} ORDER BY 1""",
}
Rows = dict[str, list[tuple[object, ...]]]


class Kept(NamedTuple):
    """An installation with the demo, its backup, and what was in its database then."""

    settings: Settings
    file: Path
    manifest: Manifest
    rows: Rows
    catalogue: Rows


def rows(engine: Engine) -> Rows:
    """Give every row of every table that is no extension's, as text."""
    with engine.connect() as connection:
        tables = connection.scalars(text(TABLES)).all()
        return {
            table: sorted((str(row),) for row in connection.scalars(text(f'SELECT t::text FROM "{table}" t')))
            for table in tables
        }


def catalogue(engine: Engine) -> Rows:
    """Give what the database itself says of our tables, functions, triggers, indexes, rules and sequences."""
    with engine.connect() as connection:
        return {what: [tuple(row) for row in connection.execute(text(asked))] for what, asked in CATALOGUE.items()}


def looked_at(settings: Settings, look: Callable[[Engine], Rows]) -> Rows:
    with cluster.running(settings) as url:
        engine = db.engine(url)
        try:
            return look(engine)
        finally:
            engine.dispose()


def furnish(settings: Settings) -> None:
    """Load the demo, compute coverage, and leave traces of changes, deletions and an upload."""
    with cluster.running(settings) as url:
        engine = db.engine(url)
        with db.sessions(engine, folder.secret(settings)).begin() as session:
            demo.load(session, CHECKOUT / "data")
            run(session, Policies(), key=folder.secret(settings))
            api_keys.create_key(session, "the tester")
        with db.sessions(engine).begin() as session:
            act_as(session, "the tester")
            session.execute(text("UPDATE asset SET description = E'a \\\\ b\\tc\\nd ☕' WHERE kind = 'community_room'"))
            session.execute(text("DELETE FROM activity WHERE id IN (SELECT id FROM activity ORDER BY id LIMIT 2)"))
        engine.dispose()
    upload = folder.var(settings) / "imports/6fa459ea-ee8a-4ca4-894e-db77e160355e/file.csv"
    upload.parent.mkdir(parents=True)
    upload.write_text("naam;plaats\n")
    os.utime(upload, (1_700_000_000, 1_700_000_000))


@pytest.fixture(scope="module")
def kept(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Give an installation whose key stands in its folder, and its backup."""
    settings = Settings(database_url=new_database(), var=tmp_path_factory.mktemp("source"), tile_url="")
    furnish(settings)
    file = tmp_path_factory.mktemp("backups") / "kaart.tar"
    made = backup.make(settings, file)
    return Kept(settings, file, made, looked_at(settings, rows), looked_at(settings, catalogue))


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Settings:
    """Give an empty installation with tables but no rows; whatever is refused must leave it so."""
    return Settings(database_url=database_url, var=tmp_path / "var", tile_url="")


def remade(kept: Kept, to: Path, change: Callable[[Manifest], Manifest], dump: Callable[[bytes], bytes]) -> Path:
    """Write the backup anew, with right sums, with another manifest and another dump."""
    manifest = change(kept.manifest)
    with kept.file.open("rb") as source, archive.new(to) as written:
        parts = archive.parts(source)
        sums = {}
        for name in manifest.parts:
            whole = b"".join(archive.pieces(source, parts[name]))
            sums[name] = archive.add(written, name, [dump(whole) if name == DATABASE else whole], 0)
        told = manifest.model_copy(update={"parts": sums}).model_dump_json().encode()
        archive.add(written, MANIFEST, [told], 0)
        archive.add(written, SEAL, [backup._seal(told)], 0)
    return to


def refused(settings: Settings, file: Path, kind: type[Refusal]) -> str:
    """Restore what must be refused: nothing may have changed, in the database or beside it. Give what was said."""
    before = looked_at(settings, rows), looked_at(settings, catalogue)
    beside = sorted(folder.var(settings).rglob("*"))
    with pytest.raises(kind) as refusal:
        backup.restore(settings, file)
    assert (looked_at(settings, rows), looked_at(settings, catalogue)) == before
    assert sorted(folder.var(settings).rglob("*")) == beside
    return str(refusal.value)


def unread(file: Path, tmp_path: Path) -> str:
    """Restore a file that must be refused before the database is as much as asked. Give what was said."""
    settings = Settings(database_url=NOBODY_THERE, var=tmp_path / "untouched")
    with pytest.raises(InvalidInput) as refusal:
        backup.restore(settings, file)
    assert not (tmp_path / "untouched").exists()
    return str(refusal.value)


def volunteers(settings: Settings, key: bytes) -> Rows:
    """Compute coverage anew and give the published numbers of volunteers; nothing of it stays."""

    def computed(engine: Engine) -> Rows:
        with db.sessions(engine)() as session:
            made = run(session, Policies(), key=key)
            asked = "SELECT neighbourhood_id, service, volunteers FROM coverage WHERE run_id = :run ORDER BY 1, 2, 3"
            found = [tuple(row) for row in session.execute(text(asked), {"run": made.id})]
            session.rollback()
        return {"volunteers": found}

    return looked_at(settings, computed)


def test_a_restore_into_an_empty_folder_brings_back_every_row_every_rule_and_the_key(
    kept: Kept, enterable: Path
) -> None:
    there = Settings(var=enterable / "var", tile_url="")
    said: list[str] = []
    backup.restore(there, kept.file, tell=said.append)
    found = looked_at(there, rows)
    assert sorted(found) == sorted(kept.rows)
    assert {table: len(there) for table, there in found.items()} == {t: len(here) for t, here in kept.rows.items()}
    assert found == kept.rows
    assert looked_at(there, catalogue) == kept.catalogue
    assert folder.secret(there) == folder.secret(kept.settings)
    assert (enterable / "var/secret").stat().st_mode & 0o777 == 0o600
    assert any("restoring the database" in line for line in said)


def test_after_a_restore_nobody_is_signed_in_and_no_link_works(database_url: str, enterable: Path) -> None:
    here, there = Settings(database_url=database_url, var=enterable / "here"), Settings(var=enterable / "there")
    engine = db.engine(database_url)
    with db.sessions(engine).begin() as session:
        made = accounts.create(session, "anna@example.nl", "Anna", Role.admin)
        entries.begin(session, made)
        links.make(session, made, LinkPurpose.invite)
        allowances.take(session, "reading", "somebody", most=1, per_s=60)
    backup.make(here, enterable / "kaart.tar")
    engine.dispose()
    backup.restore(there, enterable / "kaart.tar")
    found = looked_at(there, rows)
    tables = ("account", "account_entry", "account_link", "allowance")
    assert [len(found[table]) for table in tables] == [1, 0, 0, 0]


def test_who_asked_how_often_is_in_the_way_of_no_restore(kept: Kept, empty: Settings) -> None:
    engine = db.engine(str(empty.database_url))
    allowances.take(engine, "reading", "somebody", most=1, per_s=60)
    engine.dispose()
    backup.restore(empty, kept.file)
    assert looked_at(empty, rows) == kept.rows


def test_the_comparison_covers_every_table_and_sees_one_changed_character(kept: Kept, empty: Settings) -> None:
    assert {"asset", "asset_secret", "history", "coverage", "api_key", "alembic_version"} <= kept.rows.keys()
    assert all(kept.rows[table] for table in ("asset", "asset_secret", "history", "coverage", "api_key"))
    assert "spatial_ref_sys" not in kept.rows
    assert all(kept.catalogue[what] for what in CATALOGUE if what != "comments")
    backup.restore(empty, kept.file)

    def change(engine: Engine) -> Rows:
        with engine.begin() as connection:
            connection.execute(text("UPDATE asset_secret SET contact = contact || '\\x00' WHERE asset_id ="
                                    " (SELECT min(asset_id::text)::uuid FROM asset_secret)"))  # fmt: skip
            connection.execute(text("ALTER TABLE asset DISABLE TRIGGER updated"))
        return {}

    looked_at(empty, change)
    assert looked_at(empty, rows)["asset_secret"] != kept.rows["asset_secret"]
    assert looked_at(empty, catalogue)["triggers"] != kept.catalogue["triggers"]


def test_after_a_restore_numbers_of_volunteers_are_rounded_as_before(kept: Kept, empty: Settings) -> None:
    backup.restore(empty, kept.file)
    before = volunteers(kept.settings, folder.secret(kept.settings))
    assert any(number for *_, number in before["volunteers"])
    assert volunteers(empty, folder.secret(empty)) == before
    others = [volunteers(empty, f"another key, number {n}".encode()) for n in range(5)]
    assert any(other != before for other in others), "with any key the numbers are the same: this proves nothing"


def test_after_a_restore_new_rows_get_numbers_that_nobody_has(kept: Kept, empty: Settings) -> None:
    backup.restore(empty, kept.file)

    def added(engine: Engine) -> Rows:
        with engine.begin() as connection:
            last = connection.scalar(text("SELECT max(id) FROM history"))
            act = "UPDATE asset SET summary = 'new' WHERE id = (SELECT id FROM asset WHERE kind <> 'volunteer' LIMIT 1)"
            connection.execute(text(act))
            new = connection.scalar(text("SELECT min(id) FROM history WHERE id > :last"), {"last": last})
            return {"history": [(last, new)]}

    ((last, new),) = looked_at(empty, added)["history"]
    assert isinstance(last, int)
    assert new == last + 1
    assert volunteers(empty, folder.secret(empty))


def test_uploads_that_await_a_yes_come_back_with_the_moment_that_they_came(kept: Kept, empty: Settings) -> None:
    backup.restore(empty, kept.file)
    (upload,) = (folder.var(empty) / "imports").glob("*/*")
    assert upload.read_text() == "naam;plaats\n"
    assert upload.stat().st_mtime == 1_700_000_000
    assert (upload.stat().st_mode & 0o777, upload.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_backup_is_a_tar_that_others_can_read_and_check_and_only_its_owner_may_open(
    kept: Kept, tmp_path: Path
) -> None:
    assert kept.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in kept.file.parent.iterdir()] == ["kaart.tar"]
    subprocess.run(["tar", "-xf", kept.file, "-C", tmp_path], check=True)
    subprocess.run(["sha256sum", "-c", SEAL], cwd=tmp_path, check=True, capture_output=True)
    for name, part in kept.manifest.parts.items():
        summed = subprocess.run(["sha256sum", name], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        assert summed.split()[0] == part.sha256
        assert (tmp_path / name).stat().st_size == part.bytes
    assert {"secret", DATABASE} < kept.manifest.parts.keys()
    assert kept.manifest.key == "secret"


def test_a_file_that_exists_stays_as_it_is_unless_it_may_be_replaced(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "kaart.tar"
    file.write_text("precious")
    with pytest.raises(Conflict, match="exists: name another file, or replace it with --force"):
        backup.make(kept.settings, file)
    assert file.read_text() == "precious"
    assert backup.make(kept.settings, file, replace=True).revision == kept.manifest.revision
    assert [path.name for path in tmp_path.iterdir()] == ["kaart.tar"]
    with pytest.raises(Conflict, match="is a folder"):
        backup.make(kept.settings, tmp_path, replace=True)


def test_a_folder_that_is_not_there_or_takes_no_files_is_one_clear_line(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"There is no folder .*: make it first"):
        backup.make(kept.settings, tmp_path / "nowhere/kaart.tar")
    with pytest.raises(Unavailable, match=r"Cannot write /proc/kaart.tar \("):
        backup.make(kept.settings, Path("/proc/kaart.tar"))


WITHIN = """
import resource, sys
from pathlib import Path
from geo import backup
from geo.settings import Settings
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    backup.make(Settings(database_url=sys.argv[1], var=sys.argv[2]), Path(sys.argv[3]))
except backup.Unavailable as refusal:
    print(refusal)
"""


def test_where_the_disk_takes_no_more_nothing_is_left_behind(kept: Kept, tmp_path: Path) -> None:
    where = [str(kept.settings.database_url), str(kept.settings.var), str(tmp_path / "kaart.tar")]
    done = subprocess.run(
        [sys.executable, "-c", WITHIN, *where], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Cannot write {tmp_path / 'kaart.tar'} (File too large).\n"
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_or_has_no_tables_leaves_no_file(cluster_url: str, tmp_path: Path) -> None:
    silent = NOBODY_THERE.replace("kaart@", "kaart:s3cret@")
    with pytest.raises(Unavailable, match="does not answer") as refusal:
        backup.make(Settings(database_url=silent, var=tmp_path / "var"), tmp_path / "kaart.tar")
    assert "s3cret" not in str(refusal.value)
    with pytest.raises(Conflict, match="has no tables yet"):
        backup.make(Settings(database_url=cluster_url, var=tmp_path / "var"), tmp_path / "kaart.tar")
    assert [path.name for path in tmp_path.iterdir() if path.name != "var"] == []


def test_an_installation_with_rows_is_refused_and_named(kept: Kept, empty: Settings) -> None:
    furnish(empty.model_copy(update={"secret": kept.settings.secret}))
    (folder.var(empty) / "secret").unlink()
    shutil.rmtree(folder.var(empty) / "imports")
    said = refused(empty, kept.file, Conflict)
    assert "holds rows already, in activity, api_key, asset, asset_catchment, asset_secret and" in said
    assert "KAART_VAR" in said
    assert "KAART_DATABASE_URL" in said


def test_a_folder_with_another_key_is_refused_and_one_with_the_same_key_is_not(kept: Kept, empty: Settings) -> None:
    secret = folder.var(empty) / "secret"
    secret.write_bytes(b"another key than the one of the backup")
    assert "has a key already" in refused(empty, kept.file, Conflict)
    assert secret.read_bytes() == b"another key than the one of the backup"
    secret.write_bytes(folder.secret(kept.settings))  # as a restore leaves it that was killed
    backup.restore(empty, kept.file)
    assert looked_at(empty, rows) == kept.rows


def test_an_upload_that_is_there_already_is_refused(kept: Kept, empty: Settings) -> None:
    (name,) = (name for name in kept.manifest.parts if name.startswith("imports/"))
    upload = folder.var(empty) / name
    upload.parent.mkdir(parents=True)
    upload.write_text("precious")
    assert f"{upload} is there already" in refused(empty, kept.file, Conflict)
    assert upload.read_text() == "precious"


def test_a_key_that_is_set_is_not_in_the_backup_and_the_restore_asks_for_the_same(
    kept: Kept, empty: Settings, tmp_path: Path
) -> None:
    def keyed(settings: Settings, secret: str) -> Settings:
        return Settings(database_url=settings.database_url, var=settings.var, secret=secret)

    file = tmp_path / "kaart.tar"
    made = backup.make(keyed(kept.settings, "a key of sixteen or more"), file)
    assert made.key == "KAART_SECRET"
    assert "secret" not in made.parts
    assert b"a key of sixteen or more" not in file.read_bytes()
    assert "set the same one here first" in refused(empty, file, Conflict)
    assert "is not the key of the backup" in refused(keyed(empty, "another key altogether"), file, Conflict)
    backup.restore(keyed(empty, "a key of sixteen or more"), file)
    assert not (folder.var(empty) / "secret").exists()


def test_one_flipped_bit_anywhere_is_refused_before_anything_is_touched(kept: Kept, tmp_path: Path) -> None:
    whole = kept.file.read_bytes()
    with kept.file.open("rb") as source:
        parts = archive.parts(source)
    ends = [place for part in parts.values() for place in (part.start - 1, part.start, part.start + part.size - 1)]
    heads = [part.start - archive.BLOCK + byte for part in parts.values() for byte in range(0, 300, 41)]
    steps = range(0, len(whole), len(whole) // 60)
    bad = tmp_path / "bad.tar"
    for place in {*ends, *heads, *steps, len(whole) - 1, *range(parts[MANIFEST].start, parts[SEAL].start, 29)}:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 8)
        bad.write_bytes(flipped)
        assert unread(bad, tmp_path), place


def test_a_file_that_is_cut_short_anywhere_is_refused_before_anything_is_touched(kept: Kept, tmp_path: Path) -> None:
    whole = kept.file.read_bytes()
    bad = tmp_path / "bad.tar"
    for length in {
        0,
        1,
        511,
        512,
        513,
        *range(0, len(whole), len(whole) // 40),
        *range(len(whole) - 2049, len(whole), 200),
    }:
        bad.write_bytes(whole[:length])
        assert "cut short" in unread(bad, tmp_path), length
    bad.write_bytes(whole + b"more")
    assert "goes on after its end" in unread(bad, tmp_path)


def test_a_file_of_another_sort_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "photo.jpg"
    other.write_bytes(os.urandom(100_000))
    assert "no backup that was made here" in unread(other, tmp_path)
    with pytest.raises(Unavailable, match=r"Cannot read .*No such file"):
        backup.restore(Settings(database_url=NOBODY_THERE, var=tmp_path), tmp_path / "nowhere.tar")


def _member(name: str, sort: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = sort, target, 0o600
    return info


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (_member("../secret"), "a name that no backup has"),
        (_member("imports/../../x/file"), "a name that no backup has"),
        (_member("/etc/kaart"), "a name that no backup has"),
        (_member("imports/.hidden/file"), "a name that no backup has"),
        (_member("imports/a/" + "x" * 200), "a name that no backup has"),
        (_member("link", tarfile.SYMTYPE, "/etc/passwd"), "damaged, or no plain file"),
        (_member("link", tarfile.LNKTYPE, "secret"), "damaged, or no plain file"),
        (_member("device", tarfile.CHRTYPE), "damaged, or no plain file"),
        (_member("imports", tarfile.DIRTYPE), "damaged, or no plain file"),
        (_member("secret"), "the part secret twice"),
        (_member("more"), "not those of the manifest: more"),
        (_member("imports/a/file"), "not those of the manifest: imports/a/file"),
    ],
    ids=lambda value: value.name[:20] if isinstance(value, tarfile.TarInfo) else "",
)
def test_a_part_with_a_way_out_a_link_or_no_place_in_a_backup_is_refused(
    kept: Kept, tmp_path: Path, member: tarfile.TarInfo, told: str
) -> None:
    bad = tmp_path / "bad.tar"
    shutil.copy(kept.file, bad)
    with tarfile.open(bad, "a", format=tarfile.GNU_FORMAT) as opened:
        opened.addfile(member)
    length = bad.stat().st_size
    with bad.open("r+b") as opened_again:  # tarfile fills up the last of its records; we end with two empty blocks
        while not any((opened_again.seek(length - 3 * 512), opened_again.read(512))[1]):
            length -= 512
        opened_again.truncate(length)
    assert told in unread(bad, tmp_path)


def test_a_part_with_a_right_sum_and_a_wrong_name_is_refused(kept: Kept, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar"
    with archive.new(bad) as to:
        sums = {name: archive.add(to, name, [b"x"], 0) for name in (DATABASE, "postgres/data")}
        told = kept.manifest.model_copy(update={"parts": sums}).model_dump_json().encode()
        archive.add(to, MANIFEST, [told], 0)
        archive.add(to, SEAL, [backup._seal(told)], 0)
    assert "parts that no backup has: postgres/data" in unread(bad, tmp_path)


def test_a_backup_of_a_newer_version_is_refused(kept: Kept, empty: Settings, tmp_path: Path) -> None:
    def newer(manifest: Manifest) -> Manifest:
        return manifest.model_copy(update={"revision": "9999", "service": "7.0"})

    file = remade(kept, tmp_path / "newer.tar", newer, bytes)
    said = refused(empty, file, Unavailable)
    assert "made by Levende Kaart 7.0 with tables 9999" in said


def test_a_backup_of_a_newer_postgresql_is_refused(kept: Kept, empty: Settings, tmp_path: Path) -> None:
    def newer(manifest: Manifest) -> Manifest:
        return manifest.model_copy(update={"postgresql_major": 99})

    file = remade(kept, tmp_path / "newer.tar", newer, bytes)
    assert "restore it into PostgreSQL 99 or newer" in refused(empty, file, Unavailable)


def test_a_restore_that_fails_halfway_leaves_everything_as_it_was_found(
    kept: Kept, empty: Settings, tmp_path: Path
) -> None:
    file = remade(kept, tmp_path / "broken.tar", Manifest.model_copy, lambda dump: dump[: len(dump) * 2 // 3])
    assert "pg_restore failed: " in refused(empty, file, Unavailable)
    backup.restore(empty, kept.file)  # and it is as good as new
    assert looked_at(empty, rows) == kept.rows


def older(settings: Settings, revision: str = "") -> None:
    """Give a database the tables of an older version only (else of the first), with one neighbourhood in them."""
    with cluster.running(settings) as url:
        engine = db.engine(url)
        with engine.connect() as connection:
            base = ScriptDirectory(str(CHECKOUT / "migrations")).get_base()
            config = db._config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision or str(base))
            outline = "ST_Multi(ST_MakeEnvelope(4.4, 52.1, 4.5, 52.2, 4326))"
            connection.execute(text(
                "INSERT INTO neighbourhood (id, code, year, level, name, geom, overview, source)"
                f" VALUES ('BU90010101.2024', 'BU90010101', 2024, 'buurt', 'West', {outline}, {outline}, 'test')"
            ))  # fmt: skip
            connection.commit()
        engine.dispose()


@pytest.fixture
def bare(cluster_url: str, new_database: Callable[[], str], tmp_path: Path) -> Settings:
    """Give an installation with a database that has extensions and no tables."""
    settings = Settings(database_url=new_database(), var=tmp_path / "older")

    def strip(engine: Engine) -> Rows:
        with engine.begin() as connection:
            tables = connection.scalars(text(TABLES)).all()
            connection.execute(text(f"DROP TABLE {', '.join(tables)} CASCADE"))
            for routine in connection.scalars(text(
                "SELECT oid::regprocedure::text FROM pg_proc o WHERE pronamespace = 'public'::regnamespace"
                f" AND {NOT_OF_EXTENSIONS}"
            )).all():  # fmt: skip
                connection.execute(text(f"DROP ROUTINE {routine}"))
        return {}

    looked_at(settings, strip)
    return settings


def test_tables_of_something_else_are_refused_and_named(kept: Kept, bare: Settings) -> None:
    def share(engine: Engine) -> Rows:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE invoices (id int)"))
        return {}

    looked_at(bare, share)
    assert "tables of something else, or of a newer version: invoices." in refused(bare, kept.file, Conflict)


def test_a_backup_of_an_older_version_is_restored_and_brought_up_to_date(
    bare: Settings, empty: Settings, kept: Kept, tmp_path: Path
) -> None:
    older(bare)
    made = backup.make(bare, tmp_path / "older.tar")
    assert made.revision != kept.manifest.revision, "there is only one version of the tables so far"
    backup.restore(empty, tmp_path / "older.tar")
    assert looked_at(empty, catalogue)["columns"] == kept.catalogue["columns"]
    assert [row for (row,) in looked_at(empty, rows)["neighbourhood"] if "BU90010101" in str(row)]


HOME, CONTACT = (4.4712358, 52.1813279), {"email": "canary-7f3a@example.org"}
PLAIN = f"""WITH person AS (
  INSERT INTO asset (id, kind, source) VALUES ('6fa459ea-ee8a-4ca4-894e-db77e160355e', 'volunteer', 'test') RETURNING id
) INSERT INTO asset_secret (asset_id, place, contact)
SELECT id, ST_SetSRID(ST_MakePoint({HOME[0]}, {HOME[1]}), 4326), '{json.dumps(CONTACT)}' FROM person"""


def readable(engine: Engine) -> Rows:
    """Find what tells of the person of PLAIN without a key: their mail address, and the bytes of their degrees."""
    signs = (CONTACT["email"], *(struct.pack("<d", degrees).hex() for degrees in HOME))
    return {
        table: [row for row in there if any(sign in str(row) for sign in signs)]
        for table, there in rows(engine).items()
    }


@pytest.mark.parametrize("has_key", [True, False], ids=["with a key", "before there was a key"])
def test_secrets_that_an_older_version_kept_readable_are_sealed_by_the_restore(
    bare: Settings, empty: Settings, tmp_path: Path, has_key: bool
) -> None:
    older(bare, "0006")
    looked_at(bare, lambda engine: _run(engine, PLAIN))
    if has_key:
        folder.secret(bare)
    assert backup.make(bare, tmp_path / "older.tar").revision == "0006"
    assert looked_at(bare, readable)["asset_secret"], "it is there to be found"
    backup.restore(empty, tmp_path / "older.tar")
    assert not any(looked_at(empty, readable).values())

    def told(engine: Engine) -> Rows:
        with db.sessions(engine, folder.secret(empty))() as session:
            who = session.scalars(select(Asset.id)).one()
            return {"secret": [tuple(privacy.read_secret(session, who, "a test"))]}

    assert looked_at(empty, told)["secret"] == [(HOME, CONTACT)]


def test_what_the_planner_sampled_of_people_before_an_upgrade_is_gone_after_it(bare: Settings) -> None:
    people = """INSERT INTO account (id, email, name, role) SELECT gen_random_uuid(), 'canary' || n || '@example.org',
      'Canary' || n, 'contributor' FROM generate_series(1, 200) n"""
    older(bare, "0006")

    def samples(engine: Engine) -> Rows:
        with engine.connect() as connection:
            told = connection.scalars(text("SELECT s::text FROM pg_stats s WHERE tablename IN ('account', 'history')"))
            return {"samples": [(line,) for line in told if "anary" in line]}

    looked_at(bare, lambda engine: _run(engine, people, "ANALYZE"))
    assert looked_at(bare, samples)["samples"], "it is there to be found"
    looked_at(bare, lambda engine: _migrated(engine, folder.secret(bare)))
    assert looked_at(bare, samples)["samples"] == []
    looked_at(bare, lambda engine: _run(engine, "ANALYZE"))
    assert looked_at(bare, samples)["samples"] == []


def _migrated(engine: Engine, key: bytes) -> Rows:
    db.migrate(engine, key)
    return {}


def test_a_key_that_was_made_for_a_restore_that_fails_is_gone_with_it(
    bare: Settings, empty: Settings, tmp_path: Path
) -> None:
    older(bare, "0006")
    looked_at(bare, lambda engine: _run(engine, PLAIN, "CREATE TABLE consent (id int)"))
    backup.make(bare, tmp_path / "older.tar")
    with pytest.raises(ProgrammingError, match="already exists"):
        backup.restore(empty, tmp_path / "older.tar")
    assert not (folder.var(empty) / "secret").exists()


def _run(engine: Engine, *statements: str) -> Rows:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    return {}


def test_a_backup_that_cannot_be_brought_up_to_date_leaves_everything_as_it_was_found(
    bare: Settings, empty: Settings, tmp_path: Path
) -> None:
    older(bare)

    def obstruct(engine: Engine) -> Rows:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE import_job (id int)"))
        return {}

    looked_at(bare, obstruct)
    folder.secret(bare)
    backup.make(bare, tmp_path / "older.tar")
    before = looked_at(empty, catalogue)
    with pytest.raises(ProgrammingError, match="already exists"):
        backup.restore(empty, tmp_path / "older.tar")
    assert looked_at(empty, catalogue) == before
    assert not (folder.var(empty) / "secret").exists()


RESTORE = """
import sys
from pathlib import Path
from geo import backup
from geo.settings import Settings
settings = Settings(database_url=sys.argv[1], var=sys.argv[2])
backup.restore(settings, Path(sys.argv[3]), tell=lambda line: print(line, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 1.0])
def test_a_restore_that_is_killed_left_all_or_nothing_and_can_be_run_again(
    kept: Kept, empty: Settings, after_s: float
) -> None:
    where = [str(empty.database_url), str(empty.var), str(kept.file)]
    with subprocess.Popen(
        [sys.executable, "-c", RESTORE, *where], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout
        while "restoring" not in one.stdout.readline():
            assert one.poll() is None
        time.sleep(after_s)
        one.kill()
    looked_at(empty, alone)
    if "asset" not in looked_at(empty, rows):
        backup.restore(empty, kept.file)
    assert looked_at(empty, rows) == kept.rows
    assert looked_at(empty, catalogue) == kept.catalogue
    assert folder.secret(empty) == folder.secret(kept.settings)


def alone(engine: Engine) -> Rows:
    """Wait until nobody else is in the database: a program that lost its parent ends by itself."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    until = time.monotonic() + 30
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.scalar(text(others)):
            assert time.monotonic() < until
            time.sleep(0.05)
    return {}


def test_a_running_service_is_kept_and_goes_on_elsewhere(enterable: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here, there, file = enterable / "here", enterable / "there", str(enterable / "kaart.tar")
    with Up(here, port) as up:
        up.wait_until_ready()
        before = {what: count(up.url, what) for what in ("assets", "activities", "neighbourhoods", "coverage")}
        kept = up.ask("backup", file)
        assert (kept.returncode, kept.stdout.startswith(f"Kept in {file}: ")) == (0, True), kept.stderr
        assert up.ask("backup", file).stderr.startswith(f"✗ {file} exists")
        assert up.is_ready()
        up.end(signal.SIGINT)
    up = Up(there, port)
    try:
        restored = up.ask("restore", file)
        assert (restored.returncode, restored.stdout.startswith("Restored: ")) == (0, True), restored.stderr
        up.start()
        up.wait_until_ready()
        assert {what: count(up.url, what) for what in before} == before
        again = up.ask("restore", file)
        assert (again.returncode, "holds rows already" in again.stderr) == (1, True)
        status, said = up.end(signal.SIGINT)
        assert (status, "loading the demo" in said, "computing coverage" in said) == (0, False, False)
    finally:
        up.__exit__()
    assert processes(enterable) == []


def wrap(folder: Path, name: str, lines: str, monkeypatch: pytest.MonkeyPatch, version: str = "15") -> None:
    """Put a script in the place of one of PostgreSQL's programs."""
    script = folder / version / "bin" / name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)
    monkeypatch.setattr(programs, "DEBIAN", folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


def test_a_password_is_on_no_command_line(
    kept: Kept, empty: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = programs.find()
    for name in ("pg_dump", "pg_restore"):
        lines = f'echo "$@" >>{tmp_path}/told\necho "$PGPASSWORD" >>{tmp_path}/known\nexec {real.folder}/{name} "$@"'
        wrap(tmp_path / "programs", name, lines, monkeypatch, str(real.major))

    def guarded(settings: Settings) -> Settings:
        url = str(settings.database_url).replace("://kaart@", "://kaart:s3cret word@")
        return Settings(database_url=url, var=settings.var)

    backup.make(guarded(kept.settings), tmp_path / "kaart.tar")
    backup.restore(guarded(empty), tmp_path / "kaart.tar")
    assert (tmp_path / "known").read_text() == "s3cret word\n" * 2
    told = (tmp_path / "told").read_text()
    assert "--single-transaction" in told
    assert "s3cret" not in told


def test_a_server_newer_than_every_pg_dump_is_one_clear_line(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrap(tmp_path / "programs", "pg_dump", "exit 1", monkeypatch, "9")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match=r"needs a pg_dump .*only that of PostgreSQL 9 is here.*postgresql-client-"):
        backup.make(kept.settings, tmp_path / "kaart.tar")
    shutil.rmtree(tmp_path / "programs")
    with pytest.raises(Unavailable, match="there is none here"):
        backup.make(kept.settings, tmp_path / "kaart.tar")
    assert list(tmp_path.iterdir()) == []
