"""A cut asks its policy's services once; cut again here, whatever they say by now, the bytes are the same."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from clickhouse_connect.driver.client import Client

from sinks.review.cut import CutResult, cut
from sinks.review.policy import Policy, Quotas
from sinks.review.prelabels.classifier import Classifier
from sinks.review.windows import Window
from tests.sinks.review.planting import NEXT_MONDAY, hour, inference, plant
from tests.sinks.review.prelabels.service import serving


def test_labels_are_an_input_that_is_kept(client: Client, tmp_path: Path) -> None:
    plant(client, [row for n in range(30) for row in inference(f"i{n:02}", hour(n))])
    plant(client, inference("after", NEXT_MONDAY + timedelta(days=2)))

    async def answer(_request: web.Request, body: Any) -> web.Response:
        if "question i03" in body["texts"][0]:
            return web.Response(status=400)
        return web.json_response({"predictions": [{"label": f"answer {len(service.asked)}", "score": 0.5}]})

    def made(out: str) -> CutResult:
        plug = Classifier(kind="classifier", name="topics", url=service.url, retries=0)
        policy = Policy(quotas=Quotas(control=30), prelabels=(plug,))
        return cut(client, Window.week("2026-W46"), policy, tmp_path / out, timedelta(days=1))

    with serving(answer) as service:
        first = made("here")
        asked = len(service.asked)
        again = made("here")
        assert len(service.asked) == asked == 30
    elsewhere = made("elsewhere")

    assert again.identical
    assert first.counts.prelabels == {"topics": {"asked": 30, "labelled": 29, "failed": 1}}
    assert elsewhere.counts.prelabels == {"topics": {"asked": 30, "labelled": 0, "failed": 30}}
    here, there = (
        [orjson.loads(line) for line in (each.path / "items.jsonl").read_bytes().splitlines()]
        for each in (first, elsewhere)
    )
    assert sum(bool(item["prelabels"]) for item in here) == 29
    assert [item | {"prelabels": []} for item in here] == there
