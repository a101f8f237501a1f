"""The embedding model that ships in the package: no torch, no download.

The folder is a model2vec and a sentence-transformers model alike; the contract tests hold the
three to the same vectors. It is read here by the two libraries that both build on, ``tokenizers``
and ``safetensors``: model2vec copies the tokeniser twice while loading, which takes several times
as long, and changes its state in every call, which threads that share a model cannot bear.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.embedders.inputs import INPUT_VERSION, prepare, unit_rows
from rag.errors import ModelUnavailable
from rag.schema import EmbedderInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from tokenizers import Tokenizer

    FloatArray = npt.NDArray[np.float32]

__all__ = ["NESTED", "BundledEmbedder", "bundled_folder", "check_folder"]

NESTED = (64, 128, 256)
"""Dimensions that can be used alone, the first of all: it was trained for that (Matryoshka)."""

_MANIFEST = "manifest.json"
_REPAIR = "Install the product again (make run does it), or put the folder back from its source."
_BATCH = 1024


def bundled_folder() -> Path:
    """Where the bundled model lies in this installation."""
    return Path(str(resources.files("rag.embedders").joinpath("static_multilingual")))


def check_folder(folder: Path, *, contents: bool = True) -> dict[str, Any]:
    """The model's manifest, once every file it names has the size (and hash) it names.

    ``contents`` reads every byte (some 50 ms); without it only sizes are compared.
    Raises ModelUnavailable, naming the file.
    """
    manifest = _read_manifest(folder)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            message = f"The bundled model's file {path} is missing. {_REPAIR}"
            raise ModelUnavailable(message)
        size = path.stat().st_size
        if size != expected["bytes"]:
            message = (
                f"The bundled model's file {path} has {size:,} bytes;"
                f" {expected['bytes']:,} were expected. {_REPAIR}"
            )
            raise ModelUnavailable(message)
        if contents and hashlib.sha256(path.read_bytes()).hexdigest() != expected["sha256"]:
            message = f"The bundled model's file {path} is damaged: its hash differs. {_REPAIR}"
            raise ModelUnavailable(message)
    return manifest


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"The bundled model is missing: there is no {_MANIFEST} in {folder}. {_REPAIR}"
        raise ModelUnavailable(message) from error
    except (OSError, ValueError) as error:
        message = f"The bundled model's {path} cannot be read: {error}. {_REPAIR}"
        raise ModelUnavailable(message) from error
    if not isinstance(manifest, dict) or not manifest.keys() >= {"name", "revision", "files"}:
        message = (
            f"The bundled model's {path} does not list a name, a revision and files. {_REPAIR}"
        )
        raise ModelUnavailable(message)
    return manifest


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
        tokenizer = _read_tokenizer(folder / "tokenizer.json", pieces=len(table.rows))
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
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
        rows, scales = arrays["embeddings"], arrays["weights"]
    except (OSError, KeyError, SafetensorError) as error:
        message = f"The bundled model's {path} cannot be read: {error!r}. {_REPAIR}"
        raise ModelUnavailable(message) from error
    if rows.dtype != np.int8 or rows.ndim != 2 or scales.shape != rows.shape[:1]:
        message = (
            f"The bundled model's {path} holds embeddings {rows.dtype}{list(rows.shape)} and"
            f" weights {list(scales.shape)}; int8[pieces, dimension] and [pieces] were expected."
            f" {_REPAIR}"
        )
        raise ModelUnavailable(message)
    return _Table(rows, scales.astype(np.float32))


def _read_tokenizer(path: Path, *, pieces: int) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises this class itself, nothing narrower
        message = f"The bundled model's {path} cannot be read: {error}. {_REPAIR}"
        raise ModelUnavailable(message) from error
    if tokenizer.get_vocab_size() != pieces:
        message = (
            f"The bundled model's {path} has {tokenizer.get_vocab_size():,} pieces, its table"
            f" {pieces:,} rows. {_REPAIR}"
        )
        raise ModelUnavailable(message)
    return tokenizer
