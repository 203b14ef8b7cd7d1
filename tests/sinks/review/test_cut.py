"""A cut is a fact: the same rows make the same bytes, and what lies there is never overwritten."""

import fcntl
import random
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from clickhouse_connect.driver.client import Client

from sinks.review.candidates import Reason
from sinks.review.cut import CutResult, cut
from sinks.review.manifest import verify
from sinks.review.mend import mend
from sinks.review.policy import Budget, Caps, Policy, Quotas
from sinks.review.refusals import (
    BatchDiffers,
    CutUnderWay,
    EmptyWindow,
    NotABatch,
    TamperedBatch,
    UnusableFolder,
    WindowOpen,
)
from sinks.review.torn import torn
from sinks.review.windows import Window
from tests.sinks.review.planting import (
    NEXT_MONDAY,
    Row,
    finding,
    hour,
    inference,
    plant,
    request,
    response,
    score,
    thumb_down,
)

W46 = Window.week("2026-W46")
DAY = timedelta(days=1)
FILES = {"items.parquet", "items.jsonl", "report.html", "README.md", "manifest.json"}
NOTHING = dict.fromkeys((reason.value for reason in Reason), 0)
SMALL = Policy(quotas=Quotas(control=40, negative_feedback=10, anomaly=10, finding=10), caps=Caps(per_user=1000))


def week() -> list[Row]:
    """Return the rows of a week with a bit of everything, and an inference after it that closes the week."""
    rows = [
        row
        for n in range(400)
        for row in inference(f"i{n:04d}", hour(n * 0.4), anomaly=(n * 37 % 400) / 400, tags={"b": "1", "a": str(n % 3)})
    ]
    rows += [request("over", hour(167.99)), response("over", NEXT_MONDAY), score("over", NEXT_MONDAY, 2.0)]
    rows += [thumb_down(f"f{n}", f"i{n:04d}", hour(163), rater_id=f"r{n}") for n in range(0, 400, 20)]
    rows += [
        thumb_down("again", "i0000", hour(164)),
        finding("d1", "i0100", hour(40)),
        finding("d2", "over", hour(168)),
    ]
    return [*rows, *inference("probe", hour(50), synthetic=True), *inference("next week", NEXT_MONDAY + 2 * DAY)]


def made(client: Client, out: Path, policy: Policy = SMALL) -> CutResult:
    return cut(client, W46, policy, out, lateness=DAY)


def contents(batch: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in batch.iterdir()}


def test_a_batch_is_four_files_and_a_manifest_that_counts_them(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    result = made(client, tmp_path / "batches")
    assert result.path == tmp_path / "batches" / "2026-W46"
    assert not result.identical
    assert contents(result.path).keys() == FILES
    said = orjson.loads((result.path / "manifest.json").read_bytes())
    lines = (result.path / "items.jsonl").read_bytes().splitlines()
    assert said["window"] == {"begin": "2026-11-09T00:00:00Z", "end": "2026-11-16T00:00:00Z", "name": "2026-W46"}
    assert said["policy"] == SMALL.model_dump(mode="json")
    assert said["counts"] == {
        "events": 2 * 402 + 21,
        "inferences": 402,
        "synthetic": 1,
        "without_consent": 0,
        "in_another_batch": 0,
        "late": 0,
        "eligible": 401,
        "candidates": NOTHING | {"control": 40, "negative_feedback": 20, "anomaly": 40, "finding": 17},
        "items": len(lines),
        "folded": 0,
        "by_reason": NOTHING | {"control": 40, "negative_feedback": 10, "anomaly": 10, "finding": 10},
        "prelabels": {},
    }
    assert verify(result.path).model_dump(mode="json") == said


def test_cutting_twice_says_identical_and_leaves_the_first_alone(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    first = made(client, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()}
    second = made(client, tmp_path)
    assert second.identical
    assert (second.path, second.counts) == (first.path, first.counts)
    assert {path.name: path.stat().st_mtime_ns for path in first.path.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".lock")] == ["2026-W46"]


def test_bytes_do_not_depend_on_order_blocks_merges_or_replays(client: Client, tmp_path: Path) -> None:
    rows = week()
    plant(client, rows)
    reference = contents(made(client, tmp_path / "as planted").path)

    plant(client, rows)
    assert contents(made(client, tmp_path / "replayed").path) == reference
    for table in ("inference_parts", "feedback_events", "finding_events"):
        client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert contents(made(client, tmp_path / "merged").path) == reference

    for table in ("inference_parts", "feedback_events", "finding_events"):
        client.command(f"TRUNCATE TABLE {table}")
    random.Random(7).shuffle(rows)  # noqa: S311  an order, not a secret
    plant(client, rows, block=97)
    assert contents(made(client, tmp_path / "shuffled").path) == reference


def test_a_record_that_was_sent_again_changes_nothing(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    plant(client, [request("i0001", hour(0.4), request_record="inference.requests/0/1")])
    reference = contents(made(client, tmp_path / "once").path)
    later = {"request_record": "inference.requests/7/90001", "ingest_time": hour(200)}
    plant(client, [request(f"i{n:04d}", hour(n * 0.4), **later) for n in range(400)])
    plant(client, [thumb_down("again", "i0000", hour(164), record="inference.feedback/1/9", ingest_time=hour(200))])
    assert contents(made(client, tmp_path / "twice").path) == reference


def test_another_seed_or_quota_is_another_batch(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    made(client, tmp_path)
    with pytest.raises(BatchDiffers, match=r"2026-W46 was cut before and would now differ in policy, policy_sha256"):
        made(client, tmp_path, SMALL.model_copy(update={"seed": 1}))


def test_rows_that_came_after_the_cut_do_not_change_it(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    first = contents(made(client, tmp_path).path)
    plant(client, inference("late", hour(3), anomaly=9.0))
    with pytest.raises(BatchDiffers, match="would now differ in counts, files: a cut is a fact"):
        made(client, tmp_path)
    assert contents(tmp_path / "2026-W46") == first
    made(client, tmp_path / "beside")


def test_a_tampered_batch_is_named_before_it_is_compared(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    batch = made(client, tmp_path).path
    (batch / "items.jsonl").write_bytes(b"{}\n")
    with pytest.raises(TamperedBatch, match=r"items\.jsonl is not what manifest\.json says"):
        made(client, tmp_path)


def test_an_open_window_is_not_cut(client: Client, tmp_path: Path) -> None:
    plant(client, inference("a", hour(1)))
    with pytest.raises(WindowOpen):
        made(client, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_window_without_inferences_names_the_weeks_that_have_some(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    with pytest.raises(EmptyWindow, match=r"2025-W46 holds no inferences .* of 2026-W47, 2026-W46: cut one"):
        cut(client, Window.week("2025-W46"), SMALL, tmp_path, lateness=DAY)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_window_of_any_length_is_cut(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    result = cut(
        client,
        Window.between(hour(10), hour(30)),
        Policy(quotas=Quotas(control=1000), budget=Budget(items=1000)),
        tmp_path,
        lateness=DAY,
    )
    assert result.path.name == "20261109T100000Z-20261110T060000Z"
    assert result.counts.eligible == 50
    assert result.counts.items == 50


def test_a_policy_that_takes_nothing_makes_an_empty_batch(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    result = made(client, tmp_path, Policy(quotas=Quotas(**dict.fromkeys(Reason, 0))))
    assert result.counts.items == 0
    assert (result.path / "items.jsonl").read_bytes() == b""
    assert made(client, tmp_path, Policy(quotas=Quotas(**dict.fromkeys(Reason, 0)))).identical


def test_what_a_killed_cut_left_is_no_batch_and_is_cleared(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    torn = tmp_path / ".2026-W46.partial"
    torn.mkdir()
    (torn / "items.jsonl").write_bytes(b"half a li")
    (torn / "stray").write_bytes(b"")
    with pytest.raises(NotABatch, match=r"it has no manifest\.json"):
        verify(torn)
    result = made(client, tmp_path)
    assert not torn.exists()
    assert len(contents(result.path)) == len(FILES)


def test_a_cut_that_fails_leaves_nothing_that_looks_like_a_batch(own_client: Client, tmp_path: Path) -> None:
    plant(own_client, week())
    own_client.command(
        "ALTER TABLE feedback_events RENAME COLUMN rater_id TO gone"
    )  # read with the content, not before
    with pytest.raises(Exception, match="rater_id"):
        made(own_client, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_one_cut_at_a_time_writes_into_a_folder(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # the weakest lock: a cut wants the folder for itself
        with pytest.raises(CutUnderWay, match="Another process is cutting"):
            made(client, tmp_path)
    made(client, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnusableFolder, match=r"Cannot write batches to .*file"):
        made(client, tmp_path / "file")


def test_torn_files_of_a_batch_are_cut_again_and_put_back(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    batch = made(client, tmp_path).path
    whole = contents(batch)
    assert list(torn(tmp_path)) == []
    (batch / "items.jsonl").write_bytes(whole["items.jsonl"][:1000])
    (batch / "report.html").unlink()
    (said,) = torn(tmp_path)
    assert "items.jsonl, report.html are not what manifest.json says" in said
    assert "`sluice batch mend`" in said
    assert mend(client, batch) == ["items.jsonl", "report.html"]
    assert contents(batch) == whole
    assert mend(client, batch) == []
    assert list(torn(tmp_path)) == []


def test_what_cannot_be_cut_the_same_is_not_put_back(client: Client, tmp_path: Path) -> None:
    plant(client, week())
    batch = made(client, tmp_path).path
    (batch / "items.jsonl").write_bytes(b"")
    plant(client, inference("late", hour(3), anomaly=9.0))
    with pytest.raises(BatchDiffers, match="would now differ in counts, files"):
        mend(client, batch)
    assert (batch / "items.jsonl").read_bytes() == b""
    batch.rename(tmp_path / "elsewhere")
    with pytest.raises(NotABatch, match="holds the batch of 2026-W46: give the folder that name"):
        mend(client, tmp_path / "elsewhere")
