"""From what is asked to an order: which importer, with which options."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from geo.errors import Flaw, InvalidInput
from geo.imports import assets, boundaries, dwellings, figures, jobs, network, osm, squares
from geo.vocabulary import What


class Importer(NamedTuple):
    """An importer: what can be said of its file, and what it does with a task and such options."""

    options: Any
    load: Any


IMPORTERS: dict[What, Importer] = {
    What.boundaries: Importer(boundaries.Options, boundaries.load),
    What.figures: Importer(figures.Options, figures.load),
    What.dwellings: Importer(dwellings.Options, dwellings.load),
    What.squares: Importer(squares.Options, squares.load),
    What.assets: Importer(assets.Options, assets.load),
    What.osm: Importer(osm.Options, osm.load),
    What.network: Importer(network.Options, network.load),
}


def order(what: What, options: Mapping[str, object], *, skip_bad: bool) -> jobs.Order:
    """Make the order for an import. What is None or not said is as the importer's options say.

    raises InvalidInput naming each option that the importer does not have or cannot take
    """
    importer = IMPORTERS.get(what)
    if importer is None:
        raise InvalidInput(f"{what.value} is not imported from a file.", Flaw("what", "is not imported from a file"))
    given = {name: value for name, value in options.items() if value is not None}
    known = importer.options._fields
    flaws = [Flaw(name, _unknown(name, known)) for name in given if name not in known]
    if flaws:
        raise InvalidInput("; ".join(f"{flaw.field} {flaw.reason}" for flaw in flaws), *flaws)
    try:
        made = TypeAdapter(importer.options).validate_python(given, strict=True)
    except ValidationError as error:
        wrong = [Flaw(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors(include_input=False)]
        raise InvalidInput("; ".join(f"{flaw.field}: {flaw.reason}" for flaw in wrong), *wrong) from None
    return jobs.Order(what, partial(importer.load, options=made), made._asdict(), skip_bad)


def _unknown(name: str, known: tuple[str, ...]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return "is not an option of this import" + (f"; the nearest is {nearest[0]}" if nearest else "")
