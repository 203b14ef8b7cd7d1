"""A batch is signed when nothing is missing, by as many as it takes, and the signature holds for what was signed."""

from pathlib import Path
from typing import Any

import pytest

from sinks.review import manifest, sign_off
from sinks.review.audit import Audit, State, Step, WrongState, state
from sinks.review.erasure.items_left import read_items
from sinks.review.folder import write_items
from sinks.review.outcomes import survey
from sinks.review.refusals import TamperedBatch
from sinks.review.sign_off import NotReady, missing, reject, sign, signatures
from tests.sinks.review.deciding import MONDAY, batch, item, keep, labelled, minute, says


def decided(out: Path, **participation: Any) -> Path:
    folder = batch(out, [item("a"), item("b")], **participation)
    keep(folder, says("Ada", "a"), says("Ada", "b", "reject"))
    return folder


def test_a_decided_batch_is_signed_and_the_log_says_what_was_signed(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    assert missing(folder) == []
    signed = sign(folder, "Cleo", "curator", minute(9))
    assert (signed.complete, state(folder)) == (True, State.SIGNED_OFF)
    facts = Audit(folder).steps()[-1].facts
    assert facts["verdicts"] == {"accept": 1, "reject": 1}
    assert facts["participation"] == {"mode": "full", "by_people": 2, "by_prelabel": {}, "audits": {}}
    assert (facts["role"], facts["statement"]) == ("curator", sign_off.STATEMENT)
    assert facts["signed_decisions"] == Audit(folder).steps()[-2].facts["decisions_sha256"]


def test_what_is_missing_is_listed(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a"), item("b"), item("c")], least_agreement=0.5)
    keep(folder, says("Ada", "a"), says("Ada", "b"), says("Ben", "b", "reject"))
    with pytest.raises(NotReady) as refused:
        sign(folder, "Cleo", "curator", minute(9))
    assert "2 of 3 items are open, 1 of them in conflict" in str(refused.value)
    assert "agreement (alpha, 1 items) is 0.00, where the policy asks for 0.50" in str(refused.value)
    assert [each.step for each in Audit(folder).steps()] == ["decided"]


def test_one_decision_more_makes_a_signature_void_and_says_so(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    sign(folder, "Cleo", "curator", minute(9))
    keep(folder, says("Ada", "b", "accept", minute(10)))
    found = signatures(folder)
    assert (found.valid, found.complete, state(folder)) == ([], False, State.DECIDED)
    assert "What Cleo signed is void: decisions were decided by Ada" in (found.void or "")
    sign(folder, "Cleo", "curator", minute(11))
    assert (signatures(folder).complete, signatures(folder).void) == (True, None)


def test_a_line_written_by_hand_behind_a_signature_makes_it_void(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    sign(folder, "Cleo", "curator", minute(9))
    with (folder / "review" / "decisions.jsonl").open("ab") as file:
        file.write(says("Eve", "b", "accept", minute(10)).line())
    found = signatures(folder)
    assert not found.complete
    assert "decisions.jsonl has lines that the audit log does not know" in (found.void or "")


@pytest.mark.parametrize("name", ["items.jsonl", "items.parquet", "manifest.json"])
def test_a_batch_with_a_changed_file_is_not_signed(tmp_path: Path, name: str) -> None:
    folder = decided(tmp_path)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    with pytest.raises(TamperedBatch, match=name.replace(".", r"\.")):
        sign(folder, "Cleo", "curator", minute(9))


@pytest.mark.parametrize("name", ["audit.jsonl", "decisions.jsonl"])
def test_a_batch_with_changed_words_is_not_signed(tmp_path: Path, name: str) -> None:
    folder = decided(tmp_path)
    keep(folder, says("Ada", "a", at=minute(1)))
    path = folder / "review" / name
    path.write_bytes(path.read_bytes().replace(b"Ada", b"Eve", 1))
    with pytest.raises(TamperedBatch, match=name.replace(".", r"\.")):
        sign(folder, "Cleo", "curator", minute(9))


def test_an_open_batch_is_not_signed_twice_nor_a_rejected_one_at_all(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    sign(folder, "Cleo", "curator", minute(9))
    with pytest.raises(WrongState, match="is signed already"):
        sign(folder, "Dan", "lead", minute(10))
    reject(folder, "Dan", "wrong week", minute(11))
    with pytest.raises(WrongState, match="is rejected"):
        sign(folder, "Cleo", "curator", minute(12))


@pytest.mark.parametrize(
    "sensitive",
    [{"sensitive_reasons": ("control",)}, {"sensitive_segments": ("chat/",)}, {"sensitive_labels": ("harm",)}],
)
def test_what_is_sensitive_takes_two_people(tmp_path: Path, sensitive: dict[str, object]) -> None:
    folder = decided(tmp_path, **sensitive)
    keep(folder, says("Ada", "a", at=minute(1), labels=["harm"]))
    assert not sign(folder, "Cleo", "curator", minute(9)).complete
    assert state(folder) is State.DECIDED
    with pytest.raises(NotReady, match="cleo has signed it already: another person has to"):
        sign(folder, "cleo", "lead", minute(10))
    assert sign(folder, "Dan", "lead", minute(10)).complete
    assert state(folder) is State.SIGNED_OFF


def test_a_first_signature_is_void_too_once_something_else_is_decided(tmp_path: Path) -> None:
    folder = decided(tmp_path, sensitive_reasons=("control",))
    sign(folder, "Cleo", "curator", minute(9))
    keep(folder, says("Ada", "a", "reject", minute(10)))
    assert not sign(folder, "Dan", "lead", minute(11)).complete
    assert sign(folder, "Cleo", "curator", minute(12)).complete


def test_an_erasure_takes_nothing_from_a_signature(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    sign(folder, "Cleo", "curator", minute(9))
    Audit(folder).append(Step.ERASED, "Ada", minute(10), items=0)
    assert signatures(folder).complete


def test_the_log_says_what_services_decided(tmp_path: Path) -> None:
    items = [labelled(f"i{n}", "good", 0.9) for n in range(10)]
    folder = batch(tmp_path, items, mode="minimal", verdicts={"quality=good": "accept"}, audit_share=0.3)
    with pytest.raises(NotReady, match="10 of 10 items are open, 0 of them in conflict, 1 pre-labels whose audit"):
        sign(folder, "Cleo", "curator", MONDAY)
    for name in ("i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8", "i9"):
        if missing(folder):
            keep(folder, says("Ada", name))
    sign(folder, "Cleo", "curator", minute(9))
    participation = Audit(folder).steps()[-1].facts["participation"]
    assert isinstance(participation, dict)
    assert participation["audits"] == {"quality=good": {"checked": 3, "wrong": 0, "bound": 0.0, "stands": True}}


def erase(folder: Path, *names: str, logged: bool = True) -> None:
    """Take items out of a batch, as an erasure leaves it."""
    before = manifest.read(folder)
    write_items(folder, [[each for chunk in read_items(folder) for each in chunk if each["inference_id"] not in names]])
    files = {name: manifest.fact(folder / name) for name in before.files}
    after = before.model_copy(update={"cut_sha256": before.sha256_as_cut, "files": files})
    (folder / manifest.NAME).write_bytes(after.to_bytes())
    if logged:
        Audit(folder).append(Step.ERASED, "Ada", minute(20), items=len(names), manifest=after.sha256)


def test_a_batch_of_which_all_that_was_open_is_erased_can_be_signed(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a"), item("b")])
    keep(folder, says("Ada", "a"))
    erase(folder, "b")
    assert missing(folder) == []
    assert sign(folder, "Cleo", "curator", minute(21)).complete
    assert state(folder) is State.SIGNED_OFF


def test_items_that_were_exchanged_under_a_signature_are_not_what_was_signed(tmp_path: Path) -> None:
    folder = decided(tmp_path)
    sign(folder, "Cleo", "curator", minute(9))
    erase(folder, "b", logged=False)
    for asked in (signatures, missing):
        with pytest.raises(TamperedBatch, match=r"manifest\.json is not the one that the audit log knows"):
            asked(folder)
    Audit(folder).append(Step.ERASED, "Ada", minute(20), items=1, manifest=manifest.read(folder).sha256)
    assert signatures(folder).complete


def test_a_label_that_stood_when_it_was_signed_stands_when_an_audited_item_is_erased(tmp_path: Path) -> None:
    items = [labelled(f"i{n:03}", "good") for n in range(100)]
    folder = batch(tmp_path, items, mode="partial", verdicts={"quality=good": "accept"})
    (audited,) = survey(folder).plan.audited.values()
    keep(folder, *(says("Ada", name) for name in sorted(audited)))
    sign(folder, "Cleo", "curator", minute(9))
    erase(folder, min(audited))
    assert survey(folder).open == []
    keep(folder, says("Ada", max(audited), "reject", minute(30)))
    (trust,) = survey(folder).trusts.values()
    assert trust.pending, "what was signed is void, and another item is audited in place of the erased one"
