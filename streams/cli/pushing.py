"""The command that copies a batch or a release to an S3-compatible store."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.review import manifest as batches_manifest
from sinks.review.audit import Audit, Step
from sinks.review.pushing import push
from sinks.review.release import log, manifest
from sinks.review.release.finishing import require_finished
from sinks.review.release.manifest import LINEAGE
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.references import BY


@batch.command("push")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("target")
@BY
@plainly
def batch_push(folder: Path, target: str, by: str) -> None:
    """Copy a batch or a release, verified, to s3://bucket/prefix[?endpoint_override=host:port]; what is there stays.

    Keys come from where the AWS SDK takes them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine.
    """
    released = (folder / LINEAGE).is_file()
    (manifest if released else batches_manifest).verify(folder)
    if released:
        require_finished(folder.resolve().parent, folder.resolve().name)

    def before(to: str) -> None:
        """Say so before the first byte leaves: what is broken off was given, too, and an erasure has to name it."""
        if released:
            log.append(folder.resolve().parent, "handed_over", folder.resolve().name, by, datetime.now(UTC), to=to)
        else:
            Audit(folder).append(Step.PUSHED, by, datetime.now(UTC), to=to)

    pushed = push(folder, target, before)
    copied, same = len(pushed.copied), len(pushed.same)
    click.echo(f"{pushed.to}: {copied} files copied and read back, {same} lay there already, the same.")
