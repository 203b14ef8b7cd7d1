"""A hostile record goes through stage 1, from the batch that it comes in to what is stored, published and shown."""

from collections.abc import Sequence
from itertools import chain

from aiokafka.structs import ConsumerRecord

from bench.fuzz.seeds import INGEST_MS, LIMIT, Seed
from sinks import columns
from sinks.joins import Asked, Meant, Placed, Spoken
from sinks.prometheus import Metrics
from streams import measure, usage
from streams.batches import RecordBatch
from streams.durations import joined
from streams.ingest import Reader
from streams.judged import judged
from streams.measure import Judgements, Questions, Segments
from streams.redaction import Redactor
from streams.sources import Source


class _Empty:
    """A store in which nothing is yet."""

    def asked(self, _answered: Sequence[Placed]) -> dict[str, Asked]:
        return {}

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:  # noqa: ARG002  # a protocol's
        return [None] * len(spoken)


class StageOne:
    """Takes records of one format like a worker that has just started, without Kafka and ClickHouse behind it."""

    def __init__(self, form: str, redactor: Redactor) -> None:
        segments = Segments(100)
        self._topic, self._metrics, self._judgements = form, Metrics(), Judgements()
        source = Source.model_validate({"format": form})
        self._reader = Reader({form: source}, segments, redactor, LIMIT, Questions(segments, share=1.0))

    def take(self, record: Seed) -> None:
        """Do with a record what stage 1 does between reading and storing it. Raises what that raises, and pyarrow's
        errors where a column does not hold what it says."""
        value, size = record.value, len(record.value)
        came = ConsumerRecord(self._topic, 0, 0, INGEST_MS, 0, None, value, None, -1, size, tuple(record.headers))
        block = self._reader.read([RecordBatch(self._topic, 0, 0, 0, [came])])
        for _, table in columns.by_table(block.tables()):
            table.validate(full=True)
        columns.ledger_rows(block.ledger, INGEST_MS).validate(full=True)
        block.told_responses()
        durations, types = joined(block, _Empty())
        spoken = judged(block, _Empty(), self._judgements)
        measured = measure.thinned(block.measurements(durations, types, spoken, text_share=1.0), {})
        for _, each in chain(measured, usage.by_shard(block.responses, block.watched, block.feedback)):
            for message in measure.messages(each):
                measure.unpack(message)
        self._metrics.read(block.formats(), block.judgements())
        self._metrics.answered(block.served(durations), block.latest_ns())
