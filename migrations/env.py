"""Alembic's way in: it works on the connection that `geo.db` hands over, so one place knows the database."""

from alembic import context
from geoalchemy2 import alembic_helpers

from geo import models

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=models.Asset.metadata,
    include_object=alembic_helpers.include_object,
    render_item=alembic_helpers.render_item,
    process_revision_directives=alembic_helpers.writer,
)
with context.begin_transaction():
    context.run_migrations()
