"""The report and the card say what the batch says, in the same bytes, and nothing of a stranger's is obeyed."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
import yaml

from sinks.review.audit import Step
from sinks.review.decisions import decision
from sinks.review.manifest import verify
from sinks.review.recording import record
from sinks.review.report.funnel import AT_THE_CUT, Decided, steps
from sinks.review.report.people import rewrite
from sinks.review.report.survey import survey
from sinks.review.report.visible import line, visible
from sinks.review.report.write import write_report
from tests.sinks.review.report.making import HOSTILE, make

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def test_the_same_items_make_the_same_bytes(batch: Path, tmp_path: Path) -> None:
    before = make(tmp_path, "2026-W45", items=60)
    again = make(tmp_path, "2026-W46", items=120, parents=(verify(before),))
    for name in ("report.html", "README.md"):
        assert (again / name).read_bytes() == (batch / name).read_bytes()
    write_report(again, verify(again))
    assert verify(again).files["report.html"]


def test_the_funnel_ends_in_steps_that_are_not_yet(batch: Path) -> None:
    counts = verify(batch).counts
    drawn = steps(counts, AT_THE_CUT)
    assert [(step.name, step.count) for step in drawn[-4:]] == [
        ("picked", 120),
        ("decided", None),
        ("accepted", None),
        ("released", None),
    ]
    assert all(before.top >= after.top for before, after in pairwise(drawn))
    assert [(step.name, step.count) for step in drawn[:2]] == [
        ("events", 54_300),
        ("inferences", counts.inferences),
    ]
    uncounted = steps(counts.model_copy(update={"events": None}), AT_THE_CUT)
    assert uncounted[0].name == "inferences", "of a batch that does not say how many events there were"
    assert [step.count for step in steps(counts, Decided(90, 60, 0))[-3:]] == [90, 60, 0]


def test_samples_are_few_and_counts_are_of_all(batch: Path) -> None:
    seen = survey(batch)
    counts = verify(batch).counts
    assert seen.items == counts.items
    assert seen.control == counts.by_reason["control"]
    assert sum(seen.slices["segment"].values()) == counts.items
    assert {len(samples) for samples in seen.samples.values()} <= set(range(6))


def test_the_first_batch_has_nothing_to_compare_with(batch: Path) -> None:
    assert "There is no batch before this one" in (batch.parent / "2026-W45" / "report.html").read_text()
    assert "Counts, against 2026-W45" in (batch / "report.html").read_text()


def test_the_card_is_a_dataset_card_without_a_word_of_a_strangers(batch: Path) -> None:
    card = (batch / "README.md").read_text()
    head, body = card.removeprefix("---\n").split("---\n", 1)
    assert yaml.safe_load(head)["configs"] == [{"config_name": "items", "data_files": "items.parquet"}]
    assert "| eligible | 25,027 |" in body
    assert "`control_weight`" in body
    assert not any(word in card for word in ("evil.example", "invoice", "onfocus", "&#"))


def test_what_people_decided_is_drawn_beside_the_batch_that_stays(tmp_path: Path) -> None:
    batch = make(tmp_path, items=40)
    items = [orjson.loads(each) for each in (batch / "items.jsonl").read_bytes().splitlines()]
    said = [
        decision(
            batch=batch.name,
            inference_id=item["inference_id"],
            reviewer="<b>Ada</b>",
            verdict="reject" if number % 2 else "accept",
            at=NOON,
            source="cli",
            seconds=30.0,
        )
        for number, item in enumerate(items)
    ]
    record(batch, said, Step.DECIDED, "Ada", NOON)
    page = rewrite(batch).read_text()
    verify(batch)
    assert "not yet" in page  # nothing is released
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page
    assert "20.0</td>" in page  # minutes
    assert "items of the control" in page


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202eabc", "\u2066", "\x00", "\ud83d", "\u200b", "\U000e0041"])
def test_what_steers_or_hides_is_shown(text: str) -> None:
    assert visible(text).isprintable()
    assert line(text, 40).isprintable()


def test_letters_that_join_and_long_texts_stay_readable() -> None:
    joined = f"{HOSTILE['persian']} 👩\u200d💻\n\ttab"
    assert visible(joined) == joined
    assert visible("x" * 3000, 1500).endswith("x … (1,500 characters more)")
