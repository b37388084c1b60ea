"""A mapping says, in TOML, what the columns of a file of assets mean. It is checked whole before a row is read.

    source = "Gemeente Voorbeeld"            # needed: what (source, source_id) begins with
    licence = "CC BY 4.0"
    source_id = "ID"                         # or several columns; without it: a hash of name and place or address

    [place]                                  # tried in this order; what a row leaves empty falls to the next
    geometry = true                          # the shapes of the file; `crs = 28992` where the file does not say it
    lon = "Lengte"                           # degrees, WGS 84
    lat = "Breedte"
    x = "X"                                  # metres, RD New
    y = "Y"
    address = ["Straat", "Nr", "Postcode"]   # looked up; columns.address, .postcode, .city must keep the same columns

    [columns]                                # field = column, or several that are joined
    name = "Naam"
    address = ["Straat", "Nr"]               # by a space, or { columns = ["Straat", "Nr"], separator = ", " }
    organisation.name = "Organisatie"
    accessibility.hearing_loop = "Ringleiding"

    [constants]                              # field = value of every row, where no column says otherwise
    city = "Voorbeeld"

    [values.Categorie]                       # what a value of a column stands for; of several columns the last wins
    "Buurtkamer" = { kind = "community_room", services = ["meeting"] }
    "School" = { skip = "a school is no place of the neighbourhood" }
    default = { kind = "care_location" }     # any other value; without it a row with one is refused; "" is no value

    [values.Soort]
    "Schoolbieb" = { skip = false }          # takes back what an earlier column left out
    default = {}

Columns that the mapping does not name are left alone, in the file and in what is stored.
"""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from geo.checks import text_flaws
from geo.errors import Flaw, InvalidInput
from geo.imports.cells import LISTS, NEEDED, READERS, TERMS, nearest, nearest_term, refuse_people, said
from geo.records import OWN

LARGEST = 200_000  # characters; a real one has a few thousand
TOP = ("source", "licence", "source_id", "place", "columns", "constants", "values")
IN_PLACE = ("geometry", "crs", "lon", "lat", "x", "y", "address")
IN_COLUMN = {"columns", "separator"}
ADDRESS = ("address", "postcode", "city")
DEFAULT = "default"
Told = dict[str, Any]


class Column(NamedTuple):
    """One column, or several whose texts are joined; an empty one adds nothing."""

    names: tuple[str, ...]
    separator: str = " "


class Place(NamedTuple):
    """How the place of a row is found, tried in this order: shapes, degrees, metres, and at last an address."""

    geometry: bool = False
    crs: int | None = None  # EPSG code of the shapes; None as the file says, and WGS 84 where it does not
    lonlat: tuple[str, str] | None = None
    xy: tuple[str, str] | None = None
    address: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What one value of a column stands for: values of fields, or why rows with it are left out.

    An empty `skip` takes back what an earlier column said; None says nothing of it.
    """

    sets: dict[str, Any]
    skip: str | None = None


class Mapping(NamedTuple):
    """What a file's columns mean. `outcomes` are by column and value; under `default` what is not named."""

    source: str
    licence: str | None
    source_id: tuple[str, ...]
    place: Place
    columns: dict[str, Column]
    constants: dict[str, Any]
    outcomes: dict[str, dict[str, Outcome]]

    def fields(self) -> frozenset[str]:
        """Name the fields that the source speaks of; all others belong to the people of this installation."""
        outcomes = (outcome for table in self.outcomes.values() for outcome in table.values())
        licence = {"licence"} if self.licence is not None else set()
        return frozenset({*self.columns, *self.constants, *licence}.union(*(outcome.sets for outcome in outcomes)))

    def texts(self) -> list[str]:
        """Name the columns that are read as text, each once."""
        joined = [column.names for column in self.columns.values()]
        return list(
            dict.fromkeys(n for each in (self.source_id, self.place.address, *joined, self.outcomes) for n in each)
        )

    def names(self) -> list[str]:
        """Name all columns that it needs, each once."""
        numbers = [pair for pair in (self.place.lonlat, self.place.xy) if pair]
        return list(dict.fromkeys(name for each in (self.texts(), *numbers) for name in each))


def parse(text: str, today: date) -> Mapping:
    """Read a mapping. Raises InvalidInput with every flaw at once, and what was probably meant."""
    told, flaws = _toml(text), list[Flaw]()
    flaws += _unknown("", told, TOP)
    mapping = Mapping(
        source=_text(told, "source", flaws) or "",
        licence=_text(told, "licence", flaws),
        source_id=_names("source_id", told["source_id"], flaws) if "source_id" in told else (),
        place=_place(_table(told, "place", flaws), flaws),
        columns=dict(_columns(_table(told, "columns", flaws), flaws)),
        constants=_values("constants", _table(told, "constants", flaws), today, flaws),
        outcomes=_outcomes(_table(told, "values", flaws), today, flaws),
    )
    flaws += _flaws(mapping)
    if flaws:
        said_all = "; ".join(f"{flaw.field}: {flaw.reason}" for flaw in flaws)
        raise InvalidInput(f"The mapping cannot be used. {said_all}", *flaws)
    return mapping


def fit(mapping: Mapping, found: list[str]) -> list[str]:
    """Give the columns that a mapping needs of those that a file has. Raises InvalidInput naming all that lack."""
    refuse_people(found)
    names = mapping.names()
    flaws = [Flaw(name, f"is no column of the file{nearest(name, found)}") for name in names if name not in found]
    if flaws:
        lacking = "; ".join(f"{flaw.field}: {flaw.reason}" for flaw in flaws)
        raise InvalidInput(
            f"The mapping does not fit the file. {lacking}. The file has: {', '.join(found) or 'no columns'}", *flaws
        )
    return names


def _toml(text: str) -> Told:
    if len(text) > LARGEST:
        raise InvalidInput(f"The mapping has more than {LARGEST} characters.", Flaw("mapping", "is too long"))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The mapping is no TOML: {error}", Flaw("mapping", f"is no TOML: {error}")) from None
    except RecursionError:
        raise InvalidInput("The mapping is nested too deeply.", Flaw("mapping", "is nested too deeply")) from None


def _unknown(where: str, told: Iterable[str], known: Iterable[str]) -> list[Flaw]:
    names = list(known)
    return [Flaw(f"{where}{key}", f"is no key of a mapping{nearest(key, names)}") for key in told if key not in names]


def _table(told: Told, name: str, flaws: list[Flaw]) -> Told:
    found = told.get(name, {})
    if isinstance(found, dict):
        return found
    flaws.append(Flaw(name, f"must be a table: [{name}]"))
    return {}


def _text(told: Told, name: str, flaws: list[Flaw], where: str = "") -> str | None:
    found = told.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not found.strip():
        flaws.append(Flaw(f"{where}{name}", "must be a text"))
        return None
    flaws += text_flaws(name, found)
    return found.strip()


def _names(field: str, told: object, flaws: list[Flaw]) -> tuple[str, ...]:
    """Read the name of a column, or a list of them."""
    names = [told] if isinstance(told, str) else told
    if isinstance(names, list) and names and all(isinstance(name, str) and name for name in names):
        return tuple(names)
    flaws.append(Flaw(field, "must be the name of a column, or a list of such names"))
    return ()


def _place(told: Told, flaws: list[Flaw]) -> Place:
    flaws += _unknown("place.", told, IN_PLACE)
    geometry, crs = told.get("geometry", False), told.get("crs")
    if not isinstance(geometry, bool):
        flaws.append(Flaw("place.geometry", "must be true or false"))
    if crs is not None and (not isinstance(crs, int) or not 1024 <= crs <= 999_999):
        flaws.append(Flaw("place.crs", "must be the number of an EPSG code, such as 28992"))
    address = _names("place.address", told["address"], flaws) if "address" in told else ()
    lonlat, xy = _pair(told, ("lon", "lat"), flaws), _pair(told, ("x", "y"), flaws)
    return Place(geometry is True, crs, lonlat, xy, address)


def _pair(told: Told, both: tuple[str, str], flaws: list[Flaw]) -> tuple[str, str] | None:
    given = [name for name in both if name in told]
    if len(given) == 1:
        other = both[1] if given[0] == both[0] else both[0]
        flaws.append(Flaw(f"place.{other}", f"is missing beside {given[0]}"))
    names = [name for key in given for name in _names(f"place.{key}", told[key], flaws)]
    return (names[0], names[1]) if len(names) == 2 else None


def _flat(told: Told, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give `{organisation = {url = …}}` as organisation.url; a plain organisation is its name."""
    for key, value in told.items():
        if isinstance(value, dict) and not value.keys() & IN_COLUMN and not prefix:
            yield from _flat(value, f"{key}.")
        else:
            yield "organisation.name" if f"{prefix}{key}" == "organisation" else f"{prefix}{key}", value


def _field(where: str, field: str, flaws: list[Flaw]) -> bool:
    if field not in READERS:
        flaws.append(Flaw(f"{where}.{field}", f"is no field of an asset{nearest(field, READERS)}"))
    return field in READERS


def _columns(told: Told, flaws: list[Flaw]) -> Iterator[tuple[str, Column]]:
    for field, value in _flat(told):
        if not _field("columns", field, flaws):
            continue
        asked = value if isinstance(value, dict) else {"columns": value}
        flaws += _unknown(f"columns.{field}.", asked, IN_COLUMN)
        separator = asked.get("separator", ";" if field in LISTS else " ")
        if not isinstance(separator, str):
            flaws.append(Flaw(f"columns.{field}.separator", "must be a text"))
            continue
        yield field, Column(_names(f"columns.{field}", asked.get("columns"), flaws), separator)


def _values(where: str, told: Told, today: date, flaws: list[Flaw]) -> dict[str, Any]:
    """Read values that the mapping itself gives, by field; an empty one takes away what another part says."""
    values: dict[str, Any] = {}
    for field, value in _flat(told):
        if not _field(where, field, flaws):
            continue
        if isinstance(value, dict) or isinstance(value, list) != (field in LISTS and not isinstance(value, str)):
            flaws.append(Flaw(f"{where}.{field}", "must be a list of texts" if field in LISTS else "must be one value"))
            continue
        parts = [str(each) for each in (value if isinstance(value, list) else [value])]
        known = TERMS.get(field)
        meant = "".join(nearest_term(part, known) for part in parts if part not in known) if known else ""
        found = said(field, ";".join(parts), today) if any(parts) else None
        flaws += [Flaw(f"{where}.{field}", f"{reason}{meant}") for reason in (found.reasons if found else ())]
        values[field] = found.value if found else None
    return values


def _outcomes(told: Told, today: date, flaws: list[Flaw]) -> dict[str, dict[str, Outcome]]:
    tables: dict[str, dict[str, Outcome]] = {}
    for column in told:
        where = f"values.{column}"
        tables[column] = {}
        for value, outcome in _table(told, column, flaws).items():
            if not isinstance(outcome, dict):
                flaws.append(
                    Flaw(f"{where}.{value}", 'must be a table, such as { kind = "community_room" } or { skip = "why" }')
                )
                continue
            rest = {field: each for field, each in outcome.items() if field != "skip"}
            skip = "" if outcome.get("skip") is False else _text(outcome, "skip", flaws, f"{where}.{value}.")
            if skip and rest:
                flaws.append(Flaw(f"{where}.{value}", "is left out by skip, so it can say nothing else"))
            tables[column][value] = Outcome(_values(f"{where}.{value}", rest, today, flaws), skip)
    return tables


def _flaws(mapping: Mapping) -> list[Flaw]:
    """Find what the parts of a mapping lack together."""
    fields, place = mapping.fields(), mapping.place
    flaws = [] if mapping.source else [Flaw("source", "is missing: give the name of the source")]
    if mapping.source == OWN:
        flaws.append(Flaw("source", f"{OWN!r} is what people add by hand: give the name of the source"))
    flaws += [
        Flaw(field, "nothing in the mapping says this, and every asset needs it")
        for field in NEEDED
        if field not in fields
    ]
    if place == Place() and not fields & {"neighbourhood", "catchment"}:
        flaws.append(Flaw("place", "nothing says where assets are: give geometry, lon and lat, x and y, or an address"))
    kept = {name for field in ADDRESS if field in mapping.columns for name in mapping.columns[field].names}
    lost = [name for name in place.address if name not in kept]
    if lost:
        reason = f"{', '.join(map(repr, lost))} must also be told under [columns], as address, postcode or city"
        flaws.append(Flaw("place.address", reason))
    return flaws
