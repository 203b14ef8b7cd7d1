"""What gateways send in their own formats, over Kafka and over HTTP, meets in the same rows; feedback finds them."""

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.sources import Source
from streams.stack import LocalWorker
from tests.whole.events import START_NS
from tests.whole.harness import Message, World
from tests.whole.side_by_side import side_by_side

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPANS = "otel/genai-openai-1.3b0.span_and_event.traces.otlp_proto.bin"  # 12 spans, 10 of them calls of a model
CALLS = "litellm/proxy.generic_api.json_array.body"  # 4 calls


@side_by_side
def test_all_roads_lead_to_the_same_rows(world: World) -> None:
    # A Collector's topic, with partitions of its own number, and nothing of the content to be kept; KServe's, in full.
    collector, kserve = f"{world.settings.topic_prefix}spans", f"{world.settings.topic_prefix}kserve"
    sources = {
        collector: Source(format="otlp_traces", content="none"),
        kserve: Source(format="cloudevents", content="full"),
    }
    world.settings = world.settings.model_copy(update={"sources": sources})
    asyncio.run(create(world, {collector: 3, kserve: 5}))
    worker = world.start()
    world.produce([Message("spans", (FIXTURES / SPANS).read_bytes()), Message("spans", b"\x0a\xff")])
    world.produce(kserve_messages())
    post(worker, "/litellm", (FIXTURES / CALLS).read_bytes())
    call = "call:" + orjson.loads((FIXTURES / CALLS).read_bytes())[0]["litellm_call_id"]
    post(worker, "/v1/feedback", orjson.dumps(thumb("down", aliases=[call])))
    post(worker, "/v1/feedback", orjson.dumps(thumb("nobody's", aliases=["resp:of no one"])))

    ledgers = world.settle()
    assert {ledger.topic for ledger in ledgers if ledger.offsets} >= {collector, kserve}
    rows = world.rows("SELECT source_format, count(), uniqExact(inference_id) FROM inferences GROUP BY 1 ORDER BY 1")
    assert rows == [("kserve_ce", 1, 1), ("litellm", 4, 4), ("otlp_genai", 10, 10)]

    # What may be kept of each is kept, and the numbers of all.
    kept = world.rows(
        "SELECT source_format, content_state, countIf(input_messages IS NOT NULL), countIf(output_chars > 0), "
        "countIf(duration_s > 0) FROM inferences GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert ("kserve_ce", "captured", 1, 1, 1) in kept
    assert [row for row in kept if row[0] == "otlp_genai"] == [("otlp_genai", "not_captured", 0, 6, 10)]
    assert {row[1] for row in kept if row[0] == "litellm"} == {"redacted"}

    # Feedback knows its call by another name, or does not know it at all.
    assert world.rows("SELECT feedback_id, targets, 'call:' || inference_id FROM feedback ORDER BY 1") == [
        ("down", 1, call),
        ("nobody's", 0, None),
    ]
    # What could not be read is set aside with its bytes, and everything else is counted.
    assert world.rows("SELECT topic, reason, hex(value) FROM dead_letters") == [(collector, "not_protobuf", "0AFF")]
    assert worker.metric("sluice_events_total", format="litellm", kind="request") == 4
    assert worker.metric("sluice_feedback_total", name="user.thumbs", rater_kind="human") == 2
    assert worker.metric("sluice_received_total", format="litellm", status="2xx") == 1


def thumb(feedback_id: str, **more: Any) -> dict[str, Any]:
    said = {"gen_ai.evaluation.name": "user.thumbs", "gen_ai.evaluation.score.value": 0.0, "feedback.source": "human"}
    ids = {"kind": "feedback", "event_id": feedback_id, "feedback_id": feedback_id, "time_unix_nano": START_NS}
    return ids | said | more


def kserve_messages() -> list[Message]:
    """A request and its response, as Knative's broker writes them."""
    found = []
    for kind in ("request", "response"):
        value = FIXTURES / "kserve" / f"openai_chat.{kind}.kafka-binary.value"
        meta = orjson.loads(value.with_suffix(".meta.json").read_bytes())
        headers = tuple((name, said.encode()) for name, said in meta["headers"])
        found.append(Message("kserve", value.read_bytes(), headers=headers))
    return found


async def create(world: World, partitions: dict[str, int]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, count, 1) for name, count in partitions.items()])
    finally:
        await admin.close()


def post(worker: LocalWorker, path: str, body: bytes) -> None:
    request = urllib.request.Request(  # our own worker
        f"http://127.0.0.1:{worker.port}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # as above
        assert answer.status in (200, 202)
