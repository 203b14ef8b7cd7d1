"""Commands by which a batch goes out to the tools in which people decide, and their decisions come back."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.review.exports.label_studio_push import push
from sinks.review.exports.label_studio_server import Server
from sinks.review.exports.write import WRITERS, export
from sinks.review.imports.forms import FORMS
from sinks.review.imports.receive import receive
from streams import settings
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.reviewing import BY, FOLDER
from streams.readable import harmless

SHOWN = 50  # rows that are not taken, of which more are only counted


@batch.command("export")
@FOLDER
@click.option("--to", required=True, type=click.Choice(list(WRITERS)), help="For which tool.")
@click.option("--url", help="Send it to this Label Studio, instead of writing files; a run that broke off goes on.")
@click.option("--project", type=int, help="Number of a project there; else one is made.")
@BY
@plainly
def batch_export(folder: Path, to: str, url: str | None, project: int | None, by: str) -> None:
    """Write a batch for a tool into review/exports, or send it to Label Studio, whose token is a setting."""
    at = datetime.now(UTC)
    if url is None and project is None:
        exported = export(folder, to, by, at)
        click.echo(f"{exported.folder}: {exported.items:,} items.")
        return
    if to != "label-studio" or url is None:
        raise click.UsageError("--url goes with --to label-studio, and --project with --url.")
    server = Server(url, settings.load().label_studio_token.get_secret_value())
    receipt = push(folder, server, project, by, at)
    click.echo(f"{server.url}/projects/{receipt.project}: {receipt.tasks:,} tasks are there.")


@batch.command("import")
@FOLDER
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--from", "form", required=True, type=click.Choice(list(FORMS)), help="Which tool wrote it.")
@click.option("--reviewer", "reviewers", multiple=True, metavar="ID=NAME", help="A person's name, by the tool's id.")
@BY
@plainly
def batch_import(folder: Path, file: Path, form: str, reviewers: tuple[str, ...], by: str) -> None:
    """Take in decisions, each once however often it comes. Exits with 1 where rows were not taken, which it lists."""
    names = dict(each.partition("=")[::2] for each in reviewers)
    if not all(names.values()):
        raise click.UsageError("Write --reviewer as the tool's id and a name: 2=ben@example.org.")
    receipt = receive(folder, file, form, by, datetime.now(UTC), names)
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
