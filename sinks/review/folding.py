"""Texts go in, one after another; each is new, or so near to one before it that both are one item.

Candidates come from MinHash and locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, ch. 3), by datasketch; what decides is the exact Jaccard similarity of the shingles, so that a pair over the
limit is found with high probability and a pair under it is never folded.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasketch import MinHash

WORDS = 3  # in a shingle
CHARACTERS = 6  # in a shingle of a script without spaces
PERMUTATIONS = 128
MARGIN = 0.3  # below the limit, at which LSH is tuned: a pair at 0.9 is then missed once in about 100,000
SEED = 1

_TOKENS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Folds:
    """Near-duplicates among the texts placed so far.

    >>> folds = Folds(0.9)
    >>> text = "the invoice of last month was paid twice and the refund never came to the card on file " * 3
    >>> folds.place("a", text), folds.place("b", text + "thanks"), folds.place("c", "something else altogether")
    (None, 'a', None)
    """

    def __init__(self, limit: float) -> None:
        from datasketch import MinHashLSH  # loads scipy.integrate, 25 MB that a worker is without until it folds

        self._limit = limit
        self._lsh = MinHashLSH(threshold=max(0.05, limit - MARGIN), num_perm=PERMUTATIONS)
        self._shingles: dict[str, frozenset[str]] = {}

    def place(self, name: str, text: str) -> str | None:
        """Return the name of the earlier text that this one folds into, the nearest; None where it is new, and placed.

        A text without a word is like no other.
        """
        return self.place_if(name, text, lambda: True)

    def place_if(self, name: str, text: str, wanted: Callable[[], bool]) -> str | None:
        """As `place`, but a new text is placed only if it is wanted."""
        shingles = shingled(text)
        if not shingles:
            return None
        sketch = _sketched(shingles)
        near = [(jaccard(shingles, self._shingles[other]), other) for other in self._lsh.query(sketch)]
        folded: tuple[float, str] | None = max((each for each in near if each[0] >= self._limit), default=None)
        if folded is not None:
            return folded[1]
        if wanted():
            self._shingles[name] = shingles
            self._lsh.insert(name, sketch)
        return None


def shingled(text: str) -> frozenset[str]:
    """Return the shingles of a text: three words in a row, or six characters of a script that has no spaces."""
    tokens = _TOKENS.findall(text.lower())
    size = CHARACTERS if sum(bool(_NO_SPACES.match(token)) for token in tokens) > len(tokens) / 2 else WORDS
    if len(tokens) <= size:
        return frozenset([" ".join(tokens)]) if tokens else frozenset()
    return frozenset(" ".join(tokens[start : start + size]) for start in range(len(tokens) - size + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of shingles of both that both have."""
    return len(one & other) / len(one | other)


def _sketched(shingles: frozenset[str]) -> "MinHash":
    from datasketch import MinHash

    sketch = MinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
    return sketch
