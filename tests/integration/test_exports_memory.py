"""A million rows leave as a file without the service growing: measured from outside, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import create_engine, text

from geo.exports.formats import FORMATS
from geo.settings import CHECKOUT

ROWS = 1_000_000
MOST_MB = 300  # above idle
MADE = """INSERT INTO asset (id, kind, name, summary, themes, services, goals, target_groups, languages, accessibility,
  growth, funding, address, postcode, city, capacity, opening_hours, url, source, source_id, licence, place)
SELECT gen_random_uuid(), (ARRAY['community_room', 'initiative', 'care_location'])[1 + n % 3], 'Buurtkamer ' || n,
  repeat('Samen eten en koffie drinken. ', 4), ARRAY['eat', 'meet'], ARRAY['meals', 'meeting'], ARRAY['by_neighbours'],
  ARRAY['everyone'], ARRAY['nl'], '{"step_free_entrance": true}', '[]', '{}', 'Straat ' || n, '2341 AB', 'Oegstgeest',
  n % 100, 'Mo-Fr 09:00-17:00', 'https://example.org/' || n, 'test', n::text, 'CC0-1.0',
  ST_SetSRID(ST_MakePoint(4 + n % 1000 * 1e-3, 52 + n / 1000 * 1e-3), 4326)
FROM generate_series(1, :rows) AS n"""

EXPORT = """
import json, sys, time
from pathlib import Path
import api.app  # what a service at rest holds
from geo import db
from geo.collections import Wanted
from geo.exports import formats, making, reading
from geo.features import Rendering
from geo.rights import VISITOR

def now(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024

url, key, file = sys.argv[1:]
engine, form = db.engine(url), formats.FORMATS[key]
order = reading.Order(VISITOR, "assets", Wanted(), Rendering(), {})
engine.connect().close()
Path("/proc/self/clear_refs").write_text("5")
idle, began = now("VmRSS"), time.monotonic()
if form.streams:
    size = sum(len(part) for part in making.stream(engine, order, form))
else:
    with reading.opened(engine, order) as found:
        making.write(found, form, Path(file), lambda done: None)
    size = Path(file).stat().st_size
told = {"idle": idle, "above": now("VmHWM") - idle, "s": time.monotonic() - began, "mb": size / 1e6}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def crowd(new_database: Callable[[], str]) -> str:
    """Give a database with a million assets."""
    url = new_database()
    engine = create_engine(url)
    with engine.begin() as connection:
        for index in ("asset_words", "asset_services", "asset_themes"):
            connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text("ALTER TABLE asset DISABLE TRIGGER USER"))
        connection.execute(text(MADE), {"rows": ROWS})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE asset"))
    engine.dispose()
    return url


@pytest.mark.slow
@pytest.mark.parametrize("key", FORMATS)
def test_a_million_rows_are_exported_within_300_mb_above_idle(crowd: str, key: str, tmp_path: Path) -> None:
    began = monotonic()
    words = [sys.executable, "-c", EXPORT, crowd, key, str(tmp_path / f"rows.{key}")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1800, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    print(
        f"{key}: {told['above']:.0f} MB above idle ({told['idle']:.0f} MB), {told['s']:.0f} s, {told['mb']:.0f} MB file"
    )
    assert told["above"] <= MOST_MB, told
    assert monotonic() - began < 1800
