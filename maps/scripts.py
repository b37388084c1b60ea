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
        "neighbour": say("A neighbour who offers something"),
        "neighbours": say("%(count)s neighbours close together; open to see them apart"),
        "neighbours_on": say("Spots of neighbours are moved on purpose."),
        "neighbours_none": say("Nobody offers this yet to neighbours who are signed in."),
        "neighbours_nobody": say("No neighbour is on the map yet."),
        "neighbours_failed": say("The neighbours could not be fetched."),
        "hours": say("%(number)s h"),
        "unknown": say("unknown"),
        **_asking(reader),
        **_plans(reader),
        **_siting(reader),
    }


def _asking(reader: Reader) -> dict[str, str]:
    say = reader.say
    return {
        "ask_offline": say("The service does not answer. Try again in a moment."),
        "ask_busy": say("What works this out is not running, or has too much to do just now. Try again in a moment."),
        "ask_gone": say("One of these places is no longer there. Reload the page and try again."),
        "ask_wrong": say("This cannot be worked out: it is too much at once, or too far away."),
        "ask_failed": say("Something went wrong on our side. Try again in a moment."),
    }


def _plans(reader: Reader) -> dict[str, str]:
    say = reader.say
    return {
        "plan_where": say("Choose on the map where %(one)s would come."),
        "plan_waiting": say("Working out what changes…"),
        "plan_added": say("A new place"),
        "plan_added_in": say("A new place in %(name)s"),
        "plan_closed": say("%(name)s closes"),
        "plan_gain": say("%(count)s more residents get %(one)s within walking distance."),
        "plan_gain_one": say("%(count)s more resident gets %(one)s within walking distance."),
        "plan_loss": say("%(count)s residents are left without one within walking distance."),
        "plan_loss_one": say("%(count)s resident is left without one within walking distance."),
        "plan_same": say("Just as many residents as now have %(one)s within walking distance."),
        "plan_whole": say("Gap score of everything together: %(before)s becomes %(after)s."),
        "plan_whole_same": say("Gap score of everything together: it stays %(after)s."),
        "plan_several": say("%(count)s changes at once"),
        "plan_becomes": say("becomes: %(value)s"),
        "plan_more": say("Another place…"),
        "plan_nothing": say("No neighbourhood changes."),
        "plan_neighbourhood": say("Neighbourhood"),
        "plan_uncovered": say("Beyond reach"),
        "plan_gap": say("Gap score"),
    }


def _siting(reader: Reader) -> dict[str, str]:
    say = reader.say
    return {
        "siting_busy": say("Looking for the best places: %(seconds)s s…"),
        "siting_none": say("No place would help here: nobody is beyond reach who could be reached from one."),
        "siting_gained": say("This brings %(gained)s of the %(uncovered)s residents beyond reach within reach."),
        "siting_proven": say("Proven: as many places elsewhere cannot do better."),
        "siting_bound": say("Not proven: other places could reach at most %(percent)s percent more."),
        "siting_site": say("%(count)s residents more within reach"),
        "siting_near": say("%(count)s other places are almost as good"),
        "siting_near_one": say("one other place is almost as good"),
        "siting_outside": say("outside all neighbourhoods"),
        "siting_take": say("Try these on the map"),
    }
