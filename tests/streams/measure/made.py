"""Responses and blocks as the tests of measuring make them."""

import json
from collections.abc import Sequence
from typing import Any

from detectors.base import Measurements
from streams.events import InferenceRequest, InferenceResponse, Received
from streams.measure import Answers, Row, by_segment, read
from tests.streams.test_events import REQUEST, RESPONSE


def request(**change: Any) -> InferenceRequest:
    return InferenceRequest.model_validate_json(json.dumps(REQUEST | change))


def response(**change: Any) -> InferenceResponse:
    return InferenceResponse.model_validate_json(json.dumps(RESPONSE | change))


def said(*parts: Any, **change: Any) -> InferenceResponse:
    """Return a response of one message: texts, and other parts as they are."""
    made = [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts]
    return response(**{"gen_ai.output.messages": [{"role": "assistant", "parts": made}]} | change)


def received(events: Sequence[InferenceResponse]) -> Received[InferenceResponse]:
    n = len(events)
    return Received(list(events), [f"inference.responses/0/{i}" for i in range(n)], [0] * n, [0] * n, list(range(n)))


def answers(events: Sequence[InferenceResponse], segments: Sequence[str | None]) -> Answers:
    told = [read(event, None) for event in events]
    seconds, types = [event.duration_s for event in events], [answer.output_type for answer in told]
    return Answers(received(events), segments, told, seconds, types)


def measured(
    events: Sequence[InferenceResponse], segments: Sequence[str | None], others: Sequence[Row] = (), share: float = 0.0
) -> list[tuple[str, Measurements]]:
    return list(by_segment(answers(events, segments), others, share))


def one(*events: InferenceResponse, share: float = 0.0) -> Measurements:
    """Measure responses of one segment."""
    ((_, piece),) = measured(events, ["x"] * len(events), share=share)
    return piece
