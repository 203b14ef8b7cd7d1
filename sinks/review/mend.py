"""A torn batch is cut again: files that its manifest still vouches for come back, and nothing else of it changes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review.cut import NO_TOKENS, cut
from sinks.review.manifest import read
from sinks.review.refusals import NotABatch
from sinks.sealed.opening import PLAIN, Opener


def mend(client: Client, batch: Path, tokens: Mapping[str, str] = NO_TOKENS, opener: Opener = PLAIN) -> Sequence[str]:
    """Cut a batch's window again, by the policy and the allowance of its manifest, and put back what was torn.

    Returns the names of the files that were. What people did with the batch, in `review/`, is not touched.

    Raises CutRefused as `cut` does: BatchDiffers where the rows are not those of the cut any more, NotABatch and
    TamperedBatch where the manifest itself is gone or torn. Then only a copy helps.
    """
    said = read(batch)
    if batch.resolve().name != said.window.name:
        raise NotABatch(f"{batch} holds the batch of {said.window.name}: give the folder that name again.")
    lateness = timedelta(seconds=said.lateness_s)
    out = batch.resolve().parent
    return cut(client, said.window.span, said.policy, out, lateness, tokens, opener, mend=True).mended
