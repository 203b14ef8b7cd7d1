"""What every dashboard has around its panels: a name of our own, variables, links to the others, findings marked."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    AnnotationTarget,
    ConstantVariable,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.names import DASHBOARD, FINDINGS_TAGS, PAGES_URL, TAG, UID
from deploy.grafana.queries import CLICKHOUSE, PROMETHEUS, source

ALL = VariableOption(selected=True, text=["All"], value=["$__all"])


def of_prometheus(name: str, title: str, description: str, *, segments: bool = False) -> Dashboard:
    """Frame a dashboard that asks Prometheus alone; `segments` lets people choose what they look at."""
    dashboard = _frame(name, title, description, PROMETHEUS)
    dashboard.with_variable(_labels("job", "Job", "Which scrape job of Prometheus has the workers."))
    dashboard.with_variable(_labels("instance", "Instance", "Which workers; each tells of what it has itself."))
    if segments:
        which = "service | route | model | environment, as the requests named them."
        dashboard.with_variable(_labels("segment", "Segment", which, of="sluice_inferences_total"))
    return dashboard


def of_clickhouse(name: str, title: str, description: str) -> Dashboard:
    """Frame a dashboard that asks ClickHouse alone, by segments.

    A segment's value is the hex of its name: senders choose names, and the plugin puts values into SQL as they are.
    """
    statement = "SELECT DISTINCT hex(segment), segment FROM finding_events ORDER BY segment"
    segment = (
        _chosen(
            "segment", "Segment", "service | route | model | environment, users/… or tenants/…; those with findings."
        )
        .datasource(source(CLICKHOUSE))
        .query(statement)
    )
    return _frame(name, title, description, CLICKHOUSE).with_variable(segment)


def laid(page: Dashboard, sections: Sequence[tuple[str, Sequence[Builder[Panel]]]]) -> Dashboard:
    """Lay out panels under the titles of their sections; each panel gets a number, by which links may name it."""
    count = 0
    for title, panels in sections:
        page.with_row(Row(title).id(count := count + 1))
        for panel in panels:
            panel.build().id_val = count = count + 1
            page.with_panel(panel)
    return page


def _frame(name: str, title: str, description: str, kind: str) -> Dashboard:
    chosen = DatasourceVariable("datasource").label("Data source").type(kind)
    chosen = chosen.description("Where the numbers come from.")
    chosen = chosen.current(VariableOption(selected=True, text=UID[kind], value=UID[kind]))
    return (
        Dashboard(title)
        .uid(DASHBOARD + name)
        .description(description)
        .tags([TAG])
        .readonly()  # it is written by code, and the next push would undo what is changed by hand
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(DashboardLink("Sluice").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True))
        .link(DashboardLink("Status page").type(DashboardLinkType.LINK).url("${pages_url:raw}/").target_blank(True))
        .with_variable(chosen)
        .with_variable(ConstantVariable("pages_url").label("Pages").value(PAGES_URL))
        .annotation(
            AnnotationQuery()
            .name("Findings")
            .datasource(DataSourceRef(type_val="grafana", uid="-- Grafana --"))
            .enable(True)
            .icon_color("orange")
            .target(AnnotationTarget().type("tags").tags(list(FINDINGS_TAGS)).match_any(False).limit(200))
        )
    )


def _labels(label: str, title: str, description: str, of: str = "sluice_event_time_seconds") -> QueryVariable:
    """Offer the values of a label; all of them, unless some are chosen."""
    offered = _chosen(label, title, description).datasource(source(PROMETHEUS))
    return offered.query(f"label_values({of}, {label})").all_value(".+")


def _chosen(name: str, title: str, description: str) -> QueryVariable:
    chosen = QueryVariable(name).label(title).description(description).multi(True).include_all(True).current(ALL)
    return chosen.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
