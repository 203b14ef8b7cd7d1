"""The door to Grafana: each finding becomes an annotation, a region from when it began to when it was over.

An annotation is found again by its finding's id, which is one of its tags: whoever writes it, and however often, there
is one of each, and it says what the finding says now.
"""

import html
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from grafana_api.grafana_api import GrafanaClientError, GrafanaServerError
from grafana_api.grafana_face import GrafanaFace
from requests import RequestException

from sinks.base import SinkBusy
from streams.events import Finding

log = logging.getLogger("sluice.grafana")

TAGS = ("sluice", "finding")
TAG_CHARS = 100  # that Grafana has room for; senders name metrics of their own
ANSWERS_WITHIN_S = 5.0
NO_ENTRY = (401, 403, 429)

_MS = 1_000_000  # nanoseconds


def connect(url: str, token: str) -> GrafanaFace:
    """Return a client of the Grafana at this address, which may have a path; nothing is asked yet.

    `token` is a service account's, or `user:password`.
    """
    parts = urlsplit(url)
    path = parts.path.strip("/")
    return GrafanaFace(
        tuple(token.split(":", 1)) if ":" in token else token,
        host=parts.hostname,
        port=parts.port,
        url_path_prefix=f"{path}/" if path else "",
        protocol=parts.scheme,
        timeout=ANSWERS_WITHIN_S,
    )


@contextmanager
def _away_is_busy() -> Iterator[None]:
    """Raise SinkBusy for what a person mends, or time, and not another annotation."""
    try:
        yield
    except GrafanaClientError as refusal:
        if refusal.status_code not in NO_ENTRY:
            raise
        raise SinkBusy(f"Grafana lets nobody in: {refusal.message} (SLUICE_GRAFANA_TOKEN)") from None
    except (GrafanaServerError, RequestException) as away:
        raise SinkBusy(f"Grafana is away: {type(away).__name__} (SLUICE_GRAFANA_URL)") from None


class Annotations:
    """The annotations of findings; called by one worker at a time, the leader, in a thread.

    Args:
        grafana: a client whose token may read and write annotations.
        pages_url: where people reach the worker's pages; an annotation leads to its finding there.
    """

    def __init__(self, grafana: GrafanaFace, pages_url: str) -> None:
        self._api = grafana.api
        self._pages_url = pages_url.rstrip("/")
        self._told: dict[str, dict[str, Any]] = {}

    def keep(self, findings: Iterable[Finding]) -> int:
        """Make the annotations of these findings say what the findings say; return how many Grafana refused.

        Grafana is asked about those alone that are new here, or have changed. Raises SinkBusy when it is away or lets
        nobody in: what is left then is left to the next call.
        """
        refused = 0
        wanted = {each.finding_id: self._annotation(each) for each in findings}
        self._told = {name: told for name, told in self._told.items() if name in wanted}
        for name, annotation in wanted.items():
            if self._told.get(name) != annotation:
                try:
                    with _away_is_busy():
                        self._write(name, annotation)
                except GrafanaClientError as refusal:
                    log.warning("Grafana refuses the annotation of finding %s: %s", name, refusal.message)
                    refused += 1
                self._told[name] = annotation
        return refused

    def look(self) -> None:
        """Look whether annotations can be read. Raises SinkBusy, whose words name the setting."""
        with _away_is_busy():
            self._api.GET("/annotations?type=annotation&limit=1")

    def _write(self, name: str, annotation: dict[str, Any]) -> None:
        found = self._find(name)
        if not found:
            self._api.POST("/annotations", json=annotation)
        elif any(found[0][key] != value for key, value in annotation.items() if key != "tags"):
            self._api.PATCH(f"/annotations/{found[0]['id']}", json=annotation)
        for twin in found[1:]:  # of two leaders, while partitions moved
            self._api.DELETE(f"/annotations/{twin['id']}")

    def _find(self, name: str) -> list[dict[str, Any]]:
        """Return the annotations of a finding, the oldest first."""
        found = self._api.GET(f"/annotations?type=annotation&tags={TAGS[0]}&tags={name}")
        return sorted(found, key=lambda each: int(each["id"]))

    def _annotation(self, finding: Finding) -> dict[str, Any]:
        """Return what Grafana is told: a point in time while the finding is open, then a region. Its text is HTML."""
        began = finding.since_unix_nano // _MS
        over = finding.said_unix_nano // _MS if finding.state == "closed" else began
        page = html.escape(f"{self._pages_url}/findings/{finding.finding_id}")
        return {
            "time": began,
            "timeEnd": max(began, over),
            "tags": [*TAGS, finding.metric[:TAG_CHARS], finding.finding_id],
            "text": f'{html.escape(str(finding))}<br><a href="{page}">Examples, and what to do</a>',
        }
