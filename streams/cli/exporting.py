"""Commands by which a batch goes out to the tools in which people decide, and their decisions come back."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.review.exports.write import WRITERS, export
from sinks.review.imports.receive import FORMS, receive
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.reviewing import BY, FOLDER
from streams.readable import harmless

SHOWN = 50  # rows that are not taken, of which more are only counted


@batch.command("export")
@FOLDER
@click.option("--to", required=True, type=click.Choice(list(WRITERS)), help="For which tool.")
@BY
@plainly
def batch_export(folder: Path, to: str, by: str) -> None:
    """Write a batch for a tool into review/exports."""
    exported = export(folder, to, by, datetime.now(UTC))
    click.echo(f"{exported.folder}: {exported.items:,} items.")


@batch.command("import")
@FOLDER
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--from", "form", required=True, type=click.Choice(list(FORMS)), help="Which tool wrote it.")
@BY
@plainly
def batch_import(folder: Path, file: Path, form: str, by: str) -> None:
    """Take in decisions, each once however often it comes. Exits with 1 where rows were not taken, which it lists."""
    receipt = receive(folder, file, form, by, datetime.now(UTC))
    click.echo(
        f"{receipt.rows:,} rows: {receipt.added:,} new decisions, {receipt.known:,} known before, "
        f"{receipt.undecided:,} not decided, {len(receipt.problems):,} not taken."
    )
    for problem in receipt.problems[:SHOWN]:
        click.echo(f"  {problem.row}: {harmless(problem.why)}")
    if len(receipt.problems) > SHOWN:
        click.echo(f"  … and {len(receipt.problems) - SHOWN:,} more")
    click.echo(f"{receipt.open:,} items are open, {receipt.conflicts:,} of them in conflict.")
    if receipt.problems:
        raise SystemExit(1)
