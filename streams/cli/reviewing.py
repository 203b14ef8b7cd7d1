"""Commands by which people decide: one item, one after the other in the terminal, or what others disagree about."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import click

from sinks.review import manifest
from sinks.review.audit import Step
from sinks.review.decisions import Decision, Source, Verdict, decision
from sinks.review.outcomes import Standing, survey
from sinks.review.recording import record
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.sitting import Sitting
from streams.cli.tables import show, table
from streams.readable import harmless

FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
BY = click.option("--by", required=True, metavar="NAME", help="Your name.")
VERDICT = click.option("--verdict", required=True, type=click.Choice(get_args(Verdict)), help="What you say of it.")
CORRECTION = click.option("--correction", metavar="TEXT", help="The better answer, for the verdict `correct`.")
RANK = click.option("--rank", multiple=True, metavar="ID#CHOICE", help="Answers, best first, for `rank`; repeatable.")
LABEL = click.option("--label", "labels", multiple=True, metavar="NAME", help="A label of yours; repeatable.")
NOTE = click.option("--note", default="", metavar="TEXT", help="For whoever reads it later.")
CLI: Source = "cli"


@batch.command("decide")
@FOLDER
@click.argument("inference_id")
@VERDICT
@BY
@CORRECTION
@RANK
@LABEL
@NOTE
@click.option("--agrees", multiple=True, metavar="LABEL", help="A service's label that is right; repeatable.")
@click.option("--disagrees", multiple=True, metavar="LABEL", help="One that is wrong; repeatable.")
@plainly
def batch_decide(
    folder: Path,
    inference_id: str,
    verdict: str,
    by: str,
    correction: str | None,
    rank: tuple[str, ...],
    labels: tuple[str, ...],
    note: str,
    agrees: tuple[str, ...],
    disagrees: tuple[str, ...],
) -> None:
    """Decide one item. Deciding it again replaces what you said before."""
    at = datetime.now(UTC)
    said = decision(
        batch=manifest.read(folder).window.name,
        inference_id=inference_id,
        reviewer=by,
        verdict=cast(Verdict, verdict),
        correction=correction,
        ranking=list(rank) or None,
        labels=list(labels),
        note=note,
        at=at,
        source=CLI,
        agrees_with_prelabels=dict.fromkeys(agrees, True) | dict.fromkeys(disagrees, False),
    )
    _keep(folder, said, Step.DECIDED, by, at)


@batch.command("review")
@FOLDER
@BY
@plainly
def batch_review(folder: Path, by: str) -> None:
    """Decide the open items one after the other; whenever you stop, what you have decided is kept."""
    decided, left = Sitting(folder, by).hold()
    click.echo(
        f"{decided} decided; {left} are left for you." if left else f"{decided} decided; nothing is left for you."
    )


@batch.command("conflicts")
@FOLDER
@plainly
def batch_conflicts(folder: Path) -> None:
    """List the items about which people disagree, and what each of them says."""
    review = survey(folder)
    rows = table("item", "person", "verdict", "correction or ranking", "note")
    for name in review.conflicts:
        ids = review.outcomes[name].decision_ids
        for each in (each for each in review.decisions if each.decision_id in ids):
            what = str(each.correction or " > ".join(each.ranking or ()))
            rows.add_row(*map(harmless, (name, each.reviewer, each.verdict, what, each.note)))
    if review.conflicts:
        show(rows)
    click.echo(f"{len(review.conflicts)} conflicts." if review.conflicts else "Nobody disagrees.")


@batch.command("adjudicate")
@FOLDER
@click.argument("inference_id")
@VERDICT
@BY
@CORRECTION
@RANK
@LABEL
@NOTE
@plainly
def batch_adjudicate(
    folder: Path,
    inference_id: str,
    verdict: str,
    by: str,
    correction: str | None,
    rank: tuple[str, ...],
    labels: tuple[str, ...],
    note: str,
) -> None:
    """Settle a conflict, as a person who is not part of it."""
    at = datetime.now(UTC)
    outcome = survey(folder).outcomes.get(inference_id)
    if outcome is None or outcome.standing is not Standing.CONFLICT:
        raise click.UsageError(f"Nobody disagrees about {harmless(inference_id)}: see `sluice batch conflicts`.")
    said = decision(
        batch=manifest.read(folder).window.name,
        inference_id=inference_id,
        reviewer=by,
        verdict=cast(Verdict, verdict),
        correction=correction,
        ranking=list(rank) or None,
        labels=list(labels),
        note=note,
        at=at,
        source=CLI,
        adjudicates=list(outcome.decision_ids),
    )
    _keep(folder, said, Step.ADJUDICATED, by, at)


def _keep(folder: Path, said: Decision, step: Step, by: str, at: datetime) -> None:
    review = record(folder, [said], step, by, at).review
    standing = review.outcomes[said.inference_id].standing
    now = {"open": "open still: it needs another person", "conflict": "in conflict", "decided": "decided"}[standing]
    click.echo(f"{harmless(said.inference_id)} is {now}. {len(review.open)} of {len(review.outcomes)} are open.")
