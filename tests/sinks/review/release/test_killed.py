"""A release is killed at every step: it is not there, or the next run finishes it, and nothing tells the difference."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.review.release import log
from sinks.review.release.finishing import NotReleased, NotSigned, unfinished
from sinks.review.release.manifest import verify
from sinks.review.release.release import release
from sinks.review.release.superseding import supersede
from tests.sinks.review.deciding import NAME, keep, minute, says
from tests.sinks.review.release.test_release import many, question, signed


def killed(what: str, start: Path, out: Path) -> list[Path]:
    """Do something and kill it at every step; return the folders of these, and last one in which it was not killed."""
    command = [sys.executable, "-m", "tests.sinks.review.release.killed", what, str(start), str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [out / str(number) for number in range(int(ran.stdout) + 1)]


def tree(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and ".lock" not in path.name)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return what a second release leaves behind when it is killed at each step; the last one was not killed."""
    root = tmp_path_factory.mktemp("killed")
    batches, releases = root / "start" / "batches", root / "start" / "releases"
    release([signed(batches, many(6))], releases, "1", "bea", minute(5999))
    return killed("release", root / "start", root / "out")


def test_a_release_that_was_killed_anywhere_is_finished_by_the_next_run(halves: list[Path], tmp_path: Path) -> None:
    whole, finished = halves[-1], 0
    for left in halves[:-1]:
        half = shutil.copytree(left, tmp_path / left.name)
        lies_there = bool(unfinished(half / "releases"))
        assert log.current(half / "releases") == "1", "what no log names is in nobody's use"
        by, at = ("somebody else", minute(9000)) if lies_there else ("bea", minute(6000))
        made = release([half / "batches" / NAME], half / "releases", "2", by, at)
        assert made.finished == lies_there
        assert tree(half) == tree(whole), half.name
        finished += lies_there
    assert finished >= 3, "killed between its name and the last log: before each line"


def test_what_is_unfinished_comes_first_and_only_as_it_was_signed(halves: list[Path], tmp_path: Path) -> None:
    left = next(half for half in halves if unfinished(half / "releases"))
    half = shutil.copytree(left, tmp_path / "half")
    with pytest.raises(NotReleased, match=r"2 was written, and no log says so.*--version 2` finishes it"):
        release([half / "batches" / NAME], half / "releases", "3", "bea", minute(6001))
    other = signed(tmp_path / "other", many(9)[6:])
    with pytest.raises(NotReleased, match="was made of 2026-W46: name just these"):
        release([], half / "releases", "2", "bea", minute(6001))
    with pytest.raises(NotReleased, match="what people say of 2026-W46 has changed since: remove"):
        release([other], half / "releases", "2", "bea", minute(6001))
    keep(half / "batches" / NAME, says("ann", "i001", "reject", at=minute(9000)))
    with pytest.raises(NotSigned, match="is void"):
        release([half / "batches" / NAME], half / "releases", "2", "bea", minute(9001))
    assert supersede(half / "releases", "2", frozenset({"i002"}), "cy", minute(9002)) is None
    assert not (half / "releases" / "2").exists(), "nobody was told of it: it goes whole"


def test_an_erasure_from_a_release_that_was_killed_anywhere_is_taken_up(tmp_path: Path) -> None:
    start = tmp_path / "start"
    release([signed(start / "batches", many(6))], start / "releases", "1", "bea", minute(5999))
    *halves, whole = killed("supersede", start, tmp_path / "out")
    for half in halves:
        supersede(half / "releases", "1", frozenset({"i002"}), "cy", minute(6001))
        assert tree(half) == tree(whole), half.name
        assert log.current(half / "releases") == "1-e1"
        verify(half / "releases" / "1-e1")
        assert not any(question(2).encode() in data for data in tree(half / "releases").values())


def test_half_a_line_of_the_log_is_none(tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    release([signed(tmp_path / "a", many(5))], releases, "1", "bea", minute(6000))
    with (releases / log.NAME).open("ab") as file:
        file.write(b'{"at":"2026-')
    assert log.current(releases) == "1"
    log.append(releases, "handed_over", "1", "bea", minute(6001), to="Acme")
    assert [line.what for line in log.read(releases)] == ["released", "handed_over"]
