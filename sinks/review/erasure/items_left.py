"""A batch's items are read as they were written; those that are to go come out as tombstones, the others go on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.review.erasure.marks import Marks
from sinks.review.items import Item
from sinks.review.manifest import Tombstone
from sinks.review.schema import NANOS, SCHEMA


def read_items(batch: Path) -> Iterator[list[Item]]:
    """Give a batch's items in the chunks in which they were written, times as nanoseconds."""
    with pq.ParquetFile(batch / "items.parquet") as parquet:
        for group in range(parquet.num_row_groups):
            yield parquet.read_row_group(group).cast(_PLAIN).to_pylist()


@dataclass
class Left:
    """What is left of a batch, given by `chunks`; what was found is known when all of it was read."""

    batch: Path
    marks: Marks
    tombstones: list[Tombstone] = field(default_factory=list)
    mentions: int = 0  # in other items: near-duplicates, other answers, feedback
    names: list[str] = field(default_factory=list)  # of the items that went
    touched: list[str] = field(default_factory=list)  # of those that stayed, and said something of what went

    def chunks(self) -> Iterator[list[Item]]:
        for chunk in read_items(self.batch):
            staying = [item for item in chunk if not self._goes(item)]
            if staying:
                yield [self._without(item) for item in staying]

    @property
    def found(self) -> int:
        return len(self.tombstones) + self.mentions

    def _goes(self, item: Item) -> bool:
        marks = self.marks
        if not (marks.inference(item["inference_id"]) or marks.user(item["user_id"], item["time"])):
            return False
        self.names.append(item["inference_id"])
        hashed = marks.subject.hash(item["inference_id"])
        self.tombstones.append(Tombstone(item=hashed, reasons=item["reasons"], control_weight=item["control_weight"]))
        return True

    def _without(self, item: Item) -> Item:
        """Return an item without what it says of others that go."""
        marks = self.marks
        left = {
            "folded": [name for name in item["folded"] or [] if not marks.inference(name)],
            "alternatives": [each for each in item["alternatives"] or [] if not marks.inference(each["inference_id"])],
            "feedback": [
                each
                for each in item["feedback"] or []
                if not (marks.feedback(each["feedback_id"]) or marks.user(each["rater_id"], each["time"]))
            ],
        }
        mentions = sum(len(item[name] or []) - len(those) for name, those in left.items())
        self.mentions += mentions
        self.touched += [item["inference_id"]] * bool(mentions)
        return item | {name: those for name, those in left.items() if item[name] is not None}


def plain(type_: pa.DataType) -> pa.DataType:
    """Return a type with times as int64: Python's datetime would lose nanoseconds."""
    if type_ == NANOS:
        return pa.int64()
    if pa.types.is_list(type_):
        return pa.list_(plain(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(each.name, plain(each.type)) for each in type_])
    return type_


_PLAIN = pa.schema([(each.name, plain(each.type)) for each in SCHEMA])
