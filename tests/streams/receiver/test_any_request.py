"""Whatever a stranger sends to the receiver, it answers as its OpenAPI document says, without a fault of its own."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streams.receiver.openapi import document
from tests.streams.receiver.scene import TOKEN, Receiving

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 25  # of each route, besides those at the limits of the schema

schemathesis.openapi.media_type("application/x-protobuf", st.binary(max_size=2000))
schemathesis.openapi.media_type("application/x-ndjson", st.binary(max_size=2000))
schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_any_request_is_answered_as_the_document_says(case: "schemathesis.Case[Any]", receiver: Receiving) -> None:
    response = case.call(base_url=receiver.url, headers={"Authorization": f"Bearer {TOKEN}"})
    case.validate_response(response, checks=CHECKS)
