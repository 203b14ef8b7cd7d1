"""Events pass through and keep as much of their content as their source's policy lets them."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from streams.events import Event, Feedback, InferenceRequest, InferenceResponse
from streams.pseudonyms import Pseudonyms
from streams.redaction.structures import Place, Texts, gather, gather_plain
from streams.redaction.text import asking_for_a_look, redact_all
from streams.redaction.tracebacks import without_stacks
from streams.sources import Content

E = TypeVar("E", bound=Event)

_PEOPLE = ("user_id", "rater_id")
_DIALOGUE = ("input_messages", "system_instructions", "tool_definitions", "input")
_CONTENT = (*_DIALOGUE, "output_messages", "output", "explanation", "correction", "error_message", "label", "tags")
_HELD: dict[type[Event], tuple[str, ...]] = {
    kind: tuple(name for name in _CONTENT if name in kind.model_fields)
    for kind in (InferenceRequest, InferenceResponse, Feedback)
}
_STATE = {"full": "captured", "redacted": "redacted", "hashed": "hashed", "none": "not_captured"}
_SENDERS_STATES = ("truncated", "external_ref", "not_captured")  # say more than Sluice knows

# What holds a dialogue together is no content. These keys keep their values in messages and parts of them.
_FORM = ("role", "type", "finish_reason", "name", "id")
_FORM_DEPTHS = {"input_messages": (2, 4), "output_messages": (2, 4), "system_instructions": (2,)}
_LONGEST_CATEGORY = 40  # bytes; a longer label is somebody's sentence
_DIGEST = re.compile(r"\[SHA256:[0-9a-f]{16}\]")


class Redactor:
    """Takes out of events what must not be stored; `counts` says how often what was replaced, until it is drained."""

    def __init__(self, pseudonym_key: bytes) -> None:
        self.counts: Counter[str] = Counter()
        self._pseudonyms = Pseudonyms(pseudonym_key)

    def apply(self, event: E, content: Content) -> E:
        """Return one event as it may be stored, see `apply_all`; the same object where nothing changes."""
        (changes,) = self._changes([event], content)
        return event.model_copy(update=changes) if changes else event

    def apply_all(self, events: Sequence[Event], content: Content) -> None:
        """Make of events what may be stored of them, in place: nobody else may hold them yet.

        Args:
            events: requests, responses and feedback.
            content: what their source lets be kept. full: all of it. redacted: all but people's data and secrets, which
                placeholders replace. hashed: the form of it, its numbers, and a keyed digest of each text, so that
                equal texts can be counted. none: nothing. The error message is redacted under hashed, too. People's
                ids become pseudonyms in any case.
        """
        for event, changes in zip(events, self._changes(events, content), strict=True):
            if changes:
                event.__dict__.update(changes)  # a copy of each costs as much as to look through its texts

    def _changes(self, events: Sequence[Event], content: Content) -> list[dict[str, Any]]:
        """Return the fields of each event that change."""
        held = [_held(event) for event in events]
        changes: list[dict[str, Any]]
        if content == "redacted":
            changes = self._redacted_all(held)
        elif content == "hashed":
            changes = [self._kept(*self._read(each), self._hashed) for each in held]
        else:
            changes = [_dropped(each) if content == "none" else {} for each in held]
        for event, each, changed in zip(events, held, changes, strict=True):
            fields = event.__dict__
            for name in _PEOPLE:
                if fields.get(name):
                    changed[name] = self._pseudonyms.of_user(fields[name])
            if isinstance(event, InferenceRequest) and not each.keys().isdisjoint(_DIALOGUE):
                changed |= _state(event, content)
        return changes

    def _redacted_all(self, held: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Look through all texts at once: most hold nothing, and to look costs more than to read."""
        texts: list[str] = []
        ends: list[int] = []
        asking: set[int] = set()
        for number, each in enumerate(held):
            if not gather_plain(each, texts):
                message = each.get("error_message")
                if not gather(each, texts) or (message is not None and without_stacks(message)[0] != message):
                    asking.add(number)
            ends.append(len(texts))
        asking |= asking_for_a_look(texts, ends)
        return [
            self._kept(*self._read(each), self._redacted) if number in asking else {}
            for number, each in enumerate(held)
        ]

    def _read(self, held: dict[str, Any]) -> tuple[Texts, str | None]:
        """Return the texts of the content, and the error message where it has lost its stack."""
        message = held.get("error_message")
        stackless = None
        if message is not None:
            held["error_message"], stacks = without_stacks(message)
            if stacks:
                self.counts["TRACEBACK"] += stacks
            if held["error_message"] != message:
                stackless = held["error_message"]
        return Texts(held), stackless

    def _kept(self, texts: Texts, stackless: str | None, keep: Callable[[Texts], Sequence[str]]) -> dict[str, Any]:
        """Return the fields that change."""
        if texts.secrets:
            self.counts["SECRET"] += texts.secrets
        result = keep(texts)
        if not texts.secrets and (result is texts.texts or result == texts.texts):
            return {} if stackless is None else {"error_message": stackless}
        return texts.replaced(result)

    def _redacted(self, texts: Texts) -> Sequence[str]:
        return self._redacted_texts(texts.texts)

    def _redacted_texts(self, texts: Sequence[str]) -> Sequence[str]:
        result, counts = redact_all(texts)
        self.counts += counts
        return result

    def _hashed(self, texts: Texts) -> Sequence[str]:
        """Redact what is form, and digest what is content."""
        form = [place for place, text in enumerate(texts.texts) if _is_form(texts, texts.places[place], text)]
        result = [self._digest(text) for text in texts.texts]
        for place, text in zip(form, self._redacted_texts([texts.texts[place] for place in form]), strict=True):
            result[place] = text
        return result

    def _digest(self, text: str) -> str:
        return text if not text or _DIGEST.fullmatch(text) else f"[SHA256:{self._pseudonyms.of_text(text)}]"


def _held(event: Event) -> dict[str, Any]:
    """Return what there is of content, by the event's own names."""
    fields = event.__dict__
    held = {name: fields[name] for name in _HELD[type(event)] if fields[name] is not None}
    if not event.tags:
        del held["tags"]
    return held


def _dropped(held: dict[str, Any]) -> dict[str, Any]:
    gone = {name: None for name in held if name != "label" or not _is_category(held[name])}
    return gone | ({"tags": {}} if "tags" in held else {})


def _state(request: InferenceRequest, content: Content) -> dict[str, str]:
    said = request.content_state
    keeps = said == _STATE[content] or (said in _SENDERS_STATES and content != "none")
    return {} if keeps else {"content_state": _STATE[content]}


def _is_form(texts: Texts, place: Place, text: str) -> bool:
    """Tell what is no content under `hashed`: keys, what holds a dialogue together, categories, the error message."""
    container, key, is_key = place
    if is_key:
        return True
    if not container:
        return key == "error_message" or (key == "label" and _is_category(text))
    if key not in _FORM:
        return False
    path = texts.path(container)
    return len(path) in _FORM_DEPTHS.get(path[0], ())


def _is_category(label: str) -> bool:
    return len(label.encode("utf-8", "surrogatepass")) <= _LONGEST_CATEGORY
