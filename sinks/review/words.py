"""A text becomes the words that may tell its topic: each once, no numbers; pairs of signs where no spaces are."""

import re

LONGEST = 2000  # characters of a question that are read, its end: what comes before is mostly context
_RUNS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|[^\W\d_]{3,30}")


def words(text: str) -> frozenset[str]:
    """Return the words of a text, lower-case.

    >>> sorted(words("The invoice 4711 of ACME; 发票金额"))
    ['acme', 'invoice', 'the', '发票', '票金', '金额']
    """
    found: set[str] = set()
    for run in _RUNS.findall(text[-LONGEST:].lower()):
        if "\u3040" <= run[0] <= "\ufaff":
            found.update(run[start : start + 2] for start in range(len(run) - 1))
        else:
            found.add(run)
    return frozenset(found)
