"""Hundreds of requests made up from the API's own description: no defect, and every answer as described."""

from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, seed, settings, strategies
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

from tests.described import description
from tests.integration.evil import ROOM, SPOT, WALK
from tests.integration.town import ACTIVITIES, ADMIN, ASSETS, NOBODY, RUNS, Town, live, served, square

SEED = 20261122
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FEW, MANY = 14, 140  # requests for each operation, role, and kind of data: as described, and not
LONGEST = 60_000  # of a request: what is longer, the HTTP server turns away before it is ours
LEAST, LEAST_SLOW = 2_000, 20_000  # requests in all
MADE_TO_ORDER = "POST /imports"  # takes a real file, or an import that waits: see test_api_imports
FIRST = ("assets", "activities", "neighbourhoods", "coverage")
HSDS = "organizations services service_at_locations locations taxonomies taxonomy_terms".split()
ROLES = (NOBODY, ADMIN)
OPERATIONS = {
    f"{method.upper()} {path}": told for path, each in description()["paths"].items() for method, told in each.items()
}
# What has nothing to vary is one request; and what takes any text in its path cannot be asked wrongly.
VARIED = [name for name, told in OPERATIONS.items() if told.get("parameters") or "requestBody" in told]
BREAKABLE = [
    name for name in VARIED
    if "requestBody" in OPERATIONS[name]
    or any(each["in"] != "path" or len(each["schema"].keys() - {"title", "description"}) > 1
           for each in OPERATIONS[name].get("parameters", []))
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
RD = "http://www.opengis.net/def/crs/EPSG/0/28992"
ASKED: Mapping[str, Sequence[Any]] = {
    "bbox": [[4, 52, 5, 53], [4.4, 52.1, 4.5, 52.2]], "crs": [RD], "bbox-crs": [], "filter-crs": [], "sortby": [],
    "filter": [], "filter-lang": [], "properties": [], "cursor": [], "after": [], "lang": [], "modified_after": [],
    "taxonomy_id": [], "taxonomy_term_id": [], "organization_id": [], "parent_id": [], "postcode": [], "format": [],
    "proximity": [], "kind": [["initiative"], []], "service": [["meals,transport"], []],
    "level": [[]], "theme": [[]], "neighbourhood": ["GM0579", "BU05790102"], "run": [],
    "datetime": ["2026-11-22/..", "2026-11-22"],
}  # fmt: skip
PLACED: Mapping[str, Sequence[Any]] = {
    "tileMatrixSetId": ["WebMercatorQuad"], "tileMatrix": [0, 8, 12, 14], "tileRow": [0, 84, 1348, 5395],
    "tileCol": [0, 131, 2099, 8397],
}  # fmt: skip
NEEDED: Mapping[str, Mapping[str, Any]] = {ASSETS.removeprefix("/v1"): ROOM, ACTIVITIES.removeprefix("/v1"): WALK}
schemathesis.openapi.format("time-local", strategies.times().map(lambda time: time.isoformat("seconds")))


def aim(told: Any, sound: Mapping[str, Sequence[Any]], number: int) -> None:
    """Put sound values where made-up ones would be refused; a name without any is left out."""
    for name in told.keys() & sound.keys() if isinstance(told, MutableMapping) else ():
        if sound[name]:
            told[name] = sound[name][number % len(sound[name])]
        else:
            del told[name]


@dataclass
class Fuzzing:
    """Requests made up from a description; `answers` counts answers.

    items    collections with an id in them
    filters  of each collection
    ids      of what else there is, by a part of its path
    """

    described: BaseSchema
    items: list[tuple[str, str]]
    filters: dict[str, list[str]]
    ids: dict[str, list[str]]
    turns: Iterator[int] = field(default_factory=count)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def send(self, operation: str, headers: dict[str, str], times: int) -> None:
        """Send so many requests that fit the description of an operation, and as many that do not."""
        method, _, path = operation.partition(" ")
        with requests.Session() as connection:
            for mode in GenerationMode:
                cases = self.described[path][method].as_strategy(generation_mode=mode)
                sent = cases.map(self.aimed) if mode == GenerationMode.POSITIVE else cases
                if mode == GenerationMode.POSITIVE or operation in BREAKABLE:
                    self.hold(connection, sent, headers, times)

    def aimed(self, case: Case[Any]) -> Case[Any]:
        """Let most requests that fit the description get past the first check."""
        number = next(self.turns)
        if number % 5 == 4:  # now and then as it was made up
            return case
        fitting = [pair for pair in self.items if pair[0] in case.path] or self.items
        collection, item = fitting[number % len(fitting)]
        aim(case.path_parameters, {**PLACED, "collection": [collection], "item": [item]}, number)
        for part, ids in self.ids.items():
            if f"/{part}/{{" in case.path:
                aim(case.path_parameters, {"item": ids, "run_id": ids}, number)
        others = {name for known in self.filters.values() for name in known} - {*self.filters[collection]}
        aim(case.query, dict.fromkeys(others, ()), number)
        aim(case.query, {**ASKED, "since": self.ids["runs"]}, number)
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
            assume(len(case.as_curl_command()) < LONGEST)
            answer = case.call(session=connection, headers=headers)
            self.answers[case.operation.label, answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        holds()


@pytest.fixture(scope="module")
def fuzzing(town: Town) -> Iterator[Fuzzing]:
    pages = [town.get(f"/v1/collections/{name}/items", limit=5).json()["features"] for name in FIRST]
    items = [(name, str(feature["id"])) for name, page in zip(FIRST, pages, strict=True) for feature in page]
    ids = {name: [each["id"] for each in town.get(f"/v1/hsds/{name}").json()["contents"]] for name in HSDS}
    ids["runs"] = [run["id"] for run in town.get(RUNS).json()["runs"]]
    told = town.get("/v1/collections").json()["collections"]
    filters = {each["id"]: each["filters"] for each in told}
    with live(town), served(town.app) as address:
        described = schemathesis.openapi.from_url(f"{address}/v1/openapi.json")
        described.config.generation.update(with_security_parameters=False)  # who asks is what a test is told
        yield Fuzzing(described, items, filters, ids)


def test_the_document_that_is_served_is_the_one_whose_operations_are_tried(fuzzing: Fuzzing) -> None:
    assert fuzzing.described.raw_schema == description()
    assert len(OPERATIONS) > 40


def test_the_requests_of_all_operations_together_are_enough() -> None:
    of_each = len(ROLES) * (len(VARIED) + len(BREAKABLE))
    assert of_each * FEW >= LEAST
    assert of_each * MANY >= LEAST_SLOW


def sent_of(fuzzing: Fuzzing, operation: str) -> Counter[int]:
    """Count the answers to an operation by their status."""
    return Counter({code: times for (label, code), times in fuzzing.answers.items() if label == operation})


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_whatever_it_is_sent(
    town: Town, fuzzing: Fuzzing, operation: str, who: str
) -> None:
    before = sent_of(fuzzing, operation)
    fuzzing.send(operation, town.headers(who), FEW)
    sent = sent_of(fuzzing, operation) - before
    unlikely = operation.startswith(("GET", "DELETE", MADE_TO_ORDER))
    assert who == NOBODY or unlikely or {200, 201, 202} & sent.keys()
    assert sent.total() >= FEW * ((operation in VARIED) + (operation in BREAKABLE))


@pytest.mark.slow
@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_to_very_many_requests(
    town: Town, fuzzing: Fuzzing, operation: str, who: str
) -> None:
    fuzzing.send(operation, town.headers(who), MANY)
