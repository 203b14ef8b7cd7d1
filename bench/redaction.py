"""`python -m bench.redaction`: what redaction costs for each KB of text, and what it finds of the labelled set.

CPU of this process, the least of several runs. Ordinary text is composed by the simulator and holds nothing to redact;
hostile text is what the tests throw at it, a megabyte each.
"""

import time
from collections.abc import Callable, Sequence

import click
from rich.console import Console
from rich.table import Table

from streams.redaction.text import redact, redact_all
from streams.traffic.text import Texts
from tests.streams.redaction_cases import HOSTILE, Score, labelled, score

MEGABYTE = 2**20


def cpu_us(work: Callable[[Sequence[str]], object], texts: Sequence[str], repeat: int) -> float:
    """Return the microseconds of CPU that a piece of work takes for each text at best."""
    runs = []
    for _ in range(repeat):
        began = time.process_time()
        for text in texts:
            work([text])
        runs.append(time.process_time() - began)
    return min(runs) / len(texts) * 1e6


def ordinary(language: str) -> list[str]:
    """Compose a thousand answers of about 300 tokens, a third of them with code."""
    texts = Texts(seed=1, purpose="bench")
    topics = ("billing", "travel", "python")
    return [texts.answer(language, topics[number % 3], 300, listed=False) for number in range(1000)]


def cost() -> Table:
    table = Table("text", "µs a KB", title="CPU")
    for language in ("en", "zh"):
        texts = ordinary(language)
        alone = cpu_us(redact_all, texts, repeat=5) * len(texts) / _kb(texts)
        table.add_row(f"ordinary, {language}, {_kb(texts) / len(texts):.1f} KB a text", f"{alone:.1f}")
        events = ["\n".join(texts[start : start + 10]) for start in range(0, len(texts), 10)]
        table.add_row(
            f"ordinary, {language}, ten to an event", f"{cpu_us(redact_all, events, 5) * 100 / _kb(texts):.1f}"
        )
    for name, unit in HOSTILE.items():
        text = unit * (MEGABYTE // len(unit.encode()))
        table.add_row(f"hostile: {name}", f"{cpu_us(redact_all, [text], repeat=3) / 1024:.1f}")
    return table


def _kb(texts: Sequence[str]) -> float:
    return sum(len(text.encode()) for text in texts) / 1024


def quality(scored: Score, title: str) -> Table:
    table = Table("kind", "right", "wrong", "missed", "precision", "recall", title=title)
    for kind in (*sorted(scored.right | scored.wrong | scored.missed), ""):
        kinds = (kind,) if kind else ()
        counts = [str(each[kind] if kind else each.total()) for each in (scored.right, scored.wrong, scored.missed)]
        table.add_row(kind or "all", *counts, f"{scored.precision(*kinds):.3f}", f"{scored.recall(*kinds):.3f}")
    return table


@click.command()
def main() -> None:
    """Measure and print three tables, and every case that fails."""
    console = Console(highlight=False, markup=False)
    cases = labelled()
    misses = sum(case.is_miss for case in cases)
    for source in ("hand", "unseen", "drawn"):
        of_source = [case for case in cases if case.source == source]
        console.print(quality(score(of_source, lambda text: redact(text)[0]), f"{source}: {len(of_source)} cases"))
    scored = score(cases, lambda text: redact(text)[0])
    console.print(quality(scored, f"all {len(cases)} cases, {misses} of them near misses"))
    for case, redacted in scored.failed:
        console.print(f"failed: {case.text!r} became {redacted!r}")
    console.print(cost())


if __name__ == "__main__":
    main()
