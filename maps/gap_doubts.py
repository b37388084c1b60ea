"""How sure the figures of a neighbourhood are, in words: the interval and what it means, and what is not known."""

from geo.coverage.policy import Policy
from maps.gap_figures import interval
from maps.gap_words import Properties
from maps.reader import Reader, message

_NARROWER, _WIDER = 0.8, 1.2  # of the norm: what the band of a run is made for

_MEANINGS = {
    ("squares", "line"): message(
        "CBS counts residents in squares of 100 by 100 metres, not at their door: wherever in their square they live, "
        "the share lies between %(low)s and %(high)s."
    ),
    ("squares", "network"): message(
        "CBS counts residents in squares of 100 by 100 metres, not at their door: the share probably lies between "
        "%(low)s and %(high)s."
    ),
    ("lattice", "line"): message(
        "All we know is that these people live somewhere in this neighbourhood: depending on where, the share lies "
        "between %(low)s and %(high)s."
    ),
    ("lattice", "network"): message(
        "All we know is that these people live somewhere in this neighbourhood: depending on where, the share probably "
        "lies between %(low)s and %(high)s."
    ),
    ("mixed", "line"): message(
        "Of some residents we know the square or the address, of others only the neighbourhood: the share lies between "
        "%(low)s and %(high)s."
    ),
    ("mixed", "network"): message(
        "Of some residents we know the square or the address, of others only the neighbourhood: the share probably "
        "lies between %(low)s and %(high)s."
    ),
}


def share_words(p: Properties, reader: Reader) -> str:
    """Tell the share within reach with its interval: 58% (41–76%)."""
    told = reader.percent(p["covered_share"])
    between = interval(p, reader)
    return f"{told} ({between})" if between else told


def doubts(p: Properties, policy: Policy, walks: str, reader: Reader) -> list[str]:
    """Tell all that makes the figures uncertain; `walks` is `line` or `network`. Empty where residents are unknown."""
    if p["covered_share"] is None or p["demand_source"] is None:
        return []
    return [
        *_interval(p, walks, reader), *_band(p, policy, reader), *_secret(p, reader), *_edge(p, reader),
        *_fallback(p, reader),
    ]  # fmt: skip


def _interval(p: Properties, walks: str, reader: Reader) -> list[str]:
    known_by = p["demand_source"], walks
    if p["demand_source"] == "addresses":
        return [
            reader.say(
                "People are counted at their addresses, evenly where no numbers are told: no margin can be given."
            )
        ]
    if p["covered_lo"] is None or known_by not in _MEANINGS:
        return []
    low, high = reader.percent(p["covered_lo"]), reader.percent(p["covered_hi"])
    if p["covered_lo"] == p["covered_hi"] and walks == "line":
        return [reader.say("Wherever exactly people live here, the share within reach stays the same.")]
    return [reader.say(_MEANINGS[known_by], {"low": low, "high": high})]


def _band(p: Properties, policy: Policy, reader: Reader) -> list[str]:
    if p["band_lo"] is None or p["band_hi"] is None:
        return []
    values = {
        "near": reader.distance(_NARROWER * policy.norm_m), "low": reader.percent(p["band_lo"]),
        "far": reader.distance(_WIDER * policy.norm_m), "high": reader.percent(p["band_hi"]),
    }  # fmt: skip
    return [reader.say("With a limit of %(near)s it would be %(low)s, with %(far)s it would be %(high)s.", values)]


def _secret(p: Properties, reader: Reader) -> list[str]:
    people = round(p["unknown_residents"] or 0)
    if not people:
        return []
    return [
        reader.say_many(
            "Where %(count)s resident lives, CBS keeps secret; they are in no figure.",
            "Where about %(count)s residents live, CBS keeps secret; they are in no figure.",
            people,
        )
    ]


def _edge(p: Properties, reader: Reader) -> list[str]:
    if not p["edge_share"]:
        return []
    share = reader.percent(p["edge_share"])
    return [
        reader.say(
            "%(share)s live nearer to the edge of the map than to one of these: beyond it there may be one that we do "
            "not know.",
            {"share": share},
        )
    ]


def _fallback(p: Properties, reader: Reader) -> list[str]:
    if not p["fallback_share"]:
        return []
    share = reader.percent(p["fallback_share"])
    return [
        reader.say("For %(share)s there is no street on the map nearby: measured as the crow flies.", {"share": share})
    ]
