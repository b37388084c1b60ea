"""The streets that people walk."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.get_bind().exec_driver_sql((Path(__file__).parent / "0004_network.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("an older version does not know networks: restore the backup made before the upgrade")
