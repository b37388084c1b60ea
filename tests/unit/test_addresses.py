"""Is this address surely the one that was asked? Every word must be accounted for; a score counts for nothing."""

import pytest
import shapely

from geo.imports.addresses import Candidate, judge, offline
from geo.imports.streets import Address, read, surely, words

HERE = Candidate("", 4.47, 52.18, 1.0)


def address(street: str, number: str, postcode: str = "2341AB", town: str = "Oegstgeest") -> Address:
    return Address(words(street), words(number), postcode, words(town))


@pytest.mark.parametrize(
    "asked",
    [
        "Dorpsstraat 12a, 2341 AB Oegstgeest",
        "dorpsstraat 12 A 2341ab OEGSTGEEST",
        "Dorpsstraat 12-A, Oegstgeest",
        "2341 AB 12A",
        "Dorpsstr. 12A, 2341AB",
        "Buurthuis De Klok, Dorpsstraat 12A, 2341 AB Oegstgeest, Nederland",
        "Dorpstraat 12a, 2341 AB",  # one s short; postcode and number decide
    ],
)
def test_an_address_is_found_however_it_is_written(asked: str) -> None:
    assert surely(read(asked), address("Dorpsstraat", "12A"))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("Dorpsstraat 12, 2341 AB Oegstgeest", "the letter is missing"),
        ("Dorpsstraat 12B, 2341 AB Oegstgeest", "another letter"),
        ("Dorpsstraat 12A-2, 2341 AB Oegstgeest", "an addition that this one has not"),
        ("Dorpsstraat 12A II, Oegstgeest", "an addition that this one has not"),
        ("Dorpsstraat 112A, Oegstgeest", "another number"),
        ("Dorpsstraat 12A-14A, Oegstgeest", "two numbers"),
        ("Dorpsstraat 12A, 2341 AC Oegstgeest", "another postcode"),
        ("Kerklaan 12A, 2341 AB Oegstgeest", "the street contradicts the postcode"),
        ("Dorpsstraat 12A, Leiden", "another town"),
        ("Dorpsstraat 12A", "no postcode and no town"),
        ("Kleine Dorpsstraat 12A, Oegstgeest", "another street, without a postcode to decide"),
        ("Dorpsstraat, Oegstgeest", "no number"),
        ("", "nothing"),
    ],
)
def test_an_address_that_differs_in_a_word_is_not_sure(asked: str, why: str) -> None:
    assert not surely(read(asked), address("Dorpsstraat", "12A")), why


def test_a_number_in_the_name_of_a_street_is_no_house_number() -> None:
    assert surely(read("Plein 1944 12, Nijmegen"), address("Plein 1944", "12", town="Nijmegen"))
    assert not surely(read("Plein 1944 12, Nijmegen"), address("Plein", "1944", town="Nijmegen"))


def test_a_town_of_three_letters_is_no_addition() -> None:
    assert surely(read("Kerkweg 12 Ede"), address("Kerkweg", "12", "6711AA", "Ede"))
    assert not surely(read("Kerkweg 12 Ede"), address("Kerkweg", "12", "6711AA", "Epe"))


def test_a_town_is_known_by_both_of_its_names() -> None:
    assert surely(read("Spui 70, Den Haag"), address("Spui", "70", "2511BT", "'s-Gravenhage"))


def test_the_answer_is_sure_only_where_one_address_is_called_so() -> None:
    one, other = (HERE._replace(label="in the one town"), HERE._replace(label="in the other", lon=5.0, score=99.0))
    twice = [(one, address("Kerkstraat", "1")), (other, address("Kerkstraat", "1"))]
    assert judge("Kerkstraat 1, Oegstgeest", twice[:1]).found == shapely.Point(4.47, 52.18)
    doubtful = judge("Kerkstraat 1, Oegstgeest", twice)
    assert (doubtful.found, doubtful.candidates, doubtful.reason) == (None, [one, other], "2 addresses are called so")


def test_a_high_score_does_not_make_an_address_sure() -> None:
    answer = judge("Kerkstraat 1, Oegstgeest", [(HERE._replace(score=1e6), address("Kerkstraat", "3"))])
    assert answer.found is None
    assert answer.reason == "no address is surely this one"


def test_additions_that_exist_are_named_where_none_was_asked() -> None:
    found = [(HERE, address("Kerkstraat", number)) for number in ("1-1", "1-2")]
    answer = judge("Kerkstraat 1, 2341 AB", found)
    assert answer.found is None
    assert answer.reason == "this number has additions (1 1, 1 2): which one is meant?"


def test_without_a_postcode_or_town_a_street_may_be_anywhere() -> None:
    answer = judge("Kerkstraat 1", [(HERE, address("Kerkstraat", "1"))])
    assert answer.reason == "without a postcode or a town the street may be in any town"


def test_a_machine_that_may_not_ask_says_what_to_do() -> None:
    assert offline(["Kerkstraat 1", "Kerkstraat 1"]).keys() == {"Kerkstraat 1"}
    answer = offline(["Kerkstraat 1"])["Kerkstraat 1"]
    assert answer.found is None
    assert answer.candidates == []
    assert "KAART_PDOK_URL" in answer.reason
