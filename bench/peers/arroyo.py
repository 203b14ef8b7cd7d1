"""Sentry's Arroyo under the work of `bench.work`: a processor a topic, steps that validate, gather, work and commit.

A processor reads one topic, so there is a thread for each, where there may be a process. A batch is a thousand records
or what came in a quarter of a second, as with stock Faust; offsets are committed once a second, as its documentation
has it.
"""

import sys
import threading
from collections.abc import Mapping

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload
from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
from arroyo.commit import ONCE_PER_SECOND
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, ProcessingStrategy, ProcessingStrategyFactory, RunTask
from arroyo.processing.strategies.batching import BatchStep, ValuesBatch
from arroyo.types import Commit, Message, Partition, Topic

from bench.peers.backlog import Backlog
from bench.work import Work, Worked
from streams import topics
from streams.settings import Settings, load

BATCH, WITHIN_S = 1_000, 0.25


class WorkFactory(ProcessingStrategyFactory[KafkaPayload]):  # type: ignore[misc]  # typed in its own environment
    """Makes the steps of a topic."""

    def __init__(self, work: Work, backlog: Backlog) -> None:
        self._work, self._backlog = work, backlog

    def create_with_partitions(
        self,
        commit: Commit,
        partitions: Mapping[Partition, int],  # noqa: ARG002  # as asked
    ) -> ProcessingStrategy[KafkaPayload]:
        working = RunTask(self._done, CommitOffsets(commit))
        return RunTask(self._validated, BatchStep(max_batch_size=BATCH, max_batch_time=WITHIN_S, next_step=working))

    def _validated(self, message: Message[KafkaPayload]) -> Worked:
        return self._work.validated(message.payload.value)

    def _done(self, message: Message[ValuesBatch[Worked]]) -> None:
        self._work.do([value.payload for value in message.payload])
        self._backlog.took(len(message.payload))


def main(settings: Settings, events: int) -> None:
    backlog = Backlog(events)
    processors = [
        StreamProcessor(
            consumer=KafkaConsumer(
                build_kafka_consumer_configuration(
                    {},
                    bootstrap_servers=[settings.kafka_bootstrap],
                    group_id=f"{settings.group}-{native.name}",
                    auto_offset_reset="earliest",
                    enable_auto_commit=False,
                )
            ),
            topic=Topic(settings.topic_prefix + native.name),
            processor_factory=WorkFactory(Work(settings), backlog),
            commit_policy=ONCE_PER_SECOND,
        )
        for native in topics.NATIVE
    ]
    backlog.start()
    running = [threading.Thread(target=processor.run) for processor in processors]
    for each in running:
        each.start()
    for each in running:
        each.join()


if __name__ == "__main__":
    main(load(), int(sys.argv[1]))
