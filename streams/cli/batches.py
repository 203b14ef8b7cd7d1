"""Commands about what comes out: review batches are planned, cut and checked."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sinks.clickhouse import ClickHouse
from sinks.review import audit, decisions, policy_page
from sinks.review.candidates import Reason
from sinks.review.cut import cut
from sinks.review.mend import mend
from sinks.review.plan import plan
from sinks.review.policy import Policy
from sinks.review.windows import Window
from streams import settings as settings_module
from streams import weekly
from streams.cli import tables
from streams.cli.group import main, plainly
from streams.sealing import opener


@main.group()
def batch() -> None:
    """Review batches: cut them, have them decided, sign them off."""


@batch.command("cut")
@click.option("--week", help="ISO week, such as 2026-W46.")
@click.option("--from", "begin", help="Begin of another window, such as 2026-11-09T08:00:00Z.")
@click.option("--to", "end", help="End of that window, itself not in it.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of batches; else SLUICE_BATCHES.")
@plainly
def batch_cut(week: str | None, begin: str | None, end: str | None, out: Path | None) -> None:
    """Cut a week, or any closed window, into a review batch; one that is there is compared, never written over."""
    held = settings_module.load()
    window = _window(week, begin, end)
    policy = Policy.read(held.review_policy)
    clickhouse = ClickHouse(held.clickhouse_url)
    opens, tokens = opener(held, clickhouse), settings_module.tokens()
    result = cut(clickhouse.client, window, policy, out or held.batches, held.lateness, tokens, opens)
    audit.begin(result.path, datetime.now(UTC))
    click.echo(weekly.told(result))


@batch.command("plan")
@click.option("--week", help="ISO week, such as 2026-W46.")
@click.option("--from", "begin", help="Begin of another window, such as 2026-11-09T08:00:00Z.")
@click.option("--to", "end", help="End of that window, itself not in it.")
@plainly
def batch_plan(week: str | None, begin: str | None, end: str | None) -> None:
    """Show what a cut would take, before it is made; the window may still be open."""
    held = settings_module.load()
    policy = Policy.read(held.review_policy)
    clickhouse = ClickHouse(held.clickhouse_url)
    window, opens = _window(week, begin, end), opener(held, clickhouse)
    planned = plan(clickhouse.client, window, policy, held.batches, held.lateness, opens)
    funnel = planned.funnel
    click.echo(f"{planned.window.name}{'' if planned.closed else ' is open, more may come'}")
    click.echo(
        f"  {funnel.inferences:,} inferences, less {funnel.synthetic:,} synthetic, {funnel.without_consent:,} without "
        f"consent and {funnel.in_another_batch:,} in another batch, plus {funnel.late:,} late ones of weeks before: "
        f"{funnel.eligible:,} eligible"
    )
    shown = tables.table("reason", "candidates", "quota", "would take")
    for reason in Reason:
        quota = getattr(policy.quotas, reason)
        shown.add_row(reason, f"{planned.candidates.get(reason, 0):,}", str(quota), str(planned.taken.get(reason, 0)))
    tables.show(shown)
    click.echo(
        f"  {planned.items} items of at most {policy.budget.size}, {planned.folded} near-duplicates folded: about "
        f"{planned.minutes:.0f} minutes of review"
    )


@batch.command("policy")
@plainly
def batch_policy() -> None:
    """Check SLUICE_REVIEW_POLICY, and print every value of it with its meaning."""
    click.echo(policy_page.page(Policy.read(settings_module.load().review_policy)), nl=False)


def _window(week: str | None, begin: str | None, end: str | None) -> Window:
    if week and not (begin or end):
        return Window.week(week)
    if week or not (begin and end):
        raise click.UsageError("Name a window: --week, or --from and --to.")
    try:
        return Window.between(datetime.fromisoformat(begin), datetime.fromisoformat(end))
    except ValueError as wrong:
        raise click.UsageError(f"{wrong}: write times like 2026-11-09T08:00:00Z") from None


@batch.command("verify")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@plainly
def batch_verify(folder: Path) -> None:
    """Check a batch's files against its manifest, and what people said of it against its log."""
    steps, said = audit.Audit(folder).steps(), decisions.read(folder)
    manifest = audit.vouched(folder, steps)
    click.echo(f"{folder} is what its manifest says: {manifest.counts.items} items of {manifest.window.name}.")
    click.echo(f"Its log is whole, {len(steps)} steps, and so are {len(said)} decisions.")


@batch.command("mend")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@plainly
def batch_mend(folder: Path) -> None:
    """Cut the window of a torn batch again, and put back its files where they come out as its manifest says."""
    held = settings_module.load()
    clickhouse = ClickHouse(held.clickhouse_url)
    mended = mend(clickhouse.client, folder, settings_module.tokens(), opener(held, clickhouse))
    click.echo(f"{folder} is whole{': ' + ', '.join(mended) + ' came out the same, and are back' if mended else ''}.")
