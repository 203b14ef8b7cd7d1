"""What is done after answers is a share of answers: blocks change nothing, and who comes late is not all there are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.afterwards import Afterwards

NAN = np.nan


def columns(rows: str) -> dict[str, NDArray[np.float64]]:
    """Rows of answers (a), edits (e) and complaints (c)."""
    read = {"error": {"a": 0.0}, "implicit.edit": {"e": 1.0}, "complaint": {"c": 1.0}}
    return {name: np.array([told.get(row, NAN) for row in rows]) for name, told in read.items()}


def told(column: NDArray[np.float64]) -> str:
    return "".join("." if np.isnan(each) else f"{each:.0f}" for each in column)


@pytest.mark.parametrize(
    ("rows", "edits"),
    [
        ("aaea", "..10"),  # counted from the first edit on
        ("aeaaea", ".10010"),
        ("aeeea", ".1..0"),  # three edits before the next answer
        ("aeaee", ".101."),
        ("ea", "10"),
        ("acac", None),
    ],
)
def test_an_answer_is_a_no_and_what_is_done_after_it_a_yes(rows: str, edits: str | None) -> None:
    filled = Afterwards().among(columns(rows), len(rows))
    assert told(filled["implicit.edit"]) == (edits or "." * len(rows))


def test_those_who_still_edit_when_answers_have_stopped_are_not_all_who_are_there() -> None:
    afterwards = Afterwards()
    afterwards.among(columns("ae" + "a" * 20), 22)
    night = afterwards.among(columns("e" * 30), 30)["implicit.edit"]
    assert told(night) == "1" + "." * 29
    assert told(afterwards.among(columns("eae"), 3)["implicit.edit"]) == ".01"


@given(st.text("aec", max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_how_rows_are_cut_and_a_restart_change_nothing(rows: str, cuts: list[int]) -> None:
    whole = Afterwards().among(columns(rows), len(rows))
    afterwards, edges = Afterwards(), sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts: dict[str, str] = {"implicit.edit": "", "complaint": ""}
    for start, stop in pairwise(edges):
        piece = {name: column[start:stop] for name, column in columns(rows).items()}
        filled = afterwards.among(piece, stop - start)
        parts = {name: said + told(filled[name]) for name, said in parts.items()}
        afterwards = Afterwards.restore(afterwards.state())
    assert parts == {name: told(whole[name]) for name in parts}
