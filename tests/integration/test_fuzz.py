"""Thousands of requests made up from the API's own description: no defect, and every answer as described."""

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.town import ADMIN, NOBODY, Town, served

SEED = 20261122
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FEW, MANY = 10, 400  # requests for each operation, kind of data and role
SLOWEST = ("start_run_v1_coverage_runs_post",)  # computes for a second: a few requests show as much as many
OPERATIONS = [
    "GET /v1/", "GET /v1/conformance", "GET /v1/vocabulary", "GET /v1/collections", "GET /v1/collections/{collection}",
    "GET /v1/collections/{collection}/items", "GET /v1/collections/{collection}/items/{item}", "GET /livez", "GET /readyz",
    "POST /v1/collections/assets/items", "PATCH /v1/collections/assets/items/{item}",
    "DELETE /v1/collections/assets/items/{item}", "POST /v1/collections/activities/items",
    "PATCH /v1/collections/activities/items/{item}", "DELETE /v1/collections/activities/items/{item}",
    "POST /v1/collections/neighbourhoods/items", "GET /v1/coverage/runs", "POST /v1/coverage/runs",
    "GET /v1/coverage/runs/{run_id}",
]  # fmt: skip


@pytest.fixture(scope="module")
def address(town: Town) -> Iterator[str]:
    with served(town.app) as address:
        yield address


@pytest.fixture(scope="module")
def described(address: str) -> BaseSchema:
    schema: BaseSchema = schemathesis.openapi.from_url(f"{address}/v1/openapi.json")
    return schema


def try_out(described: BaseSchema, operation: str, who: dict[str, str], times: int) -> None:
    """Send so many requests that fit the description of an operation, and as many that do not."""
    method, _, path = operation.partition(" ")
    found = described[path][method]
    for mode in GenerationMode:
        with requests.Session() as connection:

            @seed(SEED)
            @settings(
                max_examples=times, database=None, deadline=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=found.as_strategy(generation_mode=mode))
            def holds(case: Case) -> None:
                answer = case.call(session=connection, headers=who)
                case.validate_response(answer, checks=CHECKS)

            holds()


def test_every_described_operation_is_tried(described: BaseSchema) -> None:
    assert {result.ok().label for result in described.get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize("who", [NOBODY, ADMIN])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_whatever_it_is_sent(
    town: Town, described: BaseSchema, operation: str, who: str
) -> None:
    try_out(described, operation, town.headers(who), FEW)


@pytest.mark.slow
@pytest.mark.parametrize("who", [NOBODY, ADMIN])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_answers_as_described_to_very_many_requests(
    town: Town, described: BaseSchema, operation: str, who: str
) -> None:
    try_out(described, operation, town.headers(who), FEW if operation == "POST /v1/coverage/runs" else MANY)
