"""The controlled terms."""

import pytest

from geo import vocabulary
from geo.vocabulary import Term

ALL: dict[str, dict[str, Term]] = {
    name: value for name, value in vars(vocabulary).items() if name.isupper() and isinstance(value, dict)
}
ASKED = """Vervoer Klussen Maaltijden Ontmoeting Bewegen Boodschappen Oppassen Taal Administratieve_hulp Burenhulp
 Dagbesteding Dagopvang Zorgcoördinatie Persoonlijke_verzorging Verpleging Zorgwoningen Respijt"""


def test_every_service_that_is_asked_for_has_a_key() -> None:
    assert {term.nl for term in vocabulary.SERVICES.values()} == {word.replace("_", " ") for word in ASKED.split()}


def test_every_theme_and_service_is_told_in_both_languages_and_linked() -> None:
    for terms in ALL.values():
        for term in terms.values():
            assert term.nl
            assert term.en
    for service in vocabulary.SERVICES.values():
        assert service.broader in vocabulary.THEMES
        assert service.osm
        assert service.hsds


def test_the_ladder_has_the_six_steps_in_their_order() -> None:
    steps = ["Informeren", "Raadplegen", "Adviseren", "Coproduceren", "Meebeslissen", "Zelfbeheer"]
    assert [vocabulary.LADDER[level].nl for level in range(1, 7)] == steps


def test_people_who_look_after_someone_are_called_just_that() -> None:
    assert vocabulary.TARGET_GROUPS["caring_for_another"].nl == "Mensen die zorgen voor een ander"
    assert "mantelzorg" not in " ".join(term.nl for terms in ALL.values() for term in terms.values()).lower()


@pytest.mark.parametrize(
    ("word", "found"), [("eten", ["eat"]), ("zor", ["care"]), ("et", []), ("FOOD", ["eat"]), ("moeten", ["meet"])]
)
def test_a_word_of_three_letters_finds_the_terms_whose_label_holds_it(word: str, found: list[str]) -> None:
    assert vocabulary.keys_named(word, vocabulary.THEMES) == found


def test_an_unknown_key_is_named_with_those_that_are_known() -> None:
    flaws = vocabulary.unknown_terms("themes", ["meet", "fun"], vocabulary.THEMES)
    assert [flaw.field for flaw in flaws] == ["themes"]
    assert "'fun' is not one of: meet" in flaws[0].reason
