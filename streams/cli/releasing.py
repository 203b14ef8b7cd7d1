"""Commands by which something leaves: releases are made of signed batches, checked, compared, taken back, handed on."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.review.release import log
from sinks.review.release.changes import changes
from sinks.review.release.finishing import require_finished, unfinished
from sinks.review.release.manifest import read, verify
from sinks.review.release.release import release
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.cli.tables import show, table
from streams.readable import harmless

BY = click.option("--by", required=True, metavar="NAME", help="Your name.")


@main.group("release")
def release_group() -> None:
    """Let decided items of signed batches out, in versions that stay as they are."""


@release_group.command("cut")
@click.argument("batches", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option("--version", required=True, help="A name that was never given, such as 2026.47.")
@BY
@plainly
def release_cut(batches: tuple[Path, ...], version: str, by: str) -> None:
    """Release the decided items of batches that are signed off."""
    made = release(batches, settings_module.load().releases, version, by, datetime.now(UTC))
    counts = ", ".join(
        f"{count} {name.removesuffix('.jsonl')}" for name, count in made.manifest.records.items() if count
    )
    click.echo(f"{made.path}: {counts}" + (", written before and now finished" if made.finished else ""))
    for why, count in made.manifest.left_out.items():
        click.echo(f"  left out: {count} {why}")
    if made.manifest.stayed:
        share = f"{made.manifest.evaluation_share:g}"
        click.echo(f"  {made.manifest.stayed} conversations stay on their side, though evaluation_share is {share} now")


@release_group.command("list")
@plainly
def release_list() -> None:
    """List what became of releases, and which is in use."""
    releases = settings_module.load().releases
    rows = table("when", "version", "what", "by", "to", "note")
    for line in log.read(releases):
        rows.add_row(*map(harmless, (line.at, line.version, line.what.replace("_", " "), line.by, line.to, line.note)))
    show(rows)
    current = log.current(releases)
    click.echo(f"In use: {current}" if current else "No release is in use.")
    for version in unfinished(releases):
        click.echo(f"{harmless(version)} was written and not finished: a kill came between. Release it again.")


@release_group.command("show")
@click.argument("version")
@plainly
def release_show(version: str) -> None:
    """Say what is in a release, of which batches, who signed these, and who was given it."""
    releases = settings_module.load().releases
    manifest = read(releases / version)
    instead = f", in place of {manifest.supersedes}" if manifest.supersedes else ""
    click.echo(harmless(f"{version} {_stands(releases, version)}. Released by {manifest.released_by}{instead}."))
    batches = table("batch", "signed by", "manifest", "decisions", "log")
    for each in manifest.sources:
        hashes = (each.manifest_sha256[:12], each.decisions_sha256[:12], each.audit_sha256[:12])
        batches.add_row(each.batch, harmless(" and ".join(each.signed_by)), *hashes)
    show(batches)
    files = table("file", "lines", "sha256")
    for name, count in manifest.records.items():
        files.add_row(name, f"{count:,}", manifest.files[name].sha256[:12])
    show(files)
    for why, count in manifest.left_out.items():
        click.echo(f"  left out: {count:,} {why}")
    for line in log.read(releases):
        if line.version == version:
            to = f" to {line.to}" if line.to else ""
            note = f": {line.note}" if line.note else ""
            click.echo(harmless(f"  {line.at}  {line.what.replace('_', ' ')}{to} by {line.by}{note}"))


def _stands(releases: Path, version: str) -> str:
    """Say in a few words what became of a release."""
    if version in unfinished(releases):
        return "was written and not finished: release it again"
    if other := log.replaced(releases).get(version):
        return f"is no more: something was erased from it, and {other} took its place"
    if version == log.current(releases):
        return "is in use"
    return "is withdrawn" if version in log.withdrawn(releases) else "is an earlier one"


@release_group.command("verify")
@click.argument("version")
@plainly
def release_verify(version: str) -> None:
    """Check a release's files against its manifest."""
    manifest = verify(settings_module.load().releases / version)
    click.echo(f"{version} is what its manifest says: {sum(manifest.records.values())} lines.")


@release_group.command("diff")
@click.argument("older")
@click.argument("newer")
@plainly
def release_diff(older: str, newer: str) -> None:
    """Say which inferences' lines came, went, or changed between two releases."""
    releases = settings_module.load().releases
    said = changes(releases / older, releases / newer)
    for sign, names in (("+", said.added), ("-", said.removed), ("~", said.changed)):
        for name in names:
            click.echo(f"{sign} {harmless(name)}")
    click.echo(f"{len(said.added)} added, {len(said.removed)} removed, {len(said.changed)} changed.")


@release_group.command("rollback")
@click.argument("version")
@BY
@click.option("--note", required=True, metavar="TEXT", help="Why.")
@plainly
def release_rollback(version: str, by: str, note: str) -> None:
    """Withdraw a release: the one before is in use again. Nothing is deleted."""
    releases = settings_module.load().releases
    verify(releases / version)
    require_finished(releases, version)
    log.append(releases, "withdrawn", version, by, datetime.now(UTC), note=note)
    click.echo(f"{version} is withdrawn. In use: {log.current(releases) or 'none'}.")
    for holder in log.holders(releases, version):
        click.echo(f"  tell {harmless(holder)}, who has it")


@release_group.command("hand-over")
@click.argument("version")
@click.option("--to", required=True, metavar="NAME", help="Who receives it.")
@BY
@plainly
def release_hand_over(version: str, to: str, by: str) -> None:
    """Write down who received a release, so that they can be told when something is erased from it."""
    releases = settings_module.load().releases
    verify(releases / version)
    require_finished(releases, version)
    log.append(releases, "handed_over", version, by, datetime.now(UTC), to=to)
    click.echo(f"{harmless(to)} has {version}.")
