"""What every page shares: the language, the nonce, the header, the words for the scripts; and the error page."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from geo.vocabulary import Role
from maps import files
from maps.reader import LANGUAGES, Reader, plural_forms, single_form
from maps.rows import SHOWN
from maps.scripts import script_texts

TEMPLATES = Path(__file__).parent / "templates"

Box = tuple[float, float, float, float]  # west, south, east, north, degrees


class Ground(NamedTuple):
    """What lies under a map: the address of tiles (empty for none), whom to thank, and where to look first."""

    tile_url: str
    attribution: str
    bounds: Box | None


@dataclass(frozen=True)
class Frame:
    """One page for one reader. `path` and `query` are those of the request; `municipality` may be empty.

    person   what who is signed in is called; empty where nobody is, None where that is not known
    role     as what they are signed in; None where nobody is
    """

    reader: Reader
    nonce: str
    path: str
    query: str
    municipality: str
    ground: Ground
    person: str | None = None
    role: Role | None = None

    @property
    def sees_offers(self) -> bool:
        """Tell whether the page of what people offer is for this reader."""
        return self.role in (Role.broker, Role.admin)

    def in_language(self, language: str) -> str:
        """Give the address of this same page in another language."""
        kept = [(name, value) for name, value in parse_qsl(self.query) if name != "lang"]
        return f"{self.path}?{urlencode([*kept, ('lang', language)])}"

    @property
    def way_in(self) -> str:
        """Give the address at which to sign in, and then come back to this page."""
        back = "" if self.path.startswith(("/sign-in", "/welcome", "/account")) else self.path
        return f"/sign-in?{urlencode({'next': back})}" if back else "/sign-in"


@cache
def environment(language: str) -> Environment:
    """Make the templates of one language: every value is escaped, a missing one is an error, not a blank."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )

    def one(text: str) -> str:
        return single_form(language, text)

    def many(single: str, plural: str, count: int) -> str:
        return (plural_forms(language, single) or (single, plural))[0 if count == 1 else 1]

    made.install_gettext_callables(one, many, newstyle=True)  # type: ignore[attr-defined]
    return made


def render(template: str, frame: Frame, values: Mapping[str, object]) -> str:
    """Fill a template for a reader."""
    reader = frame.reader
    shared: dict[str, object] = {
        "frame": frame,
        "reader": reader,
        "languages": LANGUAGES,
        "address": files.address,
        "files": files,
        "import_map": files.import_map(),
        "script_texts": script_texts(reader),
    }
    return environment(reader.language).get_template(template).render({**shared, **values})


def error_page(frame: Frame, status: int, detail: str = "") -> str:
    """Say in the frame of the site what went wrong. `detail` tells, in English, what was wrong with what was asked."""
    say = frame.reader.say
    told = {
        400: (say("This address is not right"), say("The address asks for something we do not know.")),
        401: (say("Sign in first"), say("This is for people who are signed in.")),
        403: (say("You may not see this"), say("You need more rights for this page.")),
        404: (
            say("This page does not exist"),
            say("Perhaps the place has closed or the activity is over. You can look it up on the map."),
        ),
        429: (say("One moment, please"), say("You asked for more than we can handle at once. Try again in a while.")),
        503: (say("The map is not available for a moment"), say("Try again in a few minutes.")),
    }
    if detail:  # a form that did not come from a page of ours, or from one that was too old
        told[403] = (say("This could not be sent"), say("Open the page again, and send it once more."))
    failed = (say("Something went wrong"), say("That is our fault, not yours. Try again in a moment."))
    title, text = told.get(status, told[400] if status < 500 else failed)
    return render("error.html", frame, {"title": title, "text": text, "status": status, "detail": detail})


def about_page(frame: Frame, parameters: Mapping[str, str], schematic: bool) -> str:
    """Tell what this is, where the data come from, and how gaps are reckoned. `parameters`: norm, detour, lattice."""
    say = frame.reader.say
    texts = {
        "community_room": say("A place where neighbours can walk in: a community room, a village hall, a library."),
        "initiative": say("Something that residents set up together."),
        "care_location": say("A place where care is given or arranged."),
        "activity": say("Something that takes place once or every week."),
    }
    kinds = [(key, term.label(frame.reader.language), texts[key]) for key, term in SHOWN.items()]
    host = urlsplit(frame.ground.tile_url).hostname or ""
    values = {"kinds": kinds, "parameters": parameters, "schematic": schematic, "tile_host": host}
    return render("about.html", frame, values)
