"""Ready texts of what the public may see, editions of it, and what changed in each; the outline of a square."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    sql = (Path(__file__).parent / "0008_ready.sql").read_text()
    op.get_bind().exec_driver_sql(sql.replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("an older version knows no ready texts: restore the backup made before the upgrade")
