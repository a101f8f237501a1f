"""Questions that ask several things at once: each is answered by itself, and the answers joined."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rag import grounding
from rag.questions import english_name, split_question, understand
from rag.refusals import refusal_for

if TYPE_CHECKING:
    from rag.protocols import Composer
    from rag.retrieval import Retrieval, Retriever
    from rag.schema import Draft, DraftSentence, Filters, Question

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

    None where it asks one thing, or where none of its parts has an answer. The draft says which
    parts have none.
    """
    places = whole.scope.about
    asked = whole.question
    if asked.rewritten != asked.text and not split_question(asked.text, known_places=places):
        # What was carried over asks nothing any more.
        return None
    answered: list[tuple[Draft, float]] = []
    unanswered: list[str] = []
    parts = [
        understand(part, known_places=places)
        for part in split_question(asked.rewritten, known_places=places)
    ]
    of_places = all(len(part.places) == 1 for part in parts) and len(
        {part.places for part in parts}
    ) == len(parts)
    for part in parts:
        retrieval = retriever.retrieve(
            part,
            collection=collection,
            filters=filters,
            limit=limit,
        )
        draft = composer.compose(retrieval.question, retrieval.hits)
        confidence = grounding.confidence(draft.signals, language=retrieval.question.language)
        if refusal_for(retrieval, draft, confidence) is None:
            answered.append((_placed(draft, part) if of_places else draft, confidence))
        else:
            unanswered.append(part.text)
    if not answered:
        return None
    sentences: list[DraftSentence] = []
    for draft, _ in answered:
        for sentence in draft.sentences:
            if not any(_repeats(sentence, said) for said in sentences):
                sentences = [said for said in sentences if not _repeats(said, sentence)]
                sentences.append(sentence)
    return (
        replace(answered[0][0], sentences=tuple(sentences), unanswered=tuple(unanswered)),
        min(confidence for _, confidence in answered),
    )


def _placed(draft: Draft, part: Question) -> Draft:
    """A draft that says first which place it is about, where its frame does not."""
    place, first = "、".join(part.places), draft.sentences[0]
    if part.language == "zh":
        said = place + (first.lead or "：")
    else:
        said = first.lead or ", ".join(map(english_name, part.places)) + ": "
    return replace(draft, sentences=(replace(first, lead=said), *draft.sentences[1:]))


def _repeats(sentence: DraftSentence, said: DraftSentence) -> bool:
    """Whether all that a sentence quotes is part of what another does."""
    return all(
        any(
            other.document_id == quotation.document_id
            and other.start <= quotation.start
            and quotation.end <= other.end
            for other in said.quotations
        )
        for quotation in sentence.quotations
    )
