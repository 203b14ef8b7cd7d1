"""Argilla's SDK and Hugging Face's datasets load what was exported for them, in an environment of their own."""

import os
import subprocess
from pathlib import Path

import orjson
import pytest

from sinks.review.exports.write import export
from tests.sinks.review.deciding import MONDAY, batch, item, labelled

PYTHON = Path(__file__).parents[4] / ".argilla" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="argilla and datasets are not installed: make argilla")
def test_argilla_and_datasets_load_what_is_exported_for_them(tmp_path: Path) -> None:
    said = orjson.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "another"}]}]).decode()
    other = {"inference_id": "other", "choice": 1, "response_model": "m", "preferred": True, "output_messages": said}
    items = [labelled("a", "good", 0.9), item("b", alternatives=[other])]
    folder = batch(tmp_path / "batches", items, verdicts={"quality=good": "accept"})
    for to in ("argilla", "huggingface"):
        export(folder, to, "Eve", MONDAY)
    ran = subprocess.run(
        [PYTHON, Path(__file__).with_name("loading.py"), folder / "review" / "exports", tmp_path / "cache"],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    loaded = orjson.loads(ran.stdout.splitlines()[-1])
    assert (loaded["dataset"], loaded["rows"]) == ("sluice_2026-w46", ["a", "b"])
    assert loaded["questions"] == {
        "verdict": "LabelQuestion",
        "correction": "TextQuestion",
        "ranking": "RankingQuestion",
        "labels": "TextQuestion",
        "note": "TextQuestion",
    }
    assert loaded["fields"] == {"dialogue": "ChatField", "answers": "TextField"}
    first, second = loaded["records"]
    assert first["suggestions"]["verdict"] == {"value": "accept", "score": 0.9, "agent": "judge"}
    assert second["fields"]["dialogue"][0] == {"role": "user", "content": "question of b"}
    assert second["metadata"]["answers"] == ["b#0", "other#1"]
