"""Inferences become records that fall due in order: at once, late, twice, spoiled, or never."""

import heapq
from collections.abc import Iterator
from types import UnionType
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np

from streams.produce import Record
from streams.scenarios import (
    Anomalies,
    Change,
    Drift,
    Duplicates,
    ErrorStep,
    Late,
    LatencyStep,
    LongerAnswers,
    Missing,
    Poison,
    Silence,
    ThumbsDownFlood,
    Truth,
)
from streams.topics import FEEDBACK, REQUESTS, RESPONSES
from streams.traffic import events
from streams.traffic.chance import chance
from streams.traffic.draws import draws
from streams.traffic.feedback import Listeners
from streams.traffic.inferences import Inference, Inferences
from streams.traffic.plan import Plan, nanoseconds
from streams.traffic.poison import spoil

HOUR_MS = 3_600_000
TRANSPORT_MS = (5, 60)  # from a gateway to Kafka, least and most

Mark = Literal["request", "response", "feedback", "feedback again", "flood", "duplicate", "poison"]
S = TypeVar("S", Anomalies, Poison, Duplicates, Late, Missing)


class Due(NamedTuple):
    """A record that waits for its time; `sequence` keeps the order of those of one millisecond."""

    timestamp_ms: int
    sequence: int
    record: Record
    mark: Mark
    time_unix_nano: int = 0  # of the event
    inference: Inference | None = None
    late: bool = False
    alone: bool = False  # the other half of the call is never sent
    reason: str = ""


class Strikes(Generic[S]):
    """A scenario that strikes by chance, with random numbers of its own: the rest of the traffic stays the same."""

    def __init__(self, plan: Plan, scenario: S) -> None:
        self.scenario: S = scenario
        self.random = chance(plan.seed, scenario.name)
        self._start = plan.starts(scenario)

    def at(self, time_unix_nano: int, share: float) -> bool:
        return time_unix_nano >= self._start and self.random.random() < share


class Schedule:
    """One run over a plan; `truth` grows with the records that are taken."""

    def __init__(self, plan: Plan) -> None:
        self.truth = Truth(changes=[Change(s, plan.starts(s)) for s in plan.scenarios if isinstance(s, Drift)])
        self._plan = plan
        self._anomalies = [Strikes(plan, s) for s in plan.scenarios if isinstance(s, Anomalies)]
        self._poison = [Strikes(plan, s) for s in plan.scenarios if isinstance(s, Poison)]
        self._duplicates = [Strikes(plan, s) for s in plan.scenarios if isinstance(s, Duplicates)]
        self._late = [Strikes(plan, s) for s in plan.scenarios if isinstance(s, Late)]
        self._missing = [Strikes(plan, s) for s in plan.scenarios if isinstance(s, Missing)]
        run = np.random.SeedSequence((plan.seed, nanoseconds(plan.start))).generate_state(1, np.uint64)
        self._inferences = Inferences(plan.seed, int(run[0]), self.truth.changes)
        self._listeners = Listeners(plan.seed)
        self._transport = chance(plan.seed, "transport")
        self._due: list[Due] = []
        self._sequence = 0

    def records(self) -> Iterator[Record]:
        """Yield what falls due, in order of Kafka time, up to what has not happened yet."""
        plan = self._plan
        end_ms = None if plan.until is None else nanoseconds(plan.until) // 1_000_000
        for draw in draws(plan.start, plan.duration, plan.inferences, plan.seed, plan.season):
            now_ms = draw.time_unix_nano // 1_000_000
            if end_ms is not None and now_ms > end_ms:
                break
            yield from self._fall_due(now_ms)
            self._schedule(self._inferences.make(draw))
        yield from self._fall_due(end_ms)

    def _fall_due(self, limit_ms: int | None) -> Iterator[Record]:
        while self._due and (limit_ms is None or self._due[0].timestamp_ms <= limit_ms):
            due = heapq.heappop(self._due)
            self._note(due)
            yield due.record

    def _schedule(self, inference: Inference) -> None:
        """Put on the heap whatever this inference causes; nothing of it is due before the inference starts."""
        if silence := next((c for c in inference.changes if isinstance(c.scenario, Silence)), None):
            silence.shows(
                inference.inference_id, inference.end_unix_nano, self.truth.responses[inference.gateway.segment]
            )
            silence.responses += 1
            return
        self._make_absurd(inference)
        start, end, key = inference.start_unix_nano, inference.end_unix_nano, inference.inference_id.encode()
        withheld = self._withheld(start)
        request = Record(REQUESTS.name, key, events.request(inference), 0)
        response = Record(RESPONSES.name, key, events.response(inference), 0)
        if withheld != "request":
            self._send(request, start, "request", inference, alone=withheld == "response")
        if withheld != "response":
            late_ms = next((self._hours(s, 2, 12) for s in self._late if s.at(end, s.scenario.share)), 0)
            self._send(response, end, "response", inference, alone=withheld == "request", late_ms=late_ms)
        self._spoil(request if self._sequence % 2 else response, start)
        for said in self._listeners.about(inference):
            feedback, time = Record(FEEDBACK.name, said.key, said.value, 0), said.time_unix_nano
            late_ms = next((self._hours(s, 24, 120) for s in self._late if s.at(time, s.scenario.feedback_share)), 0)
            mark: Mark = "feedback again" if said.again else "flood" if said.flood else "feedback"
            self._send(feedback, time, mark, inference, late_ms=late_ms)
            self._spoil(feedback, time)

    def _send(
        self,
        record: Record,
        time_unix_nano: int,
        mark: Mark,
        inference: Inference | None = None,
        *,
        alone: bool = False,
        late_ms: int = 0,
    ) -> None:
        timestamp_ms = time_unix_nano // 1_000_000 + self._transport.randint(*TRANSPORT_MS) + late_ms
        self._push(Due(timestamp_ms, 0, record, mark, time_unix_nano, inference, late=late_ms > 0, alone=alone))
        for strikes in self._duplicates:
            if strikes.at(time_unix_nano, strikes.scenario.share):
                # Half are a client's retry within seconds, half a whole batch that was sent again within hours.
                most = 6 * HOUR_MS if strikes.random.random() < 0.5 else 5_000
                later = timestamp_ms + strikes.random.randint(100, most)
                self._push(Due(later, 0, record._replace(key=None), "duplicate"))

    def _push(self, due: Due) -> None:
        self._sequence += 1
        record = due.record._replace(timestamp_ms=due.timestamp_ms)
        heapq.heappush(self._due, due._replace(sequence=self._sequence, record=record))

    def _spoil(self, record: Record, time_unix_nano: int) -> None:
        for strikes in self._poison:
            if strikes.at(time_unix_nano, strikes.scenario.share):
                reason, value = spoil(record.value, f"poison-{self._sequence}", strikes.random)
                timestamp_ms = time_unix_nano // 1_000_000 + TRANSPORT_MS[1]
                self._push(Due(timestamp_ms, 0, record._replace(value=value), "poison", reason=reason))

    def _withheld(self, time_unix_nano: int) -> Literal["request", "response", None]:
        for strikes in self._missing:
            if strikes.at(time_unix_nano, 2 * strikes.scenario.share):
                return "request" if strikes.random.random() < 0.5 else "response"
        return None

    def _make_absurd(self, inference: Inference) -> None:
        """Let some answers report what cannot be: far too much in no time, or next to nothing in a very long one."""
        for strikes in self._anomalies:
            tokens, size = inference.output_tokens, strikes.scenario.size
            if tokens is None or not strikes.at(inference.start_unix_nano, strikes.scenario.share):
                continue
            inference.absurd = True
            if strikes.random.random() < 0.5:
                inference.output_tokens, inference.duration_s = round(tokens * size), 0.01
            else:
                inference.output_tokens, inference.duration_s = 1, inference.duration_s * size

    @staticmethod
    def _hours(late: Strikes[Late], least: int, most: int) -> int:
        return late.random.randint(least * HOUR_MS, most * HOUR_MS)

    def _note(self, due: Due) -> None:
        truth = self.truth
        truth.records[due.record.topic] += 1
        if due.mark == "poison":
            truth.poison[due.reason] += 1
            return
        truth.events += 1
        truth.duplicates += due.mark == "duplicate"
        truth.feedback += due.mark in ("feedback", "flood")
        if due.inference is None:
            return
        if due.mark in ("request", "response"):
            self._note_half(due, due.inference)
            return
        truth.late_feedback += due.late
        if due.mark == "flood":
            self._note_changes(due, due.inference, ThumbsDownFlood)

    def _note_half(self, due: Due, inference: Inference) -> None:
        truth = self.truth
        truth.inferences += not inference.counted
        inference.counted = True
        if due.mark == "request":
            truth.without_response += due.alone
            return
        truth.without_request += due.alone
        truth.late_responses += due.late
        if inference.absurd:
            truth.anomalies.append(inference.inference_id)
        self._note_changes(due, inference, ErrorStep | LatencyStep | LongerAnswers)
        truth.responses[inference.gateway.segment] += 1

    def _note_changes(self, due: Due, inference: Inference, kinds: type | UnionType) -> None:
        """Take note of the changes that a record shows, of those kinds that such a record can show."""
        for change in inference.changes:
            if isinstance(change.scenario, kinds):
                change.shows(
                    inference.inference_id, due.time_unix_nano, self.truth.responses[inference.gateway.segment]
                )
                change.responses += due.mark == "response"
