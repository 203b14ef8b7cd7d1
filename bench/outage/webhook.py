"""Alertmanager's messages come in over HTTP; out comes which alert fired, of what, and when it was heard of."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import orjson

from deploy.local.processes import LOOPBACK


@dataclass(frozen=True, slots=True)
class Heard:
    """An alert that began to fire. In seconds since 1970: when its rule held first, and when its message came."""

    alert: str
    labels: dict[str, str]
    annotations: dict[str, str]
    fired: float
    at: float


class Webhook:
    """A receiver of Alertmanager's webhook on loopback; as a context manager it listens."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._seen: set[str] = set()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self._take))
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/alerts"

    def wait(self, until: Callable[[list[Heard]], bool], seconds: float) -> bool:
        """Wait until what was heard is enough, and say whether it came to that."""
        with self._changed:
            return self._changed.wait_for(lambda: until(self.heard), seconds)

    def _take(self, message: dict[str, Any]) -> None:
        at = time.time()
        with self._changed:
            for alert in message["alerts"]:
                # A group's message repeats all that is in the group.
                if alert["status"] == "firing" and alert["fingerprint"] not in self._seen:
                    self._seen.add(alert["fingerprint"])
                    labels, fired = alert["labels"], datetime.fromisoformat(alert["startsAt"]).timestamp()
                    self.heard.append(Heard(labels["alertname"], labels, alert["annotations"], fired, at))
            self._changed.notify_all()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(take: Callable[[dict[str, Any]], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            take(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name is the library's
            """Say nothing on stderr."""

    return Handler
