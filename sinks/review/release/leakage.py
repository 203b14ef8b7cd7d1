"""Conversations and prompts of a release go in; what would be trained on and evaluated on at once comes out, over all
releases there are.

A conversation is for evaluation or for training, for good. The first release that holds it decides, by a hash of it
that no policy has a key to; a later share of evaluation moves none that is known. On top of that no prompt of one side
may be the near-duplicate of a prompt of the other, in this release or in any before.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from sinks.review.folding import Folds
from sinks.review.manifest import fact
from sinks.review.release import log
from sinks.review.release.manifest import EVALUATION, LINEAGE, REPLACED, TamperedRelease, read

LIMIT = 0.8  # Jaccard of the prompts' shingles: stricter than what makes two items one


class Sides:
    """Both sides, as far as they are known: their conversations, and their prompts."""

    def __init__(self) -> None:
        self._training, self._evaluation = Folds(LIMIT), Folds(LIMIT)
        self._evaluates: dict[str, bool] = {}  # of a conversation's hash
        self.stayed: set[str] = set()  # hashes of conversations that the share would put on the other side by now

    def know(self, lineage: Iterable[Mapping[str, Any]]) -> None:
        """Add the lines of a release that was made before."""
        prompts = {}
        for each in lineage:
            evaluates = each["file"] == EVALUATION
            prompts[evaluates, each["inference_id"]] = each["prompt"]
            if "conversation_sha256" in each:
                self._evaluates.setdefault(each["conversation_sha256"], evaluates)
        for (evaluates, name), text in prompts.items():
            (self._evaluation if evaluates else self._training).place(name, text)

    def evaluates(self, conversation: str, share: float) -> bool:
        """Say for good on which side a conversation is: where it is known to be, else by its hash."""
        key, drawn = hashed(conversation), is_for_evaluation(conversation, share)
        known = self._evaluates.setdefault(key, drawn)
        if known != drawn:
            self.stayed.add(key)
        return known

    def leak(self, name: str, text: str, *, to_evaluation: bool) -> bool:
        """Say whether a prompt is known to the other side; where not, it is known to its own from now on."""
        own, other = (self._evaluation, self._training) if to_evaluation else (self._training, self._evaluation)
        if other.place_if(name, text, lambda: False) is not None:
            return True
        own.place(name, text)
        return False


def known(releases: Path) -> Sides:
    """Return the sides of all releases that there are, withdrawn ones too: who had them has trained on them.

    Raises TamperedRelease: names a release whose lineage is not what its manifest says, or that is gone; NotARelease.
    """
    sides = Sides()
    for version in log.versions(releases):
        path = releases / version
        if (path / REPLACED).is_file():
            continue  # something was erased from it, and what is left is in another
        said = read(path).files[LINEAGE]
        if not (path / LINEAGE).is_file() or fact(path / LINEAGE) != said:
            raise TamperedRelease(
                f"{path}: {LINEAGE} is not what its manifest says, so that nobody can tell what was trained on. "
                "Restore it from a copy, then release."
            )
        sides.know(map(orjson.loads, (path / LINEAGE).read_bytes().splitlines()))
    return sides


def hashed(conversation: str) -> str:
    """Return the SHA-256 by which lineage knows a conversation."""
    return sha256(conversation.encode("utf-8", "surrogatepass")).hexdigest()


def is_for_evaluation(conversation: str, share: float) -> bool:
    """Say where a conversation that no release holds goes: the first 64 bits of its SHA-256 are below the share."""
    return int(hashed(conversation)[:16], 16) < share * 2**64
