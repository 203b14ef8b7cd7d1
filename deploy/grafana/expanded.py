"""A panel's SQL goes in, and comes out as Grafana's ClickHouse data source sends it: macros and variables filled."""

import re

INTERVAL_S = 60


def expanded(statement: str, since_s: int, until_s: int, segment: str | None = None) -> str:
    """Return the SQL that is asked for a time range, in seconds since 1970, and for one segment, or for all."""
    for macro, meaning in {
        "timeFilter": rf"\1 >= toDateTime({since_s}) AND \1 <= toDateTime({until_s})",
        "timeInterval": rf"toStartOfInterval(toDateTime(\1), INTERVAL {INTERVAL_S} second)",
    }.items():
        statement = re.sub(rf"\$__{macro}\((.*?)\)", meaning, statement)
    statement = re.sub(r"\$__conditionalAll\((.*), \$segment\)", "1=1" if segment is None else r"\1", statement)
    return statement.replace("${segment:singlequote}", f"'{(segment or '').encode().hex().upper()}'")
