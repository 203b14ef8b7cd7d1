"""One person goes through the open items in the terminal: each is shown, a key decides it, and it is kept at once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sinks.review import manifest
from sinks.review.audit import Step
from sinks.review.decisions import Verdict, decision
from sinks.review.items import read_line
from sinks.review.outcomes import Review, survey
from sinks.review.recording import record
from sinks.review.report.dialogue import Turn, answer, dialogue
from streams.readable import harmless

Item = dict[str, Any]
Said = tuple[Verdict, str | None, list[str] | None]  # with the correction, with the ranking
KEYS: dict[str, Verdict] = {"a": "accept", "r": "reject", "c": "correct", "k": "rank", "s": "skip"}


class Sitting:
    """A person at a batch.

    Nobody sees here what others said of an item, and where a service's label is being checked, not that label either:
    what is to be independent must be made so.

    Args:
        batch: its folder.
        person: their name.
    """

    def __init__(self, batch: Path, person: str) -> None:
        self._batch, self._person = batch, person
        self._name = manifest.read(batch).window.name

    def hold(self) -> tuple[int, int]:
        """Show and decide items until none is left or the person stops; return how many were decided, and are left."""
        decided = 0
        review, lines = survey(self._batch), _lines(self._batch)
        while waiting := review.waiting_for(self._person):
            item = _item(self._batch, lines[waiting[0]])
            for line in _page(item, _labels(item, review), len(waiting)):
                click.echo(line)
            begin = time.monotonic()
            said = _ask(item)
            if said is None:
                break
            review = self._keep(item["inference_id"], said, time.monotonic() - begin)
            decided += 1
        return decided, len(review.waiting_for(self._person))

    def _keep(self, inference_id: str, said: Said, seconds: float) -> Review:
        verdict, correction, ranking = said
        at = datetime.now(UTC)
        kept = decision(
            batch=self._name,
            inference_id=inference_id,
            reviewer=self._person,
            verdict=verdict,
            correction=correction,
            ranking=ranking,
            seconds=round(seconds, 1),
            at=at,
            source="cli",
        )
        return record(self._batch, [kept], Step.DECIDED, self._person, at).review


def _lines(batch: Path) -> dict[str, int]:
    """Return where each item begins in items.jsonl, in bytes: a batch need not fit into memory to be reviewed."""
    begins, at = {}, 0
    with (batch / "items.jsonl").open("rb") as lines:
        for line in lines:
            begins[read_line(line)["inference_id"]] = at
            at += len(line)
    return begins


def _item(batch: Path, begin: int) -> Item:
    with (batch / "items.jsonl").open("rb") as lines:
        lines.seek(begin)
        return read_line(lines.readline())


def _labels(item: Item, review: Review) -> list[str]:
    name = item["inference_id"]
    if review.plan.people[name] > 1 or any(name in sample for sample in review.plan.audited.values()):
        return []
    return [f"{each['name']}={each['value']} ({each['by']})" for each in item["prelabels"] or ()]


def _page(item: Item, labels: list[str], left: int) -> Iterator[str]:
    yield ""
    yield f"── {harmless(item['inference_id'])} · {harmless(item['segment'] or '')} · {left} left"
    for why in item["why"] or ():
        yield f"   {harmless(why)}"
    if labels:
        yield f"   labelled {harmless(', '.join(labels))}"
    for turn in dialogue(item):
        yield from _turn(turn)
    for number, other in enumerate(item["alternatives"] or (), 2):
        yield f"answer {number}:"
        for turn in answer(other):
            yield from _turn(turn)


def _turn(turn: Turn) -> Iterator[str]:
    yield f"{harmless(turn.role)}:"
    for line in turn.text.split("\n"):
        yield f"   {harmless(line)}"


def _ask(item: Item) -> Said | None:
    """Return what the person says, or None where they stop."""
    several = bool(item["alternatives"])
    click.echo(f"(a)ccept (r)eject (c)orrect {'ran(k) ' if several else ''}(s)kip (q)uit: ", nl=False)
    while True:
        key = _key()
        if key == "q":
            click.echo("quit")
            return None
        if key not in KEYS or (key == "k" and not several):
            continue
        verdict = KEYS[key]
        click.echo(verdict)
        if verdict == "correct":
            return verdict, _typed(), None
        return verdict, None, _ranked(item) if verdict == "rank" else None


def _key() -> str:
    try:
        return click.getchar().lower()
    except OSError:
        raise click.UsageError("A review needs a terminal: without one, use `sluice batch decide` or import.") from None


def _typed() -> str:
    """Return lines up to one that is a dot. No editor is opened: some obey what the text that they show says."""
    click.echo("The better answer; a line with a dot alone ends it:")
    while True:
        lines = []
        while (line := click.prompt("", prompt_suffix="", default="", show_default=False)) != ".":
            lines.append(line)
        if text := "\n".join(lines).strip():
            return text
        click.echo("It is empty: write it, and end it with a line with a dot alone.")


def _ranked(item: Item) -> list[str]:
    """Return answers by their numbers as shown, best first; the item's own is 1."""
    others = [f"{each['inference_id']}#{each['choice']}" for each in item["alternatives"]]
    answers = {str(number): name for number, name in enumerate((f"{item['inference_id']}#0", *others), 1)}
    while True:
        numbers = click.prompt(f"Best first, such as {' '.join(reversed(answers))}", type=str).split()
        if sorted(numbers) == sorted(answers):
            return [answers[number] for number in numbers]
        click.echo(f"Name each of {', '.join(answers)} once.")
