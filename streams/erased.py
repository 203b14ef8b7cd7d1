"""A block of events goes in, and the places of those come out that are of something erased and must not be stored anew.

Kafka delivers again, dead letters are sent again, and whole topics are replayed, also after `sluice erase`. A worker
therefore knows what was erased, as hashes, and looks every few seconds whether that is more by now. What was delivered
within these seconds is found, with all else that came late, by the next `sluice erase`. A record that is no event is a
dead letter as before, whatever its bytes say of whom.

To know it costs 0.13 µs an event once inferences were erased, 0.22 µs once users were, too, and nothing before.

What is meant is what `sluice erase` means: all of an inference, by its id or an alias that it has alone, at whatever
time; of a user what happened before the erasure.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from operator import attrgetter
from time import monotonic
from typing import Any

from sinks.clickhouse import ClickHouse
from sinks.erased import Hashes, hashed, quick, read, seed
from streams.events import Event, Feedback, Received
from streams.ingest import Block

AGAIN_S = 5.0  # seconds between two looks
PEOPLE = 100_000  # users whose pseudonyms are known not to be erased, or until when they are

Place = tuple[int, int]  # the number of a source and the position in it


class Erased:
    """What was erased, as far as this worker knows.

    Args:
        clickhouse: where it is written down.
        salt: of erasures.
        now: seconds, of a clock that only goes on.
    """

    def __init__(self, clickhouse: ClickHouse, salt: str, now: Callable[[], float] = monotonic) -> None:
        self._clickhouse, self._salt, self._seed, self._now = clickhouse, salt, seed(salt), now
        self._known, self._looked = Hashes(), float("-inf")
        self._until: dict[str, int] = {}  # of users met since the last change; 0 for whom nothing was erased

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        return self._now() - self._looked >= AGAIN_S

    def look(self) -> bool:
        """Read what was erased, and say whether that is more. Blocking; raises SinkBusy and SinkBroken."""
        known = self._clickhouse.ask(partial(read, known=self._known))
        more = known is not self._known
        if more:
            self._known, self._until = known, {}
        self._looked = self._now()
        return more

    def among(self, block: Block) -> frozenset[Place]:
        """Return the places of a block's events that are of something erased; mostly none."""
        gone: set[Place] = set()
        if self._known.quick and not self._known.quick.isdisjoint(self._names(block)):
            gone |= {place for place, event in _placed(block) if self._is_of_erased_inference(event)}
        if self._known.users and any(self._until_of(user) for user in _people(block)):
            gone |= {place for place, event in _placed(block) if self._is_of_erased_user(event)}
        return frozenset(gone)

    def _names(self, block: Block) -> list[int]:
        """Return `quick` of all that a block's events may be known by."""
        ids = chain.from_iterable(_all(kind, "inference_id") for kind in block.kinds())
        return quick(filter(None, chain(ids, *_all(block.feedback, "aliases"))), self._seed)

    def _is_of_erased_inference(self, event: Event) -> bool:
        names = (vars(event)["inference_id"], *(event.aliases if isinstance(event, Feedback) else ()))
        return not self._known.quick.isdisjoint(quick(filter(None, names), self._seed))

    def _is_of_erased_user(self, event: Event) -> bool:
        people = [event.user_id, event.rater_id if isinstance(event, Feedback) else None]
        return any(event.time_unix_nano < self._until_of(user) for user in people if user is not None)

    def _until_of(self, user: str) -> int:
        """Return before which time what a user did is erased, by the pseudonym; 0 where nothing is."""
        until = self._until.get(user)
        if until is None:
            if len(self._until) >= PEOPLE:
                self._until.clear()
            until = self._until[user] = (self._known.users or {}).get(hashed(self._salt, user), 0)
        return until


def _people(block: Block) -> set[str]:
    """Return the pseudonyms of all people of a block."""
    people = set(chain.from_iterable(_all(kind, "user_id") for kind in block.kinds()))
    return (people | set(_all(block.feedback, "rater_id"))) - {None}


def _all(received: Received[Any], field: str) -> Iterator[Any]:
    return map(attrgetter(field), received.events)


def _placed(block: Block) -> Iterator[tuple[Place, Event]]:
    for kind in block.kinds():
        yield from zip(zip(kind.sources, kind.positions, strict=True), kind.events, strict=True)
