"""Events as gateways send them: single ones with only what the contract asks for, and a stream with a known change."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import orjson

from tests.whole.harness import FEEDBACK, REQUESTS, RESPONSES, Message

START_NS = 1_749_427_200_000_000_000  # Monday 2025-06-09 00:00:00 UTC, the beginning of 2025-W24
SECOND_NS = 1_000_000_000


def request(inference_id: str, at_s: float = 0.0, **more: Any) -> Message:
    """A request, `at_s` seconds after the start of the tests' time."""
    return _message(REQUESTS, "request", inference_id, at_s, {"gen_ai.operation.name": "chat"} | more)


def response(inference_id: str, at_s: float = 1.0, **more: Any) -> Message:
    return _message(RESPONSES, "response", inference_id, at_s, {"status": "ok"} | more)


def feedback(inference_id: str, at_s: float = 60.0, **more: Any) -> Message:
    said = {"gen_ai.evaluation.name": "user.thumbs", "gen_ai.evaluation.score.value": 0.0, "feedback.source": "human"}
    return _message(FEEDBACK, "feedback", inference_id, at_s, said | more)


def _message(topic: str, kind: str, inference_id: str, at_s: float, more: dict[str, Any]) -> Message:
    event = {
        "kind": kind,
        "event_id": f"{inference_id}/{kind}",
        "inference_id": inference_id,
        "time_unix_nano": START_NS + round(at_s * SECOND_NS),
    }
    return Message(topic, orjson.dumps(event | more), inference_id.encode())


SERVICES = ("checkout", "search", "support", "reports", "editor", "voice")
EACH = 1_500  # responses of a service
CHANGES_AT = 900  # the number of the first response of `checkout` that takes three times as long


def segment(service: str) -> str:
    """The segment of a service of `answers`."""
    return f"{service}|-|-|-"


def checkout_slows(number: int, place: int) -> bool:
    return number >= CHANGES_AT and SERVICES[place] == "checkout"


def answers(
    first: int = 0, last: int = EACH, *, slow: Callable[[int, int], bool] = checkout_slows
) -> Iterator[Message]:
    """Responses number `first` to `last` - 1 of each service, the services in turn. Those that are `slow`, by their
    number and their service's place, take three times as long.

    Each service has a partition of its own: then its order in Kafka is its order here, whoever reads it, and findings
    of different runs can be compared by their ids.
    """
    for number in range(first, last):
        for place, service in enumerate(SERVICES):
            # A generator for each value: the stream is the same, wherever it is begun.
            noise = np.random.default_rng((number, place)).lognormal(0.0, 0.3)
            event = response(
                f"{service}-{number:05d}",
                at_s=number,
                duration_s=float(0.8 * noise * (3.0 if slow(number, place) else 1.0)),
                **{"service.name": service, "gen_ai.usage.output_tokens": 200},
            )
            yield event._replace(partition=place % 4)
