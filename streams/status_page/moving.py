"""What a worker sees of its partitions and servers is said in words: what moves, what waits for whom, what stands."""

from collections.abc import Iterator
from typing import Any

from streams.health import SILENT_S, Health
from streams.movement import Partition
from streams.vitals import EVERY_S

TAKES = "takes what it is offered"


def partitions(health: Health) -> Iterator[dict[str, Any]]:
    """Give where each partition stands, those that are furthest behind first."""
    by_lag = sorted(health.partitions.items(), key=lambda each: (-each[1].behind_s, -each[1].lag, each[0]))
    for (topic, number), standing in by_lag:
        place = health.places[topic, number]
        numbers = {"confirmed": place.confirmed, "end": place.end, "lag": standing.lag}
        words = _moving(health, (topic, number))
        said = {"words": words, "wrong": words.startswith("stands")}
        times = {"behind_s": round(standing.behind_s, 1), "still_s": round(standing.still_s, 1)}
        yield {"topic": topic, "partition": number} | said | numbers | times


def _moving(health: Health, partition: Partition) -> str:
    standing = health.partitions[partition]
    if standing.lag == 0:
        return "nothing to read"
    if health.sink_refuses_s > 0 or health.sink_silent_s >= SILENT_S:
        return "waits for ClickHouse"
    if health.kafka_away_s > 0:
        return "waits for Kafka"
    if standing.still_s < EVERY_S:
        return "moves"
    return f"stands still for {standing.still_s:.0f} s: `docs/runbooks/stalled.md`"


def servers(health: Health, trouble: str) -> Iterator[dict[str, Any]]:
    """Give how Kafka and ClickHouse answer; `trouble` is what the pages' own questions met with."""
    kafka = health.kafka_away_s
    yield {"name": "Kafka", "well": kafka == 0, "words": f"silent for {kafka:.0f} s" if kafka else "answers"}
    refuses, silent = health.sink_refuses_s, health.sink_silent_s
    if refuses:
        said = f"has refused blocks for {refuses:.0f} s; each is offered again: `docs/runbooks/sink-down.md`"
    elif silent >= EVERY_S:
        said = f"has not answered a block for {silent:.0f} s"
    else:
        said = trouble or TAKES
    yield {"name": "ClickHouse", "well": said == TAKES, "words": said}
