"""Any cross-encoder that sentence-transformers loads, by hub name or by folder."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rag.errors import ModelUnavailable
from rag.pretrained import PretrainedKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from sentence_transformers import CrossEncoder

__all__ = ["CrossEncoderReranker"]

_KIND = PretrainedKind(
    called="reranker",
    article="a",
    setting="RAG_RERANKER=",
    saved_by="CrossEncoder",
    example="BAAI/bge-reranker-v2-m3",
)
_BATCH = 16


class CrossEncoderReranker:
    """A model that reads query and passage together and gives one score. Safe between threads."""

    def __init__(self, model: CrossEncoder, *, name: str) -> None:
        self._model = model
        self._name = name

    @classmethod
    def load(cls, name_or_path: str, *, device: str = "cpu") -> CrossEncoderReranker:
        """Load a model from a folder, from the local hub cache, or from the hub.

        Raises ModelUnavailable (also for a model that gives several scores a passage, or none
        that was ever trained), MissingDependency.
        """
        name = name_or_path.strip()
        folder = _KIND.folder(name)

        def make(library: ModuleType, place: str) -> CrossEncoder:
            model: CrossEncoder = library.CrossEncoder(place, device=device)
            return model

        model: CrossEncoder = _KIND.load(name if folder is None else str(folder), make)
        if model.num_labels != 1:
            message = (
                f"The model {name} gives {model.num_labels} scores for a pair of texts; a reranker"
                f" gives one. Expected a cross-encoder for ranking, such as {_KIND.example}."
            )
            raise ModelUnavailable(message)
        return cls(model, name=name)

    def scores(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """See ``protocols.Reranker``. Raises ModelUnavailable when the model gives no number."""
        if not passages:
            return []
        found = self._model.predict(
            [(query, passage) for passage in passages], batch_size=_BATCH, show_progress_bar=False
        )
        scores = [float(score) for score in found]
        if not all(map(math.isfinite, scores)):
            message = (
                f"The reranker {self._name} gave scores that are no numbers. Its weights are"
                " damaged or untrained; set RAG_RERANKER to another model, or to none."
            )
            raise ModelUnavailable(message)
        return scores
