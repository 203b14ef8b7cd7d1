"""The command that copies a batch or a release to an S3-compatible store."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.review.audit import Audit, Step
from sinks.review.manifest import verify
from sinks.review.pushing import push
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.references import BY


@batch.command("push")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("target")
@BY
@plainly
def batch_push(folder: Path, target: str, by: str) -> None:
    """Copy a batch, verified, to s3://bucket/prefix[?endpoint_override=host:port]; what is there already stays.

    Keys come from where the AWS SDK takes them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine.
    """
    verify(folder)
    pushed = push(folder, target)
    if pushed.copied:
        Audit(folder).append(Step.PUSHED, by, datetime.now(UTC), to=pushed.to)
    copied, same = len(pushed.copied), len(pushed.same)
    click.echo(f"{pushed.to}: {copied} files copied and read back, {same} lay there already, the same.")
