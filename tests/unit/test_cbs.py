"""CBS's tables: its names of any year, and figures that are missing with their reason."""

from typing import Any

import pandas as pd
import pytest

from geo.errors import InvalidInput
from geo.imports import cbs
from geo.imports.cbs import Columns

NEW = """buurtcode buurtnaam wijkcode gemeentecode gemeentenaam water aantal_inwoners
 percentage_personen_65_jaar_en_ouder aantal_huishoudens percentage_eenpersoonshuishoudens jrstatcode jaar""".split()
OLD = "BU_CODE BU_NAAM WK_CODE GM_CODE GM_NAAM H2O AANT_INW P_65_EO_JR AANTAL_HH P_EENP_HH".split()
TABLE = "gwb_code_10 gwb_code regio gm_naam recs a_inw a_65_oo a_hh a_1p_hh".split()
STATLINE = "WijkenEnBuurten Gemeentenaam_1 SoortRegio_2 Codering_3 AantalInwoners_5 k_65JaarOfOuder_12".split()


def test_the_names_since_2023_are_known() -> None:
    assert cbs.named(NEW) == Columns(
        code="buurtcode", name="buurtnaam", gemeente="gemeentecode", gemeente_name="gemeentenaam", water="water",
        year="jaar", year_code="jrstatcode", residents="aantal_inwoners",
        residents_65_percent="percentage_personen_65_jaar_en_ouder", households="aantal_huishoudens",
        one_person_percent="percentage_eenpersoonshuishoudens",
    )  # fmt: skip


def test_the_names_up_to_2022_are_known() -> None:
    assert cbs.named(OLD) == Columns(
        code="BU_CODE", name="BU_NAAM", gemeente="GM_CODE", gemeente_name="GM_NAAM", water="H2O", residents="AANT_INW",
        residents_65_percent="P_65_EO_JR", households="AANTAL_HH", one_person_percent="P_EENP_HH",
    )  # fmt: skip


def test_the_names_of_the_key_figures_without_a_map_are_known() -> None:
    found = cbs.named(TABLE)
    assert (found.code, found.name, found.residents, found.residents_65) == ("gwb_code_10", "regio", "a_inw", "a_65_oo")
    assert (found.households, found.one_person_households) == ("a_hh", "a_1p_hh")


def test_the_numbered_names_of_statline_are_known() -> None:
    found = cbs.named(STATLINE)
    assert (found.code, found.residents, found.residents_65) == ("Codering_3", "AantalInwoners_5", "k_65JaarOfOuder_12")


def test_the_names_of_amsterdam_are_known_and_its_own_short_code_is_not_taken_for_cbs_s() -> None:
    found = cbs.named(["ams_code", "naam", "code", "cbsCode", "gm_naam", "inwoners", "inwoners65plus", "huishoudens"])
    assert (found.code, found.name, found.gemeente_name) == ("cbsCode", "naam", "gm_naam")
    assert (found.residents, found.residents_65, found.households) == ("inwoners", "inwoners65plus", "huishoudens")


@pytest.mark.parametrize(
    ("columns", "code", "name"),
    [
        (["wijkcode", "wijknaam", "gemeentecode", "gemeentenaam"], "wijkcode", "wijknaam"),
        (["GM_CODE", "GM_NAAM", "H2O"], "GM_CODE", "GM_NAAM"),
        (["code", "naam", "gm_code", "gm_naam"], "code", "naam"),
        (["statcode", "statnaam", "jrstatcode"], "statcode", "statnaam"),
    ],
)
def test_a_table_is_known_by_the_codes_of_its_own_level(columns: list[str], code: str, name: str) -> None:
    found = cbs.named(columns)
    assert (found.code, found.name) == (code, name)


def test_a_table_without_codes_is_refused_with_what_was_looked_for_and_what_is_there() -> None:
    with pytest.raises(InvalidInput, match=r"Looked for: .*buurtcode.*There are: name, description\.") as refused:
        cbs.named(["name", "description"])
    assert [flaw.field for flaw in refused.value.flaws] == ["code"]


def test_a_column_that_somebody_named_goes_before_ours() -> None:
    assert cbs.named(["buurtcode", "name"], {"code": "name"}).code == "name"
    with pytest.raises(InvalidInput, match="there is no column 'nmae'"):
        cbs.named(["buurtcode", "name"], {"name": "nmae"})


def read(**values: list[Any]) -> cbs.Figures:
    count = len(next(iter(values.values())))
    data = pd.DataFrame({"buurtcode": ["BU99990101"] * count, **values}, index=range(2, count + 2))
    return cbs.figures(data, cbs.named(list(data.columns)))


def listed(values: Any) -> list[object]:
    return [None if value is pd.NA else value for value in values]


@pytest.mark.parametrize(
    "given",
    [
        [120, -99997, -99995, -99991, -99999999, -99999],
        [120.0, -99997.0, -99995.0, -99991.0, -99999999.0, float("nan")],
        ["120", "-99997", "-99995,0", " -99991 ", "-99999999", "."],
        ["120,0", "-99997.0", "-99995", "-99991.00", "", None],
    ],
)
def test_a_suppressed_figure_is_missing_with_its_reason(given: list[Any]) -> None:
    found = read(aantal_inwoners=given)
    assert listed(found.known["residents"]) == [120, None, None, None, None, None]
    assert listed(found.reasons["residents"]) == [None, "secret", "later", "stopped", "not_given", "not_given"]
    assert found.flaws == []


def test_none_is_not_missing() -> None:
    found = read(aantal_inwoners=[0])
    assert (listed(found.known["residents"]), listed(found.reasons["residents"])) == ([0], [None])


def test_a_share_becomes_a_number_and_of_a_secret_total_stays_missing_for_its_reason() -> None:
    found = read(
        aantal_inwoners=[1825, 50, -99997, 40, 0],
        percentage_personen_65_jaar_en_ouder=["26", "15", "20", "-99995", "-99997"],
    )
    assert listed(found.known["residents_65"]) == [475, 8, None, None, None]  # 474.5 and 7.5: a half goes up
    assert listed(found.reasons["residents_65"]) == [None, None, "secret", "later", "secret"]


def test_a_count_goes_before_a_share() -> None:
    found = read(AANTAL_HH=[200], P_EENP_HH=[90], a_1p_hh=[50])
    assert listed(found.known["one_person_households"]) == [50]


def test_what_no_column_tells_of_is_not_told() -> None:
    assert list(read(aantal_inwoners=[5]).known.columns) == ["residents"]
    assert list(read(naam=["A"]).known.columns) == []


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("aantal_inwoners", -5, "negative"),
        ("aantal_inwoners", "veel", "no number"),
        ("aantal_inwoners", "1.234.567", "no number"),
        ("aantal_inwoners", float("inf"), "no number"),
        ("aantal_inwoners", "12,5", "not whole"),
        ("percentage_personen_65_jaar_en_ouder", 101, "100 per cent"),
        ("percentage_personen_65_jaar_en_ouder", "-1", "negative"),
        ("a_65_oo", 120, "more than aantal_inwoners"),
        ("aantal_eenpersoonshuishoudens", 60, "more than aantal_huishoudens"),
    ],
)
def test_a_figure_that_cannot_be_is_named_with_row_field_and_value(column: str, value: object, reason: str) -> None:
    good = {"aantal_inwoners": 100, "aantal_huishoudens": 50}
    found = read(**{name: [good.get(name, 10), v] for name, v in {**good, column: value}.items()})
    flaw = next(flaw for flaw in found.flaws if reason in flaw.reason)
    assert (flaw.row, flaw.field) == (3, column)
    assert flaw.value == str(value)
    assert len(found.flaws) == 1


def test_codes_are_read_as_cbs_writes_them_and_water_and_fictive_rows_are_known() -> None:
    found = cbs.codes(pd.Series([" bu0363aa01", "BU05799997", "BU05799998", "WK057999", "GM0579", "", None]))
    assert listed(found) == ["BU0363AA01", "BU05799997", "BU05799998", "WK057999", "GM0579", None, None]
    assert cbs.is_fictive(found).tolist() == [False, True, True, False, False, False, False]
    assert cbs.is_water(pd.Series(["JA", "NEE ", "B", "ja", None])).tolist() == [True, False, True, True, False]
