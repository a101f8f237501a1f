"""Is the evidence enough, and is each quotation where it says it is; pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rag.schema import Citation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rag.schema import DraftSentence, Hit, Language, Quotation

__all__ = ["ANSWER_BAR", "CONFIDENCE_WEIGHTS", "Verifier", "confidence"]

_MARKER = re.compile(r"\[\d+\]")

ANSWER_BAR = 0.5
"""Below this confidence the answer is a refusal."""

CONFIDENCE_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    # Logistic regression; docs/refusal.md says on which questions it was fitted.
    "zh": {
        "intercept": -1.35,
        "coverage": 0.15,
        "nouns": 0.45,
        "passage_score": 1.08,
        "margin": 1.6,
        "lacks": -1.8,
        "unheld": -1.3,
        "unnamed": -1.8,
        "wrong_year": -2.3,
        "conflict": -1.4,
        "undated": -1.1,
        "foreign": -1.3,
        "judged": 0.28,
        "across": 0.8,
        "judged_across": 0.36,
    },
    "en": {
        "intercept": -1.87,
        "coverage": 0.25,
        "nouns": 0.4,
        "passage_score": 1.25,
        "margin": 1.3,
        "lacks": -1.2,
        "unheld": -1.2,
        "unnamed": -1.5,
        "wrong_year": -1.6,
        "conflict": -1.3,
        "undated": -0.86,
        "foreign": -0.7,
        "judged": 0.36,
        "across": 0.8,
        "judged_across": 0.3,
    },
}
"""What each signal of the best sentence counts, for Chinese and for all other questions."""


_SURER = 1.25
"""How much surer the signals are together than the weights were fitted to say: since then names,
forms and labels tell more near misses apart. It leaves the bar where it is."""


def confidence(signals: Mapping[str, float], *, language: Language) -> float:
    """The estimated chance, 0 to 1, that a sentence with these signals answers the question."""
    if not signals:
        return 0.0
    weights = CONFIDENCE_WEIGHTS["zh" if language == "zh" else "en"]
    total = weights["intercept"] + sum(
        weight * signals.get(name, 0.0) for name, weight in weights.items() if name != "intercept"
    )
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, _SURER * total))))


class Verifier:
    """Lets through what holds, a sentence at a time, and numbers what it quotes.

    A quotation holds when its passage is among ``hits``, it lies inside that passage, and
    ``text_of(document_id)[start:end]`` is its text.
    """

    def __init__(
        self, *, hits: Sequence[Hit], text_of: Callable[[str], str], language: Language
    ) -> None:
        self._passages = {hit.passage.passage_id: hit for hit in hits}
        self._text_of = text_of
        self._space = "" if language == "zh" else " "
        self._markers: dict[tuple[str, int, int], int] = {}
        self._citations: list[Citation] = []

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The quotations of all sentences so far, in the order of their markers."""
        return tuple(self._citations)

    def rendered(self, sentence: DraftSentence) -> str:
        """The sentence with markers; "" when no quotation of it holds.

        Words of its own need all their quotations: each may be what supports them. They hold
        nothing that looks like a marker: those are given here.
        """
        held = [quotation for quotation in sentence.quotations if self._holds(quotation)]
        incomplete = len(held) < len(sentence.quotations) or _MARKER.search(sentence.text)
        if not held or (sentence.text and incomplete):
            return ""
        markers = [f"[{self._marker(quotation)}]" for quotation in held]
        if sentence.text:
            return sentence.lead + sentence.text + self._space + "".join(dict.fromkeys(markers))
        parts = [
            f"「{quotation.text}」{self._space}{marker}"
            for quotation, marker in zip(held, markers, strict=True)
        ]
        return sentence.lead + "…".join(parts)

    def _marker(self, quotation: Quotation) -> int:
        key = (quotation.document_id, quotation.start, quotation.end)
        if key not in self._markers:
            self._markers[key] = len(self._markers) + 1
            hit = self._passages[quotation.passage_id]
            self._citations.append(_citation(self._markers[key], quotation, hit))
        return self._markers[key]

    def _holds(self, quotation: Quotation) -> bool:
        hit = self._passages.get(quotation.passage_id)
        if hit is None or hit.passage.document_id != quotation.document_id:
            return False
        inside = hit.passage.start <= quotation.start < quotation.end <= hit.passage.end
        text = self._text_of(quotation.document_id)
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
