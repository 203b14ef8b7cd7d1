"""What a run of chaos came to becomes the table of docs/reliability.md."""

import statistics
from pathlib import Path

from tests.chaos.faults import ALL
from tests.chaos.run import Result

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
ENDS = "<!-- to here -->"


def table(result: Result, minutes: float) -> str:
    """Return the table in Markdown, with what was counted above it."""
    others = "NOT " if result.unlike() else ""
    head = [
        f"Seed {result.seed}, {minutes:g} minutes of faults, {result.broker}, {result.rate:g} answers a second: "
        f"{result.injected} faults, {result.sent:,} answers sent, **{result.lost} lost, {result.doubled} double**; "
        f"{result.poisoned:,} records that are none, {result.dead_letters:,} dead letters; {len(result.findings)} "
        f"finding(s), {others}the same as without faults. Workers took {result.largest_mb:.0f} MB at most; "
        f"{result.restarts} times one ended by itself and was started again. Their logs have {result.said} lines of "
        "Sluice's own from warnings up.",
        "",
        "| fault | times | lost | double | recovered after, median | at most | what a user sees |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(head + [_row(result, name, seen) for name, seen in _seen().items()])


def keep(text: str, target: str = "chaos") -> None:
    """Put what `make chaos`, or another target, came to into docs/reliability.md, in the place of the last one."""
    begins = f"<!-- kept by make {target} -->"
    before, _, rest = PAGE.read_text().partition(begins)
    after = rest.partition(ENDS)[2]
    PAGE.write_text(f"{before}{begins}\n{text}\n{ENDS}{after}")


def _seen() -> dict[str, str]:
    return {fault.name: fault.seen for fault in ALL}


def _row(result: Result, name: str, seen: str) -> str:
    harms = result.harms.get(name)
    if not harms:
        return f"| {name} | 0 | | | | | {seen} |"
    seconds = [harm.seconds for harm in harms]
    lost, doubled = sum(harm.lost for harm in harms), sum(harm.doubled for harm in harms)
    took = f"{statistics.median(seconds):.1f} s | {max(seconds):.1f} s"
    return f"| {name} | {len(harms)} | {lost} | {doubled} | {took} | {seen} |"
