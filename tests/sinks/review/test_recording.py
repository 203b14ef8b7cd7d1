"""Decisions are kept once, durably and with their step, or refused by name."""

import multiprocessing
from pathlib import Path

import pytest

from sinks.review.audit import Audit, State, Step, WrongState, state
from sinks.review.decisions import Decision, InvalidDecision, decision, read
from sinks.review.outcomes import resolved
from sinks.review.refusals import TamperedBatch
from tests.sinks.review.deciding import MONDAY, batch, item, keep, minute, says

OTHER = {"inference_id": "z", "choice": 0, "response_model": "m", "preferred": False, "output_messages": "[]"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return batch(tmp_path, [item("a", alternatives=[OTHER]), item("b"), item("c")])


def decisions_of(folder: Path) -> Path:
    return folder / "review" / "decisions.jsonl"


def test_what_is_imported_twice_is_there_once(folder: Path) -> None:
    said = [says("Ada", "a"), says("Ada", "b", "reject")]
    first, second = keep(folder, *said, step=Step.IMPORTED), keep(folder, *said, step=Step.IMPORTED)
    assert (first.added, first.known, second.added, second.known) == (2, 0, 0, 2)
    assert read(folder) == said
    assert [each.step for each in Audit(folder).steps()] == ["imported"]


def test_a_decision_comes_back_as_it_was_said(folder: Path) -> None:
    said = [
        says("Ada", "a", "rank", ranking=["z#0", "a#0"], labels=["tone"], note="näher\n\u202e", seconds=12.5),
        says("Ada", "b", "correct", correction=[{"role": "assistant", "parts": [{"type": "text", "content": "so"}]}]),
        says("Ada", "c", "correct", correction="so", agrees_with_prelabels={"quality": False}),
    ]
    keep(folder, *said)
    assert read(folder) == said


def test_the_state_follows_what_is_open(folder: Path) -> None:
    keep(folder, says("Ada", "a"))
    assert state(folder) is State.IN_REVIEW
    keep(folder, says("Ada", "b"), says("Ada", "c"))
    assert state(folder) is State.DECIDED
    keep(folder, says("Ben", "c", "reject"))
    assert state(folder) is State.IN_REVIEW


REFUSED: dict[str, tuple[Decision, str]] = {
    "item": (says("Ada", "nobody"), r"nobody is no item of 2026-W46"),
    "batch": (
        decision(batch="2026-W45", inference_id="a", reviewer="Ada", verdict="accept", at=MONDAY, source="cli"),
        "decided for 2026-W45, but this is 2026-W46",
    ),
    "ranking": (says("Ada", "a", "rank", ranking=["y#0", "a#0"]), r"names y#0, which is none of its answers"),
    "adjudication": (says("Ada", "a", adjudicates=["1"]), "a is open, and these decisions are not in conflict"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_of_the_batch_is_refused_with_all_that_came_with_it(folder: Path, what: str) -> None:
    wrong, message = REFUSED[what]
    with pytest.raises(InvalidDecision, match=message):
        keep(folder, says("Ada", "b"), wrong)
    assert read(folder) == []


def test_one_id_says_one_thing(folder: Path) -> None:
    said = says("Ada", "a")
    keep(folder, said)
    with pytest.raises(InvalidDecision, match="says something else"):
        keep(folder, said.model_copy(update={"verdict": "reject"}))


@pytest.mark.parametrize(
    ("verdict", "more"),
    [
        ("correct", {}),
        ("accept", {"correction": "so"}),
        ("rank", {}),
        ("rank", {"ranking": ["a#0", "a#0"]}),
        ("skip", {"adjudicates": ["1"]}),
        ("accept", {"seconds": -1.0}),
        ("accept", {"seconds": float("nan")}),
        ("maybe", {}),
    ],
)
def test_a_decision_is_whole(verdict: str, more: dict[str, object]) -> None:
    with pytest.raises(InvalidDecision, match="a: "):
        says("Ada", "a", verdict, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("edit", [(b"accept", b"reject"), (b"Ada", b"Eve"), (b"\n", b" \n")])
def test_an_edited_decision_is_found_by_whoever_reads(folder: Path, edit: tuple[bytes, bytes]) -> None:
    keep(folder, says("Ada", "a"))
    decisions_of(folder).write_bytes(decisions_of(folder).read_bytes().replace(*edit))
    for use in (lambda: read(folder), lambda: resolved(folder), lambda: keep(folder, says("Ada", "b"))):
        with pytest.raises(TamperedBatch, match=r"decisions\.jsonl is not what the audit log says"):
            use()


def test_what_a_kill_left_is_no_decision_and_is_gone_with_the_next(folder: Path) -> None:
    keep(folder, says("Ada", "a"))
    with decisions_of(folder).open("ab") as file:
        file.write(says("Ada", "b").line() + b'{"half')
    assert [each.inference_id for each in read(folder)] == ["a"]
    keep(folder, says("Ada", "c"))
    assert [each.inference_id for each in read(folder)] == ["a", "c"]
    assert b"half" not in decisions_of(folder).read_bytes()


def test_a_rejected_batch_takes_no_decision(folder: Path) -> None:
    Audit(folder).append(Step.REJECTED, "Ada", MONDAY)
    with pytest.raises(WrongState, match="is rejected"):
        keep(folder, says("Ada", "a"))


def test_nothing_of_an_inference_is_in_the_log(folder: Path) -> None:
    keep(folder, says("Ada", "b", "correct", correction="a secret", note="a note", labels=["a label"]))
    log = (folder / "review" / "audit.jsonl").read_text()
    assert not [word for word in ("secret", "note", "a label", '"b"') if word in log]


def _decide(folder: Path, person: str) -> None:
    for minutes in range(8):
        keep(folder, says(person, "abc"[minutes % 3], at=minute(minutes)))


def test_two_people_decide_at_once_and_nothing_is_lost(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_decide, args=(folder, person)) for person in ("Ada", "Ben")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(each.reviewer for each in read(folder)) == ["Ada"] * 8 + ["Ben"] * 8
    assert Audit(folder).steps()[-1].facts["decisions"] == 16
