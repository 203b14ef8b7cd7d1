"""A batch of a planted week is held against the truth, and estimates of a hundred controls against the true share."""

import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
from clickhouse_connect.driver.client import Client
from rich.table import Table

from bench.review.measured import DAY, WINDOW
from bench.review.planted import Truth, number_of
from sinks.review.candidates import Reason
from sinks.review.estimate import Weighed, estimate
from sinks.review.folding import jaccard, shingled
from sinks.review.parents import Parents
from sinks.review.policy import Policy, Quotas
from sinks.review.select import select
from sinks.review.snapshot import snapshot
from sinks.review.texts import answer, question

CONTROL = 300  # draws of each of the hundred cuts, as many as a careful team would review


@dataclass(frozen=True)
class Verdict:
    """What a batch is worth; None and negative numbers do not occur."""

    seed: int
    inferences: int
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


def judged(client: Client, batch: Path, planted: Truth, seed: int, cuts: int) -> Verdict:
    """Judge a batch, and the control of as many other seeds as `cuts`."""
    items = [orjson.loads(line) for line in (batch / "items.jsonl").read_bytes().splitlines()]
    numbers = [number_of(item["inference_id"]) for item in items]
    rare = int(planted.rare[numbers].sum())
    discovered = [item for item in items if Reason.DISCOVERY in item["reasons"]]
    estimates = _estimates(client, planted, seed, cuts)
    true = float(planted.defective.mean())
    return Verdict(
        seed=seed,
        inferences=len(planted.rare),
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


def table(verdict: Verdict) -> Table:
    """Return the verdict beside what is asked for."""
    rows = Table("what", "measured", "asked for", box=None, padding=(0, 2, 0, 0))
    rows.add_row("inferences of the week", f"{verdict.inferences:,}", "")
    rows.add_row("items", str(verdict.items), "≤ 500")
    rows.add_row("most of one user", str(verdict.most_of_a_user), "≤ 5")
    rows.add_row("rare failures over uniform", f"{verdict.enrichment:.0f} times, {verdict.rare_in_batch} items", "≥ 50")
    rows.add_row(
        "new topic among the discoveries", f"{verdict.new_topic_discovered} of {verdict.discoveries} items", "≥ 1"
    )
    rows.add_row("nearest pair, Jaccard", f"{verdict.nearest_pair:.3f}", "< 0.9")
    rows.add_row("control's interval covers", f"{verdict.covered} of {verdict.cuts}", "≥ 93 of 100")
    rows.add_row(
        "share of defects",
        f"{verdict.mean_estimate:.4f} on average, width {verdict.mean_width:.4f}",
        f"{verdict.defects:.4f} in truth",
    )
    return rows


def _estimates(client: Client, planted: Truth, seed: int, cuts: int) -> list[tuple[float, float, float]]:
    """Draw the control anew with other seeds, and estimate the share of defects as if people had judged it."""
    found = []
    quotas = Quotas(**(dict.fromkeys(Reason, 0) | {Reason.CONTROL: CONTROL}))
    with snapshot(client, WINDOW, WINDOW.end + DAY, Parents(), "planted") as shot:
        for number in range(cuts):
            policy = Policy(seed=1_000_000 * (seed + 1) + number, quotas=quotas)
            picks = select(shot, policy).picks
            weighed = [
                Weighed(pick.control_weight, bool(planted.defective[number_of(pick.inference_id)]))
                for pick in picks
                if pick.control_weight is not None
            ]
            of = estimate(weighed)
            found.append((of.rate, of.low, of.high))
    return found


def _nearest(items: list[dict[str, Any]]) -> float:
    texts = [
        f"{question(orjson.dumps(item['input_messages']).decode())}\n"
        f"{answer(orjson.dumps(item['output_messages']).decode())}"
        for item in items
    ]
    shingles = [each for each in map(shingled, texts) if each]
    return max(jaccard(one, other) for one, other in combinations(shingles, 2))
