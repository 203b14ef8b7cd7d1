"""Requests without a response become responses of the contract, each said before it is remembered as said."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest

from sinks.joins import Overdue
from streams import timeouts
from streams.events import InferenceResponse
from tests.streams.test_events import NOON

LOST = Overdue("lost", NOON, "kserve_ce", True, "llama3", None, "/v1", "chat", "kserve", "llama3-8b")
LONG = LOST._replace(inference_id="x" * 256, synthetic=False)


class Requests:
    """Two requests without a response; `log` tells what was asked and said in which order."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.published: list[tuple[bytes, bytes]] = []
        self.breaks = False

    def overdue(self, until_ms: int, since_ms: int) -> Sequence[Overdue]:
        self.log.append(("overdue", since_ms, until_ms))
        return [LOST, LONG]

    def found(self, until_ms: int) -> None:
        self.log.append(("found", until_ms))

    async def publish(self, *, key: bytes, value: bytes, **_headers: object) -> Awaitable[object]:
        self.published.append((key, value))
        return asyncio.ensure_future(self._confirm())

    async def _confirm(self) -> None:
        await asyncio.sleep(0)
        if self.breaks:
            raise ConnectionError("Kafka is away")
        self.log.append("confirmed")


async def test_each_is_said_once_confirmed_and_then_remembered() -> None:
    requests, day = Requests(), 86_400_000
    assert await timeouts.announce(requests, requests.publish, timeout_s=60, read_ms=10 * day) == 2
    until = 10 * day - 60_000
    assert requests.log == [("overdue", until - day, until), "confirmed", "confirmed", ("found", until)]
    key, value = requests.published[0]
    said = InferenceResponse.model_validate_json(value)
    assert key == b"lost"
    assert (said.inference_id, said.status, said.time_unix_nano) == ("lost", "timeout_no_response", NOON + 60 * 10**9)
    assert (said.service, said.route, said.request_model, said.environment) == ("llama3", "/v1", "llama3-8b", None)
    assert (said.synthetic, said.source_format, said.duration_s, said.error_type) == (True, "kserve_ce", None, None)
    assert len(InferenceResponse.model_validate_json(requests.published[1][1]).event_id) <= 256


async def test_what_kafka_did_not_confirm_is_not_remembered() -> None:
    requests = Requests()
    requests.breaks = True
    with pytest.raises(ConnectionError):
        await timeouts.announce(requests, requests.publish, timeout_s=60, read_ms=0)
    assert not any(isinstance(entry, tuple) and entry[0] == "found" for entry in requests.log)


A, B = ("responses", 0), ("responses", 1)


def test_nothing_is_known_before_there_is_a_look_back() -> None:
    hindsight = timeouts.Hindsight()
    assert hindsight.reached({A: 5}, {A: 5}, latest_ms=900, now_ms=1_000) is None
    assert hindsight.reached({A: 5}, {A: 5}, latest_ms=900, now_ms=2_000) == 1_000


def test_while_it_catches_up_only_what_is_read_counts() -> None:
    hindsight = timeouts.Hindsight()
    assert hindsight.reached({A: 50, B: 9}, {A: 10}, latest_ms=10**9, now_ms=1_000) is None
    assert hindsight.reached({A: 60, B: 9}, {A: 40, B: 9}, latest_ms=10**9, now_ms=2_000) is None
    assert hindsight.reached({A: 70, B: 9}, {A: 55, B: 9}, latest_ms=10**9, now_ms=3_000) == 1_000
    assert hindsight.reached({A: 80, B: 9}, {A: 75, B: 9}, latest_ms=10**9, now_ms=4_000) == 3_000


def test_while_records_of_the_past_come_time_is_theirs_and_then_the_clock_s() -> None:
    hindsight = timeouts.Hindsight()
    hindsight.reached({A: 5}, {A: 5}, latest_ms=100, now_ms=1_000)
    # A request of 200 is read, and what was written after the last look, its response for instance, may not be.
    assert hindsight.reached({A: 9}, {A: 8}, latest_ms=200, now_ms=2_000) == 100
    assert hindsight.reached({A: 9}, {A: 9}, latest_ms=200, now_ms=3_000) == 2_000
