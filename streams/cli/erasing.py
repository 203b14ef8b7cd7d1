"""Commands about erasure: a user or an inference is erased everywhere, with a receipt; what is left is looked for."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from sinks.clickhouse import connect
from sinks.review.erasure.erase import erase, look
from sinks.review.erasure.place import Place
from sinks.review.erasure.receipt import Receipt
from sinks.review.erasure.subject import Subject
from sinks.review.erasure.work import Work
from streams import settings as settings_module
from streams.cli.group import main, plainly
from streams.cli.tables import show, table
from streams.forgetting import salt
from streams.pseudonyms import PSEUDONYM, Pseudonyms
from streams.readable import harmless
from streams.remembered import Detectors
from streams.settings import Settings
from streams.unreached import unreached

MUTATION_S = 6 * 3600  # seconds that ClickHouse may take to write a table anew


@main.command("erase")
@click.option("--user", "users", multiple=True, metavar="ID", help="A user's own id, or u_…; repeatable.")
@click.option("--inference", "inferences", multiple=True, metavar="ID", help="An inference; repeatable.")
@click.option("--by", metavar="NAME", help="Who says so; needed to erase.")
@click.option("--dry-run", is_flag=True, help="Count what would go, and change nothing.")
@click.option("--check", is_flag=True, help="Look for what is left of this, and of all that was erased before.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
@plainly
def erase_command(
    users: tuple[str, ...],
    inferences: tuple[str, ...],
    by: str | None,
    dry_run: bool,
    check: bool,
    as_json: bool,
) -> None:
    """Erase a user or an inference from rows, feedback, dead letters, findings, detectors, batches, exports, releases.

    Ends with a receipt of what was found and what is left, which is kept without names in erasures.jsonl beside the
    batches. May be run again at any time, also after it was killed; with neither user nor inference it erases what is
    left, or came late, of what was erased before. Exits with 1 where anything is left.
    """
    held = settings_module.load()
    now = datetime.now(UTC)
    subject = _subject(held, users, inferences, by or "", now)
    client = connect(held.clickhouse_url, answers_within_s=MUTATION_S)

    def elsewhere(work: Work) -> list[Place]:
        return [Detectors(held, work, subject.salt)]

    if dry_run or check:
        receipt = look(client, subject, held.batches, held.releases, elsewhere=elsewhere)
    elif not by:
        raise click.UsageError("Say who says so: --by. `--dry-run` and `--check` only look.")
    else:
        beyond = unreached(held, own_ids=bool(subject.raw_users))
        receipt = erase(client, subject, held.batches, held.releases, elsewhere=elsewhere, unreached=beyond)
    _print(receipt, as_json=as_json, counted_only=dry_run or check)
    sys.exit(1 if receipt.left and not dry_run else 0)


def _subject(held: Settings, users: Sequence[str], inferences: Sequence[str], by: str, now: datetime) -> Subject:
    raw = [user for user in users if not PSEUDONYM.fullmatch(user)]
    names = [Pseudonyms(key) for key in (held.pseudonyms, *held.pseudonyms_before)]
    known = [user for user in users if user not in raw] + [name.of_user(user) for user in raw for name in names]
    return Subject(tuple(dict.fromkeys(known)), tuple(raw), tuple(inferences), now, salt(held), by)


def _print(receipt: Receipt, *, as_json: bool, counted_only: bool) -> None:
    if as_json:
        click.echo(json.dumps(receipt.to_json(), indent=2))
        return
    rows = table("place", "found") if counted_only else table("place", "found", "left")
    for name, counts in receipt.places.items():
        shown = (counts["found"],) if counted_only else (counts["found"], counts["left"])
        rows.add_row(name, *(f"{count:,}" for count in shown))
    show(rows)
    for line in receipt.elsewhere:
        click.echo(harmless(line))
    if counted_only:
        click.echo(f"{receipt.left:,} found." if receipt.left else "Nothing is there.")
    else:
        click.echo(_rest(receipt))


def _rest(receipt: Receipt) -> str:
    """Say what is left, and what is to be done about it."""
    left = [name for name, counts in receipt.places.items() if counts["left"]]
    if not left:
        return "Nothing is left."
    return (
        f"{receipt.left:,} are left in {', '.join(left)}. Detectors forget when their worker runs. Run it again then: "
        "no name is needed."
    )
