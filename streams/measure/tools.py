"""Calls of tools go in; whether they could be carried out comes out."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from streams.events import InferenceRequest

_WRONG_STATES = ("error", "failed", "incomplete")


def failure(
    calls: Sequence[Mapping[str, Any]], results_wrong: bool | None, request: InferenceRequest | None
) -> float | None:
    """Return whether an answer calls a tool wrongly, or has a tool's result that says error; None where it calls none.

    `request` is what it answers, where that is known, and says which tools are offered.
    """
    if not calls:
        return None if results_wrong is None else float(results_wrong)
    offered = _offered(request)
    return float(bool(results_wrong) or any(_is_wrong(call, offered) for call in calls))


def _is_wrong(call: Mapping[str, Any], offered: frozenset[str] | None) -> bool:
    """Tell whether a call names no offered tool, or has arguments that are not a JSON object; none at all are fine."""
    called = name(call)
    if called is None or (offered is not None and called not in offered):
        return True
    arguments = call.get("arguments", call.get("input"))
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments) if arguments.strip() else None
        except ValueError:
            return True
    return not (arguments is None or isinstance(arguments, dict))


def name(call: Mapping[str, Any]) -> str | None:
    """Name the tool that is called; None where the call does not."""
    called = call.get("name")
    return called if isinstance(called, str) and called else None


def _offered(request: InferenceRequest | None) -> frozenset[str] | None:
    """Name the tools that a request offers; None where that is not known, or a tool has no name."""
    if request is None or not request.tool_definitions:
        return None
    names = [_definition_name(tool) for tool in request.tool_definitions]
    return None if None in names else frozenset(name for name in names if name)


def _definition_name(tool: object) -> str | None:
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    return name(function if isinstance(function, dict) else tool)


def says_error(part: Mapping[str, Any]) -> bool:
    """Tell whether the result of a tool says that it failed."""
    result = part.get("result", part.get("response"))
    return bool(
        part.get("is_error")
        or part.get("status") in _WRONG_STATES
        or (isinstance(result, dict) and (result.get("error") or result.get("is_error")))
    )
