"""Panels as the dashboards use them: each has a title, a unit, and a description that says what a number asks for."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import bargauge, common, stat, table, text, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.text import TextMode

from deploy.grafana.queries import PROMETHEUS, source

Queries = Sequence[Builder[Dataquery]]
P = TypeVar("P", stat.Panel, timeseries.Panel, bargauge.Panel, table.Panel)
Steps = Mapping[float, str]  # from which value on it has which colour

CALM: Steps = {}
ANY_IS_BAD: Steps = {1: "red"}
MODEL_HEALTH = "/d/sluice-models?var-segment=${__value.raw:percentencode}&${__url_time_range}"  # of a segment
NOTHING = "none yet"  # in place of "No data": nothing has come, which is no fault of the panel
HIGH, WIDE = 7, 24  # grid units: 24 a row


def above(orange: float, red: float) -> Steps:
    """Colour what is too high."""
    return {orange: "orange", red: "red"}


def thresholds(steps: Steps, base: str = "green") -> ThresholdsConfig:
    """Return thresholds that begin with `base` and change at each step."""
    first = Threshold(value=None, color=base)
    rest = [Threshold(value=value, color=color) for value, color in sorted(steps.items())]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([first, *rest])


def _asking(panel: P, title: str, description: str, queries: Queries, unit: str, kind: str) -> P:
    """Give a panel what every one has that asks a data source."""
    return (
        panel.title(title)
        .description(description)
        .datasource(source(kind))
        .targets(list(queries))
        .unit(unit)
        .no_value(NOTHING)
    )


def number(
    title: str,
    description: str,
    queries: Queries,
    unit: str,
    steps: Steps = CALM,
    width: int = 4,
    kind: str = PROMETHEUS,
) -> stat.Panel:
    """One number, coloured by its thresholds; blue where none are too high."""
    return (
        _asking(stat.Panel(), title, description, queries, unit, kind)
        .thresholds(thresholds(steps, "green" if steps else "blue"))
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(4)
        .span(width)
    )


def lines(
    title: str,
    description: str,
    queries: Queries,
    unit: str,
    steps: Steps = CALM,
    width: int = 12,
    most: float | None = None,
    kind: str = PROMETHEUS,
) -> timeseries.Panel:
    """Lines over time, with the thresholds drawn; `most` is the end of the axis where that is known."""
    panel = (
        _asking(timeseries.Panel(), title, description, queries, unit, kind)
        .min(0)
        .thresholds(thresholds(steps))
        .line_width(1)
        .fill_opacity(8)
        .show_points(VisibilityMode.AUTO)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE if width >= WIDE / 2 else LegendDisplayMode.LIST)
            .placement(LegendPlacement.RIGHT if width >= WIDE / 2 else LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .height(HIGH)
        .span(width)
    )
    if steps:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    return panel if most is None else panel.max(most)


def stacked(
    title: str, description: str, queries: Queries, unit: str, width: int = 12, kind: str = PROMETHEUS
) -> timeseries.Panel:
    """Bars over time, on top of one another."""
    panel = lines(title, description, queries, unit, width=width, kind=kind)
    panel.draw_style(GraphDrawStyle.BARS).fill_opacity(60).line_width(0)
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))


def bars(
    title: str, description: str, queries: Queries, unit: str, width: int = 12, kind: str = PROMETHEUS
) -> bargauge.Panel:
    """A bar for each series' last value, lying."""
    return (
        _asking(bargauge.Panel(), title, description, queries, unit, kind)
        .min(0)
        .thresholds(thresholds(CALM, "blue"))
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .height(HIGH)
        .span(width)
    )


def rows(
    title: str, description: str, queries: Queries, unit: str = "short", height: int = 9, kind: str = PROMETHEUS
) -> table.Panel:
    """A table over the whole width."""
    return (
        _asking(table.Panel(), title, description, queries, unit, kind)
        .thresholds(thresholds(CALM))
        .filterable(True)
        .height(height)
        .span(WIDE)
    )


def column(**properties: object) -> list[DynamicConfigValue]:
    """Say what is particular about a column: `unit`, `links`, `displayName`, `custom.width` as `custom_width`."""
    return [DynamicConfigValue(id_val=name.replace("_", "."), value=value) for name, value in properties.items()]


def coloured(words: Mapping[str, str]) -> list[DynamicConfigValue]:
    """Give the words of a column their colours."""
    options = {word: {"color": color, "index": place} for place, (word, color) in enumerate(words.items())}
    return column(mappings=[{"type": "value", "options": options}], custom_cellOptions={"type": "color-text"})


def led(links: Mapping[str, str]) -> list[DynamicConfigValue]:
    """Let a column's values lead to these addresses, by what is said of them, each in a tab of its own."""
    return column(links=[DashboardLink(title).url(url).target_blank(True).build() for title, url in links.items()])


def words(title: str, markdown: str, height: int = 4, width: int = WIDE) -> text.Panel:
    """Words of our own, in Markdown."""
    return (
        text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown).transparent(True).height(height).span(width)
    )
