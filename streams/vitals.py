"""A worker looks at itself every few seconds: what it sees goes to its metrics, to /livez and to /readyz."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

from sinks.prometheus import Metrics
from streams.ends import Ends, KafkaAway
from streams.health import Health
from streams.movement import Movement, Partition, Place
from streams.offers import Offers

log = logging.getLogger("sluice.vitals")

EVERY_S = 5.0
BROKEN_S = 4 * EVERY_S  # without a look: the loop of events hangs, or looks fail


class Group(Protocol):
    """The worker's part of its consumer group."""

    def settled(self) -> bool:
        """Say whether partitions have been given out, and are not being moved."""

    def confirmed(self) -> Mapping[Partition, int]:
        """Return the next offset that may be committed, of each assigned partition."""

    def seen(self, partition: Partition) -> int:
        """Return the end of a partition's log as the last fetch had it; 0 where none came yet."""


@dataclass
class Vitals:
    """Looks, and remembers what it saw last."""

    group: Group
    ends: Ends
    offers: Offers
    metrics: Metrics
    limit_s: float
    clock: Callable[[], float] = monotonic

    def __post_init__(self) -> None:
        self._movement = Movement()
        self._away = False
        self._answered_at = self.clock()
        self._last_look = self.clock()
        self._seen = Health(limit_s=self.limit_s)

    async def look(self) -> None:
        """Look once; called every EVERY_S seconds."""
        confirmed = dict(self.group.confirmed())
        try:
            ends = await self.ends.ask(confirmed)
            self._answered_at = self.clock()
            if self._away:
                log.warning("Kafka says again where logs end.")
            self._away = False
        except KafkaAway as away:
            ends = {}
            if not self._away:
                log.warning("Kafka does not say where logs end (%s); asked again every %.0f s.", away, EVERY_S)
            self._away = True
        now = self.clock()
        # Tansu answers with the beginning of its last batch, and tells the end with every fetch.
        places = {
            each: Place(offset, max(ends.get(each, 0), self.group.seen(each))) for each, offset in confirmed.items()
        }
        away_s = now - self._answered_at
        self._seen = Health(
            partitions=self._movement.note(places, now),
            assigned=self.group.settled(),
            kafka_away_s=away_s if away_s >= EVERY_S else 0.0,
            sink_refuses_s=self.offers.waiting_s,
            sink_silent_s=self.offers.silent_s,
            limit_s=self.limit_s,
            places=places,
        )
        self._last_look = now
        self._show()

    @property
    def health(self) -> Health:
        """What the last look saw, and whether it is long ago."""
        since = self.clock() - self._last_look
        return replace(self._seen, overlooked_s=since if since > BROKEN_S else 0.0)

    def _show(self) -> None:
        """Put what was seen into the metrics; partitions that went to another worker leave them."""
        for gauge in (self.metrics.lag_records, self.metrics.lag_seconds, self.metrics.stalled):
            gauge.clear()
        for (topic, number), standing in self._seen.partitions.items():
            self.metrics.lag_records.labels(topic, number).set(standing.lag)
            self.metrics.lag_seconds.labels(topic, number).set(standing.behind_s)
            self.metrics.stalled.labels(topic, number).set(standing.still_s)
        self.metrics.sink_waiting.set(max(self._seen.sink_refuses_s, self._seen.sink_silent_s))
