"""From a table and its mapping to the values of assets: every different text is read once, every fault is named."""

from collections import Counter
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from geo import checks
from geo.imports.cells import NEEDED, WITHOUT_SCHEME, Fault, said
from geo.imports.mapping import DEFAULT, Mapping, Outcome
from geo.imports.pools import Mask, Pool, cleaned, combinations, joined, over, single, texts

TOGETHER = ("kind", "ladder_level", "visible_from", "visible_to")  # fields that rules read beside one another
MOST_NAMED = 3
MOST_VALUES = 5  # named of those that one reason leaves out
Fields = dict[str, Pool]


class Rows(NamedTuple):
    """What a table says. `fields` holds values by field of an asset; faults name rows by position, from 0.

    keys     how the source names each row; None where the mapping names no column for that
    asked    the text of each row's address, as it may be looked up; None where the mapping names none
    skipped  which rows the mapping leaves out; they have no faults
    notes    what is to be said of the table as a whole
    """

    fields: Fields
    keys: Pool | None
    asked: Pool | None
    faults: list[Fault]
    skipped: Mask
    notes: list[str]


def read(data: pd.DataFrame, mapping: Mapping, today: date, neighbourhoods: dict[str, str]) -> Rows:
    """Read all rows of a table that fits the mapping.

    neighbourhoods  the id of each neighbourhood by what it may be called: its id, or its code
    """
    told = {name: texts(data[name]) for name in mapping.texts()}
    known = {**mapping.constants, "licence": mapping.licence}
    fields = {field: single(known.get(field), len(data)) for field in mapping.fields()}
    faults, notes = list[Fault](), list[str]()
    for field, column in mapping.columns.items():
        cells = joined([told[name] for name in column.names], column.separator)
        values, wrong = _said(field, cells, today)
        faults += wrong
        notes += _completed(field, cells)
        fields[field] = over(values, fields[field])
    left_out = single(None, len(data))
    for name, table in mapping.outcomes.items():
        outcomes = [
            *(table.get(text, table.get(DEFAULT)) for text in told[name].different),
            table.get("", table.get(DEFAULT)),
        ]
        _say(fields, told[name], outcomes)
        faults += _unnamed(name, told[name], outcomes)
        left_out = _left_out(left_out, name, told[name], outcomes)
    skipped = left_out.codes >= 0
    notes += _summed(left_out)
    faults += _located(fields, neighbourhoods) + _together(fields)
    faults += _lacking(fields, faults)
    keys = joined([told[name] for name in mapping.source_id], " ") if mapping.source_id else None
    faults += _nameless(keys, skipped, data.index) if keys else []
    asked = joined([told[name] for name in mapping.place.address], " ") if mapping.place.address else None
    return Rows(_folded(fields), keys, asked, [fault for fault in faults if not skipped[fault.at]], skipped, notes)


def _said(field: str, cells: Pool, today: date) -> tuple[Pool, list[Fault]]:
    """Read a column as a field; a text that cannot be one is a fault in every row that has it."""
    read_all = [said(field, text, today) for text in cells.different]
    wrong = {code: each for code, each in enumerate(read_all) if each.reasons}
    faults = [
        Fault(int(row), field, cells.at(row), reason)
        for row in cells.rows(wrong)
        for reason in wrong[int(cells.codes[row])].reasons
    ]
    return cleaned(cells.codes, [None if each.reasons else each.value for each in read_all]), faults


def _completed(field: str, cells: Pool) -> list[str]:
    if not field.endswith("url"):
        return []
    bare = cells.rows(code for code, text in enumerate(cells.different) if text.lower().startswith(WITHOUT_SCHEME))
    return [f"web addresses that began with www. got https:// before it: {len(bare)}"] if len(bare) else []


def _say(fields: Fields, cells: Pool, outcomes: list[Outcome | None]) -> None:
    """Let the values of a column say what they stand for; the last of `outcomes` is that of an empty cell."""
    for field in sorted({field for outcome in outcomes if outcome for field in outcome.sets}):
        sets = [outcome.sets.get(field) if outcome else None for outcome in outcomes]
        where = np.array([outcome is not None and field in outcome.sets for outcome in outcomes])[cells.codes]
        codes = np.where(cells.codes < 0, len(outcomes) - 1, cells.codes)
        fields[field] = over(cleaned(codes, sets), fields[field], where)


def _unnamed(name: str, cells: Pool, outcomes: list[Outcome | None]) -> list[Fault]:
    """Refuse the rows of which the mapping does not say what their value stands for."""
    reason = f"the mapping does not say what this stands for: name it under [values.{name}], or give a default"
    unknown = np.array([outcome is None for outcome in outcomes])[cells.codes]
    return [Fault(int(row), name, cells.at(row) or "", reason) for row in np.flatnonzero(unknown)]


def _left_out(before: Pool, name: str, cells: Pool, outcomes: list[Outcome | None]) -> Pool:
    """Lay why a column leaves rows out over what columns before it say, where it says anything of that."""
    skips = [outcome.skip if outcome else None for outcome in outcomes]
    named = [*map(repr, cells.different), "empty"]
    reasons = [(name, value, skip) if skip else None for value, skip in zip(named, skips, strict=True)]
    says = np.array([skip is not None for skip in skips])[cells.codes]
    return over(cleaned(np.where(cells.codes < 0, len(reasons) - 1, cells.codes), reasons), before, says)


def _summed(left_out: Pool) -> list[str]:
    """Say how many rows are left out for each reason, and by which values; not by each of thousands of them."""
    counted: dict[tuple[str, str], Counter[str]] = {}
    for code, rows in sorted(Counter(left_out.codes[left_out.codes >= 0].tolist()).items()):
        name, value, skip = left_out.different[code]
        counted.setdefault((name, skip), Counter())[value] += rows
    notes = []
    for (name, skip), values in counted.items():
        rows, more = values.total(), len(values) - MOST_VALUES
        named = ", ".join(value for value, _ in values.most_common(MOST_VALUES))
        named += f" and {more} other {'value' if more == 1 else 'values'}" if more > 0 else ""
        notes.append(f"{rows} {'row' if rows == 1 else 'rows'} left out, {name} {named}: {skip}")
    return notes


def _located(fields: Fields, neighbourhoods: dict[str, str]) -> list[Fault]:
    """Turn what neighbourhoods are called into their ids."""
    faults: list[Fault] = []
    for field in fields.keys() & {"neighbourhood", "catchment"}:
        pool = fields[field]
        called = [[value] if isinstance(value, str) else value for value in pool.different]
        lost = {code: [n for n in names if n not in neighbourhoods] for code, names in enumerate(called)}
        wrong = {code: names for code, names in lost.items() if names}
        for row in pool.rows(wrong):
            names = ", ".join(wrong[int(pool.codes[row])])
            faults.append(Fault(int(row), field, names, "there is no such neighbourhood: import the boundaries first"))
        ids = [sorted({neighbourhoods[n] for n in names if n in neighbourhoods}) for names in called]
        fields[field] = pool._replace(
            different=ids if field == "catchment" else [each[0] if each else "" for each in ids]
        )
    return faults


def _lacking(fields: Fields, faults: list[Fault]) -> list[Fault]:
    """Refuse rows without a name, or of no kind, of which nothing wrong is known yet."""
    told = {"name": "an asset needs a name", "kind": "nothing in the row says what kind of asset this is"}
    known = {fault.at for fault in faults}
    lacking = {field: np.flatnonzero(fields[field].codes < 0).tolist() for field in NEEDED}
    return [Fault(row, field, "", told[field]) for field, rows in lacking.items() for row in rows if row not in known]


def _together(fields: Fields) -> list[Fault]:
    """Refuse what cannot be true together; rows that say the same are looked at once."""
    read_beside = {field: fields[field] for field in TOGETHER if field in fields}
    codes, rows = combinations(list(read_beside.values()))
    flaws = [checks.together_flaws({field: pool.at(row) for field, pool in read_beside.items()}) for row in rows]
    wrong = np.flatnonzero(np.array([bool(each) for each in flaws], bool)[codes])
    return [
        Fault(int(row), flaw.field, str(fields[flaw.field].at(row)), flaw.reason)
        for row in wrong
        for flaw in flaws[codes[row]]
    ]


def _nameless(keys: Pool, skipped: Mask, numbers: pd.Index) -> list[Fault]:
    """Refuse rows that their source does not name, or names as another row."""
    empty = np.flatnonzero((keys.codes < 0) & ~skipped)
    faults = [Fault(int(row), "source_id", "", "is empty: by it the next import knows this row again") for row in empty]
    flaws = {code: checks.text_flaws("source_id", text) for code, text in enumerate(keys.different)}
    bad = {code: each for code, each in flaws.items() if each}
    faults += [
        Fault(int(r), "source_id", keys.at(r), f.reason) for r in keys.rows(bad) for f in bad[int(keys.codes[r])]
    ]
    return faults + same(keys, skipped, numbers, "has the same identifier")


def same(keys: Pool, skipped: Mask, numbers: pd.Index, what: str) -> list[Fault]:
    """Refuse all rows of which the source names several alike; `numbers` are the rows as a person counts them."""
    told = np.where(skipped, -1, keys.codes)
    often = np.bincount(told[told >= 0], minlength=len(keys.different)) > 1
    rows = np.flatnonzero(np.append(often, [False])[told])
    alike: dict[int, list[int]] = {}
    for row in rows.tolist():
        alike.setdefault(int(told[row]), []).append(row)
    faults = []
    for row in rows.tolist():
        others = [str(numbers[other]) for other in alike[int(told[row])][: MOST_NAMED + 1] if other != row][:MOST_NAMED]
        faults.append(Fault(row, "source_id", keys.at(row), f"row {', '.join(others)} {what}"))
    return faults


def _folded(fields: Fields) -> Fields:
    """Gather what is told of accessibility, term by term, into one field."""
    terms = [field for field in fields if field.startswith("accessibility.")]
    plain = {field: pool for field, pool in fields.items() if field not in terms}
    if terms:
        codes, rows = combinations([fields[term] for term in terms])
        plain["accessibility"] = Pool(
            codes, [_known({t.partition(".")[2]: fields[t].at(row) for t in terms}) for row in rows]
        )
    return plain


def _known(told: dict[str, Any]) -> dict[str, bool]:
    return {term: value for term, value in told.items() if value is not None}
