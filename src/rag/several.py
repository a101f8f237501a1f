"""Questions that ask several things at once: each is answered by itself, and the answers joined."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rag import grounding
from rag.questions import split_question, understand
from rag.refusals import refusal_for

if TYPE_CHECKING:
    from rag.protocols import Composer
    from rag.retrieval import Retrieval, Retriever
    from rag.schema import Draft, Filters

__all__ = ["compose_parts"]


def compose_parts(
    whole: Retrieval,
    *,
    retriever: Retriever,
    composer: Composer,
    collection: str,
    filters: Filters,
    limit: int,
) -> tuple[Draft, float] | None:
    """One draft for all that a question asks, with the lowest confidence among its parts.

    None where it asks one thing, or where none of its parts has an answer. Parts without an
    answer are left out.
    """
    answered: list[tuple[Draft, float]] = []
    places = whole.scope.about
    for part in split_question(whole.question.rewritten, known_places=places):
        retrieval = retriever.retrieve(
            understand(part, known_places=places),
            collection=collection,
            filters=filters,
            limit=limit,
        )
        draft = composer.compose(retrieval.question, retrieval.hits)
        confidence = grounding.confidence(draft.signals, language=retrieval.question.language)
        if refusal_for(retrieval, draft, confidence) is None:
            answered.append((draft, confidence))
    if not answered:
        return None
    sentences = {
        tuple((q.passage_id, q.start, q.end) for q in sentence.quotations): sentence
        for draft, _ in answered
        for sentence in draft.sentences
    }
    return (
        replace(answered[0][0], sentences=tuple(sentences.values())),
        min(confidence for _, confidence in answered),
    )
