"""Reads a static embedding model's folder with the tokenizer and numpy alone.

``model2vec`` and ``sentence-transformers`` read the same folder and give the same vectors, but
importing either costs more than everything else a question needs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

    FloatArray = npt.NDArray[np.float32]

__all__ = ["StaticVectors"]

_WEIGHTS_FILE, _TOKENIZER_FILE = "model.safetensors", "tokenizer.json"
_UNKNOWN = re.compile(rb'"unk_id":\s*(\d+)')


class StaticVectors:
    """A vector for each token of a vocabulary; a text's vector is their weighted mean.

    Safe to share between threads: nothing changes after loading.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        embeddings: npt.NDArray[np.generic],
        weights: FloatArray | None,
        unknown: int | None,
    ) -> None:
        self._tokenizer = tokenizer
        self._embeddings = embeddings
        self._weights = weights
        self._unknown = unknown

    @classmethod
    def load(cls, folder: Path) -> StaticVectors:
        """Read the folder. Raises ModelUnavailable when its files do not fit together."""
        import numpy as np
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            tensors = load_file(folder / _WEIGHTS_FILE)
            described = (folder / _TOKENIZER_FILE).read_bytes()
        except (OSError, SafetensorError) as error:
            message = f"The embedding model in {folder} cannot be read: {error}"
            raise ModelUnavailable(message) from error
        try:
            tokenizer = Tokenizer.from_buffer(described)
        except ValueError as error:
            message = f"The embedding model's {folder / _TOKENIZER_FILE} cannot be read: {error}"
            raise ModelUnavailable(message) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        embeddings = tensors.get("embeddings", tensors.get("embedding.weight"))
        weights = tensors.get("weights")
        size = tokenizer.get_vocab_size()
        if (
            embeddings is None
            or embeddings.ndim != 2
            or len(embeddings) != size
            or (weights is not None and weights.shape != (size,))
        ):
            found = {name: tensor.shape for name, tensor in tensors.items()}
            message = (
                f"The embedding model in {folder} holds {found}. Expected 'embeddings' with a row,"
                f" and 'weights' with a number, for each of the tokenizer's {size:,} tokens."
            )
            raise ModelUnavailable(message)
        unknown = _UNKNOWN.search(described)
        return cls(
            tokenizer,
            embeddings=embeddings,
            weights=None if weights is None else weights.astype(np.float32),
            unknown=int(unknown[1]) if unknown else None,
        )

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self._embeddings.shape[1])

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Float32 of shape (len(texts), dimension), rows of length 1.

        A row is zero where a text has no token of the vocabulary.
        """
        import numpy as np

        means = np.zeros((len(texts), self.dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        for row, encoding in enumerate(encodings):
            tokens = np.asarray(encoding.ids, dtype=np.int64)
            if self._unknown is not None:
                tokens = tokens[tokens != self._unknown]
            if not tokens.size:
                continue
            vectors = self._embeddings[tokens].astype(np.float32)
            if self._weights is not None:
                vectors *= self._weights[tokens][:, None]
            means[row] = vectors.mean(axis=0)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means / np.maximum(lengths, 1e-32), dtype=np.float32)
