"""Values as JSON has them pass through, nested as they like: their texts come out, and go back in changed."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

_SECRET = "[SECRET]"  # noqa: S105  # what stands in for one
_CREDENTIAL = re.compile(
    r"(?:proxy)?authorization|(?:set)?cookies?|.{0,40}(?:password|passwd|passphrase|pwd)"
    r"|.{0,40}(?:api|secret|private|signing|access|account)key|.{0,40}(?:client|shared|app|signing|webhook)secret|secret"
    r"|credentials?|bearer|.{0,40}(?:access|refresh|auth|id|session|csrf|xsrf|bearer|api|security|bot)token"
)
# A tokenizer's pieces have this name, too: a secret only where no word is that long.
_PERHAPS = re.compile(r"token|auth|jwt|session(?:id)?|signature")
_NO_WORD = re.compile(r"[^\s]{16,}")


# The words that every dialogue is made of hold nothing, and tell nothing of what stands beside them.
_FORM = frozenset(
    (
        "role",
        "parts",
        "type",
        "content",
        "finish_reason",
        "text",
        "system",
        "user",
        "assistant",
        "tool",
        "stop",
        "length",
    )
)


def gather(root: Mapping[str, Any], texts: list[str]) -> bool:
    """Append the texts of a value to others, as `Texts` has them; False where a key may name a credential.

    To know where a text is takes longer than to look at it, and hardly any is ever changed.
    """
    containers: list[Any] = [root]
    ordinary = True
    for container in containers:
        if isinstance(container, dict):
            named = container is not root  # the root's keys are ours
            for key, value in container.items():
                if named and key not in _FORM:
                    texts.append(key)
                    ordinary = ordinary and not _named(key)
                if isinstance(value, str):
                    if value not in _FORM:
                        texts.append(value)
                elif isinstance(value, dict | list):
                    containers.append(value)
        else:
            for value in container:
                if isinstance(value, str):
                    texts.append(value)
                elif isinstance(value, dict | list):
                    containers.append(value)
    return ordinary


_MESSAGES = (("role", "parts"), ("role", "parts", "finish_reason"))
_TEXT = ("type", "content")


def gather_plain(root: Mapping[str, Any], texts: list[str]) -> bool:
    """Append the texts of a dialogue that is nothing but texts in the usual form, as most are, at a third of the cost.

    False, and nothing is appended, where there is anything else: that is for `gather`.
    """
    if len(root) != 1:
        return False
    (messages,) = root.values()
    if type(messages) is not list:
        return False
    said = []
    for message in messages:
        if type(message) is not dict or tuple(message) not in _MESSAGES or not _is_form(message["role"]):
            return False
        parts, reason = message["parts"], message.get("finish_reason")
        if type(parts) is not list or not (reason is None or _is_form(reason)):
            return False
        for part in parts:
            if type(part) is not dict or tuple(part) != _TEXT or part["type"] != "text":
                return False
            content = part["content"]
            if type(content) is not str:
                return False
            said.append(content)
    texts += said
    return True


def _is_form(value: Any) -> bool:
    return type(value) is str and value in _FORM


# Where a text is: the number of its container, its key or index there, and whether it is the key itself. A plain tuple,
# and loops without calls: events of tens of thousands of texts exist.
Place = tuple[int, Any, bool]


class Texts:
    """All texts of a value, keys too, each key right before its value; nesting costs no stack.

    Values whose key names a credential read [SECRET] from the start: strings, numbers, and the strings of a list.
    Other numbers stay what they are: a card's number as a JSON number is not looked for.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self.texts: list[str] = []
        self.places: list[Place] = []
        self.secrets = 0
        self._containers: list[Any] = [root]  # dicts and lists, each after the one that holds it
        self._holders: list[tuple[int, Any]] = [(0, "")]
        self._secret_lists: set[int] = set()
        for number, container in enumerate(self._containers):
            if isinstance(container, dict):
                self._read_dict(number, container)
            else:
                self._read_list(number, container)

    def path(self, container: int) -> list[Any]:
        """Return the keys and indices that lead from the root to a container."""
        steps: list[Any] = []
        while container:
            container, step = self._holders[container]
            steps.append(step)
        return steps[::-1]

    def replaced(self, texts: Sequence[str]) -> dict[str, Any]:
        """Return a copy of the value with other texts in the places of its own; equal keys are numbered."""
        copies = [container.copy() for container in self._containers]
        for number, (holder, key) in enumerate(self._holders[1:], 1):
            copies[holder][key] = copies[number]
        renamed: dict[int, dict[str, str]] = {}
        for (container, key, is_key), old, new in zip(self.places, self.texts, texts, strict=True):
            if not is_key:
                copies[container][key] = new
            elif old != new:
                renamed.setdefault(container, {})[old] = new
        for number, names in renamed.items():
            _rename(copies[number], names)
        root: dict[str, Any] = copies[0]
        return root

    def _read_dict(self, number: int, container: dict[str, Any]) -> None:
        texts, places = self.texts, self.places
        for key, value in container.items():
            if number and key not in _FORM:  # the root's keys are ours
                texts.append(key)
                places.append((number, key, True))
            if isinstance(value, str):
                if value not in _FORM:
                    texts.append(self._stored(_named(key), value))
                    places.append((number, key, False))
            elif isinstance(value, dict | list):
                if isinstance(value, list) and _named(key) == "credential":
                    self._secret_lists.add(len(self._containers))
                self._containers.append(value)
                self._holders.append((number, key))
            elif isinstance(value, int | float) and not isinstance(value, bool) and _named(key) == "credential":
                texts.append(_SECRET)
                places.append((number, key, False))
                self.secrets += 1

    def _read_list(self, number: int, container: list[Any]) -> None:
        named = "credential" if number in self._secret_lists else ""
        texts, places = self.texts, self.places
        for index, value in enumerate(container):
            if isinstance(value, str):
                texts.append(self._stored(named, value) if named else value)
                places.append((number, index, False))
            elif isinstance(value, dict | list):
                self._containers.append(value)
                self._holders.append((number, index))

    def _stored(self, named: str, value: str) -> str:
        """Return what is kept of a value under a key that may name a credential."""
        if not named or not value or value == _SECRET or (named == "perhaps" and not _NO_WORD.fullmatch(value)):
            return value
        self.secrets += 1
        return _SECRET


def _rename(container: dict[str, Any], names: dict[str, str]) -> None:
    """Give keys their new names, in their old order; of two that are now alike the second is numbered."""
    items = list(container.items())
    container.clear()
    taken: dict[str, int] = {}
    for key, value in items:
        name = names.get(key, key)
        taken[name] = taken.get(name, 0) + 1
        container[name if taken[name] == 1 else f"{name} {taken[name]}"] = value


@lru_cache(maxsize=4096)
def _named(key: str) -> str:
    compact = re.sub(r"[^a-z]", "", key[:64].lower())
    if compact.startswith("x") and _CREDENTIAL.fullmatch(compact[1:]):
        return "credential"
    if _CREDENTIAL.fullmatch(compact):
        return "credential"
    return "perhaps" if _PERHAPS.fullmatch(compact) else ""
