"""`python -m bench.review --seed N` cuts a week with a planted truth, and says what the batch is worth.

Defects (3%), rare failures (0.05%), a topic that no week knew (0.2%) and repetitions (8%) are planted among made-up
inferences; two weeks of reference lie before. A cut with the policy's defaults is then held against the truth. Cuts of
a hundred other seeds, of the control alone, show how often its interval covers the share of defects, and how near its
estimates come. A run of the full size replaces bench/review.json.
"""

import os
import platform
import resource
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from bench.review.planted import MONDAY, WEEK, Truth, number_of, plant, truth
from deploy.local.clickhouse import LocalClickHouse
from sinks.clickhouse import ClickHouse, migrate
from sinks.review.candidates import Reason
from sinks.review.cut import CutResult, cut
from sinks.review.estimate import Weighed, estimate
from sinks.review.folding import jaccard, shingled
from sinks.review.parents import Parents
from sinks.review.policy import Policy, Quotas
from sinks.review.select import select
from sinks.review.snapshot import snapshot
from sinks.review.texts import answer, question
from sinks.review.windows import Window
from streams.traffic.text import Texts

LATEST = Path(__file__).parents[1] / "review.json"
FULL = 1_000_000
WINDOW = Window(MONDAY, MONDAY + WEEK)
DAY = timedelta(days=1)
CONTROL = 300  # draws of each of the hundred cuts, as many as a careful team would review


@dataclass(frozen=True)
class Outcome:
    """What one run showed; None and negative numbers do not occur."""

    seed: int
    inferences: int
    seconds: float  # of the cut, by the clock
    client_cpu_s: float
    client_mb: float  # greatest resident memory of the process that cuts, the planting included
    items: int
    enrichment: float  # of rare failures in the batch, over a uniform draw of as many
    rare_in_batch: int
    new_topic_discovered: int  # items of the new topic among the discoveries
    discoveries: int
    nearest_pair: float  # Jaccard of the two texts of the batch that are most alike
    most_of_a_user: int
    covered: int  # of `cuts`
    cuts: int
    defects: float  # the true share
    mean_estimate: float
    mean_width: float


@click.command(help=__doc__)
@click.option("--seed", default=1, show_default=True, help="Of all that is drawn.")
@click.option("--inferences", default=FULL, show_default=True, help="In the week that is cut.")
@click.option("--cuts", default=100, show_default=True, help="Of the control, with other seeds.")
def main(seed: int, inferences: int, cuts: int) -> None:
    console = Console(width=None if Console().is_terminal else 120)
    with LocalClickHouse() as server, tempfile.TemporaryDirectory() as folder:
        sink = ClickHouse(f"{server.url}/planted")
        migrate(sink.client)
        planted, texts = truth(inferences, seed), Texts(seed, "planted")
        with console.status("Planting …") as status:
            for week, count, of in ((-2, inferences // 5, None), (-1, inferences // 5, None), (0, inferences, planted)):
                for done in plant(sink, texts, week, count, seed, of):
                    status.update(f"Planting week {week}: {done:,} of {count:,}")
            for _ in plant(sink, texts, 1, 2000, seed, None):  # the week after closes the window
                pass
        outcome = _measure(sink, planted, Path(folder), seed, cuts, console)
    _show(outcome, console)
    if (inferences, cuts) == (FULL, 100):
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
        LATEST.write_bytes(
            orjson.dumps(asdict(outcome) | machine, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )


def _measure(sink: ClickHouse, planted: Truth, out: Path, seed: int, cuts: int, console: Console) -> Outcome:
    policy = Policy(seed=seed)
    began, cpu = time.monotonic(), time.process_time()
    result = cut(sink.client, WINDOW, policy, out, DAY)
    seconds, client_cpu = time.monotonic() - began, time.process_time() - cpu
    items = _items(result)
    numbers = [number_of(item["inference_id"]) for item in items]
    rare = int(planted.rare[numbers].sum())
    discovered = [item for item in items if Reason.DISCOVERY in item["reasons"]]
    estimates = _estimates(sink, planted, seed, cuts, console)
    true = float(planted.defective.mean())
    return Outcome(
        seed=seed,
        inferences=len(planted.rare),
        seconds=round(seconds, 2),
        client_cpu_s=round(client_cpu, 2),
        client_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0),
        items=len(items),
        enrichment=round(rare / len(items) / float(planted.rare.mean()), 1),
        rare_in_batch=rare,
        new_topic_discovered=int(sum(planted.new_topic[number_of(item["inference_id"])] for item in discovered)),
        discoveries=len(discovered),
        nearest_pair=round(_nearest(items), 3),
        most_of_a_user=max(Counter(item["user_id"] for item in items).values()),
        covered=sum(low <= true <= high for _, low, high in estimates),
        cuts=len(estimates),
        defects=round(true, 5),
        mean_estimate=round(statistics.fmean(rate for rate, _, _ in estimates), 5),
        mean_width=round(statistics.fmean(high - low for _, low, high in estimates), 5),
    )


def _estimates(
    sink: ClickHouse, planted: Truth, seed: int, cuts: int, console: Console
) -> list[tuple[float, float, float]]:
    """Draw the control anew with other seeds, and estimate the share of defects as if people had judged it."""
    found = []
    quotas = Quotas(**(dict.fromkeys(Reason, 0) | {Reason.CONTROL: CONTROL}))
    with snapshot(sink.client, WINDOW, WINDOW.end + DAY, Parents(), "planted") as shot, console.status("") as status:
        for number in range(cuts):
            status.update(f"Cut {number + 1} of {cuts}")
            policy = Policy(seed=1_000_000 * (seed + 1) + number, quotas=quotas)
            picks = select(shot, policy).picks
            judged = [
                Weighed(pick.control_weight, bool(planted.defective[number_of(pick.inference_id)]))
                for pick in picks
                if pick.control_weight is not None
            ]
            of = estimate(judged)
            found.append((of.rate, of.low, of.high))
    return found


def _items(result: CutResult) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (result.path / "items.jsonl").read_bytes().splitlines()]


def _nearest(items: list[dict[str, Any]]) -> float:
    texts = [
        f"{question(orjson.dumps(item['input_messages']).decode())}\n"
        f"{answer(orjson.dumps(item['output_messages']).decode())}"
        for item in items
    ]
    shingles = [each for each in map(shingled, texts) if each]
    return max(jaccard(one, other) for one, other in combinations(shingles, 2))


def _show(outcome: Outcome, console: Console) -> None:
    table = Table("what", "measured", "asked for", box=None, padding=(0, 2, 0, 0))
    table.add_row("inferences of the week", f"{outcome.inferences:,}", "")
    table.add_row("the cut", f"{outcome.seconds:.1f} s, {outcome.client_cpu_s:.1f} s of CPU in the client", "")
    table.add_row("client's memory", f"{outcome.client_mb:.0f} MB, the planting included", "≤ 1,000")
    table.add_row("items", str(outcome.items), "≤ 500")
    table.add_row("most of one user", str(outcome.most_of_a_user), "≤ 5")
    table.add_row(
        "rare failures over uniform", f"{outcome.enrichment:.0f} times, {outcome.rare_in_batch} items", "≥ 50"
    )
    table.add_row(
        "new topic among the discoveries", f"{outcome.new_topic_discovered} of {outcome.discoveries} items", "≥ 1"
    )
    table.add_row("nearest pair, Jaccard", f"{outcome.nearest_pair:.3f}", "< 0.9")
    table.add_row("control's interval covers", f"{outcome.covered} of {outcome.cuts}", "≥ 93 of 100")
    table.add_row(
        "share of defects",
        f"{outcome.mean_estimate:.4f} on average, width {outcome.mean_width:.4f}",
        f"{outcome.defects:.4f} in truth",
    )
    console.print(table)


if __name__ == "__main__":
    main()
