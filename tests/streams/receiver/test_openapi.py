"""The receiver's document is valid OpenAPI 3.1, says all routes and no others, and is the file in docs/."""

import json
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sinks.prometheus import Metrics
from streams.gateways.formats import FORMATS
from streams.receiver.endpoints import ENDPOINTS, Endpoint
from streams.receiver.openapi import document
from streams.receiver.routes import Receiver
from streams.settings import Settings
from tests.streams.receiver.scene import Receiving

FILE = Path(__file__).parents[3] / "docs" / "receiver.openapi.json"


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_it_says_each_route_and_no_other() -> None:
    said = {(path, method.upper()) for path, item in document()["paths"].items() for method in item}
    assert said == {(route.path, route.method) for route in Receiver(Settings(), Metrics()).routes()}


def test_the_file_is_up_to_date() -> None:
    assert json.loads(FILE.read_text()) == document(), "write it again: sluice openapi > docs/receiver.openapi.json"


def test_it_is_served(receiver: Receiving) -> None:
    answer = httpx.get(f"{receiver.url}/openapi.json")
    assert (answer.headers["Content-Type"], answer.json()) == ("application/json", document())


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_each_endpoint_has_a_decoder(endpoint: Endpoint) -> None:
    assert endpoint.form in FORMATS


def test_the_refusals_that_it_says_are_those_that_come(http: httpx.Client) -> None:
    said = document()["paths"]["/v1/feedback"]["post"]["responses"]
    for answer in (
        http.post("/v1/feedback", content=b"no JSON"),
        http.post("/v1/feedback", content=b"x", headers={"Authorization": "Bearer wrong"}),
        http.post("/v1/feedback", content=b"x" * 200_000),
        http.post("/v1/feedback", content=b"x", headers={"Content-Encoding": "br"}),
    ):
        assert str(answer.status_code) in said
        assert set(answer.json()) == {"reason", "detail"}
    assert list(said) == ["202", "400", "401", "413", "415", "429"]
