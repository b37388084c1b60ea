"""Hundreds of requests made up from the API's own description: no defect, and every answer as described."""

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.evil import ROOM, SPOT, WALK
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, NOBODY, Town, live, served, square

SEED = 20261122
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FEW, MANY = 10, 100  # requests for each operation, role, and kind of data: as described, and not
MADE_TO_ORDER = "POST /v1/imports"  # takes a real file, or an import that waits: see test_api_imports
COLLECTIONS = ("assets", "activities", "neighbourhoods", "coverage")
OPERATIONS = [
    "GET /v1/", "GET /v1/conformance", "GET /v1/vocabulary", "GET /v1/collections", "GET /v1/collections/{collection}",
    "GET /v1/collections/{collection}/items", "GET /v1/collections/{collection}/items/{item}", "GET /livez",
    "POST /v1/collections/assets/items", "PATCH /v1/collections/assets/items/{item}", "GET /readyz",
    "DELETE /v1/collections/assets/items/{item}", "POST /v1/collections/activities/items",
    "PATCH /v1/collections/activities/items/{item}", "DELETE /v1/collections/activities/items/{item}",
    "POST /v1/collections/neighbourhoods/items", "GET /v1/coverage/runs", "POST /v1/coverage/runs",
    "GET /v1/coverage/runs/{run_id}", "GET /v1/coverage/runs/{run_id}/changes", "POST /v1/coverage/what-if",
    "POST /v1/coverage/siting", "GET /v1/imports", "POST /v1/imports", "GET /v1/imports/{job_id}",
    "DELETE /v1/imports/{job_id}", "POST /v1/imports/{job_id}/confirm", "POST /v1/imports/{job_id}/undo",
    "GET /v1/imports/{job_id}/doubts", "POST /v1/imports/doubts/{doubt}",
]  # fmt: skip

# What a made-up value would never hit. Everything else in a request stays as it was made up.
SOUND: Mapping[str, Sequence[Any]] = {
    "geometry": [SPOT, None, square(4.47, 52.18, 0.002)], "kind": ["community_room", "initiative", "care_location"],
    "themes": [[], ["meet", "eat"]], "services": [["meals"], []], "goals": [[], ["care_nearby"]], "languages": [["nl"]],
    "target_groups": [["everyone"], []], "theme": ["meet", "move"], "funding": [[], ["gifts"]], "accessibility": [{}],
    "opening_hours": ["Mo-Fr 09:00-17:00", None, "24/7"], "url": [None, "https://example.org/"], "contact": [None],
    "organisation": [None, {"name": "Stichting"}], "legal_form": [None, "informal"], "ladder_level": [None],
    "growth": [[]], "founded_in": [None, 1999], "neighbourhood": [None, "BU05790102"], "catchment": [[], ["GM0579"]],
    "asset": [None], "visible_to": [None], "ends_on": [None], "time_to": [None], "confirmed_on": ["2020-02-29"],
    "visible_from": ["2020-02-29", None], "source": [None],
}  # fmt: skip
ASKED: Mapping[str, Sequence[Any]] = {
    "bbox": ["4,52,5,53", "4.4,52.1,4.5,52.2"], "kind": [["initiative"], []], "service": [["meals,transport"], []],
    "level": [[]], "theme": [[]], "neighbourhood": ["GM0579", "BU05790102"], "run": [],
    "datetime": ["2026-11-22/..", "2026-11-22"],
}  # fmt: skip
NEEDED: Mapping[str, Mapping[str, Any]] = {ASSETS: ROOM, ACTIVITIES: WALK}


def aim(told: Any, sound: Mapping[str, Sequence[Any]], number: int) -> None:
    """Put sound values where made-up ones would be refused; a name without any is left out."""
    for name in told.keys() & sound.keys() if isinstance(told, MutableMapping) else ():
        if sound[name]:
            told[name] = sound[name][number % len(sound[name])]
        else:
            del told[name]


@dataclass
class Fuzzing:
    """Requests made up from a description; `items` are collections with an id in them, `answers` counts answers."""

    described: BaseSchema
    items: list[tuple[str, str]]
    turns: Iterator[int] = field(default_factory=count)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def send(self, operation: str, headers: dict[str, str], times: int) -> None:
        """Send so many requests that fit the description of an operation, and as many that do not."""
        method, _, path = operation.partition(" ")
        with requests.Session() as connection:
            for mode in GenerationMode:
                cases = self.described[path][method].as_strategy(generation_mode=mode)
                sent = cases.map(self.aimed) if mode == GenerationMode.POSITIVE else cases
                self.hold(connection, sent, headers, times)

    def aimed(self, case: Case[Any]) -> Case[Any]:
        """Let most requests that fit the description get past the first check."""
        number = next(self.turns)
        fitting = [pair for pair in self.items if pair[0] in case.path] or self.items
        collection, item = fitting[number % len(fitting)]
        aim(case.path_parameters, {"collection": [collection], "item": [item]}, number)
        aim(case.query, ASKED, number)
        aim(case.headers, {"if-match": ["*", '"1"', "*"]}, number)
        body: Any = case.body
        if isinstance(body, dict) and isinstance(body.get("properties"), dict):
            body["properties"] |= NEEDED.get(case.path, {}) if case.method == "POST" else {}
            aim(body, {"geometry": SOUND["geometry"]}, number)
            aim(body["properties"], SOUND, number)
        return case

    def hold(
        self, connection: requests.Session, cases: SearchStrategy[Case[Any]], headers: dict[str, str], times: int
    ) -> None:
        """Send what a strategy makes up, the same each time."""

        @seed(SEED)
        @settings(
            max_examples=times,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases)
        def holds(case: Case[Any]) -> None:
            answer = case.call(session=connection, headers=headers)
            self.answers[case.operation.label, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        holds()


@pytest.fixture(scope="module")
def fuzzing(town: Town) -> Iterator[Fuzzing]:
    pages = [town.get(f"/v1/collections/{name}/items", limit=5).json()["features"] for name in COLLECTIONS]
    items = [(name, str(feature["id"])) for name, page in zip(COLLECTIONS, pages, strict=True) for feature in page]
    with live(town), served(town.app) as address:
        yield Fuzzing(schemathesis.openapi.from_url(f"{address}/v1/openapi.json"), items)


def test_every_described_operation_is_tried(fuzzing: Fuzzing) -> None:
    described = fuzzing.described.raw_schema["paths"]
    assert {f"{method.upper()} {path}" for path, methods in described.items() for method in methods} == set(OPERATIONS)


@pytest.mark.parametrize("who", [NOBODY, ADMIN])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_whatever_it_is_sent(
    town: Town, fuzzing: Fuzzing, operation: str, who: str
) -> None:
    fuzzing.send(operation, town.headers(who), FEW)
    sent = {status: times for (label, status), times in fuzzing.answers.items() if label == operation}
    unlikely = operation.startswith(("GET", "DELETE", MADE_TO_ORDER))
    assert who == NOBODY or unlikely or {200, 201, 202} & sent.keys()


@pytest.mark.slow
@pytest.mark.parametrize("who", [NOBODY, ADMIN])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_to_very_many_requests(
    town: Town, fuzzing: Fuzzing, operation: str, who: str
) -> None:
    fuzzing.send(operation, town.headers(who), MANY)
