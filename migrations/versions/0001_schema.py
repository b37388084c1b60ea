"""The first schema, with the triggers that keep versions and history."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    here = Path(__file__).parent
    for script in ("0001_schema.sql", "0001_history.sql"):
        op.get_bind().exec_driver_sql((here / script).read_text())


def downgrade() -> None:
    raise NotImplementedError("before the first schema there is nothing: drop the database instead")
