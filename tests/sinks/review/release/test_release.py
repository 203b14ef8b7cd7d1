"""Only what people decided and signed leaves; a release stays as it is, and evaluation is never trained on."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from sinks.review.audit import Audit, State, state
from sinks.review.policy import Release
from sinks.review.release import log
from sinks.review.release.card import card
from sinks.review.release.changes import changes
from sinks.review.release.finishing import NotReleased, NotSigned
from sinks.review.release.leakage import Sides, is_for_evaluation
from sinks.review.release.manifest import FILES, NotARelease, TamperedRelease, read, verify
from sinks.review.release.release import release
from sinks.review.release.superseding import supersede
from sinks.review.sign_off import reject, sign
from tests.sinks.review.deciding import NAME, batch, item, keep, minute, says

WORDS = ["harbour", "tide", "lantern", "cedar", "gravel", "saddle", "copper", "meadow", "ribbon", "thimble", "orchard"]


def text(role: str, said: str) -> str:
    return orjson.dumps([{"role": role, "parts": [{"type": "text", "content": said}]}]).decode()


def question(number: int) -> str:
    return " ".join(f"{WORDS[(number * 7 + place * place) % len(WORDS)]}{number * 13 + place}" for place in range(14))


def many(count: int) -> list[dict[str, Any]]:
    return [item(f"i{n:03d}", conversation_id=f"c{n}", input_messages=text("user", question(n))) for n in range(count)]


def signed(out: Path, items: list[dict[str, Any]], share: float = 0.1, name: str = NAME, **verdicts: Any) -> Path:
    """Write a batch, accept its items where nothing else is said, and sign it."""
    folder = batch(out, items, name, Release(evaluation_share=share))
    for number, each in enumerate(items):
        known = each["inference_id"]
        keep(folder, says("ann", known, verdicts.get(known, "accept"), at=minute(number), about=name))
    sign(folder, "ann", "curator", minute(5000))
    return folder


def evaluated(release: Path) -> set[str]:
    return {each["inference_id"] for each in lines(release, "lineage.jsonl") if each["file"] == "evaluation.jsonl"}


def lines(path: Path, name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (path / name).read_bytes().splitlines()]


def test_a_release_holds_what_was_decided_and_leads_back_to_it(tmp_path: Path) -> None:
    folder = signed(tmp_path / "batches", many(40), i003="reject", i004="reject")
    of = release([folder], tmp_path / "releases", "2026.46", "bea", minute(6000))
    manifest = verify(of.path)
    assert manifest == of.manifest
    assert (manifest.released_by, [each.signed_by for each in manifest.sources]) == ("bea", [["ann"]])
    assert manifest.supersedes is None
    signature, released = (folder / "review" / "audit.jsonl").read_bytes().splitlines(keepends=True)[-2:]
    assert manifest.sources[0].audit_sha256 == sha256(signature).hexdigest()
    assert orjson.loads(released)["facts"]["release_sha256"] == manifest.sha256
    lineage = lines(of.path, "lineage.jsonl")
    assert sum(manifest.records.values()) == len(lineage)
    for each in lineage:
        record = lines(of.path, each["file"])[each["line"] - 1]
        assert question(int(each["inference_id"][1:])) in orjson.dumps(record).decode()
        assert (each["reviewers"], each["signed_by"], each["batch"]) == (["ann"], ["ann"], "2026-W46")
        assert len(each["decision_ids"]) == 1
    evaluated = {each["inference_id"] for each in lineage if each["file"] == "evaluation.jsonl"}
    assert evaluated == {f"i{n:03d}" for n in range(40) if is_for_evaluation(f"c{n}", 0.1)} - {"i003", "i004"}
    assert not evaluated & {each["inference_id"] for each in lineage if each["file"] != "evaluation.jsonl"}
    assert state(folder) is State.RELEASED
    assert Audit(folder).steps()[-1].facts["items"] == len({each["inference_id"] for each in lineage})
    assert log.current(tmp_path / "releases") == "2026.46"


def test_nothing_leaves_without_a_signature_that_holds(tmp_path: Path) -> None:
    items = many(3)
    folder = batch(tmp_path / "batches", items)
    with pytest.raises(NotSigned, match="is not signed off: 0 of 1 people"):
        release([folder], tmp_path / "releases", "1", "bea", minute(1))
    for each in items:
        keep(folder, says("ann", each["inference_id"], "accept", at=minute(2)))
    with pytest.raises(NotSigned):
        release([folder], tmp_path / "releases", "1", "bea", minute(3))
    sign(folder, "ann", "curator", minute(4))
    keep(folder, says("ann", "i000", "reject", at=minute(5)))
    with pytest.raises(NotSigned, match="is void"):
        release([folder], tmp_path / "releases", "1", "bea", minute(6))
    assert not (tmp_path / "releases" / "1").exists()


def test_nothing_of_a_batch_leaves_that_was_rejected_after_it_was_signed(tmp_path: Path) -> None:
    folder = signed(tmp_path / "batches", many(3))
    reject(folder, "dan", "wrong week", minute(5001))
    with pytest.raises(NotSigned, match="is void: the batch was rejected by dan"):
        release([folder], tmp_path / "releases", "1", "bea", minute(5002))
    assert not (tmp_path / "releases" / "1").exists()


def test_a_version_is_given_once_and_named_well(tmp_path: Path) -> None:
    folder = signed(tmp_path / "batches", many(5))
    release([folder], tmp_path / "releases", "1", "bea", minute(6000))
    with pytest.raises(NotReleased, match="is there already"):
        release([folder], tmp_path / "releases", "1", "bea", minute(6001))
    for name in ("", "../1", "a/b", ".hidden"):
        with pytest.raises(NotReleased, match="no name of a release"):
            release([folder], tmp_path / "releases", name, "bea", minute(6001))


def test_prompts_near_the_other_side_are_left_out_in_this_release_and_over_all(tmp_path: Path) -> None:
    evaluated = next(n for n in range(100) if is_for_evaluation(f"c{n}", 0.1))
    twin = item("twin", conversation_id="trained", input_messages=text("user", f"{question(evaluated)} please"))
    assert not is_for_evaluation("trained", 0.1)
    first = signed(tmp_path / "first", many(evaluated + 1))
    release([first], tmp_path / "releases", "1", "bea", minute(6000))
    second = signed(tmp_path / "second", [twin, *many(3)[:2]])
    of = release([second], tmp_path / "releases", "2", "bea", minute(6001))
    assert of.manifest.left_out == {"near an evaluation prompt": 1}
    assert "twin" not in {each["inference_id"] for each in lines(of.path, "lineage.jsonl")}
    assert of.manifest.supersedes == "1"


def test_an_earlier_release_whose_lineage_was_changed_or_is_gone_is_named(
    tmp_path: Path,
) -> None:
    releases = tmp_path / "releases"
    path = release([signed(tmp_path / "a", many(5))], releases, "1", "bea", minute(6000)).path / "lineage.jsonl"
    true, later = path.read_bytes(), signed(tmp_path / "b", many(9)[5:])
    for wrong in (true.replace(b"sft.jsonl", b"evaluation.jsonl"), true.splitlines(keepends=True)[0], None):
        if wrong is None:
            path.unlink()
        else:
            path.write_bytes(wrong)
        with pytest.raises(TamperedRelease, match=r"releases/1: lineage\.jsonl is not what its manifest says"):
            release([later], releases, "2", "bea", minute(6001))
    path.write_bytes(true)
    assert release([later], releases, "2", "bea", minute(6001)).manifest.supersedes == "1"


def test_another_share_moves_nothing_that_a_release_holds(tmp_path: Path) -> None:
    releases, turns = tmp_path / "releases", many(40)
    first = release([signed(tmp_path / "a", turns, share=0.5)], releases, "1", "bea", minute(6000))
    later = [
        item(f"l{n:03d}", conversation_id=f"c{n}", input_messages=text("user", question(n + 40))) for n in range(60)
    ]
    for version, share in (("2", 0.9), ("3", 0.0)):
        of = release([signed(tmp_path / version, later, share=share)], releases, version, "bea", minute(6001))
        before, after = evaluated(first.path), evaluated(of.path)
        for n in range(40):
            assert (f"i{n:03d}" in before) == (f"l{n:03d}" in after), "the next turn of a conversation stays with it"
        moved = {n for n in range(40) if is_for_evaluation(f"c{n}", share) != (f"i{n:03d}" in before)}
        assert of.manifest.stayed >= len(moved) > 0
        assert f"{of.manifest.stayed} conversations stay where an earlier release" in card(of.manifest)
    assert of.manifest.stayed == sum(f"l{n:03d}" in after for n in range(60)), "all that was for evaluation is still"


def test_batches_of_policies_with_different_shares_are_released_apart(tmp_path: Path) -> None:
    one = signed(tmp_path / "a", many(5))
    again, other = signed(tmp_path / "b", many(5)), signed(tmp_path, many(9)[5:], share=0.2, name="2026-W47")
    with pytest.raises(NotReleased, match=r"\(2026-W46 0\.1, 2026-W47 0\.2\): release them apart"):
        release([one, other], tmp_path / "releases", "1", "bea", minute(6000))
    with pytest.raises(NotReleased, match="two cuts of one window"):
        release([one, again], tmp_path / "releases", "1", "bea", minute(6000))


def test_sides_tell_near_prompts_apart() -> None:
    sides = Sides()
    assert not sides.leak("a", question(1), to_evaluation=True)
    assert sides.leak("b", f"{question(1)} now", to_evaluation=False)
    assert not sides.leak("c", question(2), to_evaluation=False)
    assert sides.leak("d", question(2), to_evaluation=True)
    assert not sides.leak("e", question(1), to_evaluation=True), "two of one side are no leak"


def test_what_was_tampered_with_is_named(tmp_path: Path) -> None:
    of = release([signed(tmp_path / "batches", many(5))], tmp_path / "releases", "1", "bea", minute(6000))
    path = of.path / "sft.jsonl"
    path.write_bytes(path.read_bytes().replace(b"answer", b"anSwer"))
    with pytest.raises(TamperedRelease, match=r"sft\.jsonl is not what manifest\.json says"):
        verify(of.path)
    manifest = read(of.path)
    longer = manifest.model_copy(update={"files": {"x" * 5000: manifest.files["sft.jsonl"]}})
    (of.path / "manifest.json").write_bytes(longer.to_bytes())
    with pytest.raises(TamperedRelease, match=r"x+… is not what manifest\.json says"):
        verify(of.path)
    with pytest.raises(NotARelease, match="sluice release list"):
        verify(tmp_path / "releases" / "2")


def test_a_withdrawn_release_makes_room_for_the_one_before(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release([signed(tmp_path / "a", many(5))], releases, "1", "bea", minute(6000))
    release([signed(tmp_path / "b", many(7)[5:])], releases, "2", "bea", minute(6001))
    assert changes(releases / "1", releases / "2").added == ("i005", "i006")
    assert len(changes(releases / "1", releases / "2").removed) == 5
    log.append(releases, "handed_over", "2", "bea", minute(6002), to="the training team")
    log.append(releases, "withdrawn", "2", "bea", minute(6003), note="wrong")
    assert log.current(releases) == "1"
    assert log.holders(releases, "2") == ["the training team"]
    verify(releases / "2")
    data = (releases / log.NAME).read_bytes()
    (releases / log.NAME).write_bytes(data.replace(b"training", b"draining"))
    with pytest.raises(TamperedRelease, match="line 4"):
        log.read(releases)


def test_what_is_erased_is_in_no_release_any_more(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release([signed(tmp_path / "batches", many(12))], releases, "1", "bea", minute(6000))
    log.append(releases, "handed_over", "1", "bea", minute(6001), to="the training team")
    assert supersede(releases, "1", frozenset({"nobody"}), "cy", minute(6002)) is None
    name = supersede(releases, "1", frozenset({"i002"}), "cy", minute(6003))
    assert name == "1-e1"
    manifest = verify(releases / name)
    assert (manifest.supersedes, manifest.left_out["erased"]) == ("1", 1)
    said = changes(releases / name, releases / name)
    assert (said.added, said.removed, said.changed) == ((), (), ())
    everything = b"".join(path.read_bytes() for path in releases.rglob("*") if path.is_file())
    assert b"i002" not in everything
    assert question(2).encode() not in everything
    assert {path.name for path in (releases / "1").iterdir()} == {"manifest.json", "README.md", "REPLACED_BY"}
    with pytest.raises(NotARelease, match="1-e1 took its place"):
        verify(releases / "1")
    assert log.current(releases) == name
    assert log.holders(releases, "1") == ["the training team"]
    assert supersede(releases, name, frozenset({"i003"}), "cy", minute(6004)) == "1-e2"


def test_the_same_batches_give_the_same_bytes(tmp_path: Path) -> None:
    folder = signed(tmp_path / "batches", many(20))
    one = release([folder], tmp_path / "one", "1", "bea", minute(6000))
    other = release([folder], tmp_path / "other", "1", "bea", minute(6000))
    assert one.manifest.files == other.manifest.files
    assert set(one.manifest.files) >= set(FILES)


def test_what_takes_a_place_stands_where_the_other_stood(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release([signed(tmp_path / "a", many(5))], releases, "1", "bea", minute(6000))
    release([signed(tmp_path / "b", many(9)[5:])], releases, "2", "bea", minute(6001))
    assert supersede(releases, "1", frozenset({"i001"}), "cy", minute(6002)) == "1-e1"
    assert log.current(releases) == "2", "the older one does not take over from the newer"
    log.append(releases, "withdrawn", "2", "bea", minute(6003))
    assert log.current(releases) == "1-e1"
    assert supersede(releases, "2", frozenset({"i006"}), "cy", minute(6004)) == "2-e1"
    assert log.current(releases) == "1-e1", "what was withdrawn stays so"


def test_no_item_goes_without_being_counted(tmp_path: Path) -> None:
    other = {"inference_id": "b", "choice": 0, "response_model": "m", "preferred": False}
    other |= {"output_messages": text("assistant", "answer of equal")}
    items = [item("equal", alternatives=[other]), item("empty", input_messages="[]"), item("fine")]
    folder = batch(tmp_path / "batches", items)
    keep(folder, says("ann", "equal", "rank", at=minute(1), ranking=["equal#0", "b#0"]))
    for name in ("empty", "fine"):
        keep(folder, says("ann", name, "accept", at=minute(2)))
    sign(folder, "ann", "curator", minute(3))
    with pytest.raises(NotReleased, match="named twice"):
        release([folder, folder], tmp_path / "releases", "1", "bea", minute(4))
    of = release([folder], tmp_path / "releases", "1", "bea", minute(4))
    assert of.manifest.left_out == {"answers that are equal": 1, "no content": 1}
    assert {each["inference_id"] for each in lines(of.path, "lineage.jsonl")} == {"fine"}
