"""Durations: as a response says, else from its request, in the same block or stored before; else not known."""

from collections.abc import Sequence
from typing import Any

from sinks.joins import Asked, Placed
from streams.durations import Joined, joined
from tests.streams.test_events import NOON
from tests.streams.test_ingest import TOPICS, batch, event, read

REQUESTS, RESPONSES, _ = TOPICS
JSON = "gen_ai.output.type"


class Store:
    """Knows some requests, and what it was asked for."""

    def __init__(self, **requests: Asked) -> None:
        self.requests = requests
        self.looked_up: list[str] = []

    def asked(self, answered: Sequence[Placed]) -> dict[str, Asked]:
        ids = [id_ for id_, _ in answered]
        self.looked_up += ids
        return {id_: self.requests[id_] for id_ in ids if id_ in self.requests}


def answered(inference_id: str, seconds: float | None = None, at: int = NOON, **more: Any) -> bytes:
    return event(RESPONSES, inference_id=inference_id, duration_s=seconds, time_unix_nano=at, **more)


def test_each_is_taken_from_the_nearest_that_knows() -> None:
    block = read(
        batch(
            RESPONSES,
            0,
            0,
            [
                answered("says", 0.5),
                answered("beside", at=NOON + 2_000_000_000),
                answered("before", at=NOON + 250_000_000),
                answered("unknown"),
                answered("clocks differ", at=NOON - 1),
                answered("probe", synthetic=True),
            ],
        ),
        batch(REQUESTS, 0, 0, [event(REQUESTS, inference_id=id_, time_unix_nano=NOON) for id_ in ("beside", "says")]),
    )
    store = Store(**dict.fromkeys(("before", "clocks differ", "probe"), Asked(NOON, None)))
    assert joined(block, store).durations == [0.5, 2.0, 0.25, None, None, None]
    assert store.looked_up == ["before", "unknown", "clocks differ"], "no more than has to be asked for"


def test_where_all_is_said_nothing_is_asked() -> None:
    store = Store()
    assert joined(read(batch(RESPONSES, 0, 0, [answered("a", 1.5)])), store) == Joined([1.5], [None])
    assert joined(read(batch(REQUESTS, 0, 0, [event(REQUESTS)])), store) == Joined([], [])
    assert store.looked_up == []


def test_what_was_asked_for_comes_with_the_duration() -> None:
    responses = [
        answered("says", output_type="text"),
        answered("beside"),
        answered("before"),
        answered("unknown"),
        answered("in the block, yet not looked for", 1.0),
    ]
    asked = [
        event(REQUESTS, inference_id=id_, **{JSON: "json"}) for id_ in ("beside", "in the block, yet not looked for")
    ]
    block = read(batch(RESPONSES, 0, 0, responses), batch(REQUESTS, 0, 0, asked))
    store = Store(before=Asked(NOON, "json"), says=Asked(NOON, "json"))
    # Whoever says the duration says it all: what is known must not depend on what shares a block.
    assert joined(block, store).output_types == ["text", "json", "json", None, None]
