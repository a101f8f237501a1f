"""The embedding model that ships in the package: no torch, no download.

The folder is a model2vec and a sentence-transformers model alike; the contract tests hold the
three to the same vectors. It is read here by the two libraries that both build on, ``tokenizers``
and ``safetensors``: model2vec copies the tokeniser twice while loading, which takes several times
as long, and changes its state in every call, which threads that share a model cannot bear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rag.bundled import REPAIR, check_folder, read_arrays, read_tokenizer
from rag.embedders.inputs import INPUT_VERSION, prepare, unit_rows
from rag.errors import ModelUnavailable
from rag.schema import EmbedderInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

    FloatArray = npt.NDArray[np.float32]

__all__ = ["NESTED", "BundledEmbedder", "bundled_folder"]

NESTED = (64, 128, 256)
"""Dimensions that can be used alone, the first of all: it was trained for that (Matryoshka)."""

_BATCH = 128


def bundled_folder() -> Path:
    """Where the bundled model lies in this installation."""
    return Path(str(resources.files("rag.embedders").joinpath("static_multilingual")))


@dataclass(frozen=True, slots=True)
class _Table:
    """Piece i has the vector ``scales[i] * rows[i]``.

    rows: int8, shape (pieces, dimension); scales: float32, shape (pieces,).
    """

    rows: npt.NDArray[np.int8]
    scales: FloatArray


class BundledEmbedder:
    """Static multilingual word-piece vectors, averaged. Safe to share between threads."""

    def __init__(self, tokenizer: Tokenizer, table: _Table, *, info: EmbedderInfo) -> None:
        self._tokenizer = tokenizer
        self._table = table
        self._info = info

    @classmethod
    def load(cls, folder: Path | None = None) -> BundledEmbedder:
        """Load the model. Raises ModelUnavailable, naming the file that is missing or damaged.

        Sizes are checked here; ``check_folder`` compares contents too.
        """
        folder = folder or bundled_folder()
        manifest = check_folder(folder, contents=False)
        table = _read_table(folder / "model.safetensors")
        tokenizer = read_tokenizer(folder / "tokenizer.json", pieces=len(table.rows))
        info = EmbedderInfo(
            name=str(manifest["name"]),
            revision=str(manifest["revision"]),
            dimension=int(table.rows.shape[1]),
            normaliser=INPUT_VERSION,
        )
        return cls(tokenizer, table, info=info)

    def first(self, dimension: int) -> BundledEmbedder:
        """The same model with its first dimensions alone, which takes no memory of its own.

        Raises ValueError for one that is neither in ``NESTED`` nor all there are.
        """
        there_are = self._info.dimension
        if dimension > there_are or dimension not in {*NESTED, there_are}:
            message = f"{dimension} is neither one of {NESTED} nor {there_are}, or more than that"
            raise ValueError(message)
        info = replace(self._info, dimension=dimension)
        return BundledEmbedder(self._tokenizer, self._table, info=info)

    @property
    def info(self) -> EmbedderInfo:
        """See ``protocols.Embedder``."""
        return self._info

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """See ``protocols.Embedder``."""
        import numpy as np

        prepared = prepare(texts)
        dimension = self._info.dimension
        sums = np.zeros((len(prepared), dimension), dtype=np.float32)
        for start in range(0, len(prepared), _BATCH):
            batch = prepared[start : start + _BATCH]
            encodings = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            for row, encoding in enumerate(encodings, start):
                pieces = np.array(encoding.ids, dtype=np.int64)
                # Rows are taken whole: to take parts, NumPy would copy the table first.
                rows = self._table.rows.take(pieces, axis=0)[:, :dimension].astype(np.float32)
                # The sum points where the average does, and only the direction is kept.
                sums[row] = self._table.scales.take(pieces) @ rows
        return unit_rows(sums, model=self._info.name)

    def embed_query(self, text: str) -> FloatArray:
        """See ``protocols.Embedder``."""
        vector: FloatArray = self.embed_passages([text])[0]
        return vector


def _read_table(path: Path) -> _Table:
    import numpy as np

    arrays = read_arrays(path, needed=("embeddings", "weights"))
    rows, scales = arrays["embeddings"], arrays["weights"]
    if rows.dtype != np.int8 or rows.ndim != 2 or scales.shape != rows.shape[:1]:
        message = (
            f"The bundled model's {path} holds embeddings {rows.dtype}{list(rows.shape)} and"
            f" weights {list(scales.shape)}; int8[pieces, dimension] and [pieces] were expected."
            f" {REPAIR}"
        )
        raise ModelUnavailable(message)
    return _Table(rows, scales.astype(np.float32))
