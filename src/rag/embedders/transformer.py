"""Any sentence-transformers model, by hub name or by folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.embedders.inputs import INPUT_VERSION, prepare, unit_rows
from rag.errors import InvalidInput
from rag.pretrained import PretrainedKind
from rag.schema import EmbedderInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    import numpy as np
    import numpy.typing as npt
    from sentence_transformers import SentenceTransformer

    FloatArray = npt.NDArray[np.float32]

__all__ = ["SentenceTransformerEmbedder"]

_KIND = PretrainedKind(
    called="embedding model",
    article="an",
    setting="RAG_EMBEDDER=sentence-transformers:",
    saved_by="SentenceTransformer",
    example="intfloat/multilingual-e5-small",
)
_HUB_FILES = ("modules.json", "config.json")
_CONTENT_SUFFIXES = frozenset({".bin", ".json", ".model", ".safetensors", ".txt"})


class SentenceTransformerEmbedder:
    """A sentence-transformers model with its own prompts for queries and passages."""

    def __init__(self, model: SentenceTransformer, *, info: EmbedderInfo, batch_size: int) -> None:
        self._model = model
        self._info = info
        self._batch_size = batch_size

    @classmethod
    def load(
        cls,
        name_or_path: str,
        *,
        device: str = "cpu",
        batch_size: int = 32,
        dimension: int | None = None,
        query_prompt: str | None = None,
        passage_prompt: str | None = None,
    ) -> SentenceTransformerEmbedder:
        """Load a model from a folder, from the local hub cache, or from the hub.

        ``dimension`` keeps only the first components, for models trained for that. Prompts stand
        before every query or passage; None means the ones the model itself defines.
        Raises ModelUnavailable, MissingDependency, InvalidInput (an impossible dimension).
        """
        name = name_or_path.strip()
        folder = _KIND.folder(name)

        def make(library: ModuleType, place: str) -> SentenceTransformer:
            model: SentenceTransformer = library.SentenceTransformer(place, device=device)
            return model

        model: SentenceTransformer = _KIND.load(name if folder is None else str(folder), make)
        prompts = _prompts(model, query=query_prompt, passage=passage_prompt)
        model.prompts = {**model.prompts, **prompts}
        model.truncate_dim = _checked_dimension(model, dimension, name=name)
        info = EmbedderInfo(
            name=name if folder is None else folder.resolve().name,
            revision=_hub_revision(name) if folder is None else _content_hash(folder),
            dimension=int(model.truncate_dim or model.get_embedding_dimension() or 0),
            normaliser=_normaliser(prompts),
        )
        return cls(model, info=info, batch_size=batch_size)

    @property
    def info(self) -> EmbedderInfo:
        """See ``protocols.Embedder``."""
        return self._info

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """See ``protocols.Embedder``."""
        import numpy as np

        prepared = prepare(texts)
        if not prepared:
            return np.zeros((0, self._info.dimension), dtype=np.float32)
        vectors = self._model.encode_document(
            prepared, batch_size=self._batch_size, show_progress_bar=False
        )
        return unit_rows(vectors, model=self._info.name)

    def embed_query(self, text: str) -> FloatArray:
        """See ``protocols.Embedder``."""
        vectors = self._model.encode_query(prepare([text]), show_progress_bar=False)
        vector: FloatArray = unit_rows(vectors, model=self._info.name)[0]
        return vector


def _prompts(
    model: SentenceTransformer, *, query: str | None, passage: str | None
) -> dict[str, str]:
    """Prompts under the names that ``encode_query`` and ``encode_document`` look for."""
    own = {name: prompt or "" for name, prompt in model.prompts.items()}
    for_passages = next(
        (own[name] for name in ("document", "passage", "corpus") if own.get(name)), ""
    )
    return {
        "query": own.get("query", "") if query is None else query,
        "document": for_passages if passage is None else passage,
    }


def _checked_dimension(
    model: SentenceTransformer, dimension: int | None, *, name: str
) -> int | None:
    available = model.get_embedding_dimension()
    if dimension is not None and not 1 <= dimension <= (available or dimension):
        message = (
            f"The embedding model {name} has {available} dimensions; {dimension} were asked for."
            f" Expected 1 to {available}."
        )
        raise InvalidInput(message)
    return dimension


def _normaliser(prompts: dict[str, str]) -> str:
    """Other prompts give other vectors: an index made with one is not searched with another."""
    if not any(prompts.values()):
        return INPUT_VERSION
    described = json.dumps(prompts, sort_keys=True, ensure_ascii=False)
    return f"{INPUT_VERSION}+prompts-{hashlib.sha256(described.encode()).hexdigest()[:8]}"


def _content_hash(folder: Path) -> str:
    """Sixteen hexadecimal digits over the names and bytes of the model's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _CONTENT_SUFFIXES:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:16]


def _hub_revision(name: str) -> str:
    """The commit in the local cache that the model was loaded from."""
    from huggingface_hub import try_to_load_from_cache

    for file in _HUB_FILES:
        found: Any = try_to_load_from_cache(name, file)
        if isinstance(found, str):
            return Path(found).parent.name
    return "unknown"
