"""What a municipality has decided, in words: how far is near, how sure is sure, how much is enough."""

from geo.coverage.policy import CLASSES, Policy
from maps.cards import Fact
from maps.gap_words import Subject
from maps.reader import Reader, message
from maps.runs import Run

CLASS_NAMES = {
    "none": message("no place"),
    "doubtful": message("uncertain"),
    "closed": message("shut"),
    "full": message("full"),
    "served": message("served"),
}
CLASS_MEANINGS = {
    "none": message("nothing within %(norm)s on foot"),
    "doubtful": message("not confirmed for so long that it may well be gone (less than half certain)"),
    "closed": message("all together open fewer than %(hours)s a week, or hours not known"),
    "full": message("fewer than %(supply)s places per 1,000 residents"),
    "served": message("none of these"),
}
_DECAYS = {
    "quadratic": message(
        "The farther the walk, the less a place counts for somebody: half as much at 7/10 of the limit."
    ),
    "gaussian": message("The farther the walk, the less a place counts for somebody, slowly at first (a bell curve)."),
    "step": message("Every place within the limit counts the same, near or far."),
}


def class_name(key: str, reader: Reader) -> str:
    """Name one of the five classes of residents."""
    return reader.say(CLASS_NAMES[key])


def policy_facts(run: Run, subject: Subject, reader: Reader) -> list[Fact]:
    """Tell all that was decided for one subject, as questions and answers."""
    policy = run.policies.of(subject.kind, subject.service)
    return [
        Fact(reader.say("Within reach"), [_reach(policy, run, reader)]),
        Fact(reader.say("Weight of a walk"), [reader.say(_DECAYS[policy.decay])]),
        Fact(reader.say("Certainty"), [_certainty(policy, reader)]),
        Fact(reader.say("Hours open"), [_open(policy, reader)]),
        Fact(reader.say("Enough places"), [_supply(policy, reader)]),
        Fact(reader.say("Gap score"), [_score(reader), *_severities(policy, reader)]),
    ]


def _reach(policy: Policy, run: Run, reader: Reader) -> str:
    values = {"norm": reader.distance(policy.norm_m), "detour": reader.decimal(policy.detour)}
    if run.walks == "network":
        return reader.say(
            "%(norm)s on foot or less, along the streets; far from any street as the crow flies × %(detour)s.", values
        )
    return reader.say("%(norm)s on foot or less: as the crow flies × %(detour)s.", values)


def _certainty(policy: Policy, reader: Reader) -> str:
    values = {"grace": reader.number(policy.grace_days), "half": reader.number(policy.half_life_days)}
    return reader.say(
        "A place that was confirmed counts as certain for %(grace)s days; after that half of the certainty goes every "
        "%(half)s days. Never confirmed is not certain at all. Each record counts by itself: "
        "that one is wrong says nothing of the next.",
        values,
    )


def _open(policy: Policy, reader: Reader) -> str:
    hours = reader.hours(policy.min_open_hours)
    return reader.say(
        "At least %(hours)s a week, all places within reach together. Unknown hours count as closed.", {"hours": hours}
    )


def _supply(policy: Policy, reader: Reader) -> str:
    if not policy.supply_norm:
        return reader.say("No norm was set, so nobody counts as living near places that are full.")
    number = reader.decimal(1000 * policy.supply_norm)
    return reader.say("At least %(supply)s places per 1,000 residents who can walk there.", {"supply": number})


def _score(reader: Reader) -> str:
    return reader.say("Everybody falls in the first class that fits, and counts for as much as stands before it:")


def _severities(policy: Policy, reader: Reader) -> list[str]:
    values = {
        "norm": reader.distance(policy.norm_m),
        "hours": reader.hours(policy.min_open_hours),
        "supply": reader.decimal(1000 * policy.supply_norm),
    }
    told = []
    for key, severity in zip(CLASSES, policy.severity, strict=True):
        if key == "full" and not policy.supply_norm:
            continue
        meaning = reader.say(CLASS_MEANINGS[key], values)
        told.append(f"{reader.decimal(severity)} – {class_name(key, reader)}: {meaning}")
    return told
