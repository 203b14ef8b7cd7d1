"""Queries of the dashboards' panels as Grafana would send them: macros and variables expanded, and what came back."""

import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from deploy.grafana.expanded import expanded
from deploy.grafana.queries import CLICKHOUSE
from deploy.grafana.written import dashboards

Json = dict[str, Any]
RANGE_S, STEP_S, RATE_S = 60, 5, 120
FOREVER_S = 4_102_444_800  # in 2100
_SPECIAL = re.compile(r"[\\^$*+?.()|{}\[\]]")


@dataclass(frozen=True)
class Asked:
    """A query of a panel; `where` names it for people."""

    where: str
    target: Json
    kind: str

    @property
    def text(self) -> str:
        return str(self.target.get("expr") or self.target["rawSql"])

    def __str__(self) -> str:
        return self.where


def every_query() -> Iterator[Asked]:
    for page in dashboards():
        for panel in page["panels"]:
            for target in panel.get("targets", []):
                where = f"{page['uid']}: {panel['title']} ({target['refId']})"
                yield Asked(where, target, target["datasource"]["type"])


def regex(value: str) -> str:
    """Escape a value as Grafana does for PromQL: for the regular expression, then for the string."""
    return _SPECIAL.sub(lambda found: "\\\\" + found[0], value)


@dataclass(frozen=True)
class Sources:
    """The two data sources; `segment` is what people chose, None for all."""

    prometheus: str
    clickhouse: Client
    segment: str | None = None

    def rows(self, asked: Asked) -> list[Any]:
        """Run a query and return its series or rows that have something to show."""
        if asked.kind == CLICKHOUSE:
            return self.table(asked.text)
        return self.series(asked.text, instant=asked.target["instant"])

    def series(self, expression: str, *, instant: bool) -> list[Json]:
        """Ask Prometheus; a series without a finite value shows nothing."""
        chosen = regex(self.segment) if self.segment else ".+"
        for name, value in {
            "__rate_interval": f"{RATE_S}s",
            "__range": f"{RANGE_S}s",
            "job": ".+",
            "instance": ".+",
            "segment": chosen,
        }.items():
            expression = re.sub(rf"\${name}\b", lambda _: value, expression)  # noqa: B023  # called at once
        now = time.time()
        asked: Mapping[str, object] = {"query": expression, "time": now}
        if not instant:
            asked = {"query": expression, "start": now - RANGE_S, "end": now, "step": STEP_S}
        url = f"{self.prometheus}/api/v1/query{'' if instant else '_range'}?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # of Prometheus on loopback
            found = json.load(answer)["data"]["result"]
        return [each for each in found if any(math.isfinite(float(value)) for value in _values(each))]

    def table(self, statement: str) -> list[Any]:
        """Ask ClickHouse for all of its time."""
        return list(self.clickhouse.query(expanded(statement, 0, FOREVER_S, self.segment)).result_rows)


def _values(series: Json) -> Iterator[str]:
    points = [series["value"]] if "value" in series else series["values"]
    return (value for _, value in points)
