"""The best sentences, ranked once more by a judge that reads each together with the question."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rag.composers.signals import of_wrong_year
from rag.protocols import Reading
from rag.questions import words_beside
from rag.questions.years import told_in
from rag.scope import anchor_of, spoken_years
from rag.text import contains_han

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rag.composers.selection import Sentence
    from rag.protocols import Judge
    from rag.schema import Question, Quotation

__all__ = ["by_judgement"]

_READ = 6
"""Sentences that the judge reads, at most."""

_BEYOND = 0.8
"""How far behind the best a sentence is not read any more: that hardly ever changes the answer, and
reading is what takes time."""

_GAIN, _GAIN_ACROSS = 3.0, 1.4
"""What a sentence gains that the judge is sure of, over one that it is sure answers nothing; and
the same where it is in another language than the question, of which the judge knows less."""

_WRONG_YEAR = 0.7
"""What a sentence loses that tells of another year: the judge does not see of which it tells."""

_PLANNED = 0.4
"""What one loses that says what was planned for a year whose figure is asked for, as results are
what most people mean."""

_ANOTHER_KIND = 0.35
"""What one loses whose figure is of another kind, beside what it lost before it was judged."""

_SURE = 6.0
"""A logit beyond which the judge is not surer."""

_LEAST_ACROSS = -1.0
"""A logit below which it makes no difference across languages how little a sentence answers."""

_HAN, _OTHERS = 150, 420
"""Characters of a sentence that the judge can read, in Chinese and in other scripts."""


def by_judgement(
    question: Question,
    ranked: Sequence[Sentence],
    judge: Judge,
    *,
    quote_of: Callable[[Sentence], Quotation],
) -> list[Sentence]:
    """The best sentences by what the judge makes of them too, and the others after them.

    ``quote_of`` gives the clause of a sentence that would be quoted.
    """
    bar = ranked[0].score - _BEYOND
    first = [sentence for sentence in ranked[:_READ] if sentence.score >= bar]
    readings = [_reading(sentence, quote_of) for sentence in first]
    asked_in_han = contains_han(question.rewritten)
    wordings = [_wording(question, sentence) for sentence in first]
    judged = []
    for sentence, logit in zip(first, _logits(judge, wordings, readings), strict=True):
        # Of lines with labels it has read few: their label says more against them than it does.
        held = max(0.0 if sentence.signals["field"] else -_SURE, min(_SURE, logit))
        signals, gain, counted = {"judged": held}, _GAIN, held
        if asked_in_han != contains_han(sentence.text):
            signals, gain = {"across": 1.0, "judged_across": held}, _GAIN_ACROSS
            counted = max(_LEAST_ACROSS, held)
        judged.append(
            replace(
                sentence,
                signals={**sentence.signals, **signals},
                score=sentence.score
                + gain * (counted + _SURE) / (2 * _SURE)
                - _WRONG_YEAR * of_wrong_year(question, sentence)
                - _PLANNED * _is_only_planned(question, sentence)
                - _ANOTHER_KIND * _of_another_kind(question, sentence),
            )
        )
    judged.sort(key=lambda sentence: -sentence.score)
    return [*judged, *ranked[len(first) :]]


def _wording(question: Question, sentence: Sentence) -> str:
    """The question as it is asked of a sentence: what a report reviews or plans of the year asked
    for has the words 去年 and 今年 for it. Of years the judge sees the report's own alone.
    """
    asked = _asked_of(question, sentence)
    beside = words_beside(question, sentence.text)
    return f"{asked} {beside}" if beside else asked


def _asked_of(question: Question, sentence: Sentence) -> str:
    hit = sentence.hit
    anchor, period = anchor_of(hit.metadata), hit.passage.period
    if anchor is None or question.language not in ("zh", "en"):
        return question.rewritten
    asked = {"plan"} if question.period == "plan" else {"review", "retrospect"}
    of_it = period is None or (period in asked and spoken_years(hit) & set(question.years))
    if not of_it and not any(str(year) in sentence.text for year in question.years):
        return question.rewritten
    return told_in(anchor, question.rewritten)


def _is_only_planned(question: Question, sentence: Sentence) -> bool:
    """Whether a year's figure is asked for, in no words of plans, and the sentence tells a plan."""
    asked = question.kind == "number" and question.years and question.period is None
    return bool(asked) and sentence.hit.passage.period == "plan"


def _of_another_kind(question: Question, sentence: Sentence) -> float:
    return 1.0 - sentence.signals.get("kind", 1.0) if question.kind == "number" else 0.0


def _logits(judge: Judge, wordings: Sequence[str], readings: Sequence[Reading]) -> list[float]:
    """One for each reading, with its question."""
    found: dict[tuple[str, Reading], float] = {}
    for wording in dict.fromkeys(wordings):
        own = [each for asked, each in zip(wordings, readings, strict=True) if asked == wording]
        logits = judge.logits(wording, own)
        found |= {(wording, each): logit for each, logit in zip(own, logits, strict=True)}
    return [found[pair] for pair in zip(wordings, readings, strict=True)]


def _reading(sentence: Sentence, quote_of: Callable[[Sentence], Quotation]) -> Reading:
    """Of a sentence that is too long to be read, what is around the clause that tells."""
    passage = sentence.hit.passage
    start, end = sentence.start - passage.start, sentence.end - passage.start
    most = _HAN if contains_han(sentence.text) else _OTHERS
    if end - start > most:
        told = quote_of(sentence).start - passage.start
        start = max(start, min(told - most // 3, end - most))
        end = min(end, start + most)
    return Reading(
        sentence=passage.text[start:end],
        title=sentence.hit.title,
        before=passage.text[:start],
    )
