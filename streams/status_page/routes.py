"""The pages' routes: the status page and what it asks for, a finding's page, and a batch's report."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import orjson
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from sinks.base import SinkError
from sinks.findings import NoSuchFinding
from streams.health import Health
from streams.readable import harmless
from streams.settings import Settings
from streams.status_page.finding import page
from streams.status_page.group import GroupView
from streams.status_page.recent import Recent
from streams.status_page.status import Known, document

PACKAGE = "streams.status_page"
ASSETS = {
    "pages.css": "text/css",
    "status.js": "text/javascript",
    "charts.js": "text/javascript",
    "writing.js": "text/javascript",
    "uPlot-1.6.32.iife.min.js": "text/javascript",
    "uPlot-1.6.32.min.css": "text/css",
    "icon.svg": "image/svg+xml",
}

# A report holds its own style and script, and a policy that allows these two by their hashes; both policies hold. The
# sandbox takes this worker's address from it: were anything in it to run, it could ask no other page.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-scripts"
)


@dataclass
class Pages:
    """What the pages are made of."""

    settings: Settings
    group: GroupView
    recent: Recent
    health: Callable[[], Health]
    templates: Environment = field(init=False)
    assets: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.templates = Environment(
            loader=PackageLoader(PACKAGE),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters["code"] = code
        folder = files(PACKAGE).joinpath("assets")
        self.assets = {name: folder.joinpath(name).read_bytes() for name in ASSETS}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._status),
            web.get("/api/status", self._document),
            web.get("/assets/{name}", self._asset),
            web.get("/findings", self._findings),
            web.get("/findings/{beginning}", self._finding),
            web.get("/batches/{window}/report.html", self._report),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        return self._html(request, "status.html")

    async def _document(self, request: web.Request) -> web.Response:
        try:
            after = float(request.query.get("after", "0"))
        except ValueError:
            raise web.HTTPBadRequest(text="`after` takes seconds since 1970.\n") from None
        seen, trouble = await self.group.seen()
        known = Known(self.health(), self.recent, seen, trouble, await self.group.batches())
        worker = f"{self.settings.web_host}:{self.settings.web_port}"
        return web.Response(body=orjson.dumps(document(known, worker, after)), content_type="application/json")

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.assets:
            raise web.HTTPNotFound
        return web.Response(body=self.assets[name], content_type=ASSETS[name], charset="utf-8")

    async def _findings(self, request: web.Request) -> web.Response:
        """Lead to the finding of ?segment=…&metric=… that an alert is about; to all, where it is none or several."""
        asked = request.query.get("segment", ""), request.query.get("metric", "")
        seen, _ = await self.group.seen()
        standing = (each.finding for each in seen.open) if seen else ()
        meant = [each.finding_id for each in standing if (each.segment, each.metric) == asked]
        raise web.HTTPFound(f"findings/{meant[0]}" if len(meant) == 1 else "./#findings")

    async def _finding(self, request: web.Request) -> web.Response:
        try:
            standing, incident = await self.group.finding(request.match_info["beginning"])
        except NoSuchFinding as none:
            return self._message(request, 404, "There is no such finding", str(none))
        except SinkError as away:
            said = f"{away}. The finding is kept there: load this page again when the store is back."
            return self._message(request, 503, "The store does not answer", said)
        return self._html(request, "finding.html", **page(standing, incident))

    async def _report(self, request: web.Request) -> web.StreamResponse:
        window = request.match_info["window"]
        report = await self.group.report(window)
        if report is None:
            said = f"{self.settings.batches} holds no batch of {window} with a report: `sluice batch status` says more."
            return self._message(request, 404, "There is no such batch", said)
        return web.FileResponse(report, headers={"Content-Security-Policy": REPORT_POLICY})

    def _message(self, request: web.Request, status: int, title: str, said: str) -> web.Response:
        return self._html(request, "message.html", status, title=title, said=harmless(said))

    def _html(self, request: web.Request, template: str, status: int = 200, **known: Any) -> web.Response:
        # Links are relative: a proxy may serve the pages below a path of its own.
        root = "../" * (request.rel_url.raw_path.count("/") - 1)
        text = self.templates.get_template(template).render(root=root, **known)
        return web.Response(text=text, content_type="text/html", status=status)


def code(text: str) -> Markup:
    """Set what stands between backquotes as code; all of it is escaped.

    >>> str(code("see `a<b` & more"))
    'see <code>a&lt;b</code> &amp; more'
    """
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(each) if n % 2 else each for n, each in enumerate(parts))
