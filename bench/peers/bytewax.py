"""Bytewax under the work of `bench.work`: a source of all topics, a map that validates, a sink that takes batches.

A batch is what Bytewax hands its sink at once: up to a thousand records of a partition, as by default. Where it is in
its topics it would keep in a recovery store of its own, which this job has not: it begins anew in every run.
"""

import sys

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from bench.peers.backlog import Backlog
from bench.work import Work, Worked
from streams import topics
from streams.settings import Settings, load


class WorkPartition(StatelessSinkPartition[Worked]):  # type: ignore[misc]  # typed in its own environment
    """Hands each batch to the work."""

    def __init__(self, work: Work, backlog: Backlog) -> None:
        self._work, self._backlog = work, backlog

    def write_batch(self, items: list[Worked]) -> None:
        self._work.do(items)
        self._backlog.took(len(items))


class WorkSink(DynamicSink[Worked]):  # type: ignore[misc]  # typed in its own environment
    """The sink of a worker."""

    def __init__(self, work: Work, backlog: Backlog) -> None:
        self._work, self._backlog = work, backlog

    def build(self, step_id: str, worker_index: int, worker_count: int) -> WorkPartition:  # noqa: ARG002  # as asked
        return WorkPartition(self._work, self._backlog)


def main(settings: Settings, events: int) -> None:
    work, backlog = Work(settings), Backlog(events)

    def validated(message: KafkaSourceMessage[bytes | None, bytes | None]) -> Worked:
        return work.validated(message.value or b"")

    flow = Dataflow("work")
    source = KafkaSource([settings.kafka_bootstrap], [settings.topic_prefix + topic.name for topic in topics.NATIVE])
    records = op.input("records", flow, source)
    op.output("work", op.map("validate", records, validated), WorkSink(work, backlog))
    backlog.start()
    cli_main(flow)


if __name__ == "__main__":
    main(load(), int(sys.argv[1]))
