"""Seeded measurements of a service as it might be: long answers take long, failed ones have no tokens."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.base import Measurements, Texts, Words
from detectors.held import select
from detectors.text_features import features

Columns = dict[str, NDArray[np.float64]]
START_NS = 1_790_000_000_000_000_000  # a Monday, 13:33 UTC
HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS


def answers(n: int, seed: int, *, errors: float = 0.02, slower: float = 1.0, longer: float = 1.0) -> Columns:
    """Return the metrics of n answers: seconds around 3, tokens around 300, `errors` of them failed."""
    rng = np.random.default_rng(seed)
    tokens = np.round(300 * longer * rng.lognormal(0, 0.9, n))
    columns = {
        "error": (rng.random(n) < errors).astype(float),
        "duration_s": slower * (0.3 + tokens * 0.01 * rng.lognormal(0, 0.25, n)),
        "time_to_first_chunk_s": 0.2 * rng.lognormal(0, 0.4, n),
        "input_tokens": np.round(500 * rng.lognormal(0, 1, n)),
        "output_tokens": tokens,
        "output_chars": np.round(4 * tokens * rng.lognormal(0, 0.1, n)),
    }
    failed = columns["error"] == 1
    for metric in ("time_to_first_chunk_s", "output_tokens", "output_chars"):
        columns[metric][failed] = np.nan
    return columns


def after(first: Columns, then: Columns) -> Columns:
    """Put one stretch of answers after another."""
    return {metric: np.concatenate([first[metric], then[metric]]) for metric in first}


def measured(columns: Columns, partitions: int = 3, apart: int = 10**8) -> Measurements:
    """Return answers as measurements from several source partitions, interleaved, so many nanoseconds apart."""
    n = len(next(iter(columns.values())))
    rows = np.arange(n)
    return Measurements(
        source=(rows * 7 % partitions).astype(np.int64),
        position=rows // partitions + 10,
        time_unix_nano=START_NS + rows * apart,
        inference_id=[f"inference-{row}" for row in range(n)],
        values=columns,
    )


def said(words: list[str]) -> Words:
    """Return a column of words; an empty one is not known."""
    labels = tuple(sorted({word for word in words if word}))
    return Words(np.array([labels.index(word) if word else -1 for word in words], np.int32), labels)


def piece(whole: Measurements, start: int, stop: int) -> Measurements:
    """Return rows start to stop of some measurements."""
    return select(whole, np.arange(start, min(stop, len(whole.inference_id))))


def told(part: Measurements) -> Measurements:
    """Leave out the columns of which no row knows anything, as stage 1 does."""
    return replace(
        part,
        values={name: column for name, column in part.values.items() if not np.isnan(column).all()},
        words={name: words for name, words in part.words.items() if (words.codes >= 0).any()},
        texts={name: texts for name, texts in part.texts.items() if len(texts.rows)},
    )


def of_all_kinds(n: int, seed: int, change: int, back: int) -> Measurements:
    """Return n rows of a segment with everything that is watched, 40 seconds apart: answers, and what people say and
    do about them; from row `change` to row `back` much is different, and some rows come late."""
    rng = np.random.default_rng(seed)
    row = np.arange(n)
    worse = (row >= change) & (row < back)
    columns = after(
        after(answers(change, seed), answers(back - change, seed + 1, errors=0.2, slower=2.0)),
        answers(n - back, seed + 2),
    )
    feedback = rng.random(n) < 0.1
    for column in columns.values():
        column[feedback] = np.nan
    columns["feature.age"] = np.where(feedback, np.nan, rng.normal(40, 10, n))
    columns["thumbs_down"] = np.where(feedback & (rng.random(n) < 0.7), (rng.random(n) < 0.1 + 0.5 * worse), np.nan)
    columns["implicit.regenerate"] = np.where(feedback & np.isnan(columns["thumbs_down"]) & (row > 150), 1.0, np.nan)
    columns["implicit.copy"] = np.where(feedback & (row == change // 2), 1.0, np.nan)
    model = np.where(rng.random(n) < 0.3, "basalt-70b", np.where(worse, "cobalt-5", "cobalt-4"))
    prompt = np.where(row < change // 3, "", np.where(row < back, "p1", "p2"))
    tool = np.where(rng.random(n) < np.where(worse, 0.7, 0.2), "search", "calendar")
    language = rng.choice(["en", "en", "en", "de", "zh"], n)
    for words in (model, prompt, tool, language):
        words[feedback] = ""
    tool[: change // 2] = ""
    return Measurements(
        source=rng.integers(0, 3, n),
        position=row + 5,
        time_unix_nano=START_NS + np.cumsum(rng.integers(10**9, 79 * 10**9, n)) - (rng.random(n) < 0.02) * 3 * HOUR_NS,
        inference_id=[f"inference-{each}" for each in range(n)],
        values=columns,
        words={
            "response_model": said(model.tolist()),
            "prompt_version": said(prompt.tolist()),
            "tool": said(tool.tolist()),
            "language": said(language.tolist()),
        },
        texts={
            "input_text": texts(np.flatnonzero(~feedback & (rng.random(n) < 0.5)), worse, rng),
            "output_text": texts(np.flatnonzero(~feedback & (rng.random(n) < 0.5)), worse & (row > change + 9), rng),
        },
    )


_WORDS = (
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "it",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
)
_POOL = 300  # texts of each kind


def texts(rows: NDArray[np.int64], listed: NDArray[np.bool_], rng: np.random.Generator) -> Texts:
    """Return the features of plain texts, and of lists where `listed`, at some rows."""
    style, grams = features([_text(rng, "\n- " if n >= _POOL else " ") for n in range(2 * _POOL)])
    drawn = rng.integers(_POOL, size=len(rows)) + _POOL * listed[rows]
    return Texts(rows.astype(np.int32), style[drawn], grams[drawn])


def _text(rng: np.random.Generator, between: str) -> str:
    sentences = [" ".join(rng.choice(_WORDS, rng.integers(3, 12))) for _ in range(rng.integers(1, 5))]
    return between.join(sentence.capitalize() + "." for sentence in sentences)
