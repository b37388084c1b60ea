"""The words that the scripts of a page say, in the reader's language. They reach the page as data."""

from functools import cache

from maps.reader import Reader
from maps.rows import SHOWN


@cache
def script_texts(reader: Reader) -> dict[str, str]:
    """Give every text that a script may show, by the name under which the scripts know it."""
    say = reader.say
    kinds = {f"kind_{key}": term.label(reader.language) for key, term in SHOWN.items()}
    return {
        **kinds,
        "zoom_in": say("Zoom in"),
        "zoom_out": say("Zoom out"),
        "cluster": say("%(count)s close together; open to see them apart"),
        "map_failed": say("The map could not be filled."),
        "list_failed": say("The list could not be fetched."),
        "card_failed": say("This card could not be fetched."),
        "near_on": say("Nearest first, as the crow flies. Your location stays in this browser."),
        "near_refused": say("Your browser did not give your location."),
        "near_busy": say("Looking up where you are…"),
    }
