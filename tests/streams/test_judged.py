"""Feedback finds the segment of its inference: in the same block, or stored before; else it is not watched."""

from collections.abc import Sequence
from typing import Any

from sinks.joins import Meant, Spoken
from streams.judged import judged
from streams.measure import Judgements, position_of, source_of
from tests.streams.test_events import NOON
from tests.streams.test_ingest import TOPICS, batch, event, read

_, RESPONSES, FEEDBACK = TOPICS
NAME, LABEL, SCORE = "gen_ai.evaluation.name", "gen_ai.evaluation.score.label", "gen_ai.evaluation.score.value"


class Store:
    """Knows some answers by their names, and what it was asked for."""

    def __init__(self, **answers: Meant) -> None:
        self.answers = answers
        self.looked_up: list[Spoken] = []
        self.output: list[bool] = []

    def meant(self, spoken: Sequence[Spoken], *, output: bool) -> list[Meant | None]:
        self.looked_up += spoken
        self.output.append(output)
        return [next((self.answers[name] for name, _ in each.names if name in self.answers), None) for each in spoken]


def said(inference_id: str | None, **more: Any) -> bytes:
    return event(FEEDBACK, inference_id=inference_id, **more)


def answered(inference_id: str, **more: Any) -> bytes:
    return event(RESPONSES, inference_id=inference_id, **{"service.name": "shop"} | more)


def test_it_is_found_beside_or_before() -> None:
    block = read(
        batch(FEEDBACK, 2, 7, [said("beside"), said("before"), said("unknown"), said(None, aliases=["resp:r"])]),
        batch(RESPONSES, 0, 0, [answered("beside"), answered("by-alias", **{"gen_ai.response.id": "r"})]),
    )
    store = Store(**{"call:before": Meant("before", "desk|-|-|-", None, None)})
    rows = judged(block, store, Judgements())
    found = [(row.inference_id, row.segment, row.position, row.said) for row in rows]
    down = {"thumbs_down": 1.0, "complaint": 1.0}
    assert found == [
        ("beside", "shop|-|-|-", position_of(7, 0), down),
        ("before", "desk|-|-|-", position_of(8, 0), down),
        ("by-alias", "shop|-|-|-", position_of(10, 0), down),
    ]
    assert {row.source for row in rows} == {source_of(FEEDBACK, 2)}
    assert {row.time_unix_nano for row in rows} == {NOON + 60_000_000_000}, "when it was said"
    assert [each.names for each in store.looked_up] == [[("call:before", 0)], [("call:unknown", 0)]]
    assert store.output == [False]


def test_the_most_telling_name_comes_first() -> None:
    names = {"aliases": ["sess:talk", "trace:t", "resp:r"], "gen_ai.conversation.id": "talk"}
    store = Store()
    judged(read(batch(FEEDBACK, 0, 0, [said("a", **names)])), store, Judgements())
    ((told, at),) = store.looked_up
    assert list(told) == [("call:a", 0), ("resp:r", 1), ("trace:t", 2), ("sess:talk", 3), ("sess:talk", 3)]
    assert at == NOON + 60_000_000_000


def test_a_late_label_is_compared_to_what_was_predicted() -> None:
    truth = {NAME: "ground_truth", LABEL: "spam", SCORE: None, "feedback.range": None, "feedback.source": "code"}
    predicted = {"gen_ai.operation.name": "predict"}
    block = read(
        batch(FEEDBACK, 0, 0, [said(id_, **truth) for id_ in ("right", "wrong", "stored", "text", "says nothing")]),
        batch(
            RESPONSES,
            0,
            0,
            [
                answered("right", output=["spam"], **predicted),
                answered("wrong", output=["ham"], **predicted),
                answered("says nothing"),
            ],
        ),
    )
    text = '[{"role": "assistant", "parts": [{"type": "text", "content": "Spam"}]}]'
    store = Store(**{"call:stored": Meant("stored", "s", '["ham"]', None), "call:text": Meant("text", "s", None, text)})
    rows = judged(block, store, Judgements())
    assert {row.inference_id: row.said["incorrect"] for row in rows} == {"right": 0, "wrong": 1, "stored": 1, "text": 0}
    assert store.output == [True]


def test_what_is_not_watched_is_not_looked_up() -> None:
    store = Store()
    others = [said("a", synthetic=True), said("a", **{"feedback.source": "llm"})]
    block = read(batch(FEEDBACK, 0, 0, others), batch(RESPONSES, 0, 0, [answered("probe", synthetic=True)]))
    assert judged(block, store, Judgements()) == []
    assert store.output == []
    assert judged(read(batch(FEEDBACK, 0, 0, [said("probe")])), store, Judgements()) == []
