"""A deterministic reranker for tests that really ranks: shared words, no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.text import terms

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SharedWordsReranker"]


class SharedWordsReranker:
    """Passages that hold more of the query's index terms score higher, from 0 to 1."""

    def scores(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """See ``protocols.Reranker``."""
        asked = set(terms(query))
        return [len(asked.intersection(terms(each))) / max(1, len(asked)) for each in passages]
