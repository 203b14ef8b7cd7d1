"""Review loop: from what happened to what people let out, and in words that nothing of it is real time."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.prometheus import Dataquery

from deploy.grafana.frame import laid, of_prometheus
from deploy.grafana.panels import above, bars, lines, number, words
from deploy.grafana.queries import known, now, over_time

DAY_S = 86_400
STAGES = ("inferences", "eligible", "picked", "decided", "accepted", "released")

SAID = """\
**This loop is not real time, and it trains nothing.** Once a week, when late events have come, a few hundred items that
are worth a person's time are cut out of all that was answered. People decide on each, somebody signs for all of them,
and only what was decided and signed can be released, as a set. Between an answer and a release lie days, and a person's
decision. Models do not learn from one user, nor while they answer; what is released may refine a later version of one.
Numbers here move by the day: look at them once a week. `sluice batch status` says what is next for each batch."""


ACCEPTED, DECIDED = (f'max(sluice_review_items{{stage="{stage}"}})' for stage in ("accepted", "decided"))


def _items(stage: str, ref: str) -> Dataquery:
    return now(f'max(sluice_review_items{{stage="{stage}"}})', stage, ref)


NOW = (
    number(
        "Weeks to cut",
        "Weeks that are closed and not cut. SLUICE_CUT_SCHEDULE cuts them; else docs/runbooks/cut-overdue.md.",
        [now("max(sluice_cuts_due)")],
        "short",
        above(1, 2),
        width=6,
    ),
    number(
        "Oldest batch waits",
        "How long ago the oldest week closed whose batch waits for people: docs/runbooks/review-overdue.md.",
        [now("max(sluice_review_waiting_seconds)")],
        "dtdurations",
        above(7 * DAY_S, 14 * DAY_S),
        width=6,
    ),
    number(
        "Cuts failed",
        "Scheduled cuts that were refused or broke off within the time range; the worker's log says why.",
        [now("sum(increase(sluice_cuts_failed_total[$__range]))")],
        "short",
        {1: "red"},
        width=6,
    ),
    number(
        "Batches cut",
        "Batches that the schedule cut within the time range.",
        [now("sum(increase(sluice_batches_cut_total[$__range]))")],
        "short",
        width=6,
    ),
)
WORTH = (
    number(
        "Yield",
        "Share of decided items that people accepted: as they are, corrected or ranked.",
        [now(known(f"{ACCEPTED} / {DECIDED}"))],
        "percentunit",
        width=8,
    ),
    number(
        "Time of people",
        "What reviewers say they spent on decisions, over all batches; not every tool says it.",
        [now("max(sluice_review_spent_seconds)")],
        "dtdurations",
        width=8,
    ),
    number(
        "From answer to release",
        "Median of the batch that was released last; 0 before the first. Days to weeks are as it should be.",
        [now("max(sluice_answer_to_release_seconds)")],
        "dtdurations",
        width=8,
    ),
)
FUNNEL = (
    bars(
        "The funnel",
        "Of all batches in the folder: inferences of their weeks, those that could be picked, items that were, and of "
        "these what people decided, accepted (as they are, corrected or ranked), and released.",
        [_items(stage, ref) for stage, ref in zip(STAGES, "ABCDEF", strict=True)],
        "short",
    ),
    bars(
        "Batches",
        "Batches by where they stand. What is in the middle waits for people.",
        [now("max by (state) (sluice_batches)", "{{state}}")],
        "short",
    ),
    lines(
        "Items that people have decided",
        "A staircase: it stands still between the hours in which people decide.",
        [
            over_time('max(sluice_review_items{stage="picked"})', "picked", "A"),
            over_time('max(sluice_review_items{stage="decided"})', "decided", "B"),
            over_time('max(sluice_review_items{stage="released"})', "released", "C"),
        ],
        "short",
        width=24,
    ),
)
FEEDBACK = (
    bars(
        "Feedback of the last day",
        "Pieces of feedback by who gave it, and whether its inference is known: a reason to be picked, no label.",
        [now("max by (rater_kind, joined) (sluice_feedback_recent)", "{{rater_kind}}, inference known: {{joined}}")],
        "short",
    ),
    bars(
        "From answer to feedback",
        "Half and nine of ten pieces of the last day's feedback came within this time.",
        [now("max by (rater_kind, quantile) (sluice_feedback_delay_seconds)", "{{rater_kind}}, {{quantile}}")],
        "s",
    ),
)


def dashboard() -> Dashboard:
    said = "From what happened to what people let out, in weekly batches; nothing of it is real time."
    page = of_prometheus("review", "Sluice: review loop", said).refresh("5m").time("now-30d", "now")
    sections = (
        ("What this is", (words("Not real time, and no training", SAID, height=5),)),
        ("Now", NOW),
        ("What it is worth", WORTH),
        ("From what happened to what was let out", FUNNEL),
        ("Feedback", FEEDBACK),
    )
    return laid(page, sections)
