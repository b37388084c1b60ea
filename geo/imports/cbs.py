"""CBS's tables of neighbourhoods: what its columns are called in any year since 2018, and what its figures mean."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import Flaw, InvalidInput
from geo.neighbourhoods import FIGURES

NO_NAMES: Mapping[str, str] = MappingProxyType({})
SOURCE, LICENCE = "CBS / Kadaster", "CC BY 4.0"
CODE = re.compile(r"(?:BU[0-9]{4}[0-9A-Z]{4}|WK[0-9]{4}[0-9A-Z]{2}|GM[0-9]{4})")
FICTIVE = ("9997", "9998")  # ends of codes of buurten that are no place: people without an address, and abroad
MISSING = {-99997: "secret", -99995: "later", -99991: "stopped"}
OLDER_MISSING = -99_900  # CBS's older codes of what is not given lie below this: -99999, -99999998, -99999999
NOT_GIVEN = ("", ".", "-", "x", "nan", "na", "n/a", "null", "none", "<na>")  # as they stand in text


class Columns(NamedTuple):
    """Which column of a table plays which part; None where no column does. Only `code` is always there."""

    code: str
    name: str | None = None
    gemeente: str | None = None
    gemeente_name: str | None = None
    wijk_name: str | None = None
    water: str | None = None
    year: str | None = None
    year_code: str | None = None  # year and code in one: 2024BU05790101
    residents: str | None = None
    residents_65: str | None = None
    residents_65_percent: str | None = None  # of the residents
    households: str | None = None
    one_person_households: str | None = None
    one_person_percent: str | None = None  # of the households


# Part → how CBS and those who pass its tables on call it, the surest first; see `_plain` for what is the same name.
CALLED: Mapping[str, tuple[str, ...]] = {
    "code": (
        "cbscode", "buurtcode", "bu_code", "gwb_code_10", "gwb_code", "regiocode_wijken_en_buurten", "regiocode",
        "codering", "statcode", "wijkenenbuurten", "code", "wijkcode", "wk_code", "gemeentecode", "gm_code",
    ),
    "name": (
        "buurtnaam", "bu_naam", "statnaam", "naam", "regio", "wijknaam", "wk_naam", "gemeentenaam", "gm_naam", "name",
    ),
    "gemeente": ("gemeentecode", "gm_code", "gemcode"),
    "gemeente_name": ("gemeentenaam", "gm_naam", "gemnaam", "gemeente"),
    "wijk_name": ("wijknaam", "wk_naam"),
    "water": ("water", "h2o", "ind_water"),
    "year": ("jaar", "jr", "peiljaar", "year"),
    "year_code": ("jrstatcode",),
    "residents": ("aantal_inwoners", "aant_inw", "a_inw", "inwoners", "residents"),
    "residents_65": (
        "aantal_inwoners_65_jaar_en_ouder", "aantal_inwoners_65", "a_65_oo", "inwoners_65_jaar_en_ouder",
        "inwoners_65_plus", "k_65_jaar_of_ouder", "65_jaar_of_ouder", "inw_65pl", "residents_65",
    ),
    "residents_65_percent": ("percentage_personen_65_jaar_en_ouder", "p_65_eo_jr"),
    "households": ("aantal_huishoudens", "aantal_hh", "a_hh", "huishoudens_totaal", "huishoudens", "households"),
    "one_person_households": (
        "aantal_eenpersoonshuishoudens", "a_1p_hh", "eenpersoonshuishoudens", "one_person_households",
    ),
    "one_person_percent": ("percentage_eenpersoonshuishoudens", "p_eenp_hh", "p_1p_hh"),
}  # fmt: skip
# A table has its own level's columns beside those of the levels above it, so the first that is there is right.


class Flawed(NamedTuple):
    """A figure that cannot be: its row (as the table's index counts), column, value, and why."""

    row: int
    field: str
    value: str
    reason: str


class Figures(NamedTuple):
    """Key figures by row, under the names of `FIGURES` of those that the table tells of.

    known     whole numbers, <NA> where missing
    reasons   why, <NA> where the figure is there
    flaws     what makes a row be refused; it has no figures here
    """

    known: pd.DataFrame
    reasons: pd.DataFrame
    flaws: list[Flawed]


def named(columns: Sequence[str], given: Mapping[str, str] = NO_NAMES) -> Columns:
    """Find which column plays which part, whatever the case of its letters.

    given   parts (fields of `Columns`) whose column somebody named
    raises  InvalidInput naming what was looked for and what is there, where no column holds codes
    """
    flaws = [Flaw(part, f"there is no column {column!r}") for part, column in given.items() if column not in columns]
    if flaws:
        raise InvalidInput(f"{_told(flaws)}. There are: {_listed(columns)}.", *flaws)
    plain: dict[str, str] = {}
    for numbered in (False, True):  # StatLine numbers its columns: AantalInwoners_5
        for column in columns:
            plain.setdefault(_plain(re.sub(r"_\d{1,3}$", "", column) if numbered else column), column)
    found = {part: given.get(part) or _first(plain, names) for part, names in CALLED.items()}
    if found["code"] is None:
        looked = ", ".join(CALLED["code"])
        raise InvalidInput(
            f"No column holds the codes of the areas. Looked for: {looked}. There are: {_listed(columns)}. "
            "Name the column: with --code-field for boundaries, with `code` in a --map for figures.",
            Flaw("code", "no column of this name is there"),
        )
    code = found.pop("code")
    return Columns(str(code), **found)


def _first(plain: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((plain[_plain(name)] for name in names if _plain(name) in plain), None)


def _plain(column: str) -> str:
    """Give the form in which two ways of writing a name are the same: aantal_inwoners, AantalInwoners."""
    return re.sub(r"[^0-9a-z]", "", column.lower())


def _told(flaws: Sequence[Flaw]) -> str:
    return "; ".join(f"{flaw.field}: {flaw.reason}" for flaw in flaws)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(columns[:40])
    return shown if len(columns) <= 40 else f"{shown} and {len(columns) - 40} more"


def codes(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Give the codes as CBS writes them: without spaces, in capitals; <NA> where there is none."""
    text = values.astype("string").str.strip().str.upper()
    return text.mask(text.eq(""))


def is_water(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Say which rows are no land of the Netherlands: JA is water, B lies abroad."""
    return values.astype("string").str.strip().str.upper().isin(["JA", "B"])


def is_fictive(codes: "pd.Series[Any]") -> "pd.Series[Any]":
    """Say which codes stand for no place."""
    return codes.str.startswith("BU").fillna(False) & codes.str[-4:].isin(FICTIVE)


def figures(data: pd.DataFrame, columns: Columns) -> Figures:
    """Read the key figures of a table. What CBS suppresses is missing with its reason, never 0.

    A share becomes a number with the total that it is a share of, rounded; of a total that is missing it is missing
    for the same reason. A figure that no column tells of is no column of the answer.
    """
    flaws: list[Flawed] = []
    parts = {name: _read(data, getattr(columns, name), flaws) for name in FIGURES if getattr(columns, name)}
    for name, of, percent in SHARES:
        column = getattr(columns, percent)
        if name not in parts and column and of in parts:
            parts[name] = _share(_read(data, column, flaws, most=100), parts[of])
    flaws += _too_many(data, parts, columns)
    bad = data.index.isin([flaw.row for flaw in flaws])
    sound = {name: _Read(np.where(bad, np.nan, read.value), read.reason) for name, read in parts.items()}
    known = {name: pd.array(read.value, dtype="Float64").astype("Int64") for name, read in sound.items()}
    reasons = {name: pd.array(read.reason, dtype="string") for name, read in sound.items()}
    order = [name for name in FIGURES if name in parts]
    return Figures(
        pd.DataFrame(known, index=data.index, columns=order, dtype="Int64"),
        pd.DataFrame(reasons, index=data.index, columns=order, dtype="string"),
        sorted(flaws),
    )


SHARES = (
    ("residents_65", "residents", "residents_65_percent"),
    ("one_person_households", "households", "one_person_percent"),
)


class _Read(NamedTuple):
    """Numbers (NaN where missing) and reasons (None where there is a number), by row."""

    value: npt.NDArray[np.float64]
    reason: npt.NDArray[np.object_]


def _read(data: pd.DataFrame, column: str, flaws: list[Flawed], most: int | None = None) -> _Read:
    """Read one column: numbers, text with a decimal comma, CBS's codes for what is missing.

    most   of a share; without it, a number must be whole
    """
    value, strange = numbers(data[column])
    reason = np.full(len(value), None, dtype=object)
    reason[np.isnan(value)] = "not_given"
    reason[value <= OLDER_MISSING] = "not_given"
    for code, why in MISSING.items():
        reason[value == code] = why
    wrong = {"is no number": strange, "is negative: there cannot be fewer than none": (value < 0) & (reason == None)}  # noqa: E711
    if most is None:
        wrong["is not whole: people are counted"] = (value > 0) & (value % 1 != 0)
    else:
        wrong[f"is more than {most} per cent"] = value > most
    index, written = data.index.to_numpy(), data[column]
    for why, rows in wrong.items():
        value = np.where(rows, np.nan, value)
        flaws += [Flawed(int(index[at]), column, str(written.iloc[at]), why) for at in np.flatnonzero(rows)]
    return _Read(np.where(reason == None, value, np.nan), reason)  # noqa: E711


def numbers(values: "pd.Series[Any]") -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Read numbers as they come, with a decimal comma too: NaN where there is none, and where that is not for lack."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        read = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(read), read, np.nan), np.isinf(read)
    text = values.astype("string").fillna("").str.strip()
    empty = text.str.lower().isin(NOT_GIVEN)
    plain = text.str.replace(",", ".", regex=False).mask(empty)
    read = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    read = np.where(np.isfinite(read), read, np.nan)
    return read, np.isnan(read) & ~empty.to_numpy(dtype=bool)


def _share(percent: _Read, total: _Read) -> _Read:
    """Give so many per cent of a total as whole numbers, a half upwards."""
    value = np.floor(percent.value * total.value / 100 + 0.5)
    return _Read(value, np.where(np.isnan(total.value), total.reason, percent.reason))


ROUNDED_TO = 5  # CBS rounds each figure of a small area by itself: of 0 residents 5 may be 65 or over


def _too_many(data: pd.DataFrame, parts: Mapping[str, _Read], columns: Columns) -> list[Flawed]:
    """Find rows in which a part is larger than the whole."""
    flaws = []
    index = data.index.to_numpy()
    for part, whole, _ in SHARES:
        if part in parts and whole in parts:
            column, total = getattr(columns, part), getattr(columns, whole)
            for at in np.flatnonzero(parts[part].value > parts[whole].value + ROUNDED_TO):
                told = (
                    f"is more than {total} ({parts[whole].value[at]:g}): has the row shifted, or are columns swapped?"
                )
                flaws.append(Flawed(int(index[at]), column or part, f"{parts[part].value[at]:g}", told))
    return flaws
