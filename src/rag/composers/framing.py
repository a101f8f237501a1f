"""The few words around a quotation: which document, which year; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.scope import plan_of
from rag.text import contains_han

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.composers.selection import Sentence
    from rag.schema import Hit, Period, Question

__all__ = ["lead", "needs_label"]


def needs_label(question: Question, chosen: Sequence[Sentence], hits: Sequence[Hit]) -> bool:
    """Whether the quotations do not speak for themselves: foreign to the asker, of two years, of
    one year among several that were found, or plans or five years that were not asked for.
    """
    foreign = question.language != "zh" and any(contains_han(s.text) for s in chosen)
    periods = {s.hit.passage.period for s in chosen}
    dated = bool(question.years or question.relative_years) or question.kind == "date"
    unasked = question.period is None and (dated or question.tends is not None)
    unexpected = (unasked and "plan" in periods) or (
        question.period != "retrospect" and "retrospect" in periods
    )
    return foreign or unexpected or len(periods) > 1 or _of_several_years(question, chosen, hits)


def lead(question: Question, sentence: Sentence, *, labelled: bool) -> str:
    """Which document and which year, where the words of the quotation do not tell."""
    if not labelled:
        return ""
    hit = sentence.hit
    label = _period_label(hit, chinese=question.language == "zh")
    if question.language == "zh":
        return f"{label}：" if label else ""
    section = label or (f"“{hit.passage.section[-1]}”" if hit.passage.section else "")
    return f"{hit.title}, {section}: " if section else f"{hit.title}: "


def _of_several_years(question: Question, chosen: Sequence[Sentence], hits: Sequence[Hit]) -> bool:
    """Asked without a year, whether reports of several years on the same place were found."""
    if question.years or question.report_years:
        return False
    quoted = {s.hit.metadata.get("place") for s in chosen} - {None}
    found = {
        (hit.metadata["place"], hit.metadata.get("year"))
        for hit in hits
        if hit.metadata.get("place") in quoted
    }
    return len(found) > len(quoted)


def _period_label(hit: Hit, *, chinese: bool) -> str:
    period: Period | None = hit.passage.period
    if period is None:
        return ""
    year = hit.metadata.get("planning_year" if period == "plan" else "reporting_year")
    plan = plan_of(hit)
    if chinese:
        words = "目标" if period == "plan" else "回顾"
        time = f"{plan[0]}—{plan[1]}年" if plan else f"{year}年" if year else ""
        return time + words
    words = "plan for" if period == "plan" else "review of"
    time = f" {plan[0]}–{plan[1]}" if plan else f" {year}" if year else ""
    return words + time if time else words.split()[0]
