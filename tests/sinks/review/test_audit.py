"""The log of a batch can be appended to and nothing else, and takes only steps that follow."""

import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sinks.review import manifest
from sinks.review.audit import ALLOWED, Audit, State, Step, WrongState, state
from sinks.review.refusals import NotABatch, TamperedBatch
from tests.sinks.review.deciding import MONDAY, batch, item, minute


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return batch(tmp_path, [item("a")])


def log_of(folder: Path) -> Path:
    return folder / "review" / "audit.jsonl"


def three_steps(folder: Path) -> list[bytes]:
    audit = Audit(folder)
    audit.append("cut", "sluice", MONDAY)
    audit.append("exported", "Ada", minute(1), format="csv")
    audit.append("reported", "Ada", minute(2))
    return log_of(folder).read_bytes().splitlines(keepends=True)


def test_a_batch_without_steps_is_cut(folder: Path) -> None:
    assert state(folder) is State.CUT
    assert Audit(folder).steps() == []


def test_each_line_carries_the_hash_of_the_one_before_and_the_first_that_of_the_manifest(folder: Path) -> None:
    lines = three_steps(folder)
    entries = Audit(folder).verify()
    assert entries[0].before == manifest.read(folder).sha256
    assert [each.before for each in entries[1:]] == [sha256(line).hexdigest() for line in lines[:-1]]
    assert (entries[1].by, entries[1].at, entries[1].facts) == ("Ada", "2026-11-23T09:01:00Z", {"format": "csv"})


EDITS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "changed": (lambda lines: [lines[0], lines[1].replace(b"Ada", b"Eve"), lines[2]], 3),
    "first changed": (lambda lines: [lines[0].replace(b"sluice", b"nobody"), *lines[1:]], 2),
    "taken out": (lambda lines: [lines[0], lines[2]], 2),
    "moved": (lambda lines: [lines[0], lines[2], lines[1]], 2),
    "written twice": (lambda lines: [lines[0], lines[0], *lines[1:]], 2),
    "spaced": (lambda lines: [lines[0], lines[1].replace(b":", b": ", 1), lines[2]], 2),
    "no JSON": (lambda lines: [*lines, b"nothing\n"], 4),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_named_by_its_line(folder: Path, edit: str) -> None:
    change, line = EDITS[edit]
    log_of(folder).write_bytes(b"".join(change(three_steps(folder))))
    with pytest.raises(TamperedBatch, match=rf"audit\.jsonl, line {line}: "):
        Audit(folder).append("reported", "Ada", MONDAY)


def test_the_log_of_one_batch_is_none_of_another(folder: Path, tmp_path: Path) -> None:
    three_steps(folder)
    other = batch(tmp_path / "other", [item("b")])
    shutil.copytree(folder / "review", other / "review")
    with pytest.raises(TamperedBatch, match="line 1"):
        state(other)


def test_half_a_line_that_a_kill_left_says_nothing_and_is_gone_with_the_next_step(folder: Path) -> None:
    lines = three_steps(folder)
    log_of(folder).write_bytes(b"".join(lines) + lines[0][:40])
    assert len(Audit(folder).steps()) == 3
    Audit(folder).append("reported", "Ada", MONDAY)
    assert [each.number for each in Audit(folder).steps()] == [1, 2, 3, 4]


def test_what_is_no_batch_has_no_log(tmp_path: Path) -> None:
    with pytest.raises(NotABatch):
        Audit(tmp_path)


def test_a_refusal_says_what_comes_first(folder: Path) -> None:
    with pytest.raises(WrongState, match=r"is cut, and cannot be signed_off\. It has no decisions yet"):
        Audit(folder).append("signed_off", "Ada", MONDAY, complete=True)


def _report(folder: Path, times: int) -> None:
    for _ in range(times):
        Audit(folder).append(Step.REPORTED, "Ada", MONDAY)


def test_two_processes_append_at_once_and_the_chain_holds(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_report, args=(folder, 15)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [each.number for each in Audit(folder).steps()] == list(range(1, 31))


class Steps(RuleBasedStateMachine):
    """Whatever is tried in whatever order: what does not follow is refused and leaves no trace, and what is released
    was signed after its last decision."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.folder = batch(self.place, [item("a")])
        self.expected: list[Step] = []
        self.signed = False

    @rule(step=st.sampled_from(list(Step)), open_=st.integers(0, 1), complete=st.booleans())
    def attempt(self, step: Step, open_: int, complete: bool) -> None:
        before = state(self.folder)
        allowed = step in ALLOWED[before] or (step is Step.CUT and not self.expected)
        try:
            Audit(self.folder).append(step, "Ada", MONDAY, open=open_, complete=complete)
        except WrongState:
            assert not allowed
            return
        assert allowed
        self.expected.append(step)
        if step in (Step.IMPORTED, Step.DECIDED, Step.ADJUDICATED):
            self.signed = False
        if step is Step.SIGNED_OFF:
            assert before in (State.DECIDED, State.IN_REVIEW), "of which `sign` says that nothing is open"
            self.signed = complete
        if step is Step.RELEASED:
            assert self.signed

    @invariant()
    def log_is_what_was_done(self) -> None:
        assert [each.step for each in Audit(self.folder).verify()] == self.expected
        if Step.REJECTED in self.expected:
            assert state(self.folder) is State.REJECTED

    def teardown(self) -> None:
        shutil.rmtree(self.place)


TestSteps = Steps.TestCase
TestSteps.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
