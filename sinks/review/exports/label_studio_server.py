"""A Label Studio server takes a project and its tasks, and says which tasks it has.

API: https://api.labelstud.io. Both of its tokens are known: the legacy one, which is sent as it is, and the personal
one, a JWT that is exchanged for one that lasts five minutes.
"""

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from sinks.review.exports.label_studio import CONFIG
from sinks.review.refusals import CutRefused
from sinks.urls import parts_of

PATIENCE = 600.0  # seconds that a server may take to answer: it writes thousands of tasks, and checks each
PAGE = 1000  # tasks


class NotPushed(CutRefused):
    """Label Studio is away, or refuses; the message names the cure. What it has confirmed is not sent again."""


class _Stays(HTTPRedirectHandler):
    """Follows no redirect, which could take the token to another server."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = build_opener(_Stays)


class Server:
    """One server.

    Args:
        url: where it is, such as https://labels.example.org.
        token: legacy or personal, from its page Account & Settings.

    Every method raises NotPushed.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = parts_of(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise NotPushed("--url is where Label Studio is, such as https://labels.example.org, without more.")
        if not token:
            raise NotPushed("Label Studio asks for a token: set SLUICE_LABEL_STUDIO_TOKEN.")
        self.url, self._token = url.rstrip("/"), token

    def create(self, title: str, people: int) -> int:
        """Create a project in which a task is done when so many people have annotated it; return its number."""
        wanted = {
            "title": title,
            "label_config": CONFIG,
            "maximum_annotations": people,
            "show_collab_predictions": True,
        }
        return int(self._said("POST", "/api/projects/", wanted)["id"])

    def send(self, project: int, tasks: bytes) -> int:
        """Add tasks, a JSON array; return how many the server says it has taken."""
        return int(self._said("POST", f"/api/projects/{project}/import", tasks)["task_count"])

    def tasks(self, project: int) -> Iterator[Mapping[str, Any]]:
        """Give what the server has of each task, page by page."""
        total, seen, page = 1, 0, 1
        while seen < total:
            query = urlencode({"project": project, "page": page, "page_size": PAGE})
            answer = self._said("GET", f"/api/tasks?{query}")
            yield from answer["tasks"]
            total, seen, page = int(answer["total"]), seen + len(answer["tasks"]), page + 1
            if not answer["tasks"]:
                return

    def _said(self, method: str, path: str, body: object = None) -> Any:
        return self._ask(method, path, body, self._authorization())

    def _authorization(self) -> str:
        if self._token.count(".") != 2:  # no JWT
            return f"Token {self._token}"
        return f"Bearer {self._ask('POST', '/api/token/refresh', {'refresh': self._token}, None)['access']}"

    def _ask(self, method: str, path: str, body: object, authorization: str | None) -> Any:
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
        request = Request(self.url + path, data, headers, method=method)  # noqa: S310  http or https, as checked
        try:
            with _OPENER.open(request, timeout=PATIENCE) as answer:
                return orjson.loads(answer.read())
        except HTTPError as error:
            cure = _CURES.get(error.code, "Its log says more")
            raise NotPushed(f"{self.url} answers {error.code} to {method} {path.partition('?')[0]}. {cure}.") from None
        except (OSError, HTTPException) as error:
            raise NotPushed(f"{self.url} broke off ({error or type(error).__name__}): run the same again.") from None
        except ValueError:
            raise NotPushed(f"{self.url} does not answer as Label Studio does: check --url.") from None


_CURES = {
    **dict.fromkeys((301, 302, 307, 308), "It is elsewhere: give --url the address that a browser ends at"),
    401: "Check SLUICE_LABEL_STUDIO_TOKEN; legacy tokens must be switched on in Label Studio",
    403: "The token's owner may not do that: ask for the role of a manager",
    404: "Check --url and --project",
    400: "It does not take the tasks: give --project one with the exported config.xml",
    413: "A proxy before it limits the size of requests: let it pass 64 MB",
}
