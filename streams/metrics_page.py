"""The metrics' declarations become docs/metrics.md."""

from sinks.metrics import GROUPS, Metric

HEAD = """# Metrics

A worker serves them at `/metrics` on its port, in OpenMetrics with exemplars for those who ask for it, else in
Prometheus's text format. Each is declared in `sinks/metrics.py`; `make metrics` writes this page. A counter's series
end in `_total`, a histogram's in `_bucket`, `_count` and `_sum`. Labels have few values: names of topics, segments up
to `SLUICE_SEGMENTS`, short lists of our own, and up to 200 names of feedback, which senders choose. Exemplars
hold ids of inferences.
"""
COLUMNS = """| metric | kind | labels | unit | what it means, and what to do |
|---|---|---|---|---|"""


def page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([HEAD, *(_group(name, metrics) for name, metrics in GROUPS.items())])


def _group(name: str, metrics: tuple[Metric, ...]) -> str:
    rows = "\n".join(_row(metric) for metric in metrics)
    return f"## {name}\n\n{COLUMNS}\n{rows}\n"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    more = f"[Runbook](runbooks/{metric.runbook}.md)." if metric.runbook else ""
    said = " ".join(filter(None, (metric.meaning, metric.remedy, more)))
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {said} |"
