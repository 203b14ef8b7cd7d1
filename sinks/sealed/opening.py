"""Sealed values of a table go in, and what was said comes out; of a destroyed key, nothing."""

from collections.abc import Sequence
from typing import Any

import msgpack

from sinks.review.refusals import CutRefused
from sinks.sealed.envelope import Tampered, key_id
from sinks.sealed.keys import ContentKeys
from sinks.sealed.seal import QUESTION, place


class ContentSealed(CutRefused):
    """Content is sealed and cannot be opened here; the message names the cure."""


class Opener:
    """Opens what a query has read with `as_text`. Without keys it passes rows that have nothing sealed.

    Raises ContentSealed where there is something sealed and no key, or it was tampered with.
    """

    def __init__(self, keys: ContentKeys | None = None) -> None:
        self._keys = keys

    def content(self, column: str, rows: Sequence[str], values: Sequence[str]) -> list[dict[str, str]]:
        """Return what each value says, by column; nothing where nothing is sealed, or its key was destroyed.

        Args:
            column: that the values are of.
            rows: the ids of their rows.
            values: in hex, "" for none.
        """
        return [
            {} if said is None else {name: text.decode() for name, text in said.items()}
            for said in self._opened(column, rows, values)
        ]

    def terms(self, rows: Sequence[str], values: Sequence[str]) -> list[list[str]]:
        """Return the terms of questions."""
        return [said or [] for said in self._opened(QUESTION, rows, values)]

    def _opened(self, column: str, rows: Sequence[str], values: Sequence[str]) -> list[Any]:
        if not any(values):
            return [None] * len(values)
        if self._keys is None:
            raise ContentSealed("Content is sealed: set SLUICE_CONTENT_KEY as the workers have it.")
        try:
            raw = [bytes.fromhex(value) for value in values]
            keys = self._keys.by_id(key_id(value) for value in raw if value)
            if None in keys.values() and self._keys.lost():
                raise ContentSealed("Content is sealed, and content_keys is empty: restore the copy of that table.")
            opened = []
            for row, value in zip(rows, raw, strict=True):
                key = keys[key_id(value)] if value else None
                opened.append(None if key is None else msgpack.unpackb(key.open(value, place(column, row))))
        except Tampered as tampered:
            raise ContentSealed(f"{tampered} Somebody has changed the table: restore it from a backup.") from None
        return opened


PLAIN = Opener()


def as_text(column: str) -> str:
    """Return the SQL that reads a sealed column."""
    return f"hex(ifNull({column}, ''))"
