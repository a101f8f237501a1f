"""A deterministic embedder for tests that really ranks: hashed character n-grams, no model."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from rag.embedders.inputs import INPUT_VERSION, prepare, unit_rows
from rag.schema import EmbedderInfo
from rag.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

__all__ = ["RankingFakeEmbedder"]


class RankingFakeEmbedder:
    """Texts that share runs of up to three characters are near. No files, no randomness."""

    def __init__(self, *, dimension: int = 256) -> None:
        self._dimension = dimension

    @property
    def info(self) -> EmbedderInfo:
        """See ``protocols.Embedder``."""
        return EmbedderInfo(
            name="ranking-fake",
            revision="1",
            dimension=self._dimension,
            normaliser=INPUT_VERSION,
        )

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """See ``protocols.Embedder``."""
        import numpy as np

        prepared = prepare(texts)
        vectors = np.zeros((len(prepared), self._dimension), dtype=np.float32)
        for row, text in enumerate(prepared):
            folded = f"^{fold(text)}$"
            for size in (1, 2, 3):
                for start in range(len(folded) - size + 1):
                    gram = folded[start : start + size].encode("utf-8", "replace")
                    vectors[row, zlib.crc32(gram) % self._dimension] += 1.0
        return unit_rows(vectors, model="ranking-fake")

    def embed_query(self, text: str) -> FloatArray:
        """See ``protocols.Embedder``."""
        vector: FloatArray = self.embed_passages([text])[0]
        return vector
