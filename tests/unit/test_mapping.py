"""What a mapping may say, and what the cells of a table say through it."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from geo.errors import InvalidInput
from geo.imports import mapping, rows
from geo.imports.cells import Fault, refuse_people, said
from geo.imports.rows import Rows
from geo.vocabulary import Kind

TODAY = date(2026, 11, 22)
LEAST = """
source = "Test"
source_id = "Nr"
[place]
lon = "X"
lat = "Y"
[columns]
name = "Naam"
[constants]
kind = "community_room"
"""


def flaws(text: str) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        mapping.parse(text, TODAY)
    return {flaw.field: flaw.reason for flaw in refusal.value.flaws}


def read(text: str, **columns: list[Any]) -> Rows:
    """Read rows, numbered as below a header, through a mapping."""
    length = len(next(iter(columns.values())))
    data = pd.DataFrame(columns, dtype=object).set_axis(pd.Index(range(2, length + 2)))
    whole = mapping.parse(text, TODAY)
    for name in whole.texts():
        data[name] = data.get(name, pd.Series([f"{name} {row}" for row in data.index], data.index, dtype=object))
    return rows.read(data, whole, TODAY, {"BU01": "BU01.2024", "BU01.2024": "BU01.2024"})


def told(found: Rows, field: str) -> list[Any]:
    return [found.fields[field].at(at) for at in range(len(found.skipped))]


def test_the_least_mapping_is_enough() -> None:
    least = mapping.parse(LEAST, TODAY)
    assert least.fields() == {"name", "kind"}
    assert least.names() == ["Nr", "Naam", "X", "Y"]


def test_all_flaws_are_told_at_once_with_what_was_meant() -> None:
    found = flaws(
        """
        sourc = "Test"
        [place]
        lon = "X"
        [columns]
        nmae = "Naam"
        [constants]
        kind = "community_rom"
        services = ["ontmoetin"]
        capacity = 3.5
        [values.Soort]
        "a" = { themes = ["meet"], skip = "x" }
        "b" = "community_room"
        """
    )
    assert set(found) == {
        "sourc", "source", "place.lat", "columns.nmae", "constants.kind", "constants.services", "constants.capacity",
        "values.Soort.a", "values.Soort.b", "name", "place",
    }  # fmt: skip
    assert "'source'" in found["sourc"]
    assert "'name'" in found["columns.nmae"]
    assert "'community_room'" in found["constants.kind"]
    assert "'meeting'" in found["constants.services"]  # by its Dutch label


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("source = ", "mapping"),
        ("a" * 200_001, "mapping"),
        ("x = " + "[" * 50_000, "mapping"),
        (LEAST.replace('"Test"', '"levende-kaart"'), "source"),
        (LEAST.replace('"Test"', "7"), "source"),
        (LEAST.replace('"community_room"', '"volunteer"'), "constants.kind"),
        (LEAST.replace('lat = "Y"', 'lat = "Y"\ncrs = "RD"'), "place.crs"),
        (LEAST.replace('lat = "Y"', 'lat = "Y"\naddress = ["Straat"]'), "place.address"),
        (LEAST.replace('lon = "X"\nlat = "Y"', ""), "place"),
        (LEAST.replace("[constants]", "[constants]\ncity = ['a', 'b']"), "constants.city"),
        (LEAST + '[values.Soort]\n"x" = { skip = true }', "values.Soort.x.skip"),
        ("place = 1\n" + LEAST.replace('[place]\nlon = "X"\nlat = "Y"', ""), "place"),
    ],
)
def test_each_flaw_is_named(text: str, field: str) -> None:
    assert field in flaws(text)


def test_volunteers_never_come_in_by_a_file() -> None:
    assert "volunteers are people" in flaws(LEAST.replace('"community_room"', '"volunteer"'))["constants.kind"]
    by_column = LEAST.replace('name = "Naam"', 'name = "Naam"\nkind = "Soort"')
    [fault] = read(by_column, Soort=["care_location", "volunteer"]).faults
    assert (fault.at, fault.field) == (1, "kind")


def test_a_column_that_the_file_lacks_is_named_with_what_the_file_has() -> None:
    with pytest.raises(InvalidInput, match=r"Naam: .*did you mean 'naam'.*The file has: Nr, naam, X, Y"):
        mapping.fit(mapping.parse(LEAST, TODAY), ["Nr", "naam", "X", "Y"])


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("name", "  De \n Zaal ", "De Zaal"),
        ("capacity", "12", 12),
        ("capacity", "12,0", 12),
        ("confirmed_on", "2026-11-02", date(2026, 11, 2)),
        ("confirmed_on", "2-11-2026", date(2026, 11, 2)),
        ("confirmed_on", "2026-11-02 00:00:00", date(2026, 11, 2)),
        ("accessibility.hearing_loop", "Ja", True),
        ("accessibility.hearing_loop", "0", False),
        ("services", "meals; meeting,meals", ["meals", "meeting"]),
        ("url", "www.example.org", "https://www.example.org"),
        ("opening_hours", "Mo-Fr 09:00-17:00", "Mo-Fr 09:00-17:00"),
    ],
)
def test_a_cell_becomes_a_value(field: str, text: str, value: object) -> None:
    assert said(field, text, TODAY) == (value, ())


@pytest.mark.parametrize(
    ("field", "text", "cause"),
    [
        ("capacity", "1.000", "separator for thousands"),
        ("capacity", "-1", "from 0"),
        ("confirmed_on", "31-2-2026", "does not exist"),
        ("confirmed_on", "11/22/26", "is no day"),
        ("confirmed_on", "2026-11-23", "future"),
        ("accessibility.hearing_loop", "misschien", "neither ja nor nee"),
        ("services", "vervoer", "is not one of"),
        ("url", "javascript:alert(1)", "web address"),
        ("organisation.url", "x", "web address"),
        ("opening_hours", "ma-vr 9-17 uur", "OSM's syntax"),
        ("name", "x" * 201, "201 characters"),
        ("name", "a\x00b", "NUL"),
        ("kind", "school", "is not one of"),
    ],
)
def test_a_cell_that_cannot_be_a_value_is_refused_with_why(field: str, text: str, cause: str) -> None:
    assert cause in " ".join(said(field, text, TODAY).reasons)


def test_a_table_of_values_wins_from_a_column_and_that_from_a_constant() -> None:
    text = (
        LEAST.replace('name = "Naam"', 'name = "Naam"\ncity = "Plaats"').replace(
            "[constants]", '[constants]\ncity = "A"'
        )
        + '[values.Soort]\n"x" = { city = "C" }\n"y" = { city = "" }\n"" = { capacity = 5 }'
    )
    found = read(text, Plaats=["B", None, "B", "B"], Soort=["x", None, None, "y"])
    assert told(found, "city") == ["C", "A", "B", None]
    assert told(found, "capacity") == [None, 5, 5, None]


def test_what_a_mapping_leaves_out_is_counted_with_its_reason_and_has_no_faults() -> None:
    text = (
        LEAST
        + '[values.Soort]\n"school" = { skip = "no asset" }\ndefault = {}\n'
        + '[values.Toch]\n"ja" = { skip = false }\n"" = {}'
    )
    found = read(text, Soort=["school", "school", "zaal"], Toch=[None, "ja", None], Naam=[None, "a", "b"])
    assert found.skipped.tolist() == [True, False, False]
    assert found.notes == ["1 row left out, Soort 'school': no asset"]
    assert found.faults == []


def test_a_value_that_no_table_names_is_refused() -> None:
    found = read(LEAST + '[values.Soort]\n"zaal" = {}', Soort=["zaal", "kerk", None])
    assert [(fault.at, fault.field, fault.value) for fault in found.faults] == [(1, "Soort", "kerk"), (2, "Soort", "")]


def test_one_identifier_twice_refuses_both_rows() -> None:
    found = read(LEAST, Nr=["1", " 1", "2", None])
    assert found.faults == [
        Fault(3, "source_id", "", "is empty: by it the next import knows this row again"),
        Fault(0, "source_id", "1", "row 3 has the same identifier"),
        Fault(1, "source_id", "1", "row 2 has the same identifier"),
    ]


def test_columns_are_joined_and_numbers_stay_whole() -> None:
    text = LEAST.replace('name = "Naam"', 'name = "Naam"\naddress = ["Straat", "Huisnummer"]')
    found = read(text, Straat=["Dorpsstraat", "Kerkweg", None], Huisnummer=[12.0, None, None])
    assert told(found, "address") == ["Dorpsstraat 12", "Kerkweg", None]


def test_rules_about_several_fields_are_kept() -> None:
    text = LEAST.replace(
        'name = "Naam"', 'name = "Naam"\nladder_level = "Trede"\nvisible_from = "Van"\nvisible_to = "Tot"'
    )
    found = read(text, Trede=["3", None], Van=["2026-05-01", "2026-05-01"], Tot=[None, "2026-04-01"])
    assert [(fault.at, fault.field) for fault in found.faults] == [(0, "ladder_level"), (1, "visible_to")]


def test_neighbourhoods_are_called_by_code_or_id() -> None:
    text = LEAST.replace('name = "Naam"', 'name = "Naam"\nneighbourhood = "Buurt"\ncatchment = "Bedient"')
    found = read(text, Buurt=["BU01", "BU02", None], Bedient=["BU01;BU01.2024", None, "BU03, BU01"])
    assert told(found, "neighbourhood")[0] == "BU01.2024"
    assert told(found, "catchment")[0] == ["BU01.2024"]
    assert sorted((fault.at, fault.field, fault.value) for fault in found.faults) == [
        (1, "neighbourhood", "BU02"), (2, "catchment", "BU03"),
    ]  # fmt: skip


def test_accessibility_is_told_term_by_term() -> None:
    text = LEAST.replace(
        'name = "Naam"', 'name = "Naam"\naccessibility.hearing_loop = "Lus"\naccessibility.quiet_space = "Stil"'
    )
    found = read(text, Lus=["ja", None], Stil=["nee", None])
    assert told(found, "accessibility") == [{"hearing_loop": True, "quiet_space": False}, {}]


def test_kinds_come_from_a_table() -> None:
    text = LEAST.replace(
        '[constants]\nkind = "community_room"', '[values.S]\n"z" = { kind = "initiative" }\ndefault = {}'
    )
    found = read(text, S=["z", "k"])
    assert told(found, "kind") == [Kind.initiative, None]
    assert [(fault.at, fault.field) for fault in found.faults] == [(1, "kind")]


@pytest.mark.parametrize(
    "columns", [["Naam", "Vrijwilliger"], ["Naam", "Geboortedatum"], ["Voornaam", "Achternaam"], ["naam", "BSN"]]
)
def test_a_list_of_people_is_known_by_its_columns(columns: list[str]) -> None:
    with pytest.raises(InvalidInput, match="list of people"):
        refuse_people(columns)


def test_a_list_of_places_may_name_somebody_to_call() -> None:
    refuse_people(["Naam", "Contactpersoon", "E-mail", "Telefoon", "Vrijwilligers nodig", "Achternaam beheerder"])
