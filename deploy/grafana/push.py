"""A push makes a Grafana have our folder, data sources and dashboards, and touches nothing that it did not make.

What is ours has a uid that begins with `sluice`, and says so: dashboards by a tag, data sources in `jsonData.madeBy`,
the folder by its title. Where a uid of ours is taken by something that does not, nothing at all is changed. What is
ours and provisioned from files is left to these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from grafana_api.grafana_api import GrafanaClientError
from grafana_api.grafana_face import GrafanaFace

from deploy.grafana.names import FOLDER, FOLDER_TITLE, TAG, UID
from deploy.grafana.written import dashboards

Json = dict[str, Any]
CLICKHOUSE_PORT, CLICKHOUSE_TLS_PORT = 8123, 8443
MADE_BY = {"madeBy": TAG}


class Taken(Exception):
    """A name of ours belongs to something that others made; the message says what to do."""


@dataclass(frozen=True)
class Pushed:
    """What came of it, by name: made anew, changed, or as it should be already."""

    made: list[str]
    changed: list[str]
    same: list[str]


def push(grafana: GrafanaFace, prometheus_url: str, clickhouse_url: str, pages_url: str) -> Pushed:
    """Make it so. Twice is once.

    Args:
        grafana: a client whose token may write folders, data sources and dashboards.
        prometheus_url: of Prometheus, as Grafana reaches it.
        clickhouse_url: http[s]://[user:password@]host:port/database, as Grafana reaches it; reading is enough.
        pages_url: of the worker's pages, as people reach them.

    Raises Taken before anything is changed, and what `grafana` raises.
    """
    pushed = Pushed([], [], [])
    sources = [_prometheus(prometheus_url), _clickhouse(clickhouse_url)]
    pages = [_leading_to(page, pages_url) for page in dashboards()]
    folder, had_sources = _found(grafana, f"/folders/{FOLDER}"), grafana.datasource.list_datasources()
    had_pages = {page["uid"]: _found(grafana, f"/dashboards/uid/{page['uid']}") for page in pages}
    taken = [*_taken_sources(sources, had_sources), *_taken_pages(folder, had_pages)]
    if taken:
        raise Taken("\n".join(taken))

    if folder is None:
        grafana.folder.create_folder(FOLDER_TITLE, FOLDER)
    (pushed.made if folder is None else pushed.same).append(f"folder {FOLDER_TITLE}")
    for source in sources:
        had = next((each for each in had_sources if each["uid"] == source["uid"]), None)
        _put_source(grafana, source, had, pushed)
    for page in pages:
        _put_page(grafana, page, had_pages[page["uid"]], pushed)
    return pushed


def _put_source(grafana: GrafanaFace, source: Json, had: Json | None, pushed: Pushed) -> None:
    name = f"data source {source['name']}"
    if had is not None and had.get("readOnly"):  # provisioned
        pushed.same.append(name)
        return
    if had is None:
        grafana.datasource.create_datasource(source)
        pushed.made.append(name)
        return
    same = all(had.get(key) == value for key, value in source.items() if key != "secureJsonData")
    if not same or "secureJsonData" in source:  # Grafana tells nobody whether a password is the same
        grafana.datasource.update_datasource(f"uid/{source['uid']}", source)
    (pushed.same if same else pushed.changed).append(name)


def _put_page(grafana: GrafanaFace, page: Json, had: Json | None, pushed: Pushed) -> None:
    name = f"dashboard {page['title']}"
    in_place = had and _bare(had["dashboard"]) == page and had["meta"].get("folderUid") == FOLDER
    if had and (in_place or had["meta"].get("provisioned")):
        pushed.same.append(name)
        return
    grafana.dashboard.update_dashboard(
        {"dashboard": page, "folderUid": FOLDER, "message": "sluice grafana push", "overwrite": True}
    )
    (pushed.changed if had else pushed.made).append(name)


def _taken_pages(folder: Json | None, pages: dict[str, Json | None]) -> Iterator[str]:
    if folder and folder["title"] != FOLDER_TITLE:
        yield f"The folder with the uid {FOLDER}, {folder['title']!r}, is not ours: move what is in it, and delete it."
    for uid, page in pages.items():
        if page and TAG not in page["dashboard"].get("tags", []):
            title = page["dashboard"].get("title")
            yield f"The dashboard with the uid {uid}, {title!r}, has no tag {TAG}, so is not ours: give it another uid."


def _taken_sources(sources: list[Json], there: list[Json]) -> Iterator[str]:
    for source in sources:
        for had in there:
            ours = (had.get("jsonData") or {}).get("madeBy") == TAG and had["uid"] == source["uid"]
            if not ours and (had["uid"] == source["uid"] or had["name"] == source["name"]):
                yield f"The data source {had['name']!r} (uid {had['uid']}) is not ours: give it another name and uid."


def _found(grafana: GrafanaFace, path: str) -> Json | None:
    try:
        return dict(grafana.api.GET(path))
    except GrafanaClientError as refused:
        if refused.status_code != 404:
            raise
        return None


def _bare(page: Json) -> Json:
    """Take away what Grafana counts itself."""
    return {key: value for key, value in page.items() if key not in ("id", "version")}


def _leading_to(page: Json, pages_url: str) -> Json:
    """Let a dashboard's links lead to the worker's pages where they are."""
    for each in page["templating"]["list"]:
        if each["name"] == "pages_url":
            each["query"] = pages_url.rstrip("/")
    return page


def _prometheus(url: str) -> Json:
    return {
        "access": "proxy",
        "jsonData": {"httpMethod": "POST", "timeInterval": "5s", **MADE_BY},
        "name": "Sluice Prometheus",
        "type": "prometheus",
        "uid": UID["prometheus"],
        "url": url,
    }


def _clickhouse(url: str) -> Json:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    source: Json = {
        "access": "proxy",
        "jsonData": {
            "defaultDatabase": parts.path.strip("/") or "default",
            "host": parts.hostname,
            "port": parts.port or (CLICKHOUSE_TLS_PORT if secure else CLICKHOUSE_PORT),
            "protocol": "http",
            "secure": secure,
            "username": unquote(parts.username or "default"),
            **MADE_BY,
        },
        "name": "Sluice ClickHouse",
        "type": "grafana-clickhouse-datasource",
        "uid": UID["grafana-clickhouse-datasource"],
    }
    if parts.password:
        source["secureJsonData"] = {"password": unquote(parts.password)}
    return source
