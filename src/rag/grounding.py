"""Is the evidence enough, and is each quotation where it says it is; pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rag.schema import Citation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rag.schema import Draft, Hit, Language, Quotation

__all__ = ["ANSWER_BAR", "CONFIDENCE_WEIGHTS", "confidence", "verify"]

ANSWER_BAR = 0.5
"""Below this confidence the answer is a refusal."""

CONFIDENCE_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    # Logistic regression; docs/refusal.md says on which questions it was fitted.
    "zh": {
        "intercept": -3.8,
        "coverage": 3.8,
        "nouns": 1.8,
        "dense": 2.2,
        "passage_dense": 0.6,
        "lacks": -2.2,
        "unheld": -0.4,
        "unnamed": -2.2,
        "wrong_year": -4.0,
    },
    "en": {
        "intercept": -1.5,
        "coverage": 1.8,
        "nouns": 0.8,
        "dense": 2.8,
        "passage_dense": 0.8,
        "lacks": -2.0,
        "unheld": -1.8,
        "unnamed": -2.2,
        "wrong_year": -4.0,
    },
}
"""What each signal of the best sentence counts, for Chinese and for all other questions."""


def confidence(signals: Mapping[str, float], *, language: Language) -> float:
    """The estimated chance, 0 to 1, that a sentence with these signals answers the question."""
    if not signals:
        return 0.0
    weights = CONFIDENCE_WEIGHTS["zh" if language == "zh" else "en"]
    total = weights["intercept"] + sum(
        weight * signals.get(name, 0.0) for name, weight in weights.items() if name != "intercept"
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def verify(
    draft: Draft,
    *,
    hits: Sequence[Hit],
    text_of: Callable[[str], str],
    language: Language,
) -> tuple[str, tuple[Citation, ...]]:
    """The answer with markers, and its citations; what fails is dropped, sentence by sentence.

    A quotation holds when its passage is among ``hits``, it lies inside that passage, and
    ``text_of(document_id)[start:end]`` is its text. Returns ("", ()) when nothing holds.
    """
    passages = {hit.passage.passage_id: hit for hit in hits}
    citations: list[Citation] = []
    markers: dict[tuple[str, int, int], int] = {}
    rendered: list[str] = []
    for sentence in draft.sentences:
        quotations = [q for q in sentence.quotations if _holds(q, passages, text_of)]
        if not quotations:
            continue
        parts = []
        for quotation in quotations:
            key = (quotation.document_id, quotation.start, quotation.end)
            if key not in markers:
                markers[key] = len(markers) + 1
                citations.append(_citation(markers[key], quotation, passages[quotation.passage_id]))
            space = "" if language == "zh" else " "
            parts.append(f"「{quotation.text}」{space}[{markers[key]}]")
        rendered.append(sentence.lead + "…".join(parts))
    return "\n".join(rendered), tuple(citations)


def _holds(
    quotation: Quotation, passages: Mapping[str, Hit], text_of: Callable[[str], str]
) -> bool:
    hit = passages.get(quotation.passage_id)
    if hit is None or hit.passage.document_id != quotation.document_id:
        return False
    inside = hit.passage.start <= quotation.start < quotation.end <= hit.passage.end
    text = text_of(quotation.document_id)
    return (
        inside
        and bool(quotation.text.strip())
        and text[quotation.start : quotation.end] == quotation.text
    )


def _citation(marker: int, quotation: Quotation, hit: Hit) -> Citation:
    return Citation(
        marker=marker,
        passage_id=quotation.passage_id,
        document_id=quotation.document_id,
        title=hit.title,
        source=hit.source,
        section=hit.passage.section,
        quote=quotation.text,
        start=quotation.start,
        end=quotation.end,
        page=hit.passage.page,
    )
