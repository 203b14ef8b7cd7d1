"""A release that holds what is erased is superseded, loses its data, and who had it is named."""

from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.erasure.erase import erase
from sinks.review.erasure.receipt import Receipt
from sinks.review.erasure.subject import Subject
from sinks.review.release import log
from sinks.review.release.manifest import verify
from sinks.review.release.release import release
from tests.sinks.review.deciding import minute
from tests.sinks.review.erasure.planted import subject
from tests.sinks.review.erasure.test_erase import NOBODY
from tests.sinks.review.release.test_release import lines, many, signed

NAMED = subject(users=(), inferences=("i000", "another answer"))
ANSWER = {"inference_id": "another answer", "choice": 0, "response_model": "m", "preferred": False}


def test_a_release_is_superseded_and_who_had_it_is_named(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, releases = tmp_path / "batches", tmp_path / "releases"
    items = [each | {"time": 1_762_700_000_000_000_000} for each in many(8)]
    items[2] |= {"alternatives": [ANSWER | {"output_messages": None}]}
    release([signed(out, items)], releases, "1", "bea", minute(6000))
    log.append(releases, "handed_over", "1", "bea", minute(6001), to="Acme")

    def erased(who: Subject) -> Receipt:
        return erase(client, who, out, releases, elsewhere=lambda _: [], unreached=[])

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)  # the new version is there, the old one's data too
        with pytest.raises(KeyboardInterrupt):
            erased(NAMED)
    receipt = erased(NAMED)
    assert receipt.places["releases (versions)"] == {"found": 1, "left": 0}
    assert receipt.left == 0
    assert "Acme has release 1: tell them that another takes its place." in receipt.elsewhere
    assert {path.name for path in (releases / "1").iterdir()} == {"manifest.json", "README.md", "REPLACED_BY"}
    assert {path.name for path in releases.iterdir() if path.is_dir()} == {"1", "1-e1"}, "superseded once"
    assert log.current(releases) == "1-e1"
    left = {each["inference_id"] for each in lines(releases / "1-e1", "lineage.jsonl")}
    assert left == {f"i{n:03d}" for n in range(8)} - {"i000", "i002"}, "i002 was judged beside another answer"
    verify(releases / "1-e1")
    assert erased(NOBODY).left == 0
