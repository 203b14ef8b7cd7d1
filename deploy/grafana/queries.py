"""What panels ask: PromQL with the two matchers that every selector has, and SQL for ClickHouse's data source."""

import re
from collections.abc import Mapping
from typing import Literal

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS, CLICKHOUSE = "prometheus", "grafana-clickhouse-datasource"
HERE = 'job=~"$job", instance=~"$instance"'
SEGMENT = "$__conditionalAll(hex(segment) IN (${segment:singlequote}), $segment)"  # a name may hold quotes, hex cannot

_SELECTOR = re.compile(r"\b(sluice_\w+)\b(?:\{([^}]*)\})?")


def source(kind: str) -> DataSourceRef:
    """Refer to the data source that is chosen at the top of the dashboard."""
    return DataSourceRef(type_val=kind, uid="${datasource}")


def promql(expression: str) -> str:
    """Return an expression whose selectors all heed the chosen job and workers."""
    return _SELECTOR.sub(lambda found: f"{found[1]}{{{', '.join(filter(None, (HERE, found[2])))}}}", expression)


def known(expression: str) -> str:
    """Leave out what is not a number: of nothing there is no share, and no quantile."""
    return f"{expression} >= 0"


def over_time(expression: str, legend: str, ref: str = "A") -> prometheus.Dataquery:
    """Ask for a series over the time range; `legend` is a template of labels, such as `{{segment}}`."""
    return _asked(expression, ref).range().legend_format(legend)


def now(expression: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Ask for the last value alone."""
    return _asked(expression, ref).instant().legend_format(legend)


def row_each(expression: str, ref: str) -> prometheus.Dataquery:
    """Ask for the last values as a table, a row for each set of labels."""
    return _asked(expression, ref).instant().format(PromQueryFormat.TABLE)


def _asked(expression: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(promql(expression)).ref_id(ref).datasource(source(PROMETHEUS))


class Sql(builder.Builder[variants.Dataquery], variants.Dataquery):
    """A query of ClickHouse's own data source plugin (4.x), for which the SDK has no builder."""

    def __init__(self, statement: str, shape: Literal["table", "timeseries"] = "table", ref: str = "A") -> None:
        self.statement = statement
        self.shape = shape
        self.ref_id = ref

    def build(self) -> variants.Dataquery:
        return self

    def to_json(self) -> Mapping[str, object]:
        return {
            "datasource": source(CLICKHOUSE),
            "editorType": "sql",
            "format": {"timeseries": 0, "table": 1}[self.shape],
            "queryType": self.shape,
            "rawSql": " ".join(self.statement.split()),
            "refId": self.ref_id,
        }
