"""The end of an answer goes in; how much of it had been said before comes out."""

WINDOW = 1_000  # characters: who falls into a loop is in it at the end
SHORTEST = 120  # characters, about 20 words
PLACES = 8
TRIPLE, SHORT_TRIPLE = 16, 5  # characters of three words with spaces between, and of scripts that have none


def repetition(text: str, *, spaced: bool) -> float | None:
    """Return the share of a text's word triples that came before in it; None where it is too short to say.

    It is asked in PLACES places, evenly over the last WINDOW characters, what stands there and whether it stood
    before: a set of all triples costs five times as much. `spaced` is False for scripts without spaces.

    >>> repetition("So it goes on and on. " * 20, spaced=True)
    1.0
    """
    window = text[-WINDOW:]
    length = TRIPLE if spaced else SHORT_TRIPLE
    if len(window) < (SHORTEST if spaced else SHORTEST // 3):
        return None
    start = 2 * length
    step = (len(window) - length - start) / (PLACES - 1)
    seen = 0
    for place in range(PLACES):
        at = start + int(place * step)
        seen += window.find(window[at : at + length], 0, at + length - 1) >= 0
    return seen / PLACES
