"""What every place has from which something can be erased: a name, a count of what is there, and a way to erase it."""

from typing import Protocol


class Place(Protocol):
    """One place of many. Both methods may be called again at any time, also after a kill in the middle of them."""

    @property
    def name(self) -> str:
        """What the receipt calls it."""

    def count(self) -> int:
        """Return how much of what is to be erased is there."""

    def erase(self) -> None:
        """Erase it, and return when it is gone for good."""
