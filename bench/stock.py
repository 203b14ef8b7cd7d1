"""Stock Faust beside Sluice: an agent that does nothing, and one that does the same work as its documentation would.

The second takes events by a thousand (`stream.take`), redacts, stores, measures and watches them with Sluice's own
modules, so that what differs is Faust's way of handing events out. It keeps no ledger and no state, joins no feedback,
and a take is acknowledged even when its body fails: it does less, and loses data in a crash.
"""

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import faust
from faust.types import StreamT, TopicT
from pydantic import Field, TypeAdapter

from detectors.bank import SegmentBank
from detectors.budget import Budget
from sinks import columns
from sinks.clickhouse import ClickHouse
from streams import measure, topics
from streams.events import Feedback, InferenceRequest, InferenceResponse, Received
from streams.redaction import Redactor
from streams.settings import Settings

TAKE, WITHIN_S = 1_000, 0.25
_Any = InferenceRequest | InferenceResponse | Feedback
_EVENT: TypeAdapter[_Any] = TypeAdapter(Annotated[_Any, Field(discriminator="kind")])


def nothing(settings: Settings) -> faust.App:
    """An agent that does nothing with its events."""
    app, topic = _app(settings)

    @app.agent(topic)
    async def nothing(stream: StreamT[bytes]) -> None:
        async for _value in stream:
            pass

    return app


def idiomatic(settings: Settings) -> faust.App:
    """An agent that redacts, stores and watches its events."""
    app, topic = _app(settings)
    work = _Work(settings)

    @app.agent(topic)
    async def watched(stream: StreamT[bytes]) -> None:
        async for values in stream.take(TAKE, within=WITHIN_S):
            work.do(values)

    return app


class _Work:
    def __init__(self, settings: Settings) -> None:
        self._clickhouse = ClickHouse(settings.clickhouse_url)
        self._redactor = Redactor(settings.pseudonyms)
        self._segments = measure.Segments(settings.segments)
        budget = Budget(settings.segments, settings.false_alarms)
        self._banks: dict[str, SegmentBank] = defaultdict(lambda: SegmentBank(budget))
        self._share = settings.text_share
        self._taken = 0

    def do(self, values: Sequence[bytes]) -> None:
        events = [_EVENT.validate_json(value) for value in values]
        requests, responses = (
            self._received([event for event in events if isinstance(event, kind)])
            for kind in (InferenceRequest, InferenceResponse)
        )
        feedback = self._received([event for event in events if isinstance(event, Feedback)])
        names = [self._segments.name(event) for event in responses.events]
        answers = [measure.read(event, None) for event in responses.events]
        self._redactor.apply_all(events, "redacted")
        if requests.events:
            self._clickhouse.insert("inference_parts", columns.request_parts(requests))
        if responses.events:
            chars = [answer.chars for answer in answers]
            self._clickhouse.insert("inference_parts", columns.response_parts(responses, names, chars))
        if feedback.events:
            self._clickhouse.insert("feedback_events", columns.feedback_rows(feedback))
        seconds, types = [event.duration_s for event in responses.events], [answer.output_type for answer in answers]
        told = measure.Answers(responses, names, answers, seconds, types)
        for segment, measurements in measure.by_segment(told, [], self._share):
            self._banks[segment].process(measurements)

    def _received(self, events: list) -> Received:  # type: ignore[type-arg]  # of any kind
        first = self._taken
        self._taken += len(events)
        places = list(range(first, self._taken))
        times = [event.time_unix_nano // 1_000_000 for event in events]
        return Received(events, [f"stock/0/{place}" for place in places], times, [0] * len(events), places)


def _app(settings: Settings) -> tuple[faust.App, TopicT]:
    app = faust.App(
        settings.group,
        broker=f"kafka://{settings.kafka_bootstrap}",
        broker_rebalance_timeout=settings.rebalance_seconds,
        topic_partitions=settings.partitions,
        datadir=tempfile.mkdtemp(prefix="sluice-bench-"),
        web_port=settings.web_port,
        consumer_auto_offset_reset="earliest",
    )
    names = [settings.topic_prefix + topic.name for topic in topics.NATIVE]
    return app, app.topic(*names, value_type=bytes, value_serializer="raw")
