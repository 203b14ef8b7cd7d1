"""Batches, decisions, exports and kept labels lose what is erased and stay what their manifests say."""

import shutil
from datetime import timedelta
from functools import partialmethod
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.audit import Audit, Step
from sinks.review.cut import cut
from sinks.review.decisions import Decision, identity, read
from sinks.review.erasure import batches as module
from sinks.review.erasure import decided
from sinks.review.erasure.items_left import read_items
from sinks.review.exports.write import export
from sinks.review.folder import write_items
from sinks.review.manifest import verify
from sinks.review.policy import Policy
from sinks.review.prelabels.classifier import Classifier
from sinks.review.prelabels.kept import Kept
from sinks.review.prelabels.plug import Prelabel
from sinks.review.recording import record
from sinks.review.refusals import TamperedBatch
from sinks.review.report.people import rewrite
from sinks.review.windows import Window
from tests.sinks.review.erasure.planted import MARKED, NOW, OTHER, plant_all, subject
from tests.sinks.review.erasure.test_erase import NOBODY, erased
from tests.sinks.review.planting import NEXT_MONDAY, hour, inference, plant, thumb_down

# Nobody answers there, so that it labels nothing; it was shown all the same what it was asked about.
ASKED = Classifier(kind="classifier", name="topics", url="http://127.0.0.1:9/", retries=0)
HERS = ("m1", "m2", "lone", "waiting")


@pytest.fixture
def batch(client: Client, tmp_path: Path) -> Path:
    """A batch with everybody in it, decided on, exported and labelled."""
    plant_all(client)
    plant(client, [row for n in range(80) for row in inference(f"other-{n:02}", hour(10 + n))])
    plant(
        client, [thumb_down("o by o", "o2", hour(20), rater_id=OTHER), *inference("after", NEXT_MONDAY + timedelta(2))]
    )
    made = cut(client, Window.week("2026-W46"), Policy(prelabels=(ASKED,)), tmp_path, timedelta(days=1)).path
    review = made / "review"
    for name, text in {"tasks.jsonl": '{"id": "m1"}\n', "tasks.csv": "id,text\no1,hello\n"}.items():
        folder = review / "exports" / Path(name).suffix[1:]
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
    (review / "exports" / "jsonl" / "pushed-1.json").write_text("{}")
    export(made, "huggingface", "Lee", NOW)
    record(made, [decision("o1", note="as m2 was"), decision("m1"), decision("o2")], Step.IMPORTED, "Dana", NOW)
    kept = Kept(tmp_path, Classifier(kind="classifier", name="topics", url="http://localhost/"))
    for name in ("m1", "o1"):
        kept.add(name, f"fingerprint of {name}", [Prelabel("class", "refund", 0.5, "topics")])
    return made


def decision(name: str, note: str = "") -> Decision:
    return Decision(
        decision_id=identity("2026-W46", name, "dana", "1"),
        batch="2026-W46",
        inference_id=name,
        reviewer="dana",
        verdict="accept",
        note=note,
        decided_at="2026-11-17T09:30:00Z",
        source="jsonl",
    )


def ids(made: Path) -> set[str]:
    return {item["inference_id"] for chunk in read_items(made) for item in chunk}


def anywhere(out: Path) -> set[str]:
    """Return who of hers is named in any file, however it is packed."""
    files = [path for path in out.rglob("*") if path.is_file()]
    texts = [pq.read_table(path).to_pylist() for path in files if path.suffix == ".parquet"]
    held = repr(texts) + "".join(path.read_text() for path in files if path.suffix != ".parquet")
    return {name for name in (MARKED, *HERS) if f'"{name}"' in held or f"'{name}'" in held}


def test_a_batch_and_what_became_of_it_lose_what_is_erased(client: Client, batch: Path, tmp_path: Path) -> None:
    before, items, whole = verify(batch), ids(batch), weights(batch)
    assert {*HERS, "o1", "o2", "other-79"} <= items
    _read_and_write_alike(batch, tmp_path / "again")
    _tampering_is_not_made_good(client, batch, tmp_path)
    Audit(batch).append(Step.PUSHED, "Lee", NOW, to="s3://reviews/2026-W46")
    page = rewrite(batch)
    receipt = erased(client, tmp_path)
    assert receipt.left == 0
    shown, exported, pushed, noted, _ = receipt.elsewhere
    assert shown.startswith("2026-W46 was shown to topics (http://127.0.0.1:9/) at the cut, for labels: have it erased")
    assert noted.endswith("decisions.jsonl names it in what a person wrote, which is not taken out by itself: read it.")
    assert exported.startswith("2026-W46 was exported by Lee on 2026-11-27T00:00:00Z to huggingface: have it erased")
    assert pushed.startswith(
        "2026-W46 was pushed by Lee on 2026-11-27T00:00:00Z to s3://reviews/2026-W46: have it erased"
    )
    found = {name: place["found"] for name, place in receipt.places.items()}
    assert found["batches (items)"] == 4 + 1  # and her feedback about o1
    assert found["exports (folders)"] == 2
    assert found["decisions (lines)"] == 1
    assert found["pre-labels kept (lines)"] == 1
    assert anywhere(tmp_path) == set(), "as names of things"
    assert not page.exists()
    after = verify(batch)
    assert ids(batch) == items - {*HERS}
    assert {each.item for each in after.erased} == {subject().hash(name) for name in HERS}
    gone = sum(each.control_weight or 0 for each in after.erased)
    assert gone > 0
    assert weights(batch) + gone == pytest.approx(whole)
    assert after.counts == before.counts
    _, _, _, *steps = Audit(batch).verify()
    assert [(entry.step, entry.by) for entry in steps] == [(Step.ERASED, "Dana")] * 4
    assert [next(iter(entry.facts)) for entry in steps] == ["exports", "exports", "decisions", "items"]
    assert after.sha256_as_cut == before.sha256 != after.sha256
    lines = (batch / "items.jsonl").read_bytes().splitlines()
    (o1,) = (said for said in map(orjson.loads, lines) if said["inference_id"] == "o1")
    assert [each["feedback_id"] for each in o1["feedback"]] == ["o about o1"]
    files = sorted(path.name for path in (batch / "review" / "exports").rglob("*.*"))
    assert files == ["pushed-1.json", "tasks.csv"]
    assert [each.inference_id for each in read(batch)] == ["o1", "o2"]
    assert record(batch, [decision("other-01")], Step.IMPORTED, "Dana", NOW).added == 1


def weights(made: Path) -> float:
    return float(sum(item["control_weight"] or 0 for chunk in read_items(made) for item in chunk))


def _read_and_write_alike(batch: Path, again: Path) -> None:
    again.mkdir()
    write_items(again, read_items(batch))
    for name in ("items.parquet", "items.jsonl"):
        assert (again / name).read_bytes() == (batch / name).read_bytes()
    shutil.rmtree(again)


def _tampering_is_not_made_good(client: Client, batch: Path, out: Path) -> None:
    lines, whole = batch / "items.jsonl", (batch / "items.jsonl").read_bytes()
    lines.write_bytes(whole + b"{}\n")
    with pytest.raises(TamperedBatch, match=r"items\.jsonl is not what"):
        erased(client, out, subject(users=(), inferences=("lone",)))
    lines.write_bytes(whole)


def test_a_rewrite_that_was_killed_again_and_again_is_finished(
    client: Client, batch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, moved = Path.replace, list[Path]()

    def move(source: Path, to: Path, *, before: int) -> Path:
        if len(moved) == before:
            raise KeyboardInterrupt
        moved.append(source)
        return replace(source, to)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for place, name, how in (
        (module, "sync", killed),  # all of the batch is written, and has no name yet
        (Path, "replace", partialmethod(move, before=0)),  # it has, and nothing is moved
        (Path, "replace", partialmethod(move, before=3)),  # all but the manifest and the report is
        (Path, "rmdir", killed),  # all of it is, and the empty folder stands
    ):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, how)
            with pytest.raises(KeyboardInterrupt):
                erased(client, tmp_path)
    receipt = erased(client, tmp_path, NOBODY)
    assert receipt.left == 0
    assert any("was exported by Lee" in said for said in receipt.elsewhere), "though killed runs have erased it"
    verify(batch)
    assert [each.inference_id for each in read(batch)] == ["o1", "o2"]
    assert anywhere(tmp_path) == set()
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith((".erased", ".erasing", ".partial"))]
    assert [entry.facts.get("items") for entry in Audit(batch).verify()].count(4) == 1, "it is said once"


def test_items_whose_rows_are_long_gone_are_found_and_decisions_that_were_not_moved_are_moved(
    batch: Path, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in ("inference_parts", "aliases", "feedback_events"):
        client.command(f"TRUNCATE TABLE {table}")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(decided, "_move", killed)
        with pytest.raises(KeyboardInterrupt):
            erased(client, tmp_path)
    with pytest.raises(TamperedBatch):
        read(batch)
    assert erased(client, tmp_path, NOBODY).left == 0
    assert [each.inference_id for each in read(batch)] == ["o1", "o2"]
