"""Questions and their answers become vectors of a packaged model of language, for the map of a batch."""

from collections.abc import Sequence

from sinks import minilm
from sinks.review.refusals import CutRefused
from sinks.review.snapshot import Snapshot
from sinks.review.texts import texts
from sinks.review.vectors import Matrix

TOKENS = 128  # of a text that are read: what a question is about shows by then


class NoModel(CutRefused):
    """The model's package is not installed; the message names the extra that brings it."""


class MiniLM:
    """The vectors of `sinks.minilm`. Raises NoModel."""

    name = "minilm"
    dimensions = minilm.WIDTH

    def __init__(self) -> None:
        try:
            self._encoder = minilm.Encoder(TOKENS)
        except minilm.ModelMissing as missing:
            raise NoModel(str(missing)) from None

    def of(self, snapshot: Snapshot, ids: Sequence[str]) -> Matrix:
        """See `Vectors`: of a question and its answer."""
        said = texts(snapshot, ids)
        return self._encoder.embedded([said[name] for name in ids])
