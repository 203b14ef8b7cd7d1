"""A batch reaches an S3-compatible store whole or not at all, once, and never over another."""

import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer
from pyarrow import fs

from sinks.review import pushing
from sinks.review.manifest import fact
from sinks.review.pushing import OtherThere, Pushed, UnusableTarget
from sinks.review.refusals import NotABatch
from sinks.review.release import log
from sinks.review.release.release import release
from streams.cli import main
from tests.sinks.review.deciding import minute
from tests.sinks.review.release.test_release import many, signed

ALL = ("README.md", "items.jsonl", "manifest.json")


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The query that leads to a store on loopback, which has a bucket `reviews`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        query = f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        at(f"s3://reviews{query}&allow_bucket_creation=true")[0].create_dir("reviews")
        yield query
    server.stop()


def at(address: str) -> tuple[fs.FileSystem, str]:
    filesystem, path = fs.FileSystem.from_uri(address)
    return filesystem, path


def batch(folder: Path, items: bytes = b"{}\n") -> Path:
    folder.mkdir(parents=True)
    (folder / "items.jsonl").write_bytes(items)
    (folder / "README.md").write_bytes(b"# Card\n")
    (folder / "review").mkdir()
    (folder / "review" / "audit.jsonl").write_bytes(b"")  # what happens after is not part of it
    files = {name: fact(folder / name).model_dump() for name in ALL[:2]}
    (folder / "manifest.json").write_bytes(orjson.dumps({"files": files}))
    return folder


def names(address: str) -> list[str]:
    store, path = at(address)
    return sorted(each.base_name for each in store.get_file_info(fs.FileSelector(path, allow_not_found=True)))


def push(folder: Path, target: str) -> Pushed:
    """Push, and look that it is said to begin where anything is copied, and before that."""
    begun: list[str] = []
    pushed = pushing.push(folder, target, begun.append)
    assert begun == ([pushed.to] if pushed.copied else [])
    return pushed


def test_a_push_copies_all_and_the_next_one_nothing(store: str, tmp_path: Path) -> None:
    folder = batch(tmp_path / "2026-W46", items=b"x" * 9_000_000)
    target = f"s3://reviews/once{store}"
    to = "s3://reviews/once/2026-W46"
    assert push(folder, target) == Pushed(to, copied=ALL, same=())
    assert names(f"s3://reviews/once/2026-W46{store}") == sorted(ALL)
    assert push(folder, target) == Pushed(to, copied=(), same=ALL)
    there, path = at(f"s3://reviews/once/2026-W46/items.jsonl{store}")
    assert there.open_input_stream(path).read() == b"x" * 9_000_000


def test_a_push_that_was_cut_off_goes_on_and_no_manifest_is_there_before_the_rest(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = batch(tmp_path / "2026-W46"), f"s3://reviews/killed{store}"
    copy, begun = pushing._copy, list[str]()

    def until_killed(to: fs.FileSystem, path: Path, *more: object) -> None:
        if path.name == "items.jsonl":
            raise KeyboardInterrupt
        copy(to, path, *more)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(pushing, "_copy", until_killed)
        with pytest.raises(KeyboardInterrupt):
            pushing.push(folder, target, begun.append)
    assert begun == ["s3://reviews/killed/2026-W46"], "who has some of it is known"
    assert names(f"s3://reviews/killed/2026-W46{store}") == ["README.md"]
    assert push(folder, target).copied == ("items.jsonl", "manifest.json")


def test_another_batch_there_is_not_written_over(store: str, tmp_path: Path) -> None:
    target = f"s3://reviews/other{store}"
    push(batch(tmp_path / "a" / "2026-W46"), target)
    with pytest.raises(OtherThere, match="Another 2026-W46 lies at s3://reviews/other"):
        push(batch(tmp_path / "b" / "2026-W46", items=b"other"), target)


def test_a_batch_from_which_something_was_erased_is_written_over_what_was_pushed_before(
    store: str, tmp_path: Path
) -> None:
    target = f"s3://reviews/erased{store}"
    folder = batch(tmp_path / "2026-W46", items=b"hers\nothers\n")
    push(folder, target)
    before = fact(folder / "manifest.json").sha256
    (folder / "items.jsonl").write_bytes(b"others\n")
    (folder / "README.md").unlink()
    files = {"items.jsonl": fact(folder / "items.jsonl").model_dump()}
    said = {"files": files, "cut_sha256": before, "erased": [{"item": "5a17"}]}
    (folder / "manifest.json").write_bytes(orjson.dumps(said))
    assert push(folder, target).copied == ("items.jsonl", "manifest.json")
    assert names(f"s3://reviews/erased/2026-W46{store}") == ["items.jsonl", "manifest.json"]
    restored = batch(tmp_path / "backup" / "2026-W46", items=b"hers\nothers\n")
    with pytest.raises(OtherThere, match="items were erased"):
        push(restored, target)


def test_what_reads_differently_than_it_was_written_is_said(store: str, tmp_path: Path) -> None:
    folder = batch(tmp_path / "2026-W46")
    (folder / "items.jsonl").write_bytes(b"changed after it was verified")
    with pytest.raises(OtherThere, match=r"items\.jsonl reads differently"):
        push(folder, f"s3://reviews/moving{store}")


def test_what_cannot_be_reached_says_how_and_shows_no_key(store: str, tmp_path: Path) -> None:
    folder = batch(tmp_path / "2026-W46")
    for target, said in (
        ("2026", "write s3://bucket/prefix"),
        ("s3://key:s3cret@reviews/x", "AWS_SECRET_ACCESS_KEY"),
        ("s3://key:s3cret@[reviews]/x", "AWS_SECRET_ACCESS_KEY"),
        ("s3://reviews/x?nonsense=1", "nonsense"),
        (f"s3://nowhere/x{store}", "bucket does not exist"),
    ):
        with pytest.raises(UnusableTarget, match=said) as refused:
            push(folder, target)
        assert "s3cret" not in str(refused.value)
    with pytest.raises(NotABatch):
        push(tmp_path, f"s3://reviews/x{store}")


def test_the_command_verifies_a_release_and_writes_down_who_has_it(store: str, tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    made = release([signed(tmp_path / "batches", many(5))], releases, "1", "bea", minute(6000)).path
    arguments = ["batch", "push", str(made), f"s3://reviews/released{store}", "--by", "bea"]
    for said in ("copied and read back, 0 lay", "0 files copied and read back"):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        assert said in result.output
    assert log.holders(releases, "1") == ["s3://reviews/released/1"]
    (made / "lineage.jsonl").write_bytes(b"")
    assert CliRunner().invoke(main, arguments).exit_code == 2
