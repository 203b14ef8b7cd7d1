"""Prompts of a release go in; what would be trained on and evaluated on at once comes out, over all releases there are.

A conversation is for evaluation or for training, for good: a hash of it decides, with no key that a policy could
change. On top of that no prompt of one side may be the near-duplicate of a prompt of the other, in this release or in
any before.
"""

from collections.abc import Iterable
from hashlib import sha256

from sinks.review.folding import Folds

LIMIT = 0.8  # Jaccard of the prompts' shingles: stricter than what makes two items one


class Sides:
    """The prompts of both sides, as far as they are known."""

    def __init__(self) -> None:
        self._training, self._evaluation = Folds(LIMIT), Folds(LIMIT)

    def know(self, training: Iterable[tuple[str, str]], evaluation: Iterable[tuple[str, str]]) -> None:
        """Add the prompts of a release that was made before: names and texts."""
        for side, prompts in ((self._training, training), (self._evaluation, evaluation)):
            for name, text in prompts:
                side.place(name, text)

    def leak(self, name: str, text: str, *, to_evaluation: bool) -> bool:
        """Say whether a prompt is known to the other side; where not, it is known to its own from now on."""
        own, other = (self._evaluation, self._training) if to_evaluation else (self._training, self._evaluation)
        if other.place_if(name, text, lambda: False) is not None:
            return True
        own.place(name, text)
        return False


def is_for_evaluation(conversation: str, share: float) -> bool:
    """Say for good on which side a conversation is: the first 64 bits of its SHA-256 are below the share."""
    return int.from_bytes(sha256(conversation.encode("utf-8", "surrogatepass")).digest()[:8], "big") < share * 2**64
