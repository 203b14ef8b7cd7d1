"""Durations: as a response says, else from its request, in the same block or stored before; else not known."""

from collections.abc import Sequence
from typing import Any

from streams.durations import durations
from tests.streams.test_events import NOON
from tests.streams.test_ingest import TOPICS, batch, event, read

REQUESTS, RESPONSES, _ = TOPICS


class Store:
    """Knows some requests, and what it was asked for."""

    def __init__(self, **times: int) -> None:
        self.times = times
        self.asked: list[str] = []

    def request_times(self, ids: Sequence[str]) -> dict[str, int]:
        self.asked += ids
        return {id_: self.times[id_] for id_ in ids if id_ in self.times}


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
    store = Store(**{"before": NOON, "clocks differ": NOON, "probe": NOON})
    assert durations(block, store) == [0.5, 2.0, 0.25, None, None, None]
    assert store.asked == ["before", "unknown", "clocks differ"], "no more than has to be asked for"


def test_where_all_is_said_nothing_is_asked() -> None:
    store = Store()
    assert durations(read(batch(RESPONSES, 0, 0, [answered("a", 1.5)])), store) == [1.5]
    assert durations(read(batch(REQUESTS, 0, 0, [event(REQUESTS)])), store) == []
    assert store.asked == []
