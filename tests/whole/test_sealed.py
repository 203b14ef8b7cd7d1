"""A worker with a key of content seals what it stores; an erasure destroys a user's key; another key does not start."""

import json
import time
from typing import Any

from pydantic import SecretStr

from tests.whole.events import SECOND_NS, START_NS, feedback, request, response
from tests.whole.harness import World
from tests.whole.side_by_side import side_by_side

PHRASE = "violet hippopotamus"
USER: dict[str, Any] = {"user.id": "ann@example.org"}
EXPLAINED: dict[str, Any] = {"gen_ai.evaluation.explanation": PHRASE}


def said(name: str, role: str) -> dict[str, Any]:
    return {name: [{"role": role, "parts": [{"type": "text", "content": f"About the {PHRASE}."}]}]}


def held(world: World) -> str:
    names = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    return repr([world.rows(f"SELECT * FROM {name}") for (name,) in world.rows(names)])  # noqa: S608  # our tables


@side_by_side
def test_content_is_sealed_on_its_way(world: World) -> None:
    world.settings = world.settings.model_copy(update={"content_key": SecretStr("c" * 32)})
    worker = world.start()
    world.produce(
        [
            request("hers", **USER, **said("gen_ai.input.messages", "user")),
            response("hers", **said("gen_ai.output.messages", "assistant")),
            feedback("hers", **USER, **EXPLAINED),
        ]
    )
    world.settle()
    sealed = "SELECT max(isNotNull(sealed_request)), max(isNotNull(sealed_response)) FROM inference_parts"
    assert world.rows(sealed) == [(True, True)]
    assert not [word for word in PHRASE.split() if word in held(world)]

    erased = world.sluice("erase", "--user", USER["user.id"], "--by", "dana", "--json")
    assert json.loads(erased.stdout)["places"]["content_keys (keys of users)"] == {"found": 1, "left": 0}, erased.stderr
    assert "their keys are destroyed" in erased.stdout

    now_s = (time.time_ns() - START_NS) / SECOND_NS
    world.produce([request("later", at_s=now_s, **USER, **said("gen_ai.input.messages", "user"))])
    world.settle()
    assert world.count("content_keys") == 1, "who comes back has another key"
    worker.stop()
    world.settings = world.settings.model_copy(update={"content_key": SecretStr("d" * 32)})
    stopped = world.sluice("worker")
    assert stopped.returncode == 2
    assert "SLUICE_CONTENT_KEYS_BEFORE" in stopped.stderr
