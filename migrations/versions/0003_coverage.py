"""All measures of coverage, runs as jobs, the live state, and what tells the worker of a change."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    script = (Path(__file__).parent / "0003_coverage.sql").read_text()
    op.get_bind().exec_driver_sql(script.replace("%", "%%"))  # the driver takes a single one for a value to fill in


def downgrade() -> None:
    raise NotImplementedError("an older version does not know these measures: restore the backup made before")
