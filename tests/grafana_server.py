"""A Grafana for tests: keeps what it is told, and takes no request that Grafana's published API would not take."""

import json
import os
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from jsonschema import Draft4Validator

Json = dict[str, Any]
DOCUMENT = yaml.safe_load(
    Path(os.environ.get("GRAFANA_OPENAPI") or Path(__file__).parent / "deploy" / "grafana_api.yaml").read_text()
)
USER = "admin:a:password"
BASIC = f"Basic {b64encode(USER.encode()).decode()}"
TOKEN = "glsa_a-token-for-tests"  # noqa: S105  # of this server alone


class Refused(Exception):
    """What Grafana answers instead: a status and a message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def conforms(method: str, path: str, query: list[tuple[str, str]], body: object) -> None:
    """Hold a request against the document; raises Refused. `path` is without the base path."""
    for template, operations in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
            parameters = operations[method.lower()].get("parameters", [])
            break
    else:
        raise Refused(404, f"the API has no {method} {path}")
    known = {each["name"]: each for each in parameters if each["in"] == "query"}
    for name, value in query:
        if name not in known:
            raise Refused(400, f"{path} takes no {name}")
        if known[name]["type"] == "integer" and not value.isdecimal():
            raise Refused(400, f"{name} is an integer")
    wanted = [each["schema"] for each in parameters if each["in"] == "body"]
    if bool(wanted) != (body is not None):
        raise Refused(400, f"{method} {path} {'takes a' if wanted else 'takes no'} body")
    for schema in wanted:
        definition = DOCUMENT["definitions"][schema["$ref"].rpartition("/")[2]]
        strict = {**definition, "additionalProperties": False, "definitions": DOCUMENT["definitions"]}
        wrong = [error.message for error in Draft4Validator(strict).iter_errors(body)]
        if wrong:
            raise Refused(400, "; ".join(wrong))


class Grafana:
    """What it holds, by kind, and every write that it took: method and path."""

    def __init__(self) -> None:
        self.folders: dict[str, Json] = {}
        self.sources: dict[str, Json] = {}
        self.pages: dict[str, Json] = {}
        self.annotations: dict[int, Json] = {}
        self.secrets: dict[str, Json] = {}
        self.writes: list[str] = []
        self.refuses: dict[str, Refused] = {}  # by the word in a request's body at which it does
        self.url = ""
        self._count = 0

    def held(self) -> Json:
        """Return a copy of all that it holds."""
        return deepcopy(
            {"folders": self.folders, "sources": self.sources, "pages": self.pages} | {"notes": self.annotations}
        )

    def answer(self, method: str, url: str, body: Any) -> object:
        parts = urlsplit(url)
        path, query = unquote(parts.path).removeprefix("/api"), parse_qsl(parts.query)
        conforms(method, path, query, body)
        for word, refusal in self.refuses.items():
            if word in json.dumps(body) or word in url:
                raise refusal
        room, _, name = path.lstrip("/").partition("/")
        do: Callable[..., object] = getattr(self, f"_{method.lower()}_{room}")
        answer = do(name, query) if method == "GET" else do(name, body)
        if method != "GET":
            self.writes.append(f"{method} {path}")
        return answer

    def _get_folders(self, uid: str, _query: object) -> Json:
        return _there(self.folders, uid)

    def _post_folders(self, _name: str, body: Json) -> Json:
        self.folders[body["uid"]] = body | {"id": self._next(), "version": 1}
        return self.folders[body["uid"]]

    def _get_datasources(self, _name: str, _query: object) -> list[Json]:
        return list(self.sources.values())

    def _post_datasources(self, _name: str, body: Json) -> Json:
        if any(body["name"] == each["name"] or uid == body["uid"] for uid, each in self.sources.items()):
            raise Refused(409, "data source with the same name already exists")
        return self._source(body, {"id": self._next(), "version": 0, "readOnly": False})

    def _put_datasources(self, name: str, body: Json) -> Json:
        had = _there(self.sources, name.removeprefix("uid/"))
        if had["readOnly"]:
            raise Refused(403, "Cannot update read-only data source")
        return self._source(body, {"id": had["id"], "version": had["version"] + 1, "readOnly": False})

    def _source(self, body: Json, own: Json) -> Json:
        shown = {key: value for key, value in body.items() if key != "secureJsonData"}
        self.secrets |= {body["uid"]: body["secureJsonData"]} if "secureJsonData" in body else {}
        self.sources[body["uid"]] = shown | own | {"orgId": 1, "isDefault": False}
        return {"datasource": self.sources[body["uid"]], "message": "Datasource saved"}

    def _get_dashboards(self, name: str, _query: object) -> Json:
        return _there(self.pages, name.removeprefix("uid/"))

    def _post_dashboards(self, _name: str, body: Json) -> Json:
        page, had = body["dashboard"], self.pages.get(body["dashboard"]["uid"])
        if had and had["meta"].get("provisioned"):
            raise Refused(400, "Cannot save provisioned dashboard")
        if had and not body.get("overwrite"):
            raise Refused(412, "The dashboard has been changed by someone else")
        own = {"id": had["dashboard"]["id"], "version": had["dashboard"]["version"] + 1} if had else None
        self.pages[page["uid"]] = {
            "dashboard": page | (own or {"id": self._next(), "version": 1}),
            "meta": {"folderUid": body.get("folderUid", ""), "slug": page["uid"]},
        }
        return {"uid": page["uid"], "status": "success"}

    def _get_annotations(self, _name: str, query: list[tuple[str, str]]) -> list[Json]:
        tags = {value for key, value in query if key == "tags"}
        return [each for each in self.annotations.values() if tags <= set(each["tags"])]

    def _post_annotations(self, _name: str, body: Json) -> Json:
        number = self._next()
        self.annotations[number] = {"timeEnd": body["time"]} | body | {"id": number}
        return {"id": number, "message": "Annotation added"}

    def _patch_annotations(self, name: str, body: Json) -> Json:
        _there(self.annotations, int(name)).update(body)
        return {"message": "Annotation patched"}

    def _delete_annotations(self, name: str, _body: object) -> Json:
        del self.annotations[int(name)]
        return {"message": "Annotation deleted"}

    def _next(self) -> int:
        self._count += 1
        return self._count


def _there(room: dict[Any, Json], name: object) -> Json:
    if name not in room:
        raise Refused(404, "not found")
    return room[name]


@contextmanager
def running() -> Iterator[Grafana]:
    """Serve a Grafana with nothing in it on loopback; who does not show TOKEN is not let in."""
    grafana = Grafana()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            try:
                if self.headers.get("Authorization") not in (f"Bearer {TOKEN}", BASIC):
                    raise Refused(401, "Unauthorized")
                body = json.loads(self.rfile.read(length)) if length else None
                status, answer = 200, grafana.answer(self.command, self.path, body)
            except Refused as refusal:
                status, answer = refusal.status, {"message": str(refusal)}
            told = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815  # names of the standard library

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    grafana.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
