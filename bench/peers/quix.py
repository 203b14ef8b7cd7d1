"""Quix Streams under the work of `bench.work`: a streaming dataframe a topic, all into one batching sink.

Events are validated by `apply`, and the sink writes what has come of a partition at each checkpoint, every five seconds
as by default, before the offsets are committed.
"""

import sys

from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from bench.peers.backlog import Backlog
from bench.work import Work
from streams import topics
from streams.settings import Settings, load


class WorkSink(BatchingSink):  # type: ignore[misc]  # typed in its own environment
    """Hands each batch of a partition to the work."""

    def __init__(self, work: Work, backlog: Backlog) -> None:
        super().__init__()
        self._work, self._backlog = work, backlog

    def write(self, batch: SinkBatch) -> None:
        self._work.do([item.value for item in batch])
        self._backlog.took(batch.size)


def main(settings: Settings, events: int) -> None:
    app = Application(
        broker_address=settings.kafka_bootstrap,
        consumer_group=settings.group,
        auto_offset_reset="earliest",
        loglevel="ERROR",
        use_changelog_topics=False,  # the job has no state of Quix's
    )
    work, backlog = Work(settings), Backlog(events)
    sink = WorkSink(work, backlog)
    for native in topics.NATIVE:
        stream = app.dataframe(app.topic(settings.topic_prefix + native.name, value_deserializer="bytes"))
        stream.apply(work.validated).sink(sink)
    backlog.start()
    app.run()


if __name__ == "__main__":
    main(load(), int(sys.argv[1]))
