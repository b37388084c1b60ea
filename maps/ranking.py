"""The ranking beside the map of gaps: one row for each neighbourhood, the worst first."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from maps.gap_figures import Cell, badness, cell_of
from maps.gap_measures import Shown, band_of, value_words
from maps.reader import Reader
from maps.rows import Feature

NAME = "name"


class GapRow(NamedTuple):
    """One neighbourhood in the ranking, in words. `since` tells how many more or fewer are beyond reach by now."""

    id: str
    name: str
    href: str
    band: str
    value: str
    cells: list[Cell]
    since: str


class Ranking(NamedTuple):
    """How the ranking is made.

    sort   the column that sets the order, or NAME
    asked  what each card is asked for, as in an address
    now    residents beyond reach by now, by neighbourhood; empty where the figures are those of now
    """

    of: Shown
    sort: str
    asked: str
    now: Mapping[str, float | None]


def rows_of(features: Sequence[Feature], ranking: Ranking, reader: Reader) -> list[GapRow]:
    """Tell neighbourhoods as rows, in order."""
    of, sort = ranking.of, ranking.sort
    ordered = sorted(features, key=lambda feature: feature["properties"]["name"])
    if sort != NAME:
        keys = [sort, *(column for column in of.measure.columns if column != sort)]
        ordered.sort(key=lambda feature: [badness(key, feature["properties"], of.group) for key in keys], reverse=True)
    return [_row(feature, ranking, reader) for feature in ordered]


def _row(feature: Feature, ranking: Ranking, reader: Reader) -> GapRow:
    p, of = feature["properties"], ranking.of
    return GapRow(
        id=p["neighbourhood"],
        name=p["name"],
        href=f"/gaps/{p['neighbourhood']}?{ranking.asked}",
        band=band_of(p, of),
        value=value_words(p, of, reader),
        cells=[cell_of(column, p, of.group, reader) for column in of.measure.columns],
        since=change_words(p["uncovered"], ranking.now.get(p["neighbourhood"]), reader),
    )


def change_words(before: float | None, after: float | None, reader: Reader) -> str:
    """Write how many more or fewer: −120, +30, 0; a dash where either is unknown."""
    if before is None or after is None:
        return "–"
    change = round(after) - round(before)
    return f"{'−' if change < 0 else '+' if change else ''}{reader.number(abs(change))}"


def sort_of(of: Shown, asked: str) -> str:
    """Give the order that is shown: the one asked where there is such a column, else by the measure itself."""
    return asked if asked in (NAME, *of.measure.columns) else of.measure.columns[0]
