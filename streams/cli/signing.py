"""Commands about where a batch stands: what is decided, what is missing, who signed, and every step that led there."""

import math
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import click
from rich.table import Table

from sinks.review import agreement, manifest, sign_off
from sinks.review.audit import Audit, State, state
from sinks.review.outcomes import Review, survey
from sinks.review.refusals import CutRefused, NotABatch
from streams import settings as settings_module
from streams.cli.batches import batch
from streams.cli.group import plainly
from streams.cli.reviewing import BY, FOLDER
from streams.cli.tables import show, table
from streams.readable import harmless


@batch.command("sign")
@FOLDER
@BY
@click.option("--role", required=True, metavar="ROLE", help="As what you sign, such as curator.")
@plainly
def batch_sign(folder: Path, by: str, role: str) -> None:
    """Sign a batch off, so that its decided items can be released; or list what is missing."""
    signed = sign_off.sign(folder, by, role, datetime.now(UTC))
    click.echo(f"{by}, {role}: {sign_off.STATEMENT}")
    if signed.complete:
        click.echo(f"{folder} is signed off.")
    else:
        click.echo("It holds what the policy calls sensitive: a second person has to sign, too.")


@batch.command("reject")
@FOLDER
@BY
@click.option("--why", required=True, metavar="TEXT", help="For the log.")
@plainly
def batch_reject(folder: Path, by: str, why: str) -> None:
    """Reject a batch, for good: nothing of it can be released."""
    sign_off.reject(folder, by, why, datetime.now(UTC))
    click.echo(f"{folder} is rejected.")


@batch.command("audit")
@FOLDER
@plainly
def batch_audit(folder: Path) -> None:
    """Print every step of a batch, after checking that none was changed."""
    rows = table("", "at", "step", "by", "facts")
    entries = Audit(folder).steps()
    for entry in entries:
        facts = ", ".join(f"{name}={_short(value)}" for name, value in entry.facts.items())
        rows.add_row(str(entry.number), entry.at, entry.step, harmless(entry.by), harmless(facts))
    show(rows)
    last = sha256(entries[-1].line()).hexdigest() if entries else "none"
    click.echo(f"The chain is whole. Steps cut off at its end would not show: who keeps its last hash sees it: {last}")


def _short(value: object) -> str:
    """Return a fact in a line: of a hash, as much as tells it from others."""
    said = str(value)
    return said[:12] if re.fullmatch("[0-9a-f]{64}", said) else said


@batch.command("status")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@plainly
def batch_status(folder: Path | None) -> None:
    """Show where each batch stands and what comes next; of one, also how people agree, and with what labels."""
    if folder is not None:
        _rows([folder])
        _details(folder)
        return
    held = settings_module.load().batches
    found = sorted(path.parent for path in held.glob(f"[!.]*/{manifest.NAME}"))
    if not found:
        raise NotABatch(f"There is no batch in {held}: `sluice batch cut --week` makes one.")
    _rows(found)


def _rows(folders: list[Path]) -> None:
    rows = table("batch", "state", "items", "decided", "open", "in conflict", "alpha", "minutes", "next")
    for folder in folders:
        try:
            rows.add_row(*_row(folder))
        except CutRefused as refused:  # one that is broken says so and hides no other
            rows.add_row(folder.name, "broken", *[""] * 6, harmless(str(refused)))
    show(rows)


def _row(folder: Path) -> list[str]:
    now, review = state(folder), survey(folder)
    alpha = agreement.of_verdicts(review.decisions).alpha
    spent = math.fsum(total for _, total in agreement.seconds(review.decisions).values())
    return [
        manifest.read(folder).window.name,
        now.replace("_", " "),
        str(len(review.outcomes)),
        str(len(review.outcomes) - len(review.open)),
        str(len(review.open)),
        str(len(review.conflicts)),
        "" if alpha.value is None else f"{alpha.value:.2f} (n={alpha.items})",
        f"{spent / 60:.1f}",
        _next(folder, now, review),
    ]


def _next(folder: Path, now: State, review: Review) -> str:
    """Say what comes next, in plain words."""
    signed = sign_off.signatures(folder)
    void = f"{harmless(signed.void)} " if signed.void else ""
    match now:
        case State.REJECTED:
            return "nothing: it was rejected"
        case State.RELEASED:
            return "nothing: it is released"
        case State.SIGNED_OFF if not signed.void:
            return "release it: sluice release cut"
    if review.open:
        work = ["decide: sluice batch review, or export and import"] if len(review.conflicts) < len(review.open) else []
        work += ["settle conflicts: sluice batch conflicts, then adjudicate"] if review.conflicts else []
        return void + "; ".join(work)
    if signed.valid:
        return f"a second signature, after that of {harmless(signed.valid[0].by)}: sluice batch sign"
    return f"{void}sign: sluice batch sign" + ("" if signed.needed == 1 else ", two people")


def _details(folder: Path) -> None:
    review = survey(folder)
    kappas = [("verdicts", agreement.of_verdicts(review.decisions)), *agreement.of_labels(review.decisions).items()]
    rows = table("agreement on", "measure", "value", "95% interval", "items")
    for name, each in kappas:
        measures = {"Krippendorff's alpha": each.alpha, "Fleiss' kappa": each.fleiss}
        measures |= {f"Cohen's kappa, {one} and {two}": found for (one, two), found in each.cohen.items()}
        for measure, found in measures.items():
            if found.value is not None:
                interval = "" if found.low is None else f"{found.low:.2f} to {found.high:.2f}"
                rows.add_row(harmless(name), harmless(measure), f"{found.value:.2f}", interval, str(found.items))
    _if_any(rows)
    people = table("person", "timed decisions", "minutes", "seconds an item")
    for person, (count, total) in agreement.seconds(review.decisions).items():
        people.add_row(harmless(person), str(count), f"{total / 60:.1f}", f"{total / count:.0f}")
    _if_any(people)
    labels = table("pre-label", "by", "agreed", "share", "95% interval")
    for worth in agreement.of_prelabels(folder, review.decisions):
        share, interval = f"{worth.accepted / worth.asked:.0%}", f"{worth.low:.0%} to {worth.high:.0%}"
        agreed = f"{worth.accepted} of {worth.asked}"
        labels.add_row(harmless(worth.label), harmless(worth.by), agreed, share, interval)
    _if_any(labels)
    audits = table("pre-label", "audited", "wrong", "bound of the error rate", "stands")
    for label, trust in review.trusts.items():
        stands = "not known yet" if trust.pending else "yes" if trust.stands else "no: people decide all"
        row = (f"{trust.checked} of {trust.needed}", str(trust.wrong), f"{trust.bound:.1%}", stands)
        audits.add_row(harmless(str(label)), *row)
    _if_any(audits)


def _if_any(rows: Table) -> None:
    if rows.row_count:
        click.echo()
        show(rows)
