"""Accounts, and who made a record."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.get_bind().exec_driver_sql((Path(__file__).parent / "0006_people.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("an older version does not know accounts: restore the backup made before the upgrade")
