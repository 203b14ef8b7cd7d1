"""A text passes from what came in to what may stay, place by place from left to right."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

CONTEXT = 40  # characters before a number in which a word may say what it is
# Close looks that the texts of an event may take, of a few microseconds each: a stranger who writes nothing but
# look-alikes shall not stop the ingest of others. It is the same for all, so that what passed once passes again.
LOOKS = 4000


class Found(NamedTuple):
    """A place in a text, in characters, that must not stay, and what it holds."""

    start: int
    end: int
    kind: str


class TooDense(Exception):
    """A text holds more that wants a close look than any ordinary one does."""


class Page:
    """What is searched (folded), what it was, and what of it is done."""

    def __init__(self, text: str, original: str) -> None:
        self.text = text
        self.done = 0  # characters of the text that are settled
        self.counts: Counter[str] = Counter()
        self.original = original
        self._pieces: list[str] = []
        self._tail = ""  # the end of what is settled
        self._looks = LOOKS

    def look(self, price: int = 1) -> None:
        """Pay for a close look. Raises TooDense when the text has had its share."""
        self._looks -= price
        if self._looks < 0:
            raise TooDense

    def replace(self, found: Found) -> None:
        """Put a placeholder in the place of what was found; places never go back."""
        placeholder = f"[{found.kind}]"
        self._pieces += (self.original[self.done : found.start], placeholder)
        self._tail = f"{self._tail}{self.text[max(self.done, found.start - CONTEXT) : found.start]}{placeholder}"[
            -CONTEXT:
        ]
        self.done = found.end
        self.counts[found.kind] += 1

    def before(self, place: int) -> str:
        """Return the characters in front of a place as they will be stored.

        What is stored already decides, not what came: else a second pass, which sees placeholders where there were
        secrets, could find words nearer to a number than the first did, and redacting twice would change more.
        """
        return f"{self._tail}{self.text[max(self.done, place - CONTEXT) : place]}"[-CONTEXT:]

    def result(self, end: int | None = None) -> str:
        """Return what may be stored of the text up to a place."""
        return "".join((*self._pieces, self.original[self.done : end]))


# Looks closely at a trigger and gives, from left to right, what must not stay; none begins before `page.done`.
Check = Callable[[Page, re.Match[str]], Iterator[Found]]
