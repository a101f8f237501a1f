"""The judge that ships in the package: a small transformer, run by NumPy alone; no torch.

A question, a sentence and what stands around it are read as one sequence, so that every word of the
one is compared with every word of the other, in order. docs/model-card.md says how it was trained.
The layers are those of BERT (Devlin and others 2019), normalised after each addition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rag.bundled import check_folder, read_arrays, read_tokenizer
from rag.text import simplified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

    from rag.protocols import Reading

    FloatArray = npt.NDArray[np.float32]
    IntArray = npt.NDArray[np.int64]

__all__ = ["HEAD_WIDTH", "BundledJudge", "judge_folder", "sequence"]

HEAD_WIDTH = 32
_EPSILON = 1e-12
_LARGEST_POWER = 80.0
_QUESTION, _SENTENCE, _TITLE, _BEFORE = 64, 110, 16, 24
"""Pieces that are read of each part; of what stands before the sentence, the last ones."""
_TITLE_CHARACTERS, _BEFORE_CHARACTERS = 40, 40
_START, _END = 0, 2
"""The pieces that begin a sequence and end a part of it."""


def judge_folder() -> Path:
    """Where the bundled judge lies in this installation."""
    return Path(str(resources.files("rag.judges").joinpath("answer_judge")))


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of one layer, each of shape (inputs, outputs), and biases."""

    together: tuple[FloatArray, FloatArray]
    """Queries, keys and values at once."""
    attended: tuple[FloatArray, FloatArray]
    attended_norm: tuple[FloatArray, FloatArray]
    inner: tuple[FloatArray, FloatArray]
    outer: tuple[FloatArray, FloatArray]
    outer_norm: tuple[FloatArray, FloatArray]


class BundledJudge:
    """Reads questions and sentences together. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """``arrays``: what ``training/export_judge.py`` writes."""
        import numpy as np

        def dense(name: str) -> FloatArray:
            rows = arrays[name].astype(np.float32)
            scales = arrays.get(f"{name}.scale")
            return rows if scales is None else rows * scales.astype(np.float32)[:, None]

        def linear(name: str) -> tuple[FloatArray, FloatArray]:
            return np.ascontiguousarray(dense(f"{name}.weight").T), dense(f"{name}.bias")

        def norm(name: str) -> tuple[FloatArray, FloatArray]:
            return dense(f"{name}.weight"), dense(f"{name}.bias")

        self._tokenizer = tokenizer
        self._words, self._word_scales = arrays["word"], dense("word.scale")
        self._places, self._parts = dense("position"), dense("part")
        self._first_norm = norm("norm")
        count = sum(name.endswith(".inner.weight") for name in arrays)
        self._layers = [
            _Layer(
                together=linear(f"{number}.together"),
                attended=linear(f"{number}.attended"),
                attended_norm=norm(f"{number}.attended_norm"),
                inner=linear(f"{number}.inner"),
                outer=linear(f"{number}.outer"),
                outer_norm=norm(f"{number}.outer_norm"),
            )
            for number in range(count)
        ]
        self._hidden, self._logit = linear("hidden"), linear("logit")

    @classmethod
    def load(cls, folder: Path | None = None) -> BundledJudge:
        """Load the model. Raises ModelUnavailable, naming the file that is missing or damaged."""
        folder = folder or judge_folder()
        check_folder(folder, contents=False)
        arrays = read_arrays(
            folder / "model.safetensors", needed=("word", "word.scale", "logit.weight")
        )
        tokenizer = read_tokenizer(folder / "tokenizer.json", pieces=len(arrays["word"]))
        return cls(tokenizer, arrays)

    def logits(self, question: str, readings: Sequence[Reading]) -> list[float]:
        """See ``protocols.Judge``."""
        import numpy as np

        if not readings:
            return []
        sequences = [sequence(self._pieces, question, reading) for reading in readings]
        lengths = [len(pieces) for pieces, _ in sequences]
        ends = np.cumsum(lengths).tolist()
        spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        pieces = np.array([piece for each, _ in sequences for piece in each], dtype=np.int64)
        parts = np.array([part for _, each in sequences for part in each], dtype=np.int64)
        places = np.concatenate([np.arange(length) for length in lengths])
        words = self._words.take(pieces, axis=0).astype(np.float32)
        states = words * self._word_scales.take(pieces)[:, None]
        states += self._places.take(places, axis=0) + self._parts.take(parts, axis=0)
        states = _normalised(states, self._first_norm)
        for layer in self._layers:
            states = _read(layer, states, spans)
        pooled = np.stack(
            [
                np.concatenate([states[span.start], states[span][parts[span] == 1].mean(axis=0)])
                for span in spans
            ]
        )
        logits = _applied(np.tanh(_applied(pooled, self._hidden)), self._logit)[:, 0]
        # Sums may differ in their last bits with the number of sentences: the same to the reader.
        return [round(float(logit), 3) for logit in logits]

    def _pieces(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


def sequence(
    pieces_of: Callable[[str], list[int]], question: str, reading: Reading
) -> tuple[list[int], list[int]]:
    """The pieces of a question, a sentence and what is around it, and the part that each is of."""
    asked = pieces_of(simplified(question))[:_QUESTION]
    told = pieces_of(simplified(reading.sentence))[:_SENTENCE]
    title = pieces_of(simplified(reading.title[:_TITLE_CHARACTERS]))[:_TITLE]
    before = simplified(reading.before[-_BEFORE_CHARACTERS:])
    around = [*title, _END, *(pieces_of(before)[-_BEFORE:] if before else [])]
    parts = [0] * (len(asked) + 2) + [1] * (len(told) + 1) + [2] * len(around)
    return [_START, *asked, _END, *told, _END, *around], parts


def _read(layer: _Layer, states: FloatArray, spans: Sequence[slice]) -> FloatArray:
    """One layer over all sequences; each attends to itself alone. Shape (pieces, width)."""
    import numpy as np

    width = states.shape[1]
    together = _applied(states, layer.together).reshape(len(states), 3, -1, HEAD_WIDTH)
    attended = np.empty_like(states)
    for span in spans:
        queries, keys, values = together[span].transpose(1, 2, 0, 3)
        scores = queries @ keys.transpose(0, 2, 1) * (1 / math.sqrt(HEAD_WIDTH))
        scores = np.exp(scores - scores.max(axis=2, keepdims=True))
        scores /= scores.sum(axis=2, keepdims=True)
        attended[span] = (scores @ values).transpose(1, 0, 2).reshape(-1, width)
    states = _normalised(states + _applied(attended, layer.attended), layer.attended_norm)
    inner = _gelu(_applied(states, layer.inner))
    return _normalised(states + _applied(inner, layer.outer), layer.outer_norm)


def _applied(states: FloatArray, linear: tuple[FloatArray, FloatArray]) -> FloatArray:
    weight, bias = linear
    result: FloatArray = states @ weight
    result += bias
    return result


def _normalised(states: FloatArray, norm: tuple[FloatArray, FloatArray]) -> FloatArray:
    weight, bias = norm
    states = states - states.mean(axis=1, keepdims=True)
    variance = (states * states).mean(axis=1, keepdims=True)
    result: FloatArray = states / (variance + _EPSILON) ** 0.5 * weight + bias
    return result


def _gelu(states: FloatArray) -> FloatArray:
    """By the tangent (Hendrycks and Gimpel 2016), and that by the exponential, which is faster."""
    import numpy as np

    power = states * states
    power *= 0.044715
    power += 1
    power *= states
    power *= -2 * math.sqrt(2 / math.pi)
    np.minimum(power, _LARGEST_POWER, out=power)  # beyond it float32 ends
    np.exp(power, out=power)
    power += 1
    result: FloatArray = states / power
    return result
