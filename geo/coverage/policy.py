"""What a municipality has decided: how far is near, how sure is sure, how much is enough. A TOML file, or defaults."""

import math
import tomllib
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from geo.coverage.places import PARTS
from geo.errors import Flaw, InvalidInput

DECAYS = ("quadratic", "gaussian", "step")
CLASSES = ("none", "doubtful", "closed", "full", "served")  # a resident falls in the first that applies
MOST_M = 50_000.0
MOST = 1e300  # of any number; TOML knows larger ones, and nan


class Policy(NamedTuple):
    """What holds for one subject.

    norm_m          T: walking metres that count as within reach, inclusive
    decay           how a walk weighs up to T: quadratic 1 − (d/T)², gaussian (Dai 2010), or step (1)
    half_life_days  after how many days, past the grace, half of the certainty of a record is gone
    grace_days      how long a record that was confirmed is taken as certain
    min_open_hours  hours a week that something within reach must be open; fewer is `closed`
    supply_norm     places per resident; fewer within reach is `full`. 0 where there is no norm: nobody is `full`
    detour          walking metres per metre as the crow flies
    severity        how bad each of CLASSES is, from 0 to 1, never rising
    hours           length of each of the 21 parts of a week
    """

    norm_m: float = 800.0
    decay: str = "quadratic"
    half_life_days: float = 365.0
    grace_days: float = 180.0
    min_open_hours: float = 4.0
    supply_norm: float = 0.0
    detour: float = 1.3
    severity: tuple[float, ...] = (1.0, 0.5, 0.5, 0.25, 0.0)
    hours: tuple[float, ...] = (6.0,) * PARTS


class Policies(NamedTuple):
    """What holds for all subjects.

    base      of every subject that has nothing of its own
    kinds     of a kind, by name; services  of a service, by name
    scale     whether the points of a neighbourhood are scaled to its key figure of residents
    """

    base: Policy = Policy()
    kinds: Mapping[str, Policy] = MappingProxyType({})
    services: Mapping[str, Policy] = MappingProxyType({})
    scale: bool = False

    def of(self, kind: str | None = None, service: str | None = None) -> Policy:
        """Give what holds for a kind, or for a service."""
        return self.kinds.get(kind or "", self.services.get(service or "", self.base))

    def as_json(self) -> dict[str, Any]:
        """Give all of it as plain values, to be kept beside a result; `of_json` reads it back."""
        return {
            **self.base._asdict(), "scale_to_key_figure": self.scale,
            "kind": {name: policy._asdict() for name, policy in self.kinds.items()},
            "service": {name: policy._asdict() for name, policy in self.services.items()},
        }  # fmt: skip


def read(file: Path, base: Policy | None = None, over: Mapping[str, Any] | None = None) -> Policies:
    """Read a policy file; what is told `over` it goes before its keys at the top.

    raises InvalidInput naming each key that is unknown or wrong, and where the file ends
    """
    if not file.is_file():
        raise InvalidInput(f"There is no policy file {file}.", Flaw("policy", "is no file"))
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{file.name} cannot be read as TOML: {error}", Flaw("policy", "cannot be read")) from None
    return of_json({**told, **(over or {})}, base)


def of_json(told: Mapping[str, Any], base: Policy | None = None) -> Policies:
    """Make policies of plain values: keys at the top hold for all, those under `kind.NAME` and `service.NAME` for one.

    raises InvalidInput naming each key that is unknown or wrong
    """
    flaws: list[Flaw] = []
    top = {key: value for key, value in told.items() if key not in ("kind", "service", "scale_to_key_figure")}
    general = _policy(top, base or Policy(), "", flaws)
    named = {
        table: {name: _policy(keys, general, f"{table}.{name}.", flaws) for name, keys in _table(told, table, flaws)}
        for table in ("kind", "service")
    }
    scale = told.get("scale_to_key_figure", False)
    if not isinstance(scale, bool):
        flaws.append(Flaw("scale_to_key_figure", f"is {scale!r}, not true or false"))
    if flaws:
        raise InvalidInput("The policy is wrong: " + "; ".join(f"{f.field} {f.reason}" for f in flaws) + ".", *flaws)
    return Policies(general, named["kind"], named["service"], scale)


def check_names(policies: Policies, kinds: Collection[str], services: Collection[str]) -> None:
    """Refuse policies of a kind or service that there is not, with InvalidInput naming each and what is like it."""
    flaws = [
        Flaw(f"{table}.{name}", f"is none; {_like(name, known)}")
        for table, told, known in (("kind", policies.kinds, kinds), ("service", policies.services, services))
        for name in told
        if name not in known
    ]
    if flaws:
        raise InvalidInput("The policy is wrong: " + "; ".join(f"{f.field} {f.reason}" for f in flaws) + ".", *flaws)


def _like(name: str, known: Collection[str]) -> str:
    like = get_close_matches(name, known, n=1)
    return f"did you mean {like[0]}?" if like else f"there are {', '.join(sorted(known))}"


def _table(told: Mapping[str, Any], table: str, flaws: list[Flaw]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    tables = told.get(table, {})
    if not isinstance(tables, Mapping) or not all(isinstance(keys, Mapping) for keys in tables.values()):
        flaws.append(Flaw(table, f"must hold tables, as in [{table}.NAME]"))
        return []
    return list(tables.items())


def _policy(keys: Mapping[str, Any], base: Policy, where: str, flaws: list[Flaw]) -> Policy:
    """Lay the keys that are told over a policy, and note what is wrong with them."""
    values: dict[str, Any] = {}
    for key, value in keys.items():
        reason = _wrong(key, value) if key in Policy._fields else _unknown(key, where)
        if reason:
            flaws.append(Flaw(where + key, reason))
        elif key == "severity":
            values[key] = _severity(value)
        else:
            values[key] = tuple(float(hours) for hours in value) if key == "hours" else value
    plain: dict[str, Any] = {key: float(value) if _number(value) else value for key, value in values.items()}
    return base._replace(**plain)


def _unknown(key: str, where: str) -> str:
    known = Policy._fields if where else (*Policy._fields, "scale_to_key_figure", "kind", "service")
    like = get_close_matches(key, known, n=1)
    return f"is not known: did you mean {like[0]}?" if like else f"is not one of: {', '.join(known)}"


def _severity(value: Any) -> tuple[float, ...]:
    listed = [value[name] for name in CLASSES if name in value] if isinstance(value, Mapping) else list(value)
    return tuple(float(each) for each in (*listed, *[0.0] * (len(CLASSES) - len(listed))))


_RANGES: dict[str, tuple[float, float, str]] = {
    "norm_m": (1e-9, MOST_M, f"must be metres above 0, at most {MOST_M:,.0f}"),
    "half_life_days": (1e-9, math.inf, "must be days above 0"),
    "grace_days": (0, math.inf, "must be days, 0 or more"),
    "min_open_hours": (0, 168, "must be hours a week, 0 to 168"),
    "supply_norm": (0, math.inf, "must be places per resident, 0 or more"),
    "detour": (1, 5, "must be from 1 to 5"),
}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def _wrong(key: str, value: Any) -> str | None:
    """Say why a value cannot be; None where it can."""
    if key == "decay":
        return None if value in DECAYS else f"is {value!r}, not one of: {', '.join(DECAYS)}"
    if key in _RANGES:
        low, high, words = _RANGES[key]
        return None if _number(value) and low <= value <= high and math.isfinite(value) else f"is {value!r}: {words}"
    if key == "severity":
        return _wrong_severity(value)
    right = isinstance(value, list | tuple) and len(value) == PARTS and all(_number(h) and 0 <= h <= 24 for h in value)
    return None if right else f"must list the lengths of the {PARTS} parts of a week in hours, Monday morning first"


def _wrong_severity(value: Any) -> str | None:
    """Refuse severities that rise from one class to the next: then one asset more could make a gap larger."""
    words = f"must list how bad {', '.join(CLASSES)} are, from 0 to 1, none worse than the one before it"
    if isinstance(value, Mapping):
        if not set(CLASSES[:-1]) <= set(value) <= set(CLASSES):
            return words
        value = [value[name] for name in CLASSES if name in value]
    if not isinstance(value, list | tuple) or len(value) not in (len(CLASSES) - 1, len(CLASSES)):
        return words
    right = all(_number(each) and 0 <= each <= 1 for each in value)
    return None if right and list(value) == sorted(value, reverse=True) else words
