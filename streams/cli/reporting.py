"""The command that draws a batch's report anew, with what people have decided since."""

from pathlib import Path

import click

from sinks.review.report.people import rewrite
from streams.cli.batches import batch
from streams.cli.group import plainly


@batch.command("report")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@plainly
def batch_report(folder: Path) -> None:
    """Write review/report.html: the report with decisions, agreement, and rates estimated from the control."""
    click.echo(f"{rewrite(folder)} is written: open it in a browser.")
