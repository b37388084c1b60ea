"""What the map of gaps says: classes and legend, the ranking, and the card that explains a neighbourhood."""

from datetime import UTC, datetime
from typing import Any

import pytest

from geo.coverage.policy import CLASSES, Policies, Policy
from maps.broker import Asked, Column, columns, instead
from maps.gap_card import GapCard, Look, gap_card
from maps.gap_doubts import doubts, share_words
from maps.gap_figures import cell_of, day_part
from maps.gap_measures import MEASURES, OF_GROUPS, VOLUNTEERS, Shown, band_of, bands, shown, value_words
from maps.gap_words import EVERYONE, GROUPS, Subject, span
from maps.policy_words import policy_facts
from maps.ranking import Ranking, change_words, rows_of, sort_of
from maps.reader import Reader
from maps.runs import AtWork, Run, run_choices, when, work_words
from maps.since import Because, Since, since_words

NL, EN = Reader("nl"), Reader("en")
ROOM, PEOPLE = Subject("community_room", None), Subject("volunteer", None)
POLICY = Policy(supply_norm=0.012)
NOW = Run("live", datetime(2026, 11, 22, 9, tzinfo=UTC), True, 100.0, "line", Policies(POLICY))
THEN = NOW._replace(id="then", live=False, computed_at=datetime(2026, 10, 21, 9, tzinfo=UTC))
SCORE = Shown("gap", EVERYONE)
UNTOLD = dict.fromkeys(
    """mean_m reached_share depth_m fgt1 choice fragile_share crowding certain_share open_hours worst_part
    worst_part_share covered_lo covered_hi band_lo band_hi unknown_residents edge_share fallback_share demand_source
    per_1000 volunteers median_m p90_m covered_by_catchment assets_in_reach assets_across_border nearest_m
    nearest_name""".split()
)


def coverage(**changed: object) -> dict[str, Any]:
    """Make a row of coverage: of 1,000 residents 400 without, 100 uncertain, 200 shut, 100 full, 200 served.

    gap = 100 × (400 × 1 + 100 × ½ + 200 × ½ + 100 × ¼) / 1,000 = 57.5
    """
    told = {
        "neighbourhood": "BU1.2024", "name": "Haaswijk-Oost", "kind": "community_room", "schematic": False,
        "residents": 1000.0, "covered": 600.0, "covered_share": 0.6, "uncovered": 400.0,
        "people_none": 400.0, "people_doubtful": 100.0, "people_closed": 200.0, "people_full": 100.0,
        "people_served": 200.0, "gap": 57.5, "groups": {}, "why": {"reason": "none"},
    }  # fmt: skip
    return {"properties": {**UNTOLD, **told, **changed}}


def asset(name: str, hours: str | None = "Mo-Fr 09:00-17:00") -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [4.47, 52.18]}
    return {"geometry": point, "properties": {"name": name, "opening_hours": hours}}


PLACES = {"1": asset("Dorpscentrum"), "2": asset("De Zwaan", None), "3": asset("Het Anker", None)}


def card(reader: Reader = NL, subject: Subject = ROOM, run: Run = NOW, **changed: object) -> GapCard:
    return gap_card(coverage(**changed), Look(subject, run, PLACES), reader)


def plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")


# ---- the classes of the map


@pytest.mark.parametrize(
    ("measure", "field", "at", "band"),
    [
        ("gap", "gap", 9.9, "0"), ("gap", "gap", 10.0, "1"), ("gap", "gap", 75.0, "4"),
        ("uncovered", "covered_share", 0.91, "0"), ("uncovered", "covered_share", 0.9, "1"),
        ("uncovered", "covered_share", 0.25, "4"), ("covered", "covered_share", 0.9, "0"),
        ("covered", "covered_share", 0.89, "1"), ("covered", "covered_share", 0.0, "4"),
        ("choice", "choice", 3.0, "0"), ("choice", "choice", 0.0, "4"),
        ("supply", "per_1000", 40.0, "0"), ("supply", "per_1000", 4.9, "4"),
        ("crowding", "crowding", 24.9, "0"), ("crowding", "crowding", 200.0, "4"),
        ("open", "open_hours", 4.0, "3"), ("open", "open_hours", 3.9, "4"),
        ("nearest", "median_m", 399.0, "0"), ("far", "p90_m", 1600.0, "4"),
    ],
)  # fmt: skip
def test_a_class_begins_at_its_limit_whatever_the_others_are(measure: str, field: str, at: float, band: str) -> None:
    assert band_of(coverage(**{field: at})["properties"], Shown(measure, EVERYONE)) == band


def test_few_residents_are_grey_and_the_unknown_is_hatched_and_the_legend_says_so() -> None:
    for of in [*(Shown(key, EVERYONE) for key in MEASURES), Shown("covered", "residents_65")]:
        assert band_of(coverage(residents=49.0)["properties"], of) == "few"
        assert [band.key for band in bands(of, NL)] == ["0", "1", "2", "3", "4", "unknown", "few"]
    assert band_of(coverage(gap=None)["properties"], SCORE) == "unknown"
    assert [band.words for band in bands(SCORE, NL)] == [
        "minder dan 10", "10–25", "25–50", "50–75", "75 of meer", "onbekend", "minder dan 50 bewoners",
    ]  # fmt: skip
    assert [band.words for band in bands(Shown("choice", EVERYONE), EN)][:5] == [
        "3 or more", "2–3", "1–2", "0.5–1", "less than 0.5",
    ]  # fmt: skip


def test_where_too_few_can_walk_anywhere_the_walk_is_worst_and_not_unknown() -> None:
    of = Shown("nearest", EVERYONE)
    nowhere = coverage(median_m=None, covered_share=0.0)["properties"]
    assert (band_of(nowhere, of), value_words(nowhere, of, NL)) == ("4", "geen bereikbaar")
    assert band_of(coverage(median_m=None, covered_share=None)["properties"], of) == "unknown"


def test_of_a_group_only_what_is_known_of_it_can_be_shown() -> None:
    for group in GROUPS:
        for key in MEASURES:
            of = shown(ROOM, key, group)
            assert of.group == group
            assert of.measure in ([*MEASURES.values()] if group == EVERYONE else [*OF_GROUPS.values()])
    assert shown(ROOM, "choice", "children") == Shown("covered", "children")
    assert shown(PEOPLE, "choice", "children") == Shown(VOLUNTEERS, EVERYONE)
    assert shown(ROOM, VOLUNTEERS, EVERYONE) == SCORE


def test_a_group_is_coloured_by_its_own_share_and_told_beside_that_of_everyone() -> None:
    p = coverage(groups={"residents_65": {"residents": 200.0, "covered_share": 0.2}})["properties"]
    of = Shown("covered", "residents_65")
    assert band_of(p, of) == "4"
    assert [cell_of(key, p, of.group, NL).words for key in of.measure.columns] == ["20%", "60%", "160"]
    assert band_of(p, Shown("covered", "children")) == "unknown"


def asked(measure: str, group: str, subject: Subject = ROOM) -> Asked:
    of = shown(subject, measure, group)
    return Asked(subject, "buurt", measure, group, "", "", of)


def test_what_cannot_be_shown_is_said_and_what_is_asked_and_shown_needs_no_word() -> None:
    told = "65 jaar en ouder: we weten alleen wie er een binnen bereik heeft. Daarom zie je dat, en niet ‘Keuze’."
    assert instead(asked("choice", "residents_65"), NL) == told
    assert instead(asked("choice", EVERYONE, PEOPLE), NL).startswith("Vrijwilligers worden geteld, niet gemeten")
    for right in (asked("gap", EVERYONE), asked("covered", "children"), asked("gap", EVERYONE, PEOPLE)):
        assert instead(right, NL) == ""


def test_figures_of_a_range_carry_their_unit_once() -> None:
    assert [span("41%", "76%"), span("10", "25"), span("400 m", "800 m")] == ["41–76%", "10–25", "400–800 m"]
    assert span("800 m", "1,2 km") == "800 m – 1,2 km"


@pytest.mark.parametrize(
    ("part", "dutch", "english"),
    [(0, "maandagochtend", "Monday morning"), (7, "woensdagmiddag", "Wednesday afternoon"),
     (20, "zondagavond", "Sunday evening")],
)  # fmt: skip
def test_a_part_of_the_week_is_named(part: int, dutch: str, english: str) -> None:
    assert (day_part(part, NL), day_part(part, EN)) == (dutch, english)


# ---- the ranking


def names(features: list[dict[str, Any]], of: Shown, sort: str = "") -> list[str]:
    return [row.name for row in rows_of(features, Ranking(of, sort_of(of, sort), "", {}), NL)]


def test_the_worst_comes_first_whichever_end_that_is_and_the_unknown_last() -> None:
    rows = [coverage(name=n, gap=g, choice=c) for n, g, c in (("A", 10.0, 2.0), ("B", None, None), ("C", 90.0, 0.5))]
    assert names(rows, SCORE) == ["C", "A", "B"]
    assert names(rows, Shown("choice", EVERYONE)) == ["C", "A", "B"]
    assert names(rows, SCORE, "name") == ["A", "B", "C"]
    assert names(rows, SCORE, "choice") == ["C", "A", "B"]  # a column that it does not have: its own order


def test_the_fewest_volunteers_come_first_and_so_few_that_they_are_not_told_are_the_fewest() -> None:
    told = [("A", 20, 5.0), ("B", None, None), ("C", 10, 9.0), ("D", 35, None)]
    rows = [coverage(name=n, kind="volunteer", volunteers=v, per_1000=per) for n, v, per in told]
    assert names(rows, Shown(VOLUNTEERS, EVERYONE), "volunteers") == ["B", "C", "A", "D"]
    assert names(rows, Shown(VOLUNTEERS, EVERYONE)) == ["B", "A", "C", "D"]
    heads = columns(asked("gap", EVERYONE, PEOPLE), NL)
    assert {column.key: column.order for column in heads} == dict.fromkeys(
        ["name", "per_1000", VOLUNTEERS], "ascending"
    )


def test_a_head_says_from_which_end_it_orders() -> None:
    score = columns(asked("gap", EVERYONE), NL)[1]
    assert score == Column("gap", "Gatscore", "/gaps?kind=community_room&level=buurt&sort=gap", "descending")


def test_a_share_stands_with_its_interval_and_a_distance_that_nobody_can_walk_says_so() -> None:
    p = coverage(covered_lo=0.41, covered_hi=0.76, p90_m=None)["properties"]
    assert cell_of("covered", p, EVERYONE, NL)[:2] == ("60%", "41–76%")
    assert cell_of("far", p, EVERYONE, NL).words == "geen"
    assert cell_of("certain", coverage(certain_share=0.25)["properties"], EVERYONE, NL) == ("25%", "", 25)


def test_after_an_old_run_the_change_since_stands_beside_it() -> None:
    assert [change_words(400, now, NL) for now in (280, 430, 400.2, None)] == ["−120", "+30", "0", "–"]


# ---- the card: why


def test_people_without_a_place_nearby_are_the_reason_and_a_place_would_help() -> None:
    told = card(nearest_name="Dorpscentrum", nearest_m=1210.0)
    assert [plain(line) for line in told.sentences] == [
        "400 van 1.000 bewoners wonen verder dan 800 m lopen van een buurtkamer.",
        "Voor hen is Dorpscentrum het vaakst het dichtstbij, op ongeveer 1,2 km.",
    ]
    assert told.help == "Wat het meest zou helpen: een plek dichtbij."
    meals = card(EN, Subject(None, "meals"))
    assert plain(meals.sentences[0]) == "400 of 1,000 residents live farther than 800 m on foot from a place for meals."


def test_short_opening_hours_are_the_reason_and_unknown_ones_are_counted() -> None:
    why = {"reason": "closed", "carriers": [["2", 500.0], ["1", 300.0], ["3", 20.0], ["9", 10.0]]}
    told = card(why=why)
    assert [plain(line) for line in told.sentences[:2]] == [
        (
            "Voor 200 van de 1.000 bewoners is er wel een buurtkamer binnen 800 m lopen, "
            "maar samen minder dan 4 uur per week open."
        ),
        "Van 2 daarvan zijn de openingstijden onbekend.",
    ]
    assert told.help == "Wat het meest zou helpen: de openingstijden navragen van De Zwaan en Het Anker."
    known = card(EN, why={"reason": "closed", "carriers": [["1", 300.0]]})
    assert plain(known.sentences[0]).endswith("within 800 m on foot, but all together open fewer than 4 h a week.")
    assert known.help == "What would help most: longer opening hours."


def test_old_records_are_the_reason_and_checking_the_first_would_help() -> None:
    told = card(why={"reason": "doubtful", "checks": [["2", 80.0], ["1", 40.0]]})
    assert "maar zo lang niet bevestigd dat die er misschien niet meer is." in told.sentences[0]
    assert told.sentences[0].startswith("Voor 100 van de 1.000 bewoners")
    assert told.help == "Wat het meest zou helpen: nakijken of De Zwaan en Dorpscentrum er nog zijn."
    one = card(why={"reason": "doubtful", "checks": [["2", 80.0]]})
    assert one.help == "Wat het meest zou helpen: nakijken of De Zwaan er nog is."


def test_too_little_room_is_the_reason_with_the_norm_that_was_set() -> None:
    told = card(EN, why={"reason": "full"})
    assert told.sentences[0].endswith("but with fewer than 12 places per 1,000 residents.")
    assert told.help == "What would help most: more room, or a place nearby."


def test_where_all_is_well_nothing_is_asked_for_but_what_closing_would_cost_is_told() -> None:
    well: dict[str, Any] = {
        "covered": 1000.0,
        "uncovered": 0.0,
        "gap": 0.0,
        **{f"people_{key}": 0.0 for key in CLASSES[:-1]},
    }
    told = card(why={"reason": "served", "fragile": [["1", 230.4]]}, **well)
    assert plain(told.sentences[0]) == "Alle 1.000 bewoners wonen binnen 800 m lopen van een buurtkamer."
    assert told.help == ""
    assert told.loss == "Als Dorpscentrum sluit, houden 230 bewoners geen plek op loopafstand over."


def test_what_is_at_the_door_is_not_told_with_a_walk_of_0_m() -> None:
    told = card(EN, covered=1000.0, uncovered=0.0, nearest_m=0.0, nearest_name="De Belcirkel")
    assert told.sentences[1] == "The nearest is most often De Belcirkel, which needs no walk."
    assert "0 m" not in plain(" ".join(told.sentences[1:]))


def test_who_is_served_without_a_place_is_not_said_to_live_near_one() -> None:
    told = card(EN, covered=1000.0, uncovered=0.0, covered_by_catchment=300.0)
    wanted = "All 1,000 residents have a community room within 800 m on foot, or one that works for this area."
    assert plain(told.sentences[0]) == wanted


def test_where_nothing_is_ever_open_no_moment_is_the_worst() -> None:
    never = coverage(worst_part=0, worst_part_share=0.0, open_hours=0.0)["properties"]
    some = coverage(worst_part=20, worst_part_share=0.0, open_hours=12.0)["properties"]
    assert cell_of("worst", never, EVERYONE, NL)[:2] == ("0%", "")
    assert cell_of("worst", some, EVERYONE, NL)[:2] == ("0%", "zondagavond")


def test_none_nobody_few_and_unknown_are_told_as_such() -> None:
    none = card(uncovered=1000.0, covered=0.0)
    assert [plain(line) for line in none.sentences] == [
        "Geen van de 1.000 bewoners woont binnen 800 m lopen van een buurtkamer.",
        "Er staat er geen op de kaart.",
    ]
    untold: dict[str, Any] = {
        "covered": None,
        "covered_share": None,
        "uncovered": None,
        "gap": None,
        "why": {"reason": "nobody"},
    }
    assert card(residents=0.0, **untold).sentences == ["Hier woont niemand."]
    unknown = card(residents=None, **untold)
    assert "niet bekend" in unknown.sentences[0]
    assert (unknown.parts, unknown.lists, unknown.facts, unknown.share) == ([], [], [], "")
    few = card(residents=12.0, why={"reason": "few"})
    assert few.sentences[-1] == "Hier wonen minder dan 50 mensen: aandelen zeggen dan weinig."


def test_who_is_served_without_an_address_is_told_apart() -> None:
    assert (
        card(covered_by_catchment=300.0).sentences[-1].startswith("300 bewoners tellen alleen als bereikt omdat iets")
    )


def test_five_classes_of_people_make_one_bar_and_their_weights_the_score() -> None:
    told = card()
    assert [(part.key, part.words) for part in told.parts] == [
        ("served", "bediend 200"), ("full", "vol 100"), ("closed", "dicht 200"), ("doubtful", "onzeker 100"),
        ("none", "geen plek 400"),
    ]  # fmt: skip
    assert [part.start for part in told.parts] == [0.0, 20.0, 30.0, 50.0, 60.0]
    assert told.parts[-1].width == 40.0
    assert [tuple(line) for line in told.lines] == [
        ("geen plek", "400", "1", "400"), ("onzeker", "100", "0,5", "50"), ("dicht", "200", "0,5", "100"),
        ("vol", "100", "0,25", "25"), ("bediend", "200", "0", "0"),
    ]  # fmt: skip
    assert told.score == "58"


def test_places_are_named_with_what_hangs_on_them_and_what_is_gone_is_left_out() -> None:
    told = card(why={"reason": "none", "carriers": [["1", 580.0], ["9", 40.0]], "fragile": [["1", 0.2]]})
    (carriers,) = told.lists
    assert carriers.heading == "Deze plekken dragen de buurt"
    assert [(place.id, place.name, words) for place, words in carriers.places] == [
        ("1", "Dorpscentrum", "580 bewoners binnen bereik")
    ]


def test_the_other_figures_are_told_as_answers() -> None:
    told = card(
        median_m=610.0, p90_m=1850.0, assets_in_reach=3, assets_across_border=1, fragile_share=0.3, open_hours=12.4,
        worst_part=20, worst_part_share=0.05, per_1000=12.34, crowding=81.2, certain_share=0.42,
        groups={"residents_65": {"residents": 180.0, "covered_share": 0.52}},
    )  # fmt: skip
    assert {fact.label: [plain(line) for line in fact.lines] for fact in told.facts} == {
        "Afstand": ["de helft woont dichterbij dan 610 m", "9 op de 10 wonen dichterbij dan 1,8 km"],
        "Binnen bereik": ["3 plekken, waarvan 1 over de grens", "30% van de bewoners heeft er maar één"],
        "Uren open": ["gemiddeld 12 uur per week", "het minst op zondagavond: 5% vindt er een open"],
        "Plaatsen": ["12,3 plaatsen per 1.000 bewoners", "81 bewoners per plaats"],
        "Zekerheid": ["42% heeft er zeker een"],
    }
    assert [(fact.label, fact.lines) for fact in told.groups] == [
        ("Iedereen", ["60%"]), ("65 jaar en ouder", ["52% van 180"]),
    ]  # fmt: skip


def test_a_run_from_before_there_were_scores_still_tells_who_can_walk_to_one() -> None:
    old: dict[str, Any] = dict.fromkeys(["gap", *(f"people_{key}" for key in CLASSES)])
    told = card(why={}, groups={}, **old)
    assert (told.parts, told.lines, told.score, told.help) == ([], [], "", "")
    assert told.sentences[0].startswith("400 van 1.000")


# ---- the card: how sure


def test_a_share_is_told_with_its_interval() -> None:
    assert share_words(coverage(covered_lo=0.41, covered_hi=0.76)["properties"], NL) == "60% (41–76%)"
    assert share_words(coverage(covered_lo=0.6, covered_hi=0.6)["properties"], NL) == "60%"


@pytest.mark.parametrize(
    ("source", "walks", "said"),
    [
        ("squares", "line", "waar in hun vak ze ook wonen, het aandeel ligt tussen 41% en 76%."),
        ("squares", "network", "het aandeel ligt waarschijnlijk tussen 41% en 76%."),
        ("lattice", "line", "We weten alleen dat deze mensen ergens in deze buurt wonen: afhankelijk van waar ligt"),
        ("mixed", "line", "van andere alleen de buurt: het aandeel ligt tussen 41% en 76%."),
        (
            "addresses",
            "network",
            (
                "Mensen zijn geteld op hun adressen, gelijk verdeeld waar geen aantallen bekend zijn: "
                "een marge is niet te geven."
            ),
        ),
    ],
)
def test_the_interval_says_what_it_means_by_where_residents_come_from(source: str, walks: str, said: str) -> None:
    p = coverage(demand_source=source, covered_lo=0.41, covered_hi=0.76)["properties"]
    assert said in doubts(p, POLICY, walks, NL)[0]


def test_what_is_not_known_is_said_with_its_number() -> None:
    p = coverage(
        demand_source="squares", covered_lo=0.6, covered_hi=0.6, band_lo=0.41, band_hi=0.71, unknown_residents=35.0,
        edge_share=0.12, fallback_share=0.05,
    )["properties"]  # fmt: skip
    assert [plain(line) for line in doubts(p, POLICY, "line", NL)] == [
        "Waar precies mensen hier ook wonen: het aandeel binnen bereik blijft gelijk.",
        "Met een grens van 640 m zou het 41% zijn, met 960 m zou het 71% zijn.",
        "Waar ongeveer 35 bewoners wonen, houdt het CBS geheim; zij tellen nergens mee.",
        (
            "12% woont dichter bij de rand van de kaart dan bij een van deze plekken: daarbuiten kan er een zijn "
            "die wij niet kennen."
        ),
        "Voor 5% is er geen straat op de kaart in de buurt: daar is hemelsbreed gemeten.",
    ]
    assert doubts(coverage(covered_share=None)["properties"], POLICY, "line", NL) == []


def test_what_was_decided_is_told_in_words_for_the_subject_that_it_holds_for() -> None:
    strict = POLICY._replace(norm_m=500.0, min_open_hours=10.0, supply_norm=0.0, severity=(1.0, 0.75, 0.5, 0.2, 0.0))
    run = NOW._replace(policies=Policies(POLICY, services={"meals": strict}), walks="network")
    told = {fact.label: [plain(line) for line in fact.lines] for fact in policy_facts(run, Subject(None, "meals"), NL)}
    assert told["Binnen bereik"] == ["500 m lopen of minder, langs de straten; ver van elke straat hemelsbreed × 1,3."]
    assert told["Uren open"][0].startswith("Minstens 10 uur per week")
    assert told["Genoeg plaatsen"] == ["Er is geen norm vastgesteld, dus voor niemand telt het als vol."]
    assert told["Gatscore"][1:] == [
        "1 – geen plek: niets binnen 500 m lopen",
        "0,75 – onzeker: zo lang niet bevestigd dat die er misschien niet meer is (minder dan half zeker)",
        "0,5 – dicht: samen minder dan 10 uur per week open, of openingstijden onbekend",
        "0 – bediend: geen van deze",
    ]
    usual = {fact.label: fact.lines for fact in policy_facts(NOW, ROOM, NL)}
    assert plain(usual["Binnen bereik"][0]) == "800 m lopen of minder: hemelsbreed × 1,3."
    assert "0,25 – vol: minder dan 12 plaatsen per 1.000 bewoners" in usual["Gatscore"]


# ---- runs


def test_runs_are_chosen_by_day_and_by_the_clock_where_a_day_has_several() -> None:
    early = THEN._replace(id="early", computed_at=datetime(2026, 10, 20, 22, 30, tzinfo=UTC))  # 0:30 in Amsterdam
    other = THEN._replace(id="other", computed_at=datetime(2026, 3, 1, 12, tzinfo=UTC))
    told = run_choices([NOW, THEN, early, other], "early", NL)
    assert [(choice.value, choice.label, choice.chosen) for choice in told] == [
        ("", "Nu", False), ("then", "21 okt 2026, 11:00", False), ("early", "21 okt 2026, 00:30", True),
        ("other", "1 mrt 2026", False),
    ]  # fmt: skip
    assert (when(NOW, NL), when(THEN, NL)) == ("bijgewerkt bij elke wijziging", "berekend op 21 oktober 2026")


def test_a_run_at_work_tells_how_far_it_is() -> None:
    moment = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert work_words(AtWork("working", 0.42, moment), NL) == "Een nieuwe berekening is bezig: 42% klaar."
    assert work_words(AtWork("waiting", 0.0, moment), EN) == "A new calculation waits its turn."
    assert work_words(AtWork("failed", 0.1, moment), NL).startswith("De berekening van 22 november 2026 is mislukt")
    assert work_words(None, NL) == ""


def test_what_changed_since_a_run_is_told_with_the_places_because_of_which() -> None:
    because = [Because("De Zwaan", ["added", "hours"]), Because(None, ["closed"])]
    assert since_words(Since((400.0, 280.0), (57.5, 44.0), because, ["policy"]), THEN, NL) == [
        (
            "Sinds 21 oktober 2026 wonen er 120 bewoners minder buiten bereik. De gatscore was 58 en is nu 44. "
            "Door: De Zwaan (nieuw en andere openingstijden) en een plek die niet meer openbaar is (weg)."
        ),
        "Toen is met andere normen gerekend.",
    ]
    assert since_words(Since((400.0, 401.0), (57.5, 57.6)), THEN, EN) == [
        "Since 21 October 2026 1 resident more is beyond reach. The gap score is still 58."
    ]
    assert since_words(Since((None, 400.0), (None, 57.5)), THEN, NL)[0].startswith("Wat er sinds 21 oktober 2026")


def test_the_card_of_an_old_run_tells_what_came_after() -> None:
    look = Look(ROOM, THEN, PLACES, Since((400.0, 400.0), (57.5, 57.5)))
    told = gap_card(coverage(), look, NL)
    assert told.when == "berekend op 21 oktober 2026"
    assert told.since == [
        "Sinds 21 oktober 2026 wonen er evenveel bewoners buiten bereik. De gatscore is nog steeds 58."
    ]


def test_volunteers_are_only_counted() -> None:
    none: dict[str, Any] = {
        "kind": "volunteer",
        "covered": None,
        "covered_share": None,
        "uncovered": None,
        "gap": None,
        "why": {},
    }
    few = card(NL, PEOPLE, **none)
    assert few.sentences == ["Hier zijn minder dan 15 vrijwilligers bekend; zo weinig noemen we geen aantal."]
    assert (few.policy, few.facts, few.lists, few.doubts) == ([], [], [], [])
    assert few.when == "geteld bij de laatste berekening"  # not with each change, which would tell of one person
    hidden = coverage(**none, volunteers=None, per_1000=None)["properties"]
    assert [cell_of(key, hidden, EVERYONE, NL).words for key in ("per_1000", VOLUNTEERS)] == ["–", "< 15"]
    known = card(NL, PEOPLE, **none | {"volunteers": 15, "per_1000": 15.0})
    assert known.sentences[:2] == ["Hier zijn ongeveer 15 vrijwilligers bekend.", "Dat is 15,0 per 1.000 bewoners."]
