"""The real SDKs, pointed at the receiver: what they send arrives, becomes the right events, and they are content."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from langfuse import Langfuse
from langsmith import Client as LangSmith
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue
from phoenix.client import Client as Phoenix

from deploy.local.broker import EmbeddedBroker
from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.receiver import outbox
from tests.streams.receiver.scene import TOKEN, Receiving, receiving, settings_for

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
RESOURCE = Resource({"service.name": "shop", "deployment.environment.name": "staging"})
CHAT: dict[str, AttributeValue] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.request.temperature": 0.2,
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 7,
}


@pytest.fixture(autouse=True)
def _nothing_before(receiver: Receiving) -> None:
    receiver.taken()


def _chat(exporter: OTLPSpanExporter) -> Span:
    """Trace one call of a model and a query of a database, and send both."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes={"db.system.name": "postgresql"}):
        pass
    with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=CHAT) as span:
        pass
    assert provider.force_flush()
    provider.shutdown()
    return span


def _exporter(url: str) -> OTLPSpanExporter:
    return OTLPSpanExporter(f"{url}/v1/traces", headers=HEADERS, compression=Compression.Gzip)


def test_opentelemetry_traces(receiver: Receiving) -> None:
    span = _chat(_exporter(receiver.url))
    [record] = receiver.taken()
    assert dict(record.headers)["content-type"] == b"application/x-protobuf"
    request, response = record.events()
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    context = span.get_span_context()
    assert request.inference_id == response.inference_id == f"{context.trace_id:032x}:{context.span_id:016x}"
    assert (request.service, request.environment, request.operation) == ("shop", "staging", "chat")
    assert (request.request_model, request.temperature, request.content_state) == ("gpt-4o", 0.2, "not_captured")
    assert (response.status, response.input_tokens, response.output_tokens) == ("ok", 12, 7)
    assert "resp:chatcmpl-1" in response.aliases


def test_opentelemetry_logs(receiver: Receiving) -> None:
    provider = LoggerProvider(resource=RESOURCE)
    exporter = OTLPLogExporter(f"{receiver.url}/v1/logs", headers=HEADERS, compression=Compression.Gzip)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    provider.get_logger("tests").emit(
        LogRecord(
            timestamp=1_763_726_402_500_000_000,
            event_name="gen_ai.evaluation.result",
            attributes={
                "gen_ai.evaluation.name": "user.thumbs",
                "gen_ai.evaluation.score.value": 0.0,
                "gen_ai.evaluation.explanation": "wrong city",
                "gen_ai.response.id": "chatcmpl-1",
            },
        )
    )
    assert provider.force_flush()
    provider.shutdown()
    [record] = receiver.taken()
    [feedback] = record.events()
    assert isinstance(feedback, Feedback)
    assert (feedback.name, feedback.score, feedback.explanation) == ("user.thumbs", 0.0, "wrong city")
    assert feedback.time_unix_nano == 1_763_726_402_500_000_000
    assert "resp:chatcmpl-1" in feedback.aliases


@pytest.fixture
def own_broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def test_an_exporter_that_is_told_to_try_again_does(
    own_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CONFIRM_SECONDS", 0.3)
    with receiving(settings_for(own_broker.bootstrap, "again.")) as patient:
        os.kill(own_broker.pid, signal.SIGSTOP)
        Timer(1.0, os.kill, (own_broker.pid, signal.SIGCONT)).start()
        began = time.monotonic()
        span = _chat(_exporter(patient.url))
        assert time.monotonic() - began > 1.0, "the first attempt was refused"
        last = patient.taken()[-1].events()
    assert {f"{span.get_span_context().trace_id:032x}"} == {
        event.trace_id for event in last if isinstance(event, InferenceRequest | InferenceResponse)
    }


def test_langfuse(receiver: Receiving) -> None:
    client = Langfuse(
        public_key="pk-lf-tests", secret_key=TOKEN, base_url=receiver.url, tracer_provider=TracerProvider()
    )
    with client.start_as_current_observation(
        as_type="generation", name="answer", model="gpt-4o", input=[{"role": "user", "content": "Where?"}]
    ) as generation:
        generation.update(output="Paris", usage_details={"input": 5, "output": 1})
    client.create_score(
        name="user_feedback",
        value=1,
        data_type="BOOLEAN",
        trace_id=generation.trace_id,
        observation_id=generation.id,
        comment="helpful",
        score_id="score-1",
    )
    client.flush()
    client.shutdown()
    by_form = {record.form: record for record in receiver.taken()}
    assert set(by_form) == {"otlp_traces", "langfuse_scores"}

    request, response = by_form["otlp_traces"].events()
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    assert request.inference_id == response.inference_id == f"{generation.trace_id}:{generation.id}"
    assert request.input_messages == [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}]
    assert (request.request_model, response.input_tokens, response.output_tokens) == ("gpt-4o", 5, 1)

    [feedback] = by_form["langfuse_scores"].events()
    assert isinstance(feedback, Feedback)
    assert (feedback.feedback_id, feedback.name, feedback.score) == ("score-1", "user_feedback", 1.0)
    assert feedback.inference_id == request.inference_id


def test_langsmith(receiver: Receiving) -> None:
    run = uuid.uuid4()
    client = LangSmith(api_url=receiver.url, api_key=TOKEN)
    feedback_id = client.create_feedback(
        run,
        key="correctness",
        score=0.0,
        comment="the capital is Paris",
        correction={"output": "Paris"},
        trace_id=run,
        session_id=uuid.uuid4(),
    ).id
    client.close()
    [record] = receiver.taken()
    [feedback] = record.events()
    assert isinstance(feedback, Feedback)
    assert (feedback.name, feedback.score, feedback.correction) == ("correctness", 0.0, {"output": "Paris"})
    assert feedback.feedback_id is not None
    assert str(feedback_id) in feedback.feedback_id
    assert any(str(run) in alias for alias in feedback.aliases)


def test_phoenix(receiver: Receiving) -> None:
    client = Phoenix(base_url=receiver.url, api_key=TOKEN)
    inserted = client.spans.add_span_annotation(
        span_id="67f6740bbe1ddc3f",
        annotation_name="user_feedback",
        annotator_kind="HUMAN",
        label="thumbs_down",
        score=0.0,
        explanation="wrong answer",
        sync=True,
    )
    assert inserted["id"]
    [record] = receiver.taken()
    [feedback] = record.events()
    assert isinstance(feedback, Feedback)
    assert (feedback.name, feedback.score, feedback.label) == ("user_feedback", 0.0, "thumbs_down")
    assert feedback.rater_kind == "human"
    assert any("67f6740bbe1ddc3f" in alias for alias in feedback.aliases)


# In a process of its own: LiteLLM warns when it is imported, and keeps its callbacks for good.
LITELLM = """
import asyncio, json, sys
import litellm
from litellm.integrations.generic_api.generic_api_callback import GenericAPILogger

async def main(endpoint, token):
    logger = GenericAPILogger(endpoint, {"Authorization": f"Bearer {token}"})
    litellm.callbacks = [logger]
    answer = await litellm.acompletion(
        "openai/gpt-4o", [{"role": "user", "content": "Where?"}], mock_response="Paris", user="u-1"
    )
    while not logger.log_queue:
        await asyncio.sleep(0.01)
    await logger.flush_queue()
    print(json.dumps(answer._hidden_params["litellm_call_id"]))

asyncio.run(main(*sys.argv[1:]))
"""


def test_litellm(receiver: Receiving, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LITELLM, f"{receiver.url}/litellm", TOKEN],
        env={"PATH": os.environ["PATH"], "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    [record] = receiver.taken()
    request, response = record.events()
    assert isinstance(request, InferenceRequest)
    assert isinstance(response, InferenceResponse)
    assert request.inference_id == response.inference_id == json.loads(ran.stdout)
    assert (request.request_model, request.user_id) == ("gpt-4o", "u-1")
    assert request.input_messages == [{"role": "user", "parts": [{"type": "text", "content": "Where?"}]}]
    assert response.output_messages is not None
    assert response.output_messages[0].get("parts") == [{"type": "text", "content": "Paris"}]
    assert response.status == "ok"
