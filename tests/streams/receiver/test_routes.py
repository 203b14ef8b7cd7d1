"""Each endpoint: what reaches Kafka, byte for byte and under which headers, and what the sender is answered."""

import gzip
import json
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from deploy.local.broker import EmbeddedBroker
from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.fence import HEADERS
from streams.receiver import alone, routes
from streams.receiver.endpoints import ENDPOINTS, Endpoint
from tests.streams.receiver.scene import TOKEN, Receiving, invalid, receiving, settings_for
from tests.streams.receiver.sent import FEEDBACK

FIXTURES = Path(__file__).parents[2] / "fixtures"
PROTOBUF, JSON, STRUCTURED = "application/x-protobuf", "application/json", "application/cloudevents+json"


def _fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def _type(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type}


# ---- what is in order


def test_feedback_of_our_own_goes_on_as_it_came(http: httpx.Client, receiver: Receiving) -> None:
    body = json.dumps(FEEDBACK, indent=1).encode()
    answer = http.post("/v1/feedback", content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()) == (202, {"events": 1, "invalid": []})
    [record] = receiver.taken()
    assert (record.key, record.value) == (None, body)
    assert [name for name, _ in record.headers] == ["sluice-format", "user-agent"]
    [event] = record.events()
    assert isinstance(event, Feedback)
    assert (event.inference_id, event.name, event.score) == ("call-1", "user.thumbs", 1.0)


# path, fixture, content type, format, status; then the requests, responses and pieces of feedback that are in it
WHOLE = [
    ("/v1/traces", "otel/genai-openai-1.3b0.no_content.traces.otlp_proto.bin", PROTOBUF, "otlp_traces", 200, 10, 10, 0),
    ("/v1/traces", "otel/genai-openai-1.3b0.no_content.traces.otlp_json.json", JSON, "otlp_traces", 200, 10, 10, 0),
    ("/v1/logs", "otel/derived_late_feedback_only.logs.otlp_proto.bin", PROTOBUF, "otlp_logs", 200, 0, 0, 1),
    (
        "/api/public/otel/v1/traces",
        "langfuse/sdk5.0.4.otel_traces.otlp_proto.bin",
        PROTOBUF,
        "otlp_traces",
        200,
        3,
        3,
        0,
    ),
    ("/litellm", "litellm/proxy.generic_api.json_array.body", JSON, "litellm", 202, 4, 4, 0),
    ("/api/public/ingestion", "langfuse/sdk2.60.10.ingestion.json", JSON, "langfuse_ingestion", 207, 2, 2, 3),
    ("/api/public/ingestion", "langfuse/sdk3.15.0.ingestion.json", JSON, "langfuse_ingestion", 207, 0, 0, 5),
    ("/api/public/scores", "langfuse/sdk5.0.4.scores.json", JSON, "langfuse_scores", 202, 0, 0, 5),
    ("/feedback", "langsmith/feedback_2.json", JSON, "langsmith_feedback", 202, 0, 0, 1),
    ("/v1/span_annotations", "phoenix/span_annotations_human.json", JSON, "phoenix_annotations", 200, 0, 0, 1),
    ("/cloudevents", "kserve/v1_iris.request.kafka-structured.value", STRUCTURED, "cloudevents", 202, 1, 0, 0),
]


@pytest.mark.parametrize(
    ("path", "name", "content_type", "form", "status", "requests", "responses", "feedback"),
    WHOLE,
    ids=[f"{path} {name}" for path, name, *_ in WHOLE],
)
def test_what_a_gateway_sends_goes_on_as_it_came(
    path: str,
    name: str,
    content_type: str,
    form: str,
    status: int,
    requests: int,
    responses: int,
    feedback: int,
    http: httpx.Client,
    receiver: Receiving,
) -> None:
    value = _fixture(name)
    answer = http.post(path, content=value, headers=_type(content_type) | {"X-Of-The-Gateway": "stays behind"})
    assert answer.status_code == status, answer.text
    [record] = receiver.taken()
    assert (record.key, record.value) == (None, value)
    said = {"sluice-format": form.encode(), "content-type": content_type.encode()}
    assert dict(record.headers) == said | {"user-agent": http.headers["user-agent"].encode()}
    kinds = Counter(type(each) for each in record.events())
    assert kinds == Counter({InferenceRequest: requests, InferenceResponse: responses, Feedback: feedback})


def test_a_binary_cloudevent_keeps_its_own_headers_and_no_others(http: httpx.Client, receiver: Receiving) -> None:
    headers = json.loads(_fixture("kserve/openai_chat.request.http-binary.headers.json"))
    value = _fixture("kserve/openai_chat.request.http-binary.body")
    answer = http.post("/cloudevents", content=value, headers=headers)
    assert (answer.status_code, answer.content) == (202, b""), "Knative takes a body for a reply event"
    [record] = receiver.taken()
    assert dict(record.headers) == {
        "sluice-format": b"cloudevents",
        "user-agent": http.headers["user-agent"].encode(),
        **{name: said.encode() for name, said in headers.items()},
    }
    [request] = record.events()
    assert isinstance(request, InferenceRequest)
    assert request.inference_id == "ce:llama3:0009174a-24a8-4603-b098-09c879990003"


def test_the_senders_version_goes_on_and_what_it_shows_at_the_door_does_not(
    http: httpx.Client, receiver: Receiving
) -> None:
    shown = {"authorization": http.headers["authorization"], "cookie": "x", "x-forwarded-for": "10.0.0.1"}
    sdk = {"user-agent": "LiteLLM/1.106", "x-langfuse-sdk-version": "5.0.4"}
    score = {"id": "s", "traceId": "1" * 32, "name": "helpful", "value": 1, "dataType": "NUMERIC"}
    assert http.post("/api/public/scores", json=[score], headers=shown | sdk).status_code == 202
    [record] = receiver.taken()
    assert {name: said.decode() for name, said in record.headers} == sdk | {
        "sluice-format": "langfuse_scores",
        "content-type": "application/json",
    }
    [event] = record.events()
    assert isinstance(event, Feedback)
    assert event.source_version == "5.0.4"


def test_what_is_about_no_inference_is_taken_and_gives_nothing(http: httpx.Client, receiver: Receiving) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "shop.order", "data": {}}
    answer = http.post("/cloudevents", json=event, headers=_type("application/cloudevents+json"))
    assert answer.status_code == 202
    [record] = receiver.taken()
    assert record.events() == []


# ---- what is answered in the sender's own terms


def test_otlp_is_answered_in_its_own_encoding(http: httpx.Client) -> None:
    name = "otel/genai-openai-1.3b0.no_content.traces.otlp"
    answer = http.post("/v1/traces", content=_fixture(f"{name}_proto.bin"), headers=_type(PROTOBUF))
    assert answer.headers["Content-Type"] == PROTOBUF
    assert not ExportTraceServiceResponse.FromString(answer.content).HasField("partial_success")
    answer = http.post("/v1/traces", content=_fixture(f"{name}_json.json"), headers=_type(JSON))
    assert (answer.headers["Content-Type"], answer.json()) == (JSON, {})


def test_a_bad_span_is_told_and_the_others_are_taken(http: httpx.Client, receiver: Receiving) -> None:
    batch = ExportTraceServiceRequest.FromString(_fixture("otel/genai-openai-1.3b0.no_content.traces.otlp_proto.bin"))
    chats = [
        span
        for resource in batch.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if any(each.key == "gen_ai.operation.name" for each in span.attributes)
    ]
    chats[0].start_time_unix_nano = chats[0].end_time_unix_nano = 0
    answer = http.post("/v1/traces", content=batch.SerializeToString(), headers=_type(PROTOBUF))
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "wrong_shape" in partial.error_message
    [record] = receiver.taken()
    events = record.events()
    assert len(invalid(events)) == 1
    assert len(events) > 2, "the good ones"


def test_a_bad_log_record_is_told(http: httpx.Client, receiver: Receiving) -> None:
    value = _fixture("otel/derived_late_feedback_only.logs.otlp_proto.bin")
    batch = ExportLogsServiceRequest.FromString(value)
    records = batch.resource_logs[0].scope_logs[0].log_records
    wrong = records.add()
    wrong.CopyFrom(records[0])
    del wrong.attributes[:]
    answer = http.post("/v1/logs", content=batch.SerializeToString(), headers=_type(PROTOBUF))
    partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_log_records) == (200, 1)
    assert partial.error_message
    assert len(receiver.taken()) == 1


def test_langfuse_hears_of_each_envelope(http: httpx.Client, receiver: Receiving) -> None:
    message = json.loads(_fixture("langfuse/sdk3.15.0.ingestion.json"))
    ids = [each["id"] for each in message["batch"]]
    del message["batch"][1]["body"]["name"]
    answer = http.post("/api/public/ingestion", json=message)
    said = answer.json()
    assert answer.status_code == 207
    assert said["successes"] == [{"id": each, "status": 201} for each in ids if each != ids[1]]
    [error] = said["errors"]
    assert (error["id"], error["status"]) == (ids[1], 400)
    assert error["message"]
    assert len(receiver.taken()) == 1


def test_langfuse_hears_how_many_scores_are_wrong(http: httpx.Client, receiver: Receiving) -> None:
    scores = json.loads(_fixture("langfuse/sdk5.0.4.scores.json"))
    assert http.post("/api/public/scores", json=scores).json() == {"message": "Accepted"}
    del scores[0]["name"]
    answer = http.post("/api/public/scores", json=scores)
    said = answer.json()
    assert (answer.status_code, said["accepted"], said["rejected"], len(said["errors"])) == (207, 4, 1, 1)
    assert len(receiver.taken()) == 2


def test_a_single_score_of_older_clients_is_answered_with_its_id(http: httpx.Client, receiver: Receiving) -> None:
    [score, *_] = json.loads(_fixture("langfuse/sdk5.0.4.scores.json"))
    answer = http.post("/api/public/scores", json=score)
    assert (answer.status_code, answer.json()) == (200, {"id": "score-bool-1"})
    [record] = receiver.taken()
    [event] = record.events()
    assert isinstance(event, Feedback)


def test_of_a_batch_the_bad_items_are_told(http: httpx.Client, receiver: Receiving) -> None:
    calls = json.loads(_fixture("litellm/proxy.generic_api.json_array.body"))
    answer = http.post("/litellm", json=[calls[0], {}, calls[1]])
    assert (answer.status_code, answer.json()["events"]) == (202, 4)
    [wrong] = answer.json()["invalid"]
    assert wrong["reason"] == "wrong_shape"
    [record] = receiver.taken()
    kinds = [type(each) for each in record.events()]
    assert kinds.count(InferenceRequest) == kinds.count(InferenceResponse) == 2


def test_langsmith_asks_what_the_server_can_do(http: httpx.Client) -> None:
    assert http.get("/info").json() == {}, "no version: then it sends each piece of feedback to /feedback"


# ---- what is refused


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
@pytest.mark.parametrize("body", [b"", b"\xff\xff\xff\xff nonsense", b'{"a":', b"[[[["])
def test_what_can_never_be_read_is_refused_and_not_kept(
    body: bytes, endpoint: Endpoint, http: httpx.Client, receiver: Receiving
) -> None:
    answer = http.post(endpoint.path, content=body, headers=_type(JSON))
    assert answer.status_code == 400, answer.text
    refused: dict[str, Any] = answer.json()
    assert set(refused) == {"reason", "detail"}
    assert "nonsense" not in answer.text, "a refusal does not quote"
    assert not receiver.taken()


def test_the_json_that_protobuf_writes_is_not_otlp(http: httpx.Client, receiver: Receiving) -> None:
    value = _fixture("otel/WRONG_VARIANT.protobuf_jsonpb_base64_ids.traces.json")
    answer = http.post("/v1/traces", content=value, headers=_type(JSON))
    assert (answer.status_code, answer.json()["reason"]) == (400, "not_otlp_json")
    assert not receiver.taken()


def test_an_exporter_reads_why_in_its_own_encoding(http: httpx.Client) -> None:
    answer = http.post("/v1/traces", content=b"\xff\xff nonsense", headers=_type(PROTOBUF))
    status = Status.FromString(answer.content)
    assert (answer.status_code, status.code) == (400, 3)
    assert status.message.startswith("not_protobuf: ")


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/api/public/otel/v1/traces"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/x-ndjson"])
def test_otlp_insists_on_its_content_types(path: str, content_type: str, http: httpx.Client) -> None:
    answer = http.post(path, content=b"{}", headers=_type(content_type))
    assert answer.status_code == 415
    assert PROTOBUF in answer.json()["detail"]
    assert JSON in answer.json()["detail"]


def test_every_answer_is_fenced_in(
    http: httpx.Client, receiver: Receiving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [
        http.post("/v1/feedback", json=FEEDBACK),
        http.get("/info"),
        httpx.post(f"{receiver.url}/v1/feedback", json=FEEDBACK),
        http.get("/nothing"),
        http.get("/v1/feedback"),
        http.post("/v1/feedback", content=b"x" * 200_000),
    ]

    def broken(*_: object) -> None:
        raise RuntimeError("what users wrote")

    monkeypatch.setattr(routes, "judge", broken)
    answers.append(http.post("/v1/feedback", json=FEEDBACK))
    assert [each.status_code for each in answers] == [202, 200, 401, 404, 405, 413, 500]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.status_code
        assert "what users wrote" not in answer.text
    assert [record.name for record in caplog.records if record.exc_info] == ["sluice.web"]


def test_a_fault_says_nothing_of_why_even_where_asyncio_debugs(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("what users wrote")

    monkeypatch.setattr(routes, "judge", broken)
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    with receiving(settings_for(embedded.bootstrap, "debugging.")) as running:
        answer = httpx.post(f"{running.url}/v1/feedback", json=FEEDBACK, headers={"x-api-key": TOKEN})
    assert answer.status_code == 500
    assert "what users wrote" not in answer.text


def test_what_it_does_is_counted(http: httpx.Client) -> None:
    def counted() -> dict[str, float]:
        lines = (line for line in http.get("/metrics").text.splitlines() if line.startswith("sluice_received"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    ok, refused = (f'sluice_received_total{{format="native_feedback",status="{each}xx"}}' for each in (2, 4))
    size = 'sluice_received_bytes_total{format="native_feedback"}'
    before, taken = counted(), http.post("/v1/feedback", json=FEEDBACK)
    http.post("/v1/feedback", content=b"wrong")
    grown = {name: value - before.get(name, 0) for name, value in counted().items()}
    assert (grown[ok], grown[refused], grown[size]) == (1, 1, len(taken.request.content))


def test_a_connection_that_never_asks_anything_is_closed(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "IDLE_S", 0.5)
    with (
        receiving(settings_for(embedded.bootstrap, "idle.")) as running,
        socket.create_connection((running.settings.web_host, running.settings.web_port), timeout=20) as waiting,
    ):
        waiting.sendall(b"POST /v1/feedback HTTP/1.1\r\nHost:")
        assert waiting.recv(1) == b""
