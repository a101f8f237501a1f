"""What every embedder does to its input and output, so that no odd text becomes an odd vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.errors import InvalidInput, ModelUnavailable
from rag.text import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

__all__ = ["INPUT_VERSION", "MAX_CHARACTERS", "prepare", "unit_rows"]

MAX_CHARACTERS = 20_000
"""Characters of one text that are read; a passage is a few hundred. The rest is left out."""

INPUT_VERSION = "text-1"


def prepare(texts: Sequence[str]) -> list[str]:
    """Normalised, cut texts. Raises InvalidInput where nothing visible is left."""
    if isinstance(texts, str):
        message = (
            "Passages to embed came as one string, which would be read letter by letter."
            " Expected a sequence of texts: put it in a list."
        )
        raise InvalidInput(message)
    prepared = []
    for position, text in enumerate(texts):
        clean = normalise(text[:MAX_CHARACTERS]).strip()
        if not clean:
            message = (
                f"Text {position + 1} of {len(texts)} to embed is empty or holds only white space"
                " and control characters. Expected some visible text."
            )
            raise InvalidInput(message)
        prepared.append(clean)
    return prepared


def unit_rows(vectors: FloatArray, *, model: str) -> FloatArray:
    """The rows at length 1, float32. Raises ModelUnavailable for a row without a direction.

    The array given is the one returned, where it is float32: a second one would double the memory.
    A model that gives zeros or NaN for visible text is broken (a damaged file, a half-precision
    overflow); such a row would be found by every query, or by none.
    """
    import numpy as np

    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    broken = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)).ravel())
    if broken.size:
        message = (
            f"The embedding model {model} gave a vector without direction (zeros, or not numbers)"
            f" for text {broken[0] + 1} of {len(rows)}. Expected a finite one. Check the model's"
            " files, or choose another with RAG_EMBEDDER."
        )
        raise ModelUnavailable(message)
    rows /= lengths
    return rows
