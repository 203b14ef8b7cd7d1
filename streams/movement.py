"""Where each partition stands goes in from time to time; out comes how far it is behind, and whether it moves."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

Partition = tuple[str, int]  # topic and number
LOOKS = 720  # of a partition that are remembered: an hour, at one in 5 s


@dataclass(frozen=True, slots=True)
class Place:
    """Where an assigned partition stands: the next offset that may be committed, and the next to be written."""

    confirmed: int
    end: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One partition: records behind; seconds behind, that is, since when its log has been longer than what is confirmed
    now; and seconds for which it has been behind without moving at all. All are 0 where nothing is left to read."""

    lag: int
    behind_s: float
    still_s: float


@dataclass
class _Partition:
    confirmed: int
    moved: float
    ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=LOOKS))  # when, and where it ended


class Movement:
    """Remembers where each partition was. One without lag stands still by right."""

    def __init__(self) -> None:
        self._partitions: dict[Partition, _Partition] = {}

    def note(self, places: Mapping[Partition, Place], now: float) -> dict[Partition, Standing]:
        """Look at the partitions that are assigned now; what has gone to another worker is forgotten.

        Args:
            places: all of them.
            now: seconds, of a clock that only goes on.
        """
        self._partitions = {
            each: self._partitions.get(each) or _Partition(place.confirmed, now) for each, place in places.items()
        }
        return {each: _standing(self._partitions[each], place, now) for each, place in places.items()}


def _standing(known: _Partition, place: Place, now: float) -> Standing:
    if place.confirmed != known.confirmed or place.end <= place.confirmed:
        known.confirmed, known.moved = place.confirmed, now
    known.ends.append((now, place.end))
    while len(known.ends) > 1 and known.ends[1][1] <= place.confirmed:  # all that was written by then is confirmed
        known.ends.popleft()
    if place.end <= place.confirmed:
        return Standing(0, 0.0, 0.0)
    return Standing(place.end - place.confirmed, now - known.ends[0][0], now - known.moved)
