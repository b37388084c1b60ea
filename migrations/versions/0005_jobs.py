"""The queue of jobs: the tables of the library that keeps it, in a schema of their own."""

from alembic import op

from geo import queue

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    queue.install(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("an older version does not know the queue: restore the backup made before")
