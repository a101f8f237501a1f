"""Cases from use: what was asked of the product, and what people said of the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.errors import DocumentNotFound
from rag.text import language
from rag_eval.case import Case

if TYPE_CHECKING:
    from rag.schema import Asked, Document, Feedback

__all__ = ["case_of", "cases_of_feedback"]


def case_of(asked: Asked, *, document: Callable[[str], Document], case_id: str) -> Case:
    """A question as a case that expects what came: the quotations of an answer, or a refusal.

    ``document`` fetches one by its id; quotations of documents that are gone are left out.
    """
    quotes = []
    for document_id, start, end in asked.cited:
        try:
            quotes.append(document(document_id).text[start:end])
        except DocumentNotFound:
            continue
    return Case(
        case_id=case_id,
        question=asked.question,
        language=language(asked.question),
        answerable=asked.answered,
        evidence=tuple(dict.fromkeys(quotes)),
        history=asked.history,
        filters=asked.filters,
    )


def cases_of_feedback(
    judgements: Iterable[Feedback], *, document: Callable[[str], Document], collection: str
) -> tuple[Case, ...]:
    """A case for each answer of a collection that was judged; the latest judgement counts.

    A good answer is expected again. What is right where an answer was bad nobody has said: such a
    case expects nothing until a person has filled it in, and its note holds the comment.
    """
    latest = {each.answer_id: each for each in judgements}
    cases = []
    for answer_id, judgement in latest.items():
        asked = judgement.asked
        if asked is None or asked.collection != collection:
            continue
        case = case_of(asked, document=document, case_id=f"feedback-{answer_id}")
        if judgement.rating < 0:
            case = replace(case, answerable=True, evidence=(), tags=("feedback", "bad"))
            said = judgement.comment or "no comment"
            did = "the answer was bad" if asked.answered else "the refusal was wrong"
            case = replace(case, note=f"{judgement.created}, {did}: {said}")
        else:
            said = f": {judgement.comment}" if judgement.comment else ""
            note = f"{judgement.created}, judged good{said}"
            case = replace(case, tags=("feedback", "good"), note=note)
        cases.append(case)
    return tuple(cases)
