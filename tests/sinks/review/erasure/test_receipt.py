"""Receipts are kept: what a kill leaves of one does not keep the next from being written."""

from pathlib import Path

import pytest

from sinks.review.erasure.receipt import NAME, Receipt, append, finished, verified

GIVEN = Receipt("2026-11-27T00:00:00Z", "Dana", [], [], 0, {"batches (items)": {"found": 1, "left": 0}}, ["Kafka."])


@pytest.mark.parametrize("kept", [1, -1])
def test_half_a_receipt_that_a_kill_left_is_none_and_the_next_follows_the_last_whole_one(
    tmp_path: Path, kept: int
) -> None:
    append(tmp_path, GIVEN)
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:kept])
    assert finished(tmp_path) == {GIVEN.at}
    append(tmp_path, GIVEN)
    verified(tmp_path)
    assert (tmp_path / NAME).read_bytes().startswith(whole)
    assert (tmp_path / NAME).read_bytes().count(b"\n") == 2
