"""Imports as jobs, 100 m squares, doubtful addresses, and the year of a neighbourhood that is in force."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    script = (Path(__file__).parent / "0002_imports.sql").read_text()
    op.get_bind().exec_driver_sql(script.replace("%", "%%"))  # the driver takes a single one for a value to fill in


def downgrade() -> None:
    raise NotImplementedError("an older version does not know imports: restore the backup made before the upgrade")
