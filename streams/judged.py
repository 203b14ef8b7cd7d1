"""Feedback of a block becomes rows of the segments that it is about, as far as what it is about is answered by now."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import orjson

from sinks.joins import Meant, Spoken
from streams.events import Feedback
from streams.ingest import Block
from streams.measure import Judgements, Row, Said, is_truth, predicted, predicted_by

_BREADTHS = {"trace": 2, "sess": 3}  # of names that many inferences share; others are of one, and the own id is 0


class Targets(Protocol):
    """Knows what feedback is about; see `sinks.joins.Joins`. Blocking; raises SinkBusy and SinkBroken."""

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> Sequence[Meant | None]: ...


class _Target(NamedTuple):
    """An inference that feedback is about, its segment, and what it predicted, where that is known."""

    inference_id: str
    segment: str
    predicted: Said | None


def judged(block: Block, joins: Targets, judgements: Judgements) -> list[Row]:
    """Return a row for each piece of the block's feedback that is watched and whose inference is answered by now, in
    the block or before it."""
    received = block.feedback
    wanted = [number for number, event in enumerate(received.events) if judgements.wanted(event)]
    rows = []
    for number, target in zip(wanted, _targets(block, [received.events[n] for n in wanted], joins), strict=True):
        event = received.events[number]
        said = judgements.read(event, target.predicted) if target else {}
        if target and said:
            source, position = received.sources[number], received.positions[number]
            rows.append(Row(target.segment, source, position, event.time_unix_nano, target.inference_id, said))
    return rows


def _targets(block: Block, feedback: Sequence[Feedback], joins: Targets) -> list[_Target | None]:
    if not feedback:
        return []
    beside = _beside(block)
    names = [sorted(_names(event), key=lambda name: name[1]) for event in feedback]
    found = [next((beside[name] for name, _ in each if name in beside), None) for each in names]
    apart = [number for number, target in enumerate(found) if target is None]
    if apart:
        spoken = [Spoken(names[number], feedback[number].time_unix_nano) for number in apart]
        output = any(is_truth(feedback[number]) for number in apart)
        for number, meant in zip(apart, joins.meant(spoken, output=output), strict=True):
            found[number] = meant and _Target(meant.inference_id, meant.segment, _stored(meant))
    return found


def _names(feedback: Feedback) -> Iterator[tuple[str, int]]:
    """Yield what feedback calls its inference, and how telling each name is."""
    if feedback.inference_id is not None:
        yield f"call:{feedback.inference_id}", 0
    for alias in feedback.aliases:
        yield alias, _BREADTHS.get(alias.partition(":")[0], 1)
    if feedback.conversation_id is not None:
        yield f"sess:{feedback.conversation_id}", 3


def _beside(block: Block) -> dict[str, _Target]:
    """Return the block's own answers by each of their names; of those that share one, the last."""
    found = {}
    rows = zip(block.responses.events, block.segments, block.watched, block.answers, strict=True)
    for response, segment, watched, answer in rows:
        if watched:
            target = _Target(response.inference_id, segment, predicted(answer))
            found[f"call:{response.inference_id}"] = target
            if response.response_id is not None:
                found[f"resp:{response.response_id}"] = target
            for alias in response.aliases:
                found[alias] = target
    return found


def _stored(meant: Meant) -> Said | None:
    output, messages = (orjson.loads(said or "null") for said in (meant.output, meant.output_messages))
    return predicted_by(output, messages)
