"""The schema in the database and the schema in the code."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import CheckConstraint, Connection, text

from geo.base import Base
from geo.coverage.models import Coverage
from geo.imports.models import Square
from geo.models import Asset
from geo.ready.models import Part


def test_a_migrated_database_equals_the_models(connection: Connection) -> None:
    options = {"include_object": alembic_helpers.include_object, "compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    assert {Square.__tablename__, Coverage.__tablename__, Part.__tablename__} <= Base.metadata.tables.keys()
    assert compare_metadata(context, Base.metadata) == []


def test_every_rule_of_the_models_stands_in_the_database(connection: Connection) -> None:
    kept = set(connection.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'c'")))
    wanted = {
        str(rule.name) for table in Base.metadata.tables.values() for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    }  # fmt: skip
    assert wanted
    assert wanted <= kept


def test_every_versioned_table_keeps_its_history(connection: Connection) -> None:
    triggers = connection.execute(text("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"))
    found: dict[str, set[str]] = {}
    for table, trigger in triggers:
        found.setdefault(table, set()).add(trigger)
    for table in Base.metadata.tables.values():
        if "version" in table.columns:
            assert found[table.name] >= {"version", "inserted", "updated", "deleted"}, table.name
    assert Asset.__tablename__ in found
