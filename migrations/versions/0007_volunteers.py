"""Volunteers: consent, requests, whom we forgot; secrets are sealed; what an API key is for."""

from pathlib import Path

from alembic import context, op
from sqlalchemy import text

from geo.errors import Unavailable
from geo.sealing import seal

revision = "0007"
down_revision = "0006"

READ = "SELECT asset_id, ST_X(place), ST_Y(place), contact FROM asset_secret"
WRITE = text("INSERT INTO sealed_secret (asset_id, place, contact) VALUES (:id, :place, :contact)")
REPLACE = """
DROP TABLE asset_secret;
ALTER TABLE sealed_secret RENAME TO asset_secret;
ALTER TABLE asset_secret ADD CONSTRAINT asset_secret_pkey PRIMARY KEY (asset_id),
  ADD CONSTRAINT asset_secret_asset_id_fkey FOREIGN KEY (asset_id) REFERENCES asset (id) ON DELETE CASCADE;
CREATE TRIGGER secret_changed AFTER INSERT OR UPDATE OR DELETE ON asset_secret
FOR EACH ROW EXECUTE FUNCTION keep_secret_change();
"""


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql((Path(__file__).parent / "0007_volunteers.sql").read_text().replace("%", "%%"))
    key = context.config.attributes.get("secret")
    for item, lon, lat, contact in connection.exec_driver_sql(READ).all():
        if not key:
            raise Unavailable("The secrets of people are sealed from now on, and there is no key: set KAART_SECRET.")
        place = None if lon is None else seal(key, f"{item} place", [lon, lat])
        told = seal(key, f"{item} contact", contact) if contact else None
        connection.execute(WRITE, {"id": item, "place": place, "contact": told})
    connection.exec_driver_sql(REPLACE)


def downgrade() -> None:
    raise NotImplementedError("an older version reads no sealed secrets: restore the backup made before the upgrade")
