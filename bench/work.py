"""The work that other frameworks are given: raw values go in one at a time, batches of events are stored and watched.

Everything is Sluice's own (models, redaction, columns, measurements, detectors, ClickHouse's client), so that what
differs is how a framework hands events out. It is less than what Sluice does: no ledger, no joining of requests,
answers and feedback, no usage by shard, no metrics, no findings published and no state kept, so that a crash or a
rebalance loses what the detectors have learned, and what is delivered twice is watched twice. Events that are invalid
raise instead of becoming dead letters.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter

from detectors.bank import SegmentBank
from detectors.budget import Budget
from sinks import columns
from sinks.clickhouse import ClickHouse
from streams import measure
from streams.events import Feedback, InferenceRequest, InferenceResponse, Received
from streams.memory import leave_pandas_out
from streams.redaction import Redactor
from streams.settings import Settings

Worked = InferenceRequest | InferenceResponse | Feedback
E = TypeVar("E", InferenceRequest, InferenceResponse, Feedback)
_EVENT: TypeAdapter[Worked] = TypeAdapter(Annotated[Worked, Field(discriminator="kind")])


class Work:
    """The work of one worker; `do` blocks until ClickHouse has confirmed the batch."""

    def __init__(self, settings: Settings) -> None:
        leave_pandas_out()  # half a second of CPU, which nobody has to pay
        self._clickhouse = ClickHouse(settings.clickhouse_url)
        self._redactor = Redactor(settings.pseudonyms)
        self._segments = measure.Segments(settings.segments)
        budget = Budget(settings.segments, settings.false_alarms)
        self._banks: dict[str, SegmentBank] = defaultdict(lambda: SegmentBank(budget))
        self._share = settings.text_share
        self._taken = 0

    def validated(self, value: bytes) -> Worked:
        """Return the event of a record. Raises pydantic's ValidationError."""
        return _EVENT.validate_json(value)

    def do(self, events: Sequence[Worked]) -> None:
        """Redact a batch in place, store it and watch its answers; kinds may be mixed."""
        requests = self._received([event for event in events if isinstance(event, InferenceRequest)])
        responses = self._received([event for event in events if isinstance(event, InferenceResponse)])
        feedback = self._received([event for event in events if isinstance(event, Feedback)])
        names = [self._segments.name(event) for event in responses.events]
        answers = [measure.read(event, None) for event in responses.events]
        self._redactor.apply_all(events, "redacted")
        tables = []
        if requests.events:
            tables.append(("inference_parts", columns.request_parts(requests)))
        if responses.events:
            chars = [answer.chars for answer in answers]
            tables.append(("inference_parts", columns.response_parts(responses, names, chars)))
        if feedback.events:
            tables.append(("feedback_events", columns.feedback_rows(feedback)))
        for table, rows in columns.by_table(tables):
            self._clickhouse.insert(table, rows)
        seconds, types = [event.duration_s for event in responses.events], [answer.output_type for answer in answers]
        told = measure.Answers(responses, names, answers, seconds, types)
        for segment, measurements in measure.by_segment(told, [], self._share):
            self._banks[segment].process(measurements)

    def _received(self, events: list[E]) -> Received[E]:
        first = self._taken
        self._taken += len(events)
        places = list(range(first, self._taken))
        times = [event.time_unix_nano // 1_000_000 for event in events]
        return Received(events, [f"work/0/{place}" for place in places], times, [0] * len(events), places)
