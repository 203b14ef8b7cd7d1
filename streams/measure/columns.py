"""What is told of each answer becomes columns: a matrix of numbers, and words as one of a few combinations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter, itemgetter

import numpy as np
from numpy.typing import NDArray

from detectors.base import Words
from streams.events import InferenceResponse
from streams.measure.answers import FAILED, Answer

LARGEST = 1e30  # what is larger is a mistake of its sender's, and no number that is exact enough in 32 bits
LABELS = 64  # of a column of words in one piece; the others are one, OTHER_LABEL
OTHER_LABEL = "other"
LONGEST_LABEL = 128  # characters; ten columns of so many labels fit into a message

_SAID = ("duration_s", "time_to_first_chunk_s", "input_tokens", "output_tokens", "cost_usd")  # by the response itself
_TOLD = ("chars", "refusal", "empty", "truncated", "no_json", "tool_failure", "repetition", "prediction")
NUMBERS = (
    *("error", *_SAID, "output_chars", "refusal", "empty", "truncated", "invalid_json", "tool_failure"),
    *("repetition", "prediction", "tokens_per_s"),
)
WORDS = (
    *("response_model", "provider", "operation", "model_version", "prompt_version"),
    *("finish_reason", "language", "predicted_class", "tool", "stream"),
)
_ROW = {name: row for row, name in enumerate(NUMBERS)}
_TOKENS, _SECONDS, _JSON = _ROW["output_tokens"], _ROW["duration_s"], _ROW["invalid_json"]
_MODEL_VERSIONS = ("model_version", "model.version", "langfuse.version", "endpoint")
_PROMPT_VERSIONS = ("prompt_version", "prompt.version", "gen_ai.prompt.version")

_SERVED = itemgetter("response_model", "provider", "operation", "tags")

Combination = tuple[str | None, ...]


def numbers(
    events: Sequence[InferenceResponse],
    read: Sequence[Answer],
    durations: Sequence[float | None],
    output_types: Sequence[str | None],
) -> NDArray[np.float64]:
    """Return a row for each of NUMBERS, with a column for each answer; NaN is "not known"."""
    table = np.full((len(NUMBERS), len(events)), np.nan)
    if not events:
        return table
    table[0] = [event["status"] in FAILED for event in map(vars, events)]
    said = zip(*map(itemgetter(*_SAID), map(vars, events)), strict=True)  # a third of the cost of attributes
    told = zip(*map(attrgetter(*_TOLD), read), strict=True)
    for row, column in enumerate((*said, *told), start=1):
        if column.count(None) < len(column):
            table[row] = column  # None becomes NaN: null is not 0
    table[_SECONDS] = np.array(durations, np.float64)
    table[_JSON, [asked != "json" for asked in output_types]] = np.nan
    table[np.abs(table) > LARGEST] = np.nan
    timed = (table[_TOKENS] > 0) & (table[_SECONDS] > 0)
    table[-1, timed] = table[_TOKENS, timed] / table[_SECONDS, timed]
    return table


def combinations(
    events: Sequence[InferenceResponse], read: Sequence[Answer]
) -> tuple[NDArray[np.int64], list[Combination]]:
    """Number the combinations of WORDS that stand in a block: int64[n], and the words of each.

    They are few, so that what is done with words is done with a few of them instead of with each answer's.
    """
    number: dict[Combination, int] = {}
    codes = [
        number.setdefault(
            (
                *served,
                *(_versions(tags) if tags else (None, None)),
                answer.finish_reason,
                answer.language,
                answer.predicted_class,
                answer.tool,
                answer.stream,
            ),
            len(number),
        )
        for (*served, tags), answer in zip(map(_SERVED, map(vars, events)), read, strict=True)
    ]
    return np.array(codes, np.int64), list(number)


def words(codes: NDArray[np.int64], said: Sequence[Combination]) -> dict[str, Words]:
    """Return the columns of words of some rows by their combinations; -1 stands for a row that says none."""
    present, place = np.unique(codes, return_inverse=True)
    columns = zip(*(said[code] if code >= 0 else _NONE for code in present.tolist()), strict=True)
    return {
        name: labelled(labels, place)
        for name, labels in zip(WORDS, columns, strict=True)
        if labels.count(None) < len(labels)
    }


def labelled(labels: Sequence[str | None], place: NDArray[np.int64]) -> Words:
    """Make a column of words: each row has the label in its `place`. The rarest beyond LABELS become OTHER_LABEL."""
    cut = [label if label is None or len(label) <= LONGEST_LABEL else label[:LONGEST_LABEL] for label in labels]
    kept = dict.fromkeys(label for label in cut if label is not None)
    if len(kept) > LABELS:
        counts: Counter[str] = Counter()
        for label, count in zip(cut, np.bincount(place, minlength=len(cut)).tolist(), strict=True):
            if label is not None:
                counts[label] += count
        most = sorted(counts, key=lambda label: (-counts[label], label))[:LABELS]
        cut = [label if label is None or label in set(most) else OTHER_LABEL for label in cut]
        kept = dict.fromkeys(label for label in cut if label is not None)
    code = {label: number for number, label in enumerate(kept)}
    codes = np.array([-1 if label is None else code[label] for label in cut], np.int32)
    return Words(codes[place], tuple(kept))


_NONE: Combination = (None,) * len(WORDS)


def _versions(tags: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Find the version of the model and that of the prompt among a sender's labels."""
    model, prompt = (
        next((tags[name] for name in names if tags.get(name)), None) for names in (_MODEL_VERSIONS, _PROMPT_VERSIONS)
    )
    return model, prompt
