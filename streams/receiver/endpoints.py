"""Where records come in: each path with the format that its bodies have, who sends there, and what it is answered."""

from dataclasses import dataclass
from typing import Final

from streams.receiver import answers
from streams.receiver.answers import PROTOBUF, Answer
from streams.sources import Format

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A path that takes POST.

    `statuses` are those of success, as its clients know them. `only` holds the content types that it insists on, where
    they decide how a body is read; `takes` those that it expects. `busy` makes its sender try again when Kafka is slow.
    """

    path: str
    form: Format
    answer: Answer
    statuses: tuple[int, ...]
    summary: str
    takes: tuple[str, ...] = (JSON,)
    only: tuple[str, ...] = ()
    busy: int = 429


OTLP = (PROTOBUF, JSON)

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        path="/v1/traces",
        form="otlp_traces",
        answer=answers.otlp_traces,
        statuses=(200,),
        summary="OTLP spans, of any GenAI dialect.",
        takes=OTLP,
        only=OTLP,
    ),
    Endpoint(
        path="/v1/logs",
        form="otlp_logs",
        answer=answers.otlp_logs,
        statuses=(200,),
        summary="OTLP log records: GenAI events and evaluation results.",
        takes=OTLP,
        only=OTLP,
    ),
    Endpoint(
        path="/litellm",
        form="litellm",
        answer=answers.counted,
        statuses=(202,),
        summary="LiteLLM's generic_api callback: one StandardLoggingPayload, an array of them, or one a line.",
        takes=(JSON, "application/x-ndjson"),
        busy=503,  # its client tries nothing below 500 again
    ),
    Endpoint(
        path="/cloudevents",
        form="cloudevents",
        answer=answers.empty,
        statuses=(202,),
        summary="KServe's inference logger: one CloudEvent, binary or structured.",
        takes=(JSON, "application/cloudevents+json"),
    ),
    Endpoint(
        path="/api/public/ingestion",
        form="langfuse_ingestion",
        answer=answers.langfuse_ingestion,
        statuses=(207,),
        summary="Langfuse's clients up to version 2, and the scores of 3 and 4.",
    ),
    Endpoint(
        path="/api/public/scores",
        form="langfuse_scores",
        answer=answers.langfuse_scores,
        statuses=(202, 200, 207),
        summary="Langfuse's scores from client version 5 on, an array; or a single one.",
    ),
    Endpoint(
        path="/api/public/otel/v1/traces",
        form="otlp_traces",
        answer=answers.otlp_traces,
        statuses=(200,),
        summary="Langfuse's clients from version 3 on: OTLP spans.",
        takes=OTLP,
        only=OTLP,
    ),
    Endpoint(
        path="/feedback",
        form="langsmith_feedback",
        answer=answers.counted,
        statuses=(202,),
        summary="LangSmith's create_feedback. To change feedback, create it again with the same feedback_id.",
    ),
    Endpoint(
        path="/v1/span_annotations",
        form="phoenix_annotations",
        answer=answers.phoenix,
        statuses=(200,),
        summary="Phoenix's span annotations.",
    ),
    Endpoint(
        path="/kong",
        form="kong",
        answer=answers.counted,
        statuses=(202,),
        summary="Kong's http-log plugin: one log entry, or an array of them.",
    ),
    Endpoint(
        path="/apisix",
        form="apisix",
        answer=answers.counted,
        statuses=(202,),
        summary="APISIX's http-logger plugin: one log entry, or an array of them.",
    ),
    Endpoint(
        path="/v1/feedback",
        form="native_feedback",
        answer=answers.counted,
        statuses=(202,),
        summary="Sluice's own feedback: one JSON object of the contract.",
    ),
)
