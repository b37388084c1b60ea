"""What a file says of itself: whose it is, of when, how it was asked for, and what each column means."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from geo import features
from geo.exports import columns
from geo.exports.columns import Part
from geo.exports.reading import Opened
from geo.vocabulary import Term

MADE_BY = "Levende Kaart"
KEY = "levende_kaart"  # under which formats that keep texts by name hold all of it, as JSON


def metadata(opened: Opened, parts: Sequence[Part]) -> dict[str, Any]:
    """Tell all there is to tell of an export with these columns, as JSON can hold it."""
    order = opened.order
    shown = features.collection(order.viewer, order.name)
    told: dict[str, Any] = {
        "collection": order.name,
        "title": _both(shown.title),
        "description": _both(shown.about),
        "made_by": MADE_BY,
        "made_at": f"{opened.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "crs": order.look.crs.uri,
        "asked": dict(order.asked),
        "rows": opened.rows,
        "rows_without_geometry": opened.nowhere,
        "sources": [origin._asdict() for origin in opened.origins],
    }
    if opened.runs:
        told["runs"] = opened.runs
    told["columns"] = columns.meanings(order, [part.name for part in parts])
    plain: dict[str, Any] = json.loads(json.dumps(told, default=_written))
    return plain


def beside(opened: Opened) -> bytes:
    """Give the same as a JSON file, with the columns of every format: to lie beside a file that cannot hold it."""
    every = {part.name: part for part in (*columns.shapes(opened.order), *columns.table(opened.order))}
    return json.dumps(metadata(opened, [*every.values()]), ensure_ascii=False, indent=2).encode()


def _both(term: Term) -> dict[str, str]:
    return {"nl": term.nl, "en": term.en}


def _written(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not meant to stand in a file.")


def owners(told: Mapping[str, Any]) -> str:
    """Give whose the rows are, as one line: source (licence), source (licence)."""
    named = [f"{each['source']} ({each['licence']})" if each["licence"] else each["source"] for each in told["sources"]]
    return ", ".join(name for name in named if name)


def by_name(told: Mapping[str, Any]) -> dict[str, str]:
    """Give the same as texts by name, for formats that keep such: the parts that people look for, and all as JSON."""
    return {
        "title": told["title"]["en"],
        "description": told["description"]["en"],
        "source": owners(told),
        "date": told["made_at"],
        KEY: json.dumps(told, ensure_ascii=False),
    }


def lines(told: Mapping[str, Any]) -> list[Sequence[str]]:
    """Give the same as the lines of a sheet: what, in Dutch, in English; then the columns."""
    plain = {name: value for name, value in told.items() if name not in ("title", "description", "columns", "runs")}
    found: list[Sequence[str]] = [(name, told[name]["nl"], told[name]["en"]) for name in ("title", "description")]
    found += [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in plain.items()]
    for run in told.get("runs", ()):
        found += [
            (f"run {name}", value if isinstance(value, str) else json.dumps(value)) for name, value in run.items()
        ]
    return [*found, (), *((name, each["nl"], each["en"]) for name, each in told["columns"].items())]
