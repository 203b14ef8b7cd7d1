"""TRL itself loads a release: its loaders read every shape as it was written, and its trainers take a step on each."""

import math
import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from sinks.review.release.release import release
from sinks.review.sign_off import sign
from tests.sinks.review.deciding import batch, item, keep, minute, says
from tests.sinks.review.release.test_release import lines, question, text

PYTHON = Path(__file__).parents[4] / ".trl" / "bin" / "python"
TRAINED, EVALUATED = "c1", "c26"  # conversations, as their hashes have it
SHAPES = ("sft", "dpo", "kto", "reward")


def called(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a dialogue in which a tool was called."""
    call = {"type": "tool_call", "id": "t1", "name": "search", "arguments": arguments}
    result = {"type": "tool_call_response", "id": "t1", "response": {"found": len(arguments)}}
    return [
        {"role": "user", "parts": [{"type": "text", "content": question(len(arguments))}]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [result]},
    ]


def released(folder: Path) -> Path:
    """Release a batch of which people have said all that they can say."""
    other = {"inference_id": "other", "choice": 0, "response_model": "m", "preferred": False}
    other |= {"output_messages": text("assistant", "another answer")}
    system = orjson.dumps([{"type": "text", "content": "Be brief. 简短一点 🙂"}]).decode()
    items = [
        item("accepted", input_messages=orjson.dumps(called({"q": "tide"})).decode()),
        item("accepted too", input_messages=orjson.dumps(called({"n": 3, "deep": [1, {"a": None}]})).decode()),
        item("rejected", input_messages=text("user", question(3)), system_instructions=system),
        item("corrected", input_messages=text("user", question(4))),
        item("ranked", input_messages=text("user", question(5)), alternatives=[other]),
        item("evaluated", input_messages=text("user", question(6))),
    ]
    for each in items:
        each["conversation_id"] = EVALUATED if each["inference_id"] == "evaluated" else TRAINED
    made = batch(folder / "batches", items)
    verdicts: dict[str, Any] = {"rejected": "reject", "corrected": "correct", "ranked": "rank"}
    more: dict[str, Any] = {"corrected": {"correction": "a better one"}, "ranked": {"ranking": ["other#0", "ranked#0"]}}
    for each in items:
        name = each["inference_id"]
        keep(made, says("ann", name, verdicts.get(name, "accept"), at=minute(1), **more.get(name, {})))
    sign(made, "ann", "curator", minute(2))
    return release([made], folder / "releases", "2026.46", "bea", minute(3)).path


def without_nulls(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages without the keys that others of the same column have."""
    return [{key: value for key, value in message.items() if value is not None} for message in messages]


@pytest.mark.skipif(not PYTHON.exists(), reason="TRL is not installed: make trl")
def test_trl_loads_each_shape_and_trains_on_it(tmp_path: Path) -> None:
    folder = released(tmp_path)
    ran = subprocess.run(
        [PYTHON, Path(__file__).with_name("training.py"), folder, tmp_path / "cache"],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()[-3000:]
    said = orjson.loads(ran.stdout.splitlines()[-1])
    for shape in SHAPES:
        written, of = lines(folder, f"{shape}.jsonl"), said[shape]
        read = [{k: without_nulls(v) if isinstance(v, list) else v for k, v in row.items()} for row in of["rows"]]
        assert read == written, "what the loader gives is what was decided, with nothing added to a tool's arguments"
        assert of["conversational"]
        assert math.isfinite(of["trained"]["loss"])
        assert len(of["trained"]["prepared"]) == len(written)
    assert [len(said[shape]["rows"]) for shape in SHAPES] == [3, 2, 5, 2]
    assert said["dpo"]["unpaired"] == 4, "each pair is a desirable and an undesirable answer"
    _asked_and_answered(said)
    assert said["evaluation"]["rows"] == lines(folder, "evaluation.jsonl")


def _asked_and_answered(said: dict[str, Any]) -> None:
    """What the trainers learn from is the answer alone, after the prompt alone."""
    call = """<assistant>search{"deep": [1, {"a": null}], "n": 3}<end><tool>{"found":2}<end>"""
    assert f"{call}<assistant>answer of accepted too<end>" in said["sft"]["trained"]["prepared"][1]["input_ids"]
    rejected = next(row for row in said["kto"]["rendered"] if row["label"] is False)
    assert rejected["prompt"] == f"<system>Be brief. 简短一点 🙂<end><user>{question(3)}<end><assistant>"
    assert rejected["completion"] == "answer of rejected<end>"
    corrected, ranked = said["dpo"]["trained"]["prepared"]
    assert corrected["prompt_ids"] == f"<user>{question(4)}<end><assistant>"
    assert (corrected["chosen_ids"], corrected["rejected_ids"]) == ("a better one<end>", "answer of corrected<end>")
    assert (ranked["chosen_ids"], ranked["rejected_ids"]) == ("another answer<end>", "answer of ranked<end>")
    extracted = said["reward"]["prompts_extracted"][0]
    assert [message["role"] for message in extracted["prompt"]] == ["user"]
    assert extracted["chosen"] == [{"role": "assistant", "content": "a better one"}]
