"""Events become measurements: what the stages take from the modules of this room."""

from streams.measure.answers import Answer, output_chars, predicted, predicted_by, read, told
from streams.measure.block_numbers import block_of, of_block
from streams.measure.judgements import Judgements, is_truth
from streams.measure.meanings import Embed, Meanings
from streams.measure.packing import VERSION, messages, pack, segment_of, unpack
from streams.measure.places import ITEMS, position_of, source_of
from streams.measure.questions import Questions
from streams.measure.rows import ROWS, Answers, Row, by_segment
from streams.measure.segments import OTHER, Segments, segment_name
from streams.measure.tabular import Said
from streams.measure.thinned import thinned

__all__ = [
    "ITEMS",
    "OTHER",
    "ROWS",
    "VERSION",
    "Answer",
    "Answers",
    "Embed",
    "Judgements",
    "Meanings",
    "Questions",
    "Row",
    "Said",
    "Segments",
    "block_of",
    "by_segment",
    "is_truth",
    "messages",
    "of_block",
    "output_chars",
    "pack",
    "position_of",
    "predicted",
    "predicted_by",
    "read",
    "segment_name",
    "segment_of",
    "source_of",
    "thinned",
    "told",
    "unpack",
]
