"""The command line on a database of its own, in this process: what it says, and how it refuses."""

import re

import pytest
from sqlalchemy import make_url, select

from api import logs
from geo import db
from geo.coverage.models import CoverageRun
from geo.models import Asset
from geo.people.models import ApiKey
from geo.settings import Settings
from tests.integration.commands import Kaart, refusal


def test_the_demo_is_loaded_once_and_refused_the_second_time_in_one_line(kaart: Kaart) -> None:
    assert "40 activities" in kaart("demo", "load")
    assert refusal(kaart, "demo", "load").startswith("✗ ")


def test_a_run_is_computed_and_listed(kaart: Kaart, database_url: str) -> None:
    kaart("demo", "load")
    assert "norm 800 m" in kaart("coverage", "run")
    engine = db.engine(database_url)
    with db.sessions(engine)() as session:
        made = session.scalars(select(CoverageRun).where(~CoverageRun.live)).one()
    engine.dispose()
    assert str(made.id) in kaart("coverage", "list")


def test_coverage_of_nothing_is_refused_with_what_to_do(kaart: Kaart) -> None:
    assert "load boundaries first" in refusal(kaart, "coverage", "run")


def test_a_key_is_shown_once_kept_as_a_hash_and_ended_by_its_id(kaart: Kaart, database_url: str) -> None:
    plain = kaart("key", "create", "[bold]Nieuwsbrief", "--role", "admin", "--days", "30").strip()
    engine = db.engine(database_url)
    with db.sessions(engine)() as session:
        kept = session.scalars(select(ApiKey)).one()
    engine.dispose()
    assert plain.startswith(f"kaart_{kept.id}_")
    assert plain.removeprefix(f"kaart_{kept.id}_") not in kept.hash
    listed = kaart("key", "list")
    assert "[bold]Nieuwsbrief" in listed
    assert plain not in listed
    assert kaart("key", "revoke", kept.id) == "Revoked.\n"


def test_a_command_logs_apart_from_what_it_prints(
    kaart: Kaart, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    assert re.fullmatch(r"kaart_[0-9a-f]{8}_[\w-]+\n", kaart("key", "create", "Nieuwsbrief", "--role", "planner"))
    logs.configure(settings.model_copy(update={"log_json": True}), command=True)
    logs.key_made("0123abcd", "planner")
    written = capsys.readouterr()
    assert (written.out, '"event": "key_made"' in written.err) == ("", True)
    logs.configure(settings)


def test_an_unknown_key_an_unknown_role_and_a_wrong_number_of_days_are_refused(kaart: Kaart) -> None:
    assert refusal(kaart, "key", "revoke", "nonsuch") == "✗ There is no key with the id 'nonsuch'."
    assert "--role" in refusal(kaart, "key", "create", "x", "--role", "king")
    assert "--days" in refusal(kaart, "key", "create", "x", "--days", "0")


def test_the_state_of_the_database_is_told_without_its_password(kaart: Kaart) -> None:
    told = kaart("db", "status")
    assert "PostGIS" in told
    assert "wanted" not in told


def test_the_address_is_one_that_psql_understands(kaart: Kaart, database_url: str) -> None:
    told = kaart("db", "url").strip()
    assert told.startswith("postgresql://kaart@/")
    assert make_url(told).database == make_url(database_url).database


def test_tables_of_another_version_are_refused_before_anything_is_done(kaart: Kaart, database_url: str) -> None:
    engine = db.engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'")
    assert "run `kaart db migrate` first" in refusal(kaart, "coverage", "list")
    assert "does not fit this version" in refusal(kaart, "db", "migrate")
    with db.sessions(engine)() as session:
        assert session.scalars(select(Asset)).all() == []
    engine.dispose()


def test_an_unknown_setting_stops_every_command_in_one_line(kaart: Kaart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAART_NORM", "400")
    assert refusal(kaart, "db", "status") == "✗ KAART_NORM is not a setting; the nearest is KAART_NORM_M"


def test_a_database_that_does_not_answer_is_one_clear_line_without_its_password(
    kaart: Kaart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAART_DATABASE_URL", "postgresql://kaart:s3cret@127.0.0.1:9/kaart")
    said = refusal(kaart, "db", "migrate")
    assert said.startswith("✗ The database postgresql+psycopg://kaart:***@127.0.0.1:9/kaart does not answer")
    assert "s3cret" not in said
