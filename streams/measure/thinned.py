"""Measurements of hot segments go in; out come those of a sample of their inferences, the same whoever draws it."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from detectors.base import Measurements
from detectors.held import select
from streams.measure.texts import sampled


def thinned(
    measured: Iterable[tuple[str, Measurements]], shares: Mapping[str, float]
) -> Iterator[tuple[str, Measurements]]:
    """Leave a share of a segment's inferences, by a hash of their ids, and all of segments that have none.

    Who is in the sample depends on the id alone: question, answer and feedback are in it together, whichever worker
    reads them and however often, so that a replay gives the same. A change of the share is a step in the segment's
    traffic, and nothing else.
    """
    for segment, rows in measured:
        if segment not in shares:
            yield segment, rows
            continue
        kept = np.flatnonzero([sampled(inference_id, shares[segment]) for inference_id in rows.inference_id])
        if len(kept):
            yield segment, select(rows, kept)
