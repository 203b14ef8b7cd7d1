"""Texts of either side open once when they become other, and close after a thousand that raised no alarm."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.base import Measurements, Texts
from detectors.budget import Budget
from detectors.held import select
from detectors.packed import pack, unpack
from detectors.text import TextDrift
from detectors.text_watch import QUIET, Said, TextWatch
from tests.detectors.traffic import START_NS, texts

CHANGE = 600


def rows(listed: NDArray[np.bool_], *, sides: tuple[str, ...] = ("output_text",), seed: int = 0) -> Measurements:
    """Return rows with a text of each side, in lists where `listed`."""
    n, rng = len(listed), np.random.default_rng(seed)
    at = np.arange(n)
    return Measurements(
        source=np.zeros(n, np.int64),
        position=at,
        time_unix_nano=START_NS + at * 10**9,
        inference_id=[f"inference-{row}" for row in range(n)],
        values={},
        texts={side: texts(at, listed, rng) for side in sides},
    )


def watch() -> TextWatch:
    return TextWatch(Budget(segments=100, false_alarms=1.0))


def walked(m: Measurements, cuts: list[int], *, restart: bool = False) -> list[Said]:
    watching, found = watch(), list[Said]()
    for start, stop in zip([0, *cuts], [*cuts, len(m.inference_id)], strict=True):
        said = watching.take(select(m, np.arange(start, stop)), start)
        found += sorted(said, key=lambda each: (each.row, each.side))
        if restart:
            watching = TextWatch.restore(watching.budget, unpack(pack(watching.state())))
    return found


def kept(found: list[Said]) -> list[tuple[object, ...]]:
    """Return what was said in a form that can be compared: means of texts are not known, and NaN is not NaN."""
    return [
        (said.row, said.side, said.detector, said.opening and (said.opening.subject, said.opening.log10_e))
        for said in found
    ]


def test_a_change_of_style_opens_once_and_closes_when_it_is_over() -> None:
    row = np.arange(CHANGE + 400 + QUIET + 200)
    listed = (row >= CHANGE) & (row < CHANGE + 400)
    opened, *others, closed = walked(rows(listed), [])
    assert not others
    assert opened.opening is not None
    assert CHANGE < opened.row < CHANGE + 100
    assert opened.detector.startswith("text ")
    assert opened.opening.log10_e > 5
    assert (closed.opening, closed.side, closed.detector) == (None, "output_text", opened.detector)
    assert closed.row >= CHANGE + 400 - 100 + QUIET, "it fires as long as it lasts"


def test_nothing_is_said_at_rest() -> None:
    assert walked(rows(np.zeros(2000, np.bool_)), []) == []


def test_a_word_that_is_in_every_text_does_not_surge() -> None:
    m = rows(np.zeros(2500, np.bool_))
    output = m.texts["output_text"]
    grams = output.grams.copy()
    grams[:, :40] = 1
    with_it = replace(m, texts={"output_text": Texts(output.rows, output.style, grams)})
    assert walked(with_it, []) == []


@pytest.mark.parametrize("restart", [False, True])
def test_pieces_and_restarts_change_nothing(restart: bool) -> None:
    row = np.arange(CHANGE + 300)
    m = rows(row >= CHANGE, sides=("output_text", "input_text"))
    whole = walked(m, [])
    assert {said.side for said in whole} == {"output_text", "input_text"}
    assert kept(walked(m, [1, 399, 401, CHANGE, CHANGE + 13], restart=restart)) == kept(whole)


def test_what_is_accepted_is_learned_anew() -> None:
    watching = watch()
    list(watching.take(rows(np.arange(CHANGE + 100) >= CHANGE), 0))
    [detector] = watching.accept("output_text")
    assert detector.startswith("text ")
    assert watching.accept("output_text") == [], "it is not open any more"
    assert list(watching.take(rows(np.ones(1500, np.bool_), seed=7), CHANGE + 100)) == []


def test_what_is_not_known_is_accepted_without_a_word() -> None:
    assert watch().accept("input_text") == []


def test_a_side_of_another_version_learns_anew_and_the_other_does_not() -> None:
    watching = watch()
    list(watching.take(rows(np.zeros(500, np.bool_), sides=("output_text", "input_text")), 0))
    state = unpack(pack(watching.state()))
    state["output_text"]["drift"]["version"] = 0
    again = TextWatch.restore(watching.budget, state)
    list(again.take(rows(np.zeros(1, np.bool_), sides=("output_text", "input_text")), 500))
    learned = {name: TextDrift.restore(side["drift"]).learning for name, side in again.state().items()}
    assert learned == {"output_text": True, "input_text": False}
