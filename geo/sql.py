"""SQL that is too long for a line of Python: it lives in a file beside its module, one statement after the other."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def statements(name: str) -> tuple[str, ...]:
    """Read the statements of one of our own files, named as seen from this folder, such as `whereabouts.sql`."""
    text = (HERE / name).read_text(encoding="utf-8")
    return tuple(statement.strip() for statement in text.split(";\n\n"))
