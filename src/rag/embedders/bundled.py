"""The embedding model that ships in the package: no torch, no download."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.embedders.inputs import INPUT_VERSION, prepare
from rag.embedders.static import StaticVectors
from rag.errors import ModelUnavailable
from rag.schema import EmbedderInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

__all__ = ["BundledEmbedder", "bundled_folder", "check_folder"]

_MANIFEST = "manifest.json"
_REPAIR = "Install the product again (make run does it), or put the folder back from its source."


def bundled_folder() -> Path:
    """Where the bundled model lies in this installation."""
    return Path(str(resources.files("rag.embedders").joinpath("static_multilingual")))


def check_folder(folder: Path, *, contents: bool = True) -> dict[str, Any]:
    """The model's manifest, once every file it names has the size (and hash) it names.

    ``contents`` reads every byte (some 50 ms); without it only sizes are compared.
    Raises ModelUnavailable, naming the file.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"The bundled model is missing: there is no {_MANIFEST} in {folder}. {_REPAIR}"
        raise ModelUnavailable(message) from error
    except (OSError, ValueError) as error:
        message = f"The bundled model's {folder / _MANIFEST} cannot be read: {error}. {_REPAIR}"
        raise ModelUnavailable(message) from error
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


class BundledEmbedder:
    """Static multilingual word-piece vectors, averaged. Safe to share between threads."""

    def __init__(self, vectors: StaticVectors, *, info: EmbedderInfo) -> None:
        self._vectors = vectors
        self._info = info

    @classmethod
    def load(cls, folder: Path | None = None) -> BundledEmbedder:
        """Load the model, in about 0.3 s. Raises ModelUnavailable."""
        folder = folder or bundled_folder()
        manifest = check_folder(folder, contents=False)
        try:
            vectors = StaticVectors.load(folder)
        except ModelUnavailable as error:
            message = f"{error} {_REPAIR}"
            raise ModelUnavailable(message) from error
        info = EmbedderInfo(
            name=str(manifest["name"]),
            revision=str(manifest["revision"]),
            dimension=vectors.dimension,
            normaliser=INPUT_VERSION,
        )
        return cls(vectors, info=info)

    @property
    def info(self) -> EmbedderInfo:
        """See ``protocols.Embedder``."""
        return self._info

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """See ``protocols.Embedder``."""
        return self._vectors.encode(prepare(texts))

    def embed_query(self, text: str) -> FloatArray:
        """See ``protocols.Embedder``."""
        vector: FloatArray = self.embed_passages([text])[0]
        return vector
