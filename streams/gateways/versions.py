"""What senders say of releases and prompts becomes two labels: changes of them are marks on the time line."""

from collections.abc import Mapping
from typing import Any

from streams.gateways.values import word

MODEL, PROMPT = "model_version", "prompt_version"

# By attribute; of several the first that is there.
_RELEASES = ("langfuse.version", "langfuse.release")
_PROMPTS = ("langfuse.observation.prompt.name", "gen_ai.prompt.name")
_PROMPT_VERSIONS = ("langfuse.observation.prompt.version", "gen_ai.prompt.version")
_ALL = frozenset((*_RELEASES, *_PROMPTS, *_PROMPT_VERSIONS))


def labels(release: object, prompt: object = None, prompt_version: object = None) -> dict[str, str]:
    """Label a call with its release and its prompt, `name:version`, as far as they are said.

    >>> labels("1.4", "greeting", 3), labels(None)
    ({'model_version': '1.4', 'prompt_version': 'greeting:3'}, {})
    """
    parts = [said for each in (prompt, prompt_version) if (said := _version(each))]
    named = {MODEL: _version(release), PROMPT: word(":".join(parts))}
    return {name: said for name, said in named.items() if said is not None}


def of_attributes(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Label a span's call."""
    if _ALL.isdisjoint(attributes):
        return {}
    release, prompt, version = (
        next((attributes[name] for name in names if name in attributes), None)
        for names in (_RELEASES, _PROMPTS, _PROMPT_VERSIONS)
    )
    return labels(release, prompt, version)


def _version(said: object) -> str | None:
    """Read a version, which may be a number."""
    return word(str(said)) if isinstance(said, int) and not isinstance(said, bool) else word(said)
