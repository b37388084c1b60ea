"""What a municipality decides, from TOML and plain values: every key, and every wrong value named with its table."""

import json
from pathlib import Path
from typing import Any

import pytest

from geo.coverage import policy
from geo.coverage.policy import CLASSES, DECAYS, Policies, Policy
from geo.errors import InvalidInput

WEEK = [4.0, 5.0, 3.5] * 7
FULL = {
    "norm_m": 650, "decay": "gaussian", "half_life_days": 200, "grace_days": 30, "min_open_hours": 6.5,
    "supply_norm": 0.02, "detour": 1.25, "severity": [1, 0.6, 0.4, 0.2], "hours": WEEK,
}  # fmt: skip
MEANT = Policy(650, "gaussian", 200, 30, 6.5, 0.02, 1.25, (1, 0.6, 0.4, 0.2, 0), tuple(WEEK))
WRONG: list[tuple[str, Any]] = [
    *[("norm_m", value) for value in (0, -1, 50_001, "800", True, float("nan"), float("inf"), None, [800])],
    *[("decay", value) for value in ("linear", "", 1, None, ["step"])],
    *[("half_life_days", value) for value in (0, -1, "365", float("nan"), float("inf"), False)],
    *[("grace_days", value) for value in (-1, float("inf"), "180")],
    *[("min_open_hours", value) for value in (-1, 169, float("nan"))],
    *[("supply_norm", value) for value in (-0.1, float("inf"), "0")],
    *[("detour", value) for value in (0.9, 5.1, 0, True)],
    *[("severity", value) for value in (1, "bad", [], [1, 0.5, 0.5], [1] * 6, [1, 0.5, 0.5, -0.1], [1.1, 0.5, 0.5, 0])],
    *[("severity", value) for value in ([1, 0.5, 0.5, True], [1, 0.5, 0.5, float("nan")], {"none": 1}, {"closed": 1})],
    ("severity", {"doubtful": 0.9, "closed": 0.5, "full": 0.3, "served": 0.1}),
    ("norm_m", 10**400),
    *[("hours", value) for value in (6, [6.0] * 20, [6.0] * 22, [*[6.0] * 20, -1], [*[6.0] * 20, 25], ["6"] * 21)],
    ("norm", 800),
    ("scale", True),
]


def refusals(told: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        policy.of_json(told)
    assert all(flaw.field in str(refused.value) for flaw in refused.value.flaws)
    return {flaw.field: flaw.reason for flaw in refused.value.flaws}


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_policy_that_says_nothing_is_the_default() -> None:
    assert policy.of_json({}) == Policies()
    assert Policy() == Policy(800, "quadratic", 365, 180, 4, 0, 1.3, (1, 0.5, 0.5, 0.25, 0), (6,) * 21)


def test_every_key_is_read() -> None:
    assert set(FULL) == set(Policy._fields)
    assert policy.of_json(FULL).base == MEANT


@pytest.mark.parametrize("decay", DECAYS)
def test_every_decay_is_known(decay: str) -> None:
    assert policy.of_json({"decay": decay}).base.decay == decay


def test_whole_numbers_become_the_same_kind_of_number_as_others() -> None:
    assert {type(value) for value in policy.of_json(FULL).base if not isinstance(value, str | tuple)} == {float}


def test_a_kind_and_a_service_have_what_they_say_and_else_what_holds_for_all() -> None:
    told = {"norm_m": 500, "detour": 1.2, "kind": {"room": {"norm_m": 900}}, "service": {"meals": {"decay": "step"}}}
    read = policy.of_json(told)
    assert read.of() == read.base == Policy(norm_m=500, detour=1.2)
    assert read.of("room") == Policy(norm_m=900, detour=1.2)
    assert read.of(service="meals") == Policy(norm_m=500, detour=1.2, decay="step")
    assert read.of("group") == read.of(service="other") == read.base


def test_a_file_is_laid_over_the_base_that_is_given(tmp_path: Path) -> None:
    file = written(tmp_path, 'scale_to_key_figure = true\ngrace_days = 9\n[kind.room]\ndecay = "step"\n')
    read = policy.read(file, Policy(norm_m=400))
    assert read.base == Policy(norm_m=400, grace_days=9)
    assert read.of("room") == Policy(norm_m=400, grace_days=9, decay="step")
    assert read.scale


def test_severities_may_be_named_and_served_left_out() -> None:
    named = {"doubtful": 0.5, "none": 1, "full": 0.1, "closed": 0.4}
    assert policy.of_json({"severity": named}).base.severity == (1, 0.5, 0.4, 0.1, 0)
    assert policy.of_json({"severity": {**named, "served": 0.05}}).base.severity == (1, 0.5, 0.4, 0.1, 0.05)


def test_a_policy_comes_back_from_json_as_it_was() -> None:
    told = {**FULL, "scale_to_key_figure": True, "kind": {"room": {"norm_m": 300}}, "service": {"meals": FULL}}
    read = policy.of_json(told)
    assert policy.of_json(json.loads(json.dumps(read.as_json()))) == read


@pytest.mark.parametrize("table", ["", "kind.room.", "service.meals."])
@pytest.mark.parametrize(("key", "value"), WRONG)
def test_each_wrong_value_is_named_with_its_table(table: str, key: str, value: object) -> None:
    told: dict[str, Any] = {key: value}
    for name in reversed(table.split(".")[:-1]):
        told = {name: told}
    assert list(refusals(told)) == [table + key]


@pytest.mark.parametrize("rising", [[0.5, 1, 0.5, 0.25], [1, 0.5, 0.6, 0.25, 0], [1, 0.5, 0.5, 0.2, 0.3]])
def test_severities_that_rise_are_refused(rising: list[float]) -> None:
    assert "none worse than the one before it" in refusals({"severity": rising})["severity"]
    named = dict(zip(CLASSES, rising, strict=False))
    assert "none worse than the one before it" in refusals({"severity": named})["severity"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    told = {"norm_m": 0, "kind": {"room": {"decay": "x", "norms": 1}}, "service": {"meals": {"detour": 9}}}
    told["scale_to_key_figure"] = "yes"
    names = ["norm_m", "kind.room.decay", "kind.room.norms", "service.meals.detour", "scale_to_key_figure"]
    assert list(refusals(told)) == names


@pytest.mark.parametrize("value", [3, [], "room", {"room": 3}, {"room": [1]}])
def test_tables_that_are_none_are_refused(value: object) -> None:
    assert list(refusals({"kind": value})) == ["kind"]


@pytest.mark.parametrize("text", ["norm_m = ", "norm_m = 1\nnorm_m = 2", "[kind"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=r"policy\.toml cannot be read as TOML"):
        policy.read(written(tmp_path, text))


def test_a_file_that_is_missing_or_no_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"policy\.toml"):
        policy.read(tmp_path / "policy.toml")
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"policy\.toml"):
        policy.read(tmp_path / "policy.toml")


def test_a_kind_or_service_that_there_is_not_is_refused_with_the_nearest() -> None:
    told = policy.of_json({"kind": {"community_rom": {}, "volunteer": {}}, "service": {"meals": {}, "mealz": {}}})
    with pytest.raises(InvalidInput) as refused:
        policy.check_names(told, ["community_room", "initiative"], ["meals", "groceries"])
    assert [tuple(flaw) for flaw in refused.value.flaws] == [
        ("kind.community_rom", "is none; did you mean community_room?"),
        ("kind.volunteer", "is none; there are community_room, initiative"),
        ("service.mealz", "is none; did you mean meals?"),
    ]


def test_a_key_that_is_nearly_one_is_refused_with_the_one_it_may_be() -> None:
    assert refusals({"norm": 900}) == {"norm": "is not known: did you mean norm_m?"}
    assert refusals({"kinds": {}}) == {"kinds": "is not known: did you mean kind?"}
    assert "scale_to_key_figure" in refusals({"x": 1})["x"]


def test_what_is_told_beside_a_file_goes_before_its_keys_and_reaches_its_tables(tmp_path: Path) -> None:
    file = written(tmp_path, "norm_m = 700\n[service.meals]\nmin_open_hours = 10\n[kind.initiative]\nnorm_m = 900\n")
    read = policy.read(file, over={"norm_m": 500})
    norms = read.base.norm_m, read.of(service="meals").norm_m, read.of(kind="initiative").norm_m
    assert norms == (500, 500, 900)
