"""Why a neighbourhood has its gap score, and what would help most: sentences a council member can repeat."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from geo.coverage.policy import Policy
from maps.gap_words import FEWEST_RESIDENTS, Properties, Subject
from maps.reader import Reader, message
from maps.rows import Feature, middle

_LISTED = 3  # names in one sentence


class Place(NamedTuple):
    """A place named in an explanation, and how many residents it is about; (lon, lat) where it has a spot."""

    id: str
    name: str
    people: float
    hours_known: bool
    lon: float | None
    lat: float | None


class Reasons(NamedTuple):
    """What is told of one neighbourhood from. `places` hold the assets that the visitor may see, by their id."""

    p: Properties
    subject: Subject
    policy: Policy
    places: Mapping[str, Feature]

    def named(self, what: str) -> list[Place]:
        """Name the places of one list (carriers, fragile, checks), most people first, without what is gone since."""
        pairs = (self.p["why"] or {}).get(what, [])
        return [
            _place(self.places[str(asset)], str(asset), people) for asset, people in pairs if str(asset) in self.places
        ]

    @property
    def reason(self) -> str:
        """Give the key of the main reason; empty where an older run does not tell it."""
        return str((self.p["why"] or {}).get("reason", ""))


def _place(feature: Feature, asset: str, people: float) -> Place:
    told, spot = feature["properties"], middle(feature["geometry"])
    return Place(asset, told["name"], people, bool(told["opening_hours"]), *spot)


_MAIN = {
    "doubtful": message(
        "For %(people)s of %(residents)s residents there is %(one)s within %(norm)s on foot, but not confirmed for so "
        "long that it may well be gone."
    ),
    "closed": message(
        "For %(people)s of %(residents)s residents there is %(one)s within %(norm)s on foot, but all together open "
        "fewer than %(hours)s a week."
    ),
    "full": message(
        "For %(people)s of %(residents)s residents there is %(one)s within %(norm)s on foot, but with fewer than "
        "%(supply)s places per 1,000 residents."
    ),
}


def sentences(told: Reasons, reader: Reader) -> list[str]:
    """Tell the main reason first, then how many can walk to one, and to which."""
    p = told.p
    if p["residents"] is None:
        return [reader.say("How many people live here is not known, so nothing can be calculated.")]
    if p["covered"] is None:
        return [reader.say("Nobody lives here.")]
    lines = [*_main(told, reader), _reach(told, reader), *_nearest(p, reader), *_catchment(p, reader)]
    if p["residents"] < FEWEST_RESIDENTS:
        count = reader.number(FEWEST_RESIDENTS)
        lines.append(reader.say("Fewer than %(count)s people live here: shares say little.", {"count": count}))
    return lines


def _values(told: Reasons, reader: Reader) -> dict[str, object]:
    return {
        "residents": reader.number(told.p["residents"]),
        "norm": reader.distance(told.policy.norm_m),
        "one": told.subject.one(reader),
        "hours": reader.hours(told.policy.min_open_hours),
        "supply": reader.decimal(1000 * told.policy.supply_norm),
    }


def _main(told: Reasons, reader: Reader) -> list[str]:
    """Tell a reason that is not about distance; how far people live is told by `_reach`."""
    people = told.p.get(f"people_{told.reason}")
    if told.reason not in _MAIN or people is None:
        return []
    lines = [reader.say(_MAIN[told.reason], {**_values(told, reader), "people": reader.number(people)})]
    unknown = sum(not place.hours_known for place in told.named("carriers"))
    if told.reason == "closed" and unknown:
        lines.append(
            reader.say_many(
                "Of %(count)s the opening hours are not known.", "Of %(count)s the hours are not known.", unknown
            )
        )
    return lines


def _reach(told: Reasons, reader: Reader) -> str:
    values = _values(told, reader)
    residents, beyond = round(told.p["residents"]), round(told.p["uncovered"])
    values["beyond"] = reader.number(beyond)
    if beyond == 0 and round(told.p["covered_by_catchment"] or 0):
        return reader.say(
            "All %(residents)s residents have %(one)s within %(norm)s on foot, or one that works for this area.", values
        )
    if beyond == 0:
        return reader.say("All %(residents)s residents live within %(norm)s on foot of %(one)s.", values)
    if beyond == residents:
        return reader.say("None of the %(residents)s residents lives within %(norm)s on foot of %(one)s.", values)
    return reader.say("%(beyond)s of %(residents)s residents live farther than %(norm)s on foot from %(one)s.", values)


def _nearest(p: Properties, reader: Reader) -> list[str]:
    if p["nearest_m"] is None:
        return [reader.say("There is none on the map.")]
    values = {"name": p["nearest_name"], "distance": reader.distance(p["nearest_m"])}
    if p["nearest_name"] is None:  # gone since the run
        return [reader.say("The nearest is typically %(distance)s away.", values)]
    if not round(p["nearest_m"]):  # people live inside it, or it comes to them
        return [reader.say("The nearest is most often %(name)s, which needs no walk.", values)]
    if round(p["uncovered"]):
        return [reader.say("For them the nearest is most often %(name)s, typically %(distance)s away.", values)]
    return [reader.say("The nearest is most often %(name)s, typically %(distance)s away.", values)]


def _catchment(p: Properties, reader: Reader) -> list[str]:
    count = round(p["covered_by_catchment"] or 0)
    if not count:
        return []
    return [
        reader.say_many(
            "%(count)s resident counts as reached only because something without an address works for this area.",
            "%(count)s residents count as reached only because something without an address works for this area.",
            count,
        )
    ]


def help_words(told: Reasons, reader: Reader) -> str:
    """Say what would help most; empty where nothing is missing, or too few live there to say."""
    if told.reason == "none":
        return reader.say("What would help most: a place nearby.")
    if told.reason == "doubtful":
        places = told.named("checks")[:_LISTED]
        if not places:
            return reader.say("What would help most: checking what is on the map.")
        return reader.say_many(
            "What would help most: checking whether %(names)s is still there.",
            "What would help most: checking whether %(names)s are still there.",
            len(places),
            {"names": _names(places, reader)},
        )
    if told.reason == "closed":
        names = _names([place for place in told.named("carriers") if not place.hours_known], reader)
        if not names:
            return reader.say("What would help most: longer opening hours.")
        return reader.say("What would help most: asking %(names)s for the opening hours.", {"names": names})
    if told.reason == "full":
        return reader.say("What would help most: more room, or a place nearby.")
    return ""


def loss_words(told: Reasons, reader: Reader) -> str:
    """Say what the closing of one place would cost; empty where no closing would."""
    for place in told.named("fragile")[:1]:
        if round(place.people):
            values = {"name": place.name}
            return reader.say_many(
                "If %(name)s closes, %(count)s resident is left without a place within walking distance.",
                "If %(name)s closes, %(count)s residents are left without a place within walking distance.",
                round(place.people),
                values,
            )
    return ""


def _names(places: Sequence[Place], reader: Reader) -> str:
    return reader.listed([place.name for place in places[:_LISTED]])


def volunteers(p: Properties, reader: Reader) -> list[str]:
    """Tell how many volunteers there are, as far as that is told."""
    if p["volunteers"] is None:
        return [reader.say("Fewer than 15 volunteers are known here; so few are not counted out loud.")]
    told = reader.say_many(
        "About %(count)s volunteer is known here.", "About %(count)s volunteers are known here.", p["volunteers"]
    )
    rounded = reader.say("Numbers are rounded to 5, and distances are not measured: volunteers are people.")
    if p["per_1000"] is None:
        return [told, rounded]
    per_1000 = reader.say("That is %(number)s per 1,000 residents.", {"number": reader.tenths(p["per_1000"])})
    return [told, per_1000, rounded]
