"""The consumer of batches over a log in memory: holes, deletions, lost fetches and late acks, in any order."""

import functools
import logging
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, TypeVar, cast

import faust
import pytest
from aiokafka.structs import ConsumerRecord
from faust.exceptions import ImproperlyConfigured
from faust.types import TP, ConsumerMessage
from faust.types.transports import ConsumerT
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.batch_consumer import BatchConsumer
from streams.batch_progress import PartitionProgress, RecordBatch
from streams.batch_thread import Fetch
from streams.batches import BatchTransport

HERE = TP("batched", 0)
T = TypeVar("T")


class OfflineConsumer(BatchConsumer):
    """A consumer whose broker knows where the log begins, and nothing else."""

    beginning = 0

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.beginning)


class OfflineTransport(BatchTransport):
    Consumer: ClassVar[type[ConsumerT]] = OfflineConsumer


def offline_consumer() -> OfflineConsumer:
    app = faust.App("offline", broker="kafka://127.0.0.1:1", store="memory://")
    app.transport = OfflineTransport(app.conf.broker_consumer, app, batched_topics=frozenset({HERE.topic}))
    consumer = cast(OfflineConsumer, app.consumer)
    consumer._thread.thread_loop.close()  # of the thread that never starts
    return consumer


@pytest.fixture
def consumer() -> OfflineConsumer:
    consumer = offline_consumer()
    consumer._progress[HERE] = PartitionProgress(0)
    return consumer


shared_consumer = functools.cache(offline_consumer)  # an app takes longer to make than an example to run


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("it waits")


def fetch(offsets: list[int], position: int, highwater: int) -> Fetch:
    records = [ConsumerRecord(*HERE, offset, 0, 0, None, b"x", None, -1, 1, ()) for offset in offsets]
    return Fetch(records, position, highwater)


def hand_out(consumer: OfflineConsumer, fetched: Fetch) -> ConsumerMessage | None:
    """What Faust does with a fetch, up to the agent."""
    batches = done(consumer._batched(HERE, [fetched]))
    if not batches:
        return None
    message = consumer._to_message(HERE, batches[0])
    message.tracked = True
    return message


class ReadingALog(RuleBasedStateMachine):
    """A partition with holes whose fetches get lost, whose agents are slow and fail, and whose retention bites."""

    def __init__(self) -> None:
        super().__init__()
        self.consumer = shared_consumer()
        self.consumer.beginning = 0
        self.consumer._progress[HERE] = PartitionProgress(0)
        self.offsets: list[int] = []  # that have a record
        self.end = 0
        self.position = 0
        self.messages: list[ConsumerMessage] = []
        self.processed: set[int] = set()
        self.covered: set[int] = set()

    @property
    def progress(self) -> PartitionProgress:
        return self.consumer._progress[HERE]

    def read(self, most: int) -> Fetch | None:
        """What aiokafka does, and the consumer before it asks."""
        self.consumer._take_back_dropped()
        if self.progress.astray:
            self.progress.astray, self.position = False, self.progress.expected
        self.position = max(self.position, self.consumer.beginning)  # OffsetOutOfRange: the policy is "earliest"
        ahead = [offset for offset in self.offsets if offset >= self.position]
        self.position = ahead[most] if len(ahead) > most else self.end
        return fetch(ahead[:most], self.position, self.end) if ahead else None

    @rule(records=st.integers(1, 6), hole=st.integers(0, 3))
    def produce(self, records: int, hole: int) -> None:
        self.offsets += range(self.end, self.end + records)
        self.end += records + hole

    @rule(most=st.integers(1, 5), disturbed=st.booleans(), arrives=st.booleans())
    def go_on(self, most: int, disturbed: bool, arrives: bool) -> None:
        fetched = self.read(most)
        if fetched is None:
            return
        if disturbed and self.messages:  # while the fetch is under way
            self.consumer.give_back(self.messages[0])
        if not arrives:  # Faust drops it: the flow was stopped, or the generation changed
            done(self.consumer._batched(HERE, [fetched]))
            return
        message = hand_out(self.consumer, fetched)
        if message is not None:
            self.messages.append(message)

    @precondition(lambda self: self.messages)
    @rule(number=st.integers(0, 9), again=st.booleans())
    def confirm(self, number: int, again: bool) -> None:
        # By number: Hypothesis may keep what it draws, and a message that anybody keeps is not dropped.
        message = self.messages[number % len(self.messages)]
        batch = cast(RecordBatch, message.value)
        self.processed |= {record.offset for record in batch.records}
        if self.consumer.ack(message):
            self.covered |= set(range(batch.first_offset, batch.last_offset + 1))
        if not again:
            self.messages.remove(message)

    @precondition(lambda self: self.messages)
    @rule(number=st.integers(0, 9))
    def give_back(self, number: int) -> None:
        self.consumer.give_back(self.messages[number % len(self.messages)])

    @precondition(lambda self: self.messages)
    @rule(number=st.integers(0, 9))
    def drop(self, number: int) -> None:
        """An agent forgets an event, or Faust clears its queue."""
        del self.messages[number % len(self.messages)]

    @rule()
    def agent_raises(self) -> None:
        self.progress.rewind()

    @rule()
    def faust_seeks_the_committed_offset(self) -> None:
        self.position = self.progress.acked_to

    @rule(stolen=st.integers(0, 3))
    def rebalance(self, stolen: int) -> None:
        """The group changes; a fetch from before may still be on its way and take records that nobody gets."""
        self.position = self.progress.acked_to
        self.consumer._progress[HERE] = PartitionProgress(self.position)
        if stolen:
            self.read(stolen)

    @precondition(lambda self: self.offsets)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        self.offsets.remove(data.draw(st.sampled_from(self.offsets)))

    @precondition(lambda self: self.end > self.consumer.beginning)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.consumer.beginning = data.draw(st.integers(self.consumer.beginning, self.end))
        self.offsets = [offset for offset in self.offsets if offset >= self.consumer.beginning]

    @invariant()
    def nothing_is_committed_that_nobody_processed(self) -> None:
        assert {offset for offset in self.offsets if offset < self.progress.acked_to} <= self.processed

    @invariant()
    def intervals_join(self) -> None:
        assert all(offset < self.consumer.beginning for offset in set(range(self.progress.acked_to)) - self.covered)

    def teardown(self) -> None:
        self.produce(1, 0)
        for _ in range(3 * self.end):
            fetched = self.read(5)
            message = hand_out(self.consumer, fetched) if fetched else None
            self.messages += [message] if message else []
            for held in self.messages:
                self.processed |= {record.offset for record in cast(RecordBatch, held.value).records}
                self.consumer.ack(held)
            self.messages.clear()
        assert set(self.offsets) <= self.processed
        assert self.progress.acked_to == self.end


TestReadingALog = ReadingALog.TestCase
TestReadingALog.settings = settings(max_examples=300, deadline=None)  # what got lost took that many to find


def test_a_log_that_was_cut_is_read_from_its_beginning(
    consumer: OfflineConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    consumer._progress[HERE] = PartitionProgress(500)
    consumer._committed_offset[HERE] = 500
    assert hand_out(consumer, fetch([0, 1, 2], 3, 3)) is None
    consumer._progress[HERE].astray = False
    assert hand_out(consumer, fetch([0, 1, 2], 3, 3)) is None
    assert "was made anew or cut. It is read from offset 0 on." in caplog.text
    consumer._progress[HERE].astray = False
    message = hand_out(consumer, fetch([0, 1, 2], 3, 3))
    assert message is not None
    assert consumer.ack(message)
    assert consumer._new_offset(HERE) == 3
    assert consumer._should_commit(HERE, 3)


def test_what_a_stream_skips_is_not_acknowledged(consumer: OfflineConsumer) -> None:
    message = hand_out(consumer, fetch([0], 1, 1))
    assert message is not None
    message.tracked = False  # Faust's pure Python stream skips it at a rebalance, and acknowledges it
    assert not consumer.ack(message)
    assert consumer._new_offset(HERE) == 0


def test_an_agent_that_lets_faust_acknowledge_is_told_the_cure(consumer: OfflineConsumer) -> None:
    consumer._acked[HERE].append(5)  # what Faust's stream iterator does without calling the consumer
    with pytest.raises(ImproperlyConfigured, match=r"stream\.noack\(\)\.events\(\)"):
        consumer._new_offset(HERE)


def test_a_window_that_is_full_or_a_memory_that_is_full_stops_fetching(consumer: OfflineConsumer) -> None:
    other, plain = TP(HERE.topic, 1), TP("plain", 0)
    consumer._progress[other] = PartitionProgress(0)
    for number in range(16):
        assert consumer._with_room({HERE, other, plain}) == {HERE, other, plain}
        consumer._progress[HERE].hand_out(number, size=1)
    assert consumer._with_room({HERE, other, plain}) == {other, plain}
    consumer._progress[other].hand_out(0, size=64 * 1024 * 1024)
    assert consumer._with_room({HERE, other, plain}) == {plain}


def test_what_nobody_holds_any_more_is_read_again(consumer: OfflineConsumer) -> None:
    kept = hand_out(consumer, fetch([0, 1], 2, 4))
    hand_out(consumer, fetch([2, 3], 4, 4))
    consumer._take_back_dropped()
    progress = consumer._progress[HERE]
    assert (progress.expected, progress.astray, len(progress.window)) == (2, True, 1)
    assert kept is not None
    assert consumer.ack(kept)


async def test_what_was_out_before_a_rebalance_counts_nothing_after_it(caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(*_: object) -> None: ...

    transport = offline_consumer().transport
    consumer = OfflineConsumer(transport, nothing, nothing, nothing)
    consumer._thread.thread_loop.close()
    consumer._progress[HERE] = PartitionProgress(0)
    message = hand_out(consumer, fetch([0, 1], 2, 2))
    assert message is not None
    assert consumer.is_current(message)
    with caplog.at_level(logging.INFO, "sluice.batches"):
        await consumer.on_partitions_assigned({HERE}, 2)
    assert f"Partitions of this worker: 1 of {HERE.topic}" in caplog.messages
    assert not consumer.is_current(message)
    assert not consumer.ack(message)
    assert consumer._new_offset(HERE) is None
