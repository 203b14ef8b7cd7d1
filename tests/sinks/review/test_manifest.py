"""A batch is known by its hashes: what was changed is named."""

from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from sinks.review.manifest import Counts, Manifest, WindowFact, code_versions, fact, verify
from sinks.review.policy import Policy
from sinks.review.refusals import NotABatch, TamperedBatch


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    (tmp_path / "items.jsonl").write_bytes(b'{"inference_id":"a"}\n')
    (tmp_path / "items.parquet").write_bytes(b"PAR1")
    manifest = Manifest(
        window=WindowFact(name="2026-W46", begin="2026-11-09T00:00:00Z", end="2026-11-16T00:00:00Z"),
        lateness_s=86400.0,
        policy=Policy().said(),
        policy_sha256=Policy().sha256,
        code=code_versions(),
        parents={},
        stored_until=0,
        counts=Counts(
            inferences=1,
            synthetic=0,
            without_consent=0,
            in_another_batch=0,
            late=0,
            eligible=1,
            candidates={"control": 1},
            items=1,
            folded=0,
            by_reason={"control": 1},
            prelabels={},
        ),
        files={path.name: fact(path) for path in tmp_path.iterdir()},
    )
    (tmp_path / "manifest.json").write_bytes(manifest.to_bytes())
    return tmp_path


def test_an_untouched_batch_is_verified(batch: Path) -> None:
    manifest = verify(batch)
    assert manifest.files["items.jsonl"].bytes == 21
    assert manifest.to_bytes() == (batch / "manifest.json").read_bytes()


def test_a_batch_that_did_not_count_its_events_is_still_what_it_was(batch: Path) -> None:
    assert verify(batch).counts.events is None
    assert b'"events"' not in (batch / "manifest.json").read_bytes()


def test_a_fact_is_the_length_and_sha_256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert fact(tmp_path / "abc").bytes == 3
    assert fact(tmp_path / "abc").sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", ["items.jsonl", "items.parquet"])
def test_a_changed_file_is_named(batch: Path, name: str) -> None:
    changed = bytearray((batch / name).read_bytes())
    changed[-1] ^= 1
    (batch / name).write_bytes(changed)
    with pytest.raises(TamperedBatch, match=f"{name} is not what manifest.json says"):
        verify(batch)


def test_a_name_that_no_file_can_have_is_a_missing_file(batch: Path) -> None:
    manifest = verify(batch)
    named = manifest.model_copy(update={"files": {**manifest.files, "x" * 5000: manifest.files["items.jsonl"]}})
    (batch / "manifest.json").write_bytes(named.to_bytes())
    with pytest.raises(TamperedBatch, match=r"is not what manifest\.json says"):
        verify(batch)


def test_of_many_files_or_long_names_some_are_named(batch: Path) -> None:
    manifest = verify(batch)
    names = [f"{number}{'x' * 100}\x1b[31m{'x' * 100}" for number in range(1_000)]
    named = manifest.model_copy(update={"files": dict.fromkeys(names, manifest.files["items.jsonl"])})
    (batch / "manifest.json").write_bytes(named.to_bytes())
    with pytest.raises(TamperedBatch, match=r"and 995 more are not what manifest\.json says") as refused:
        verify(batch)
    said = str(refused.value).removeprefix(str(batch))
    assert len(said) < 1_000
    assert said.isprintable()


def test_missing_files_are_named(batch: Path) -> None:
    (batch / "items.jsonl").unlink()
    (batch / "items.parquet").unlink()
    with pytest.raises(TamperedBatch, match=r"items\.jsonl, items\.parquet are not what manifest\.json says"):
        verify(batch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"control": 100', b'"control": 101'),  # not what policy_sha256 says
        (b"\n", b"\r\n"),
        (b'"schema_version": 2', b'"schema_version": 1'),
        (b'"counts"', b'"county"'),
        (b'"items.jsonl"', b'"../items.jsonl"'),
        (b"{", b""),
    ],
)
def test_an_edited_manifest_is_named(batch: Path, old: bytes, new: bytes) -> None:
    path = batch / "manifest.json"
    edited = path.read_bytes().replace(old, new)
    assert edited != path.read_bytes()
    path.write_bytes(edited)
    with pytest.raises(TamperedBatch):
        verify(batch)


def test_a_folder_without_a_manifest_is_no_batch(tmp_path: Path) -> None:
    with pytest.raises(NotABatch, match=r"it has no manifest\.json"):
        verify(tmp_path)
    with pytest.raises(NotABatch):
        verify(tmp_path / "nowhere")


def test_a_batch_of_before_a_policy_gained_a_value_is_whole(batch: Path) -> None:
    path = batch / "manifest.json"
    said = orjson.loads(path.read_bytes())
    del said["policy"]["caps"]  # as if there had been no caps when it was cut
    said["policy_sha256"] = sha256(orjson.dumps(said["policy"], option=orjson.OPT_SORT_KEYS)).hexdigest()
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    path.write_bytes(orjson.dumps(said, option=options))
    manifest = verify(batch)
    assert manifest.policy.caps == Policy().caps
    assert manifest.to_bytes() == path.read_bytes()
