"""Log records: recorded events of both conventions, feedback early, late and of every kind of rater."""

from typing import Any

import pytest

from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.gateways.base import InvalidEvent
from streams.gateways.otlp_logs import logs
from streams.gateways.otlp_traces import traces
from tests.streams.gateways import otlp_messages as otlp
from tests.streams.gateways.otlp_messages import END, INGEST_NS, SPAN, START, TRACE, recorded
from tests.streams.gateways.test_otlp_traces import CAPITAL, CUT, OPENAI_V2, PARIS, WEATHER_CALL, text

DETAILS = "otel/genai-openai-1.3b0.span_and_event.logs.otlp_proto.bin"
DETAILS_2 = "otel/genai-openai-1.3b0.span_and_event.logs2.otlp_proto.bin"
EVALUATIONS = "otel/genai-openai-1.3b0.no_content.logs.otlp_proto.bin"
LATE = "otel/derived_late_feedback_only.logs.otlp_proto.bin"
FORMER = "otel/openai-v2-2.4b0.semconv1.30.logs.otlp_proto.bin"

DEMO = {"source_format": "otlp_log", "service": "demo-gateway", "environment": "test"}
CONTEXT = {"trace_id": bytes.fromhex(TRACE), "span_id": bytes.fromhex(SPAN)}


def decoded(name: str) -> list[Any]:
    return list(logs(recorded(name), [], INGEST_NS))


def said(event: Any) -> dict[str, Any]:
    return event.model_dump(exclude_defaults=True)  # type: ignore[no-any-return]


def of_call(name: str, inference_id: str) -> list[dict[str, Any]]:
    return [said(event) for event in decoded(name) if event.inference_id == inference_id]


def evaluation(attributes: dict[str, Any], **fields: Any) -> Any:
    """Read one evaluation event made of these attributes."""
    fields = {"event_name": "gen_ai.evaluation.result", "time_unix_nano": END, **fields}
    [event] = logs(otlp.logs({"attributes": attributes, **fields}), [], INGEST_NS)
    return event


THUMB = {
    "gen_ai.evaluation.name": "user.thumbs", "gen_ai.evaluation.score.value": 1.0, "gen_ai.response.id": "r-1",
}  # fmt: skip


# One record a call, since 1.37


def test_a_call_in_one_record_says_what_its_span_says_and_no_duration() -> None:
    span = "4c89fd2d0c26b204972b3f9cb2edfb80:8e81c6d9c5eaf27c"
    both = {
        **DEMO, "source_version": "1.3b0", "provider": "openai", "operation": "chat", "request_model": "cut-stream",
        "trace_id": span.split(":")[0], "span_id": span.split(":")[1], "inference_id": span,
        "aliases": [f"trace:{span.split(':')[0]}", f"span:{span}", "resp:chatcmpl-stream-0001"],
        "time_unix_nano": 1795226323090070663,
    }  # fmt: skip
    assert of_call(DETAILS, span) == [
        {
            **both, "kind": "request", "event_id": f"{span}:request", "stream": True, "input_messages": CAPITAL,
            "content_state": "captured",
        },
        {
            **both, "kind": "response", "event_id": f"{span}:response", "status": "partial",
            "response_id": "chatcmpl-stream-0001", "response_model": "gpt-4o-mini-2024-07-18",
            "finish_reasons": ["stop"], "output_messages": [CUT], "time_to_first_chunk_s": 0.022803611999961504,
            "error_type": "openai.APIConnectionError",
        },
    ]  # fmt: skip


def test_structured_content_is_read_like_content_in_a_string() -> None:
    request, response = of_call(DETAILS, "f21df18e49c2959121250ef29cd2a7be:40aa0828ce1fe25b")
    assert request["input_messages"] == [CAPITAL[0], text("user", "Weather in Paris?")]
    assert [tool["name"] for tool in request["tool_definitions"]] == ["get_weather"]
    assert response["output_messages"][0]["parts"] == [WEATHER_CALL]
    assert response["finish_reasons"] == ["tool_calls"]


def test_records_and_spans_of_the_same_calls_name_them_the_same() -> None:
    spans = traces(recorded("otel/genai-openai-1.3b0.span_and_event.traces.otlp_proto.bin"), [], INGEST_NS)
    of_spans = {event.inference_id for event in spans if isinstance(event, InferenceRequest)}
    of_logs = {
        event.inference_id for name in (DETAILS, DETAILS_2) for event in decoded(name) if event.kind == "request"
    }
    assert len(of_spans) == 10
    assert of_spans - of_logs == {"37b06b6894cb904c7fe1c37c5fced313:c5c41ac2dc2b542d"}  # embeddings have no event
    assert of_logs <= of_spans


def test_a_record_without_a_time_was_when_it_was_observed_or_came_to_kafka() -> None:
    record = {"event_name": "gen_ai.user.message", "body": {"content": "hi"}, **CONTEXT}
    for fields, time_ns in (
        ({"time_unix_nano": START, "observed_time_unix_nano": END}, START),
        ({"observed_time_unix_nano": END}, END),
        ({}, INGEST_NS),
        ({"time_unix_nano": 1795226324}, INGEST_NS),  # seconds
    ):
        [event] = logs(otlp.logs({**record, **fields}), [], INGEST_NS)
        assert event.time_unix_nano == time_ns  # type: ignore[union-attr]


def test_a_call_outside_of_a_trace_cannot_be_named() -> None:
    record = {
        "event_name": "gen_ai.client.inference.operation.details", "attributes": {"gen_ai.operation.name": "chat"},
    }  # fmt: skip
    [wrong] = logs(otlp.logs(record), [], INGEST_NS)
    assert isinstance(wrong, InvalidEvent)
    assert wrong.reason == "wrong_shape"
    assert "inside of its span" in wrong.detail


# One record a message, before 1.37


def test_the_records_of_a_call_become_one_request_and_one_response() -> None:
    span = "29a849da76ed00ba2b99e90bfb66d68a:1b2a388515c7e67e"
    both = {
        **DEMO, "provider": "openai", "operation": "chat", "inference_id": span,
        "trace_id": "29a849da76ed00ba2b99e90bfb66d68a", "span_id": "1b2a388515c7e67e",
        "aliases": ["trace:29a849da76ed00ba2b99e90bfb66d68a", f"span:{span}"],
    }  # fmt: skip
    assert of_call(FORMER, span) == [
        {
            **both, "kind": "request", "event_id": f"{span}:request", "time_unix_nano": 1795226381196213458,
            "input_messages": CAPITAL, "content_state": "captured",
        },
        {
            **both, "kind": "response", "event_id": f"{span}:response", "time_unix_nano": 1795226381202620459,
            "status": "ok", "finish_reasons": ["stop", "stop"], "output_messages": [PARIS, PARIS],
        },
    ]  # fmt: skip


def test_a_call_that_failed_has_no_response_from_its_records() -> None:
    [request] = of_call(FORMER, "310f7eee9c80dac747b084a1fba91945:60c0dd0580c7fc9f")
    assert request["kind"] == "request"
    assert request["input_messages"] == CAPITAL


def test_a_tool_call_among_the_records_is_a_part() -> None:
    _, response = of_call(FORMER, "1e684f5dbbab2e2b4ae24d97752555ee:1ad8c6302a85dd76")
    assert response["output_messages"] == [
        {"role": "assistant", "parts": [WEATHER_CALL], "finish_reason": "tool_calls"}
    ]


def test_every_call_of_the_older_convention_is_that_of_a_span() -> None:
    of_spans = {event.inference_id for event in traces(recorded(OPENAI_V2), [], INGEST_NS)}  # type: ignore[union-attr]
    kinds = [event.kind for event in decoded(FORMER)]
    assert (kinds.count("request"), kinds.count("response")) == (7, 5)
    assert {event.inference_id for event in decoded(FORMER)} < of_spans


def test_part_of_a_calls_records_gives_what_it_has() -> None:
    choice = {"event_name": "gen_ai.choice", "body": {"index": 0, "finish_reason": "stop"}, "time_unix_nano": END}
    [response] = logs(otlp.logs({**choice, **CONTEXT}), [], INGEST_NS)
    assert isinstance(response, InferenceResponse)
    assert response.finish_reasons == ["stop"]
    assert response.output_messages is None  # content is off, the default
    message = {"event_name": "gen_ai.user.message", "time_unix_nano": START, "body": {}, **CONTEXT}
    [request] = logs(otlp.logs(message), [], INGEST_NS)
    assert isinstance(request, InferenceRequest)
    assert (request.input_messages, request.content_state) == (None, "not_captured")


def test_what_a_tool_returned_is_a_message_to_the_model() -> None:
    body = {"id": "call_1", "content": '{"temp_c": 14}'}
    [request] = logs(
        otlp.logs({"event_name": "gen_ai.tool.message", "time_unix_nano": START, "body": body, **CONTEXT}),
        [],
        INGEST_NS,
    )
    assert isinstance(request, InferenceRequest)
    assert request.input_messages == [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "result": '{"temp_c": 14}'}]}
    ]


# Feedback


def test_late_feedback_is_about_the_response_whose_id_it_has() -> None:
    [event] = decoded(LATE)
    assert isinstance(event, Feedback)
    assert said(event) | {"event_id": ""} == {
        **DEMO, "source_version": "0.1.0", "kind": "feedback", "event_id": "", "time_unix_nano": 1795226324641632573,
        "aliases": ["resp:chatcmpl-stream-0001"], "name": "user_thumbs", "score": 1.0, "label": "thumbs_up",
    }  # fmt: skip


def test_feedback_within_a_trace_names_its_span_and_the_response() -> None:
    first, second, late = decoded(EVALUATIONS)
    span = "328f92363829dcf5df39575cf63e926c:d88d4d0daa63f2c6"
    both = {
        **DEMO, "source_version": "0.1.0", "kind": "feedback", "inference_id": span,
        "trace_id": "328f92363829dcf5df39575cf63e926c", "span_id": "d88d4d0daa63f2c6",
        "aliases": ["resp:chatcmpl-plain-0001", f"span:{span}", "trace:328f92363829dcf5df39575cf63e926c"],
    }  # fmt: skip
    assert said(first) | {"event_id": ""} == {
        **both, "event_id": "", "time_unix_nano": 1795226324641483108, "name": "user_thumbs", "score": 0.0,
        "label": "thumbs_down", "explanation": "wrong answer",
    }  # fmt: skip
    assert said(second) | {"event_id": ""} == {
        **both, "event_id": "", "time_unix_nano": 1795226324641586310, "name": "Relevance", "score": 4.0,
        "label": "relevant",
    }  # fmt: skip
    assert late == decoded(LATE)[0]  # the same record in another message is the same event
    assert len({first.event_id, second.event_id, late.event_id}) == 3


def test_feedback_in_the_context_of_a_call_has_the_id_of_that_call() -> None:
    span = otlp.span({"gen_ai.operation.name": "chat"})
    [request, _] = traces(otlp.traces(span), [], INGEST_NS)
    judged = evaluation({"gen_ai.evaluation.name": "Relevance", "gen_ai.evaluation.score.label": "good"}, **CONTEXT)
    assert judged.inference_id == request.inference_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "source", "kind"),
    [
        ("user.thumbs", None, "human"),
        ("user_thumbs", None, "unknown"),
        ("implicit.copy", None, "implicit"),
        ("implicit.edit", "human", "implicit"),
        ("Relevance", "llm", "llm"),
        ("Relevance", "code", "code"),
        ("user.rating", "code", "code"),
        ("Relevance", "oracle", "unknown"),
        ("user.thumbs", 7, "human"),
    ],
)
def test_who_judged_is_told_by_a_reserved_name_or_by_the_sender(name: str, source: Any, kind: str) -> None:
    source = {} if source is None else {"app.feedback.source": source}
    assert evaluation({**THUMB, "gen_ai.evaluation.name": name, **source}).rater_kind == kind


def test_a_correction_alone_is_feedback() -> None:
    correction = {"role": "assistant", "content": "Paris, France."}
    event = evaluation({
        "gen_ai.evaluation.name": "implicit.edit", "feedback.correction": correction, "gen_ai.response.id": "r-1",
        "user.id": "u-1", "gen_ai.conversation.id": "c-1",
    })  # fmt: skip
    assert (event.correction, event.user_id, event.conversation_id) == (correction, "u-1", "c-1")


@pytest.mark.parametrize(
    ("fields", "more", "scope"),
    [
        (CONTEXT, {}, "inference"),
        ({}, {}, "inference"),
        ({"trace_id": CONTEXT["trace_id"]}, {"gen_ai.response.id": None}, "trace"),
        ({}, {"gen_ai.response.id": None, "session.id": "s-1"}, "session"),
    ],
)
def test_the_scope_is_what_the_target_is(fields: dict[str, Any], more: dict[str, Any], scope: str) -> None:
    assert evaluation(THUMB | more, **fields).target_scope == scope


@pytest.mark.parametrize(
    ("without", "cure"),
    [
        ("gen_ai.evaluation.name", "name"),
        ("gen_ai.evaluation.score.value", "score.value"),
        ("gen_ai.response.id", "a target"),
    ],
)
def test_feedback_that_says_nothing_or_about_nothing_is_set_aside(without: str, cure: str) -> None:
    wrong = evaluation({name: value for name, value in THUMB.items() if name != without})
    assert isinstance(wrong, InvalidEvent)
    assert wrong.reason == "wrong_shape"
    assert cure in wrong.detail
    assert [str(again) for again in logs(wrong.item or b"", [], INGEST_NS)] == [str(wrong)]


def test_a_bad_record_among_good_ones_is_set_aside_alone() -> None:
    good = {"event_name": "gen_ai.evaluation.result", "time_unix_nano": END, "attributes": THUMB}
    bad = {**good, "attributes": {"gen_ai.evaluation.name": "nothing"}}
    other = {"event_name": "session.start", "attributes": {"gen_ai.request.model": "m"}}
    first, wrong, last = logs(otlp.logs(good, bad, other, {**good, "time_unix_nano": START}), [], INGEST_NS)
    assert isinstance(first, Feedback)
    assert isinstance(last, Feedback)
    assert isinstance(wrong, InvalidEvent)
    assert [str(again) for again in logs(wrong.item or b"", [], INGEST_NS)] == [str(wrong)]


def test_traces_in_a_topic_of_logs_say_what_to_set() -> None:
    with pytest.raises(InvalidEvent, match="set this topic's format"):
        list(logs(recorded(OPENAI_V2), [], INGEST_NS))
    record = {"event_name": "gen_ai.evaluation.result", "trace_id": b"short", "attributes": THUMB}
    [wrong] = logs(otlp.logs(record), [], INGEST_NS)
    assert "otlp_traces" in str(wrong)


def test_synthetic_feedback_says_so() -> None:
    assert not evaluation(THUMB).synthetic
    assert evaluation({**THUMB, "sluice.synthetic": True}).synthetic


@pytest.mark.parametrize("name", [DETAILS, DETAILS_2, EVALUATIONS, LATE, FORMER])
def test_twice_is_the_same(name: str) -> None:
    assert decoded(name) == decoded(name)
    assert not [event for event in decoded(name) if isinstance(event, InvalidEvent)]
