"""Lists that a sender spelled out, an attribute for each leaf, become lists of dialogue again."""

from collections.abc import Mapping
from typing import Any

from streams.events import Message
from streams.gateways import messages
from streams.gateways.telemetry import Attributes
from streams.gateways.values import fields

DEEPEST = 9  # steps in a name; llm.input_messages.0.message.contents.0.message_content.image.image.url has 8


def unfolded(attributes: Attributes, name: str) -> list[Any]:
    """Gather `name.0.role`, `name.0.content`, `name.1.role` … as [{role, content}, {role}].

    Steps that are numbers make a list in the order of the numbers; what contradicts itself is left out.
    """
    start = f"{name}."
    tree: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith(start):
            _put(tree, key[len(start) :].split(".", DEEPEST), value)
    listed = _listed(tree)
    return listed if isinstance(listed, list) else []


def openinference(attributes: Attributes, name: str) -> list[Message] | None:
    """Read `llm.input_messages` or `llm.output_messages`."""
    return messages.messages([_openai(fields(each).get("message")) for each in unfolded(attributes, name)])


def openllmetry(attributes: Attributes, name: str) -> list[Message] | None:
    """Read `gen_ai.prompt` or `gen_ai.completion`, as OpenLLMetry wrote them until 0.52."""
    said = [fields(each) for each in unfolded(attributes, name)]
    return messages.messages([{"role": "assistant", **each, "tool_calls": _functions(each)} for each in said])


def _put(tree: dict[str, Any], steps: list[str], value: object) -> None:
    for step in steps[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            return
    tree.setdefault(steps[-1], value)


def _listed(tree: object) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(step.isdecimal() and len(step) < 10 for step in tree):
        return [_listed(tree[step]) for step in sorted(tree, key=int)]
    return {step: _listed(below) for step, below in tree.items()}


def _openai(said: object) -> dict[str, Any]:
    """Bring a message of OpenInference into OpenAI's form, which `messages` reads."""
    message = fields(said)
    calls, contents = message.get("tool_calls"), message.get("contents")
    if isinstance(calls, list):
        message["tool_calls"] = [fields(each).get("tool_call") for each in calls]
    if isinstance(contents, list):
        message["content"] = [fields(each).get("message_content") for each in contents]
    return message


def _functions(said: Mapping[str, Any]) -> list[Any] | None:
    calls = said.get("tool_calls")
    return [{"id": fields(each).get("id"), "function": each} for each in calls] if isinstance(calls, list) else None
