"""A hostile record passes through its decoder and everything behind it; what must not happen is said by name."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from bench.fuzz.hostile_records import of_format
from bench.fuzz.json_mutations import MARKER
from bench.fuzz.seeds import INGEST_MS, LIMIT, Seed
from bench.fuzz.stage_one import StageOne
from bench.fuzz.tally import Tally
from bench.fuzz.yardstick import Yardstick
from streams.events import Event
from streams.gateways.base import Decoded, InvalidEvent
from streams.gateways.formats import FORMATS, decode
from streams.redaction import Redactor

MEGABYTE = 1e6
SMALL = 100_000  # bytes
SMALL_S = 0.005  # of CPU for one of these …
S_PER_MEGABYTE = 0.05  # … and for a greater one,
EVENT_S = 50e-6  # and besides what its events cost, which are work that was asked for
TRIES = 10  # of which the quickest counts
NOISE = 1.5  # how far measurements of the same work lie apart, on a machine that others use, too


class Checker:
    """Checks records of one format."""

    def __init__(self, form: str, *, floods: float = 0.0, timed: bool = True) -> None:
        self.tally, self.hostile = Tally(), of_format(form, floods=floods)
        self._decoder = FORMATS[form]
        self._redactor = Redactor(b"k" * 32)
        self._stage_one = StageOne(form, self._redactor)
        self._yardstick = Yardstick() if timed else None

    def wrong(self, record: Seed, *, thoroughly: bool) -> str | None:
        """Say what is wrong with how a record is read; None where nothing is.

        Args:
            record: what came.
            thoroughly: also read it twice, replay its dead letters, and take it through stage 1.
        """
        self.tally.inputs += 1
        try:
            began = time.process_time()
            decoded = self._decode(record)
            took_s = time.process_time() - began
            self.tally.slowest_ms = max(self.tally.slowest_ms, took_s * 1e3)
            self._count(decoded)
            self._keep([each for each in decoded if isinstance(each, Event)], thoroughly=thoroughly)
            if thoroughly:
                self._stage_one.take(record)
            return (
                self._slow(record, took_s, len(decoded))
                or self._told(decoded)
                or (self._repeats(record, decoded) if thoroughly else None)
            )
        except Exception as broken:  # whatever it is, it is what is looked for
            return f"{type(broken).__name__}: {str(broken)[:200]!r} {where(broken)}"

    def _decode(self, record: Seed) -> list[Decoded]:
        return list(decode(self._decoder, record.value, record.headers, limit=LIMIT, ingest_ms=INGEST_MS))

    def _count(self, decoded: Sequence[Decoded]) -> None:
        for each in decoded:
            if isinstance(each, InvalidEvent):
                self.tally.refused[each.reason] += 1
            else:
                self.tally.read += 1

    def _slow(self, record: Seed, took_s: float, events: int) -> str | None:
        if self._yardstick is None:
            return None
        size = len(record.value)
        allowed_s = max(SMALL_S, S_PER_MEGABYTE * size / MEGABYTE) + EVENT_S * events
        for _ in range(TRIES):
            if took_s <= allowed_s:
                break
            took_s = min(took_s, self._yardstick.measured(self._decode, record))
        own_s = took_s - EVENT_S * events
        if size < SMALL:
            self.tally.slowest_small = max(self.tally.slowest_small, own_s * 1e3)
        else:
            self.tally.slowest = max(self.tally.slowest, own_s * 1e3 * MEGABYTE / size)
        if took_s <= allowed_s * NOISE:
            return None
        return f"slow: {took_s * 1e3:.1f} ms for {size:,} bytes and {events:,} events, {allowed_s * 1e3:.1f} allowed"

    def _told(self, decoded: Sequence[Decoded]) -> str | None:
        marker = MARKER.decode()
        told = (each for each in decoded if isinstance(each, InvalidEvent))
        return next((f"quotes the record: {each.reason}" for each in told if marker in str(each)), None)

    def _repeats(self, record: Seed, decoded: Sequence[Decoded]) -> str | None:
        """Check that the same bytes give the same, and that a dead letter's message gives the same dead letter."""
        if _written(self._decode(record)) != _written(decoded):
            return "differs: the second reading is not the first"
        for each in decoded:
            if isinstance(each, InvalidEvent) and each.item is not None:
                again = self._decode(Seed(each.item, record.headers))
                if not any(isinstance(other, InvalidEvent) and other.reason == each.reason for other in again):
                    return f"replay: the message of a dead letter {each.reason} gives another"
        return None

    def _keep(self, events: Sequence[Event], *, thoroughly: bool) -> None:
        """Redact events and write them, as the contract has them. Raises what that raises."""
        for event in events:
            written = self._redactor.apply(event, "redacted").model_dump_json(by_alias=True)
            if thoroughly:
                type(event).model_validate(json.loads(written))


def _written(decoded: Sequence[Decoded]) -> list[object]:
    return [
        (each.reason, each.detail, each.item) if isinstance(each, InvalidEvent) else each.model_dump_json()
        for each in decoded
    ]


def where(broken: BaseException) -> str:
    """Name the innermost place of ours."""
    at = ""
    trace = broken.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file and not file.startswith("<"):
            at = f"at {Path(file).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return at
