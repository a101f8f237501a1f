"""Any sentence-transformers model, by hub name or by folder. Torch is imported only here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.embedders.inputs import INPUT_VERSION, prepare, unit_rows
from rag.errors import InvalidInput, MissingDependency, ModelUnavailable
from rag.schema import EmbedderInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from sentence_transformers import SentenceTransformer

    FloatArray = npt.NDArray[np.float32]

__all__ = ["SentenceTransformerEmbedder"]

# OSError: not found, or no connection; the others: files that are damaged or contradict each other.
_UNUSABLE = (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError)
_HUB_FILES = ("modules.json", "config.json")
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin")
_TOKENISERS = ("tokenizer.json", "vocab.txt", "*.model", "vocab.json")
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
        folder = Path(name).expanduser()
        is_folder = folder.is_dir()
        if is_folder:
            _check_folder(folder)
        elif folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
            message = (
                f"There is no folder {name} to load an embedding model from. Expected a folder"
                " with a sentence-transformers model, or a hub name such as"
                " intfloat/multilingual-e5-small."
            )
            raise ModelUnavailable(message)
        model = _load(str(folder) if is_folder else name, device=device)
        prompts = _prompts(model, query=query_prompt, passage=passage_prompt)
        model.prompts = {**model.prompts, **prompts}
        model.truncate_dim = _checked_dimension(model, dimension, name=name)
        info = EmbedderInfo(
            name=folder.resolve().name if is_folder else name,
            revision=_content_hash(folder) if is_folder else _hub_revision(name),
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


def _check_folder(folder: Path) -> None:
    """Name what a folder lacks before a library says so in its own words."""
    config = folder / "config.json"
    if not (folder / "modules.json").is_file() and not config.is_file():
        message = (
            f"The folder {folder} is no embedding model: it has neither modules.json"
            " (sentence-transformers) nor config.json (transformers). Expected the folder that"
            " SentenceTransformer.save_pretrained or `hf download NAME --local-dir FOLDER` writes."
        )
        raise ModelUnavailable(message)
    needs = (("weights", _WEIGHTS), ("a tokeniser", _TOKENISERS))
    missing = [
        f"{what} ({', '.join(patterns)})"
        for what, patterns in needs
        if not any(found for pattern in patterns for found in folder.rglob(pattern))
    ]
    if missing:
        message = (
            f"The embedding model in {folder} is incomplete: missing {' and '.join(missing)}."
            " Copy or download it again: hf download NAME --local-dir FOLDER."
        )
        raise ModelUnavailable(message)


def _load(name: str, *, device: str) -> SentenceTransformer:
    try:
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        message = (
            f"The embedding model {name} needs sentence-transformers and torch, which cannot be"
            f" imported ({error}). Install them: pip install sentence-transformers"
        )
        raise MissingDependency(message) from error
    try:
        return SentenceTransformer(name, device=device)
    except ImportError as error:
        message = f"The embedding model {name} needs a package that is not installed: {error}"
        raise MissingDependency(message) from error
    except (*_UNUSABLE, SafetensorError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if Path(name).is_dir():
            advice = "The folder is damaged or of another kind. Copy or download it again."
        else:
            advice = (
                "It is neither a folder here nor complete in the local cache of the hub, and the"
                f" hub did not give it. Where there is a network: hf download {name}; or download"
                f" it elsewhere (hf download {name} --local-dir FOLDER), copy the folder here and"
                " set RAG_EMBEDDER=sentence-transformers:FOLDER."
            )
        message = f"The embedding model {name} cannot be loaded: {first_line} {advice}"
        raise ModelUnavailable(message) from error


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
