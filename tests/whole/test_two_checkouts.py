"""Two people who have the code and the rows have the same batch: `sha256sum` says so, whatever differs between them."""

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.clickhouse import LocalClickHouse
from sinks.clickhouse import connect, migrate
from tests.sinks.review.planting import Row, feedback, hour, inference, plant, request, response, text
from tests.sinks.review.test_cut import week

ROOT = Path(__file__).parents[2]
POLICY = "seed = 7\n[quotas]\ncontrol = 60\nanomaly = 20\n"
HERE = {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.utf8"}
THERE = {"PYTHONHASHSEED": "2", "TZ": "America/Los_Angeles", "LC_ALL": "POSIX"}
THERE |= {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}  # or Python would make a UTF-8 locale of it


def rows() -> list[Row]:
    """Return a week with near-duplicates, preferences and words of several scripts."""
    asked = [
        request(f"w{n}", hour(n), input_messages=text("user", f"Грань 错了 🙂 ß {n % 7} wörter {'again ' * 9}"))
        for n in range(60)
    ]
    answered = [response(f"w{n}", hour(n + 0.01), response_model=f"m{n % 2}", user_id=f"u{n % 5}") for n in range(60)]
    said = [feedback(f"g{n}", f"w{n}", hour(n + 1), score=float(n % 2), data_type="boolean") for n in range(60)]
    return [*week(), *asked, *answered, *said, *inference("naïve id ☃", hour(5))]


def cut(checkout: Path, url: str, around: Mapping[str, str]) -> str:
    """Cut the week in a checkout of its own by its own command line, and return what `sha256sum` says of the batch."""
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    (checkout / "review.toml").write_text(POLICY, encoding="utf-8")
    known = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "LC_", "LANG"))}
    environment = known | dict(around) | {"SLUICE_CLICKHOUSE_URL": url}
    command = [sys.executable, "-m", "streams.cli", "batch", "cut", "--week", "2026-W46"]
    ran = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    batch = checkout / "batches" / "2026-W46"
    files = sorted(path.name for path in batch.iterdir() if path.is_file())
    return subprocess.run(["sha256sum", *files], cwd=batch, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout, so that no other can be made of it")
def test_two_checkouts_cut_the_same_bytes(clickhouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = rows()
    shuffled = random.Random(3).sample(planted, len(planted))  # noqa: S311  an order, not a secret
    monkeypatch.setenv("TZ", THERE["TZ"])
    with LocalClickHouse() as other:
        urls = (f"{clickhouse_url}/here", f"{other.url}/there")
        for url, stored, block in zip(urls, (planted, shuffled), (10_000, 400), strict=True):
            client = connect(url)
            migrate(client)
            plant(client, stored, block=block)
            client.close()
        one = cut(tmp_path / "here", urls[0], HERE)
        two = cut(tmp_path / "somewhere else" / "entirely", urls[1], THERE)
    assert one == two
    assert {line.split()[1] for line in one.splitlines()} == {
        "README.md",
        "items.jsonl",
        "items.parquet",
        "manifest.json",
        "report.html",
    }
