"""A curation lead's week, told by the commands: a batch goes out, decisions come back, it is signed, and leaves."""

import csv
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result

from streams.cli import main
from streams.review_loop import standings
from tests.sinks.review.deciding import batch, item

ANSWERED = datetime(2026, 11, 10, tzinfo=UTC)
OF_THE_MACHINE = [name for name in os.environ if name.startswith("SLUICE_")]


def test_from_a_batch_to_a_release_and_back(tmp_path: Path) -> None:
    folder = batch(
        tmp_path / "batches",
        [item(f"i{n}", conversation_id=f"c{n}", time=int(ANSWERED.timestamp()) * 10**9) for n in range(12)],
    )
    given = dict.fromkeys(OF_THE_MACHINE) | {
        "SLUICE_BATCHES": str(tmp_path / "batches"),
        "SLUICE_RELEASES": str(tmp_path / "releases"),
    }

    def sluice(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(each) for each in arguments], env=given)

    def said(*arguments: str | Path) -> str:
        result = sluice(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    assert "decide: sluice batch review" in said("batch", "status")
    said("batch", "export", folder, "--to", "csv", "--by", "ann")
    (sheet,) = (folder / "review" / "exports" / "csv").glob("*.csv")
    back = tmp_path / "back.csv"
    with sheet.open(newline="", encoding="utf-8-sig") as source, back.open("w", newline="", encoding="utf-8") as target:
        rows = list(csv.DictReader(source))
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        for number, row in enumerate(rows):
            verdict = "correct" if number == 3 else "accept"
            better = "the better answer" if number == 3 else ""
            decided = {"reviewer": "ann", "verdict": verdict, "correction": better, "seconds": "30"}
            writer.writerow(row | decided | {"decided_at": "2026-11-27T10:00:00Z"})

    early = sluice("release", "cut", folder, "--version", "1", "--by", "bea")
    assert early.exit_code == 2
    assert "is not signed off" in early.output
    assert "12 new decisions" in said("batch", "import", folder, back, "--from", "csv", "--by", "ann")
    assert "12 known before" in said("batch", "import", folder, back, "--from", "csv", "--by", "ann")
    assert "is signed off" in said("batch", "sign", folder, "--by", "ann", "--role", "curator")
    assert "sft" in said("release", "cut", folder, "--version", "1", "--by", "bea")
    assert "is what its manifest says" in said("release", "verify", "1")
    (stands,) = standings(tmp_path / "batches")
    assert {stage: stands.stages[stage] for stage in ("picked", "decided", "accepted", "released")} == {
        "picked": 12,
        "decided": 12,
        "accepted": 12,
        "released": 12,
    }
    assert stands.spent_s == 12 * 30
    assert stands.released
    assert stands.released[1] == (stands.released[0] - ANSWERED).total_seconds()
    said("release", "hand-over", "1", "--to", "the training team\x1b[2J", "--by", "bea")
    shown = said("release", "show", "1")
    assert shown.startswith("1 is in use. Released by bea.")
    assert re.search(r"^2026-W46 +ann +[0-9a-f]{12} ", shown, re.MULTILINE)
    assert re.search(r"^dpo\.jsonl +1 +[0-9a-f]{12}$", shown, re.MULTILINE)
    assert r"handed over to the training team\x1b[2J by bea" in shown
    assert "The chain is whole." in said("batch", "audit", folder)
    withdrawn = said("release", "rollback", "1", "--by", "bea", "--note", "a mistake")
    assert "In use: none." in withdrawn
    assert r"tell the training team\x1b[2J, who has it" in withdrawn
    assert "1 is withdrawn." in said("release", "show", "1")
    assert "withdrawn by bea: a mistake" in said("release", "show", "1")
    assert "released" in said("release", "list")
