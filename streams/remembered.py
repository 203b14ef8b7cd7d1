"""The detectors as a place to erase from: what their kept state still names is counted, and their workers are told."""

import asyncio
import time
from functools import partial

from detectors.budget import Budget
from detectors.sealed import StateRefused
from sinks.review.erasure.work import Work
from streams import kept_state
from streams.findings import finding_id
from streams.forgetting import DIGEST, digest, packed
from streams.kafka import connection
from streams.produce import Record, produce
from streams.segments import opened
from streams.settings import Settings
from streams.topics import MEASUREMENTS, KafkaUnreachable
from streams.usage import is_usage

PATIENCE_S = 20.0  # besides a few checkpoints: how long workers may take to do and to keep it
LOOK_S = 1.0

_SEGMENTS = """
SELECT DISTINCT assumeNotNull(segment) FROM inference_parts
WHERE segment IS NOT NULL AND inference_id IN (SELECT name FROM erasing WHERE kind = 'inference')
"""


class Detectors:
    """What detectors hold by name: examples, rows in waiting, who uses much.

    Args:
        settings: Kafka's address, the key of the state and the salt.
        work: what is listed, and what was erased before.
        salt: of the digests.
    """

    name = "detector state (names)"

    def __init__(self, settings: Settings, work: Work, salt: str) -> None:
        self._settings, self._work, self._salt = settings, work, salt
        listed = [*work.names("inference"), *work.names("user")]
        self._listed = {digest(salt, name) for name in listed}
        # A user who was erased and came back is somebody new; an inference is not.
        self._known = self._listed | {bytes.fromhex(each)[:DIGEST] for each in work.hashes("inference")}

    def count(self) -> int:
        return sum(count for count, _ in self._held().values())

    def erase(self) -> None:
        """Tell the workers, and wait a while for them to have done it; they may be away, and do it later."""
        if not self._known:
            return
        held = self._held()
        told = {segment: digests for segment, (_, digests) in held.items() if digests}
        of_inferences = {segment for (segment,) in self._work.client.query(self._work.sql(_SEGMENTS)).result_rows}
        for segment in of_inferences | {name for name in held if is_usage(name)}:
            told[segment] = told.get(segment, set()) | self._listed
        asyncio.run(self._tell(told))
        until = time.monotonic() + PATIENCE_S + 3 * self._settings.checkpoint_seconds
        while self.count() and time.monotonic() < until:
            time.sleep(LOOK_S)

    async def _tell(self, told: dict[str, set[bytes]]) -> None:
        now_ms = time.time_ns() // 1_000_000
        records = [
            Record(MEASUREMENTS.name, segment.encode(), message, now_ms)
            for segment, digests in sorted(told.items())
            for message in packed(digests)
        ]
        produced = await produce(records, connection(self._settings), self._settings.topic_prefix)
        if produced.refused:
            raise KafkaUnreachable(self._settings.kafka_bootstrap, "it refuses what the detectors are told")

    def _held(self) -> dict[str, tuple[int, set[bytes]]]:
        """Return of each segment's kept state how often it names what is meant, and the digests of that."""
        states = asyncio.run(kept_state.sealed(self._settings))
        return {segment: self._look(segment, state) for segment, state in states.items()}

    def _look(self, segment: str, sealed: bytes) -> tuple[int, set[bytes]]:
        found: set[bytes] = set()

        def gone(name: str) -> bool:
            each = digest(self._salt, name)
            if each in self._known:
                found.add(each)
            return each in self._known

        try:
            key = self._settings.state_key.get_secret_value().encode()
            bank = opened(segment, sealed, key, Budget(self._settings.segments, self._settings.false_alarms))
        except StateRefused:  # its worker will not read it either, and learns anew
            return 0, set()
        return bank.forget(gone, partial(finding_id, segment)), found
