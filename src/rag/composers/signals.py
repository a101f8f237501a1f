"""What speaks for and against a sentence as an answer; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.composers.selection import OPEN_TARGET, WHICH, asks_for_person, noun_matches
from rag.evidence import (
    form_agreement,
    of_another_number,
    tells_in_proportion,
    tells_the_opposite,
)
from rag.questions.glossary import is_name, is_settled
from rag.questions.places import names_place
from rag.questions.years import explicit_years
from rag.text import contains_han, fold, simplified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rag.composers.selection import Sentence
    from rag.schema import Question

__all__ = ["evidence_signals", "missing_terms", "of_wrong_year"]

_RANK = "(?:长|书记|主席|总理|总统|主任|经理|总裁|司令|校长|代表|委员|秘书|教练)"
_OFFICE = re.compile(
    rf"(?P<office>[\u4e00-\u9fff]{{1,12}}?{_RANK})(?:现在|目前|如今)?是谁(?=\W*$)"
    rf"|谁(?:现在|目前)?(?:是|任|担任|当)了?(?P<held>[\u4e00-\u9fff]{{1,12}}{_RANK})"
)
_ENGLISH_OFFICE = re.compile(
    r"(?:president|premier|minister|mayor|governor|director|chair(?:man|woman|person)?|secretary|dean"
    r"|head|principal|chancellor|manager|commissioner|captain|coach|rector|ambassador|ceo|deputy"
    r"|registrar|treasurer|curator|editor|engineer|officer|judge|spokes(?:man|woman|person))"
)
_WRITTEN = 0.95
"""A match of a term that is there itself: 市委 is near 市委书记, and another office."""
_CARRIED = 0.5
"""What the sentences before one hold counts half, as what its headings hold does."""
_TOLD = 0.86
"""A match above which a term is written, in whatever form of the glossary: near words are below."""
_MEASURED = frozenset("产量 总产量 产出 产值 总量 总额 总值 规模 数量 增长".split())  # noqa: SIM905
"""What is measured of anything."""
_LABEL = 2.0
"""What a label says against or for its line, beside what the line lacks or does not."""
_NAMED = 0.3
"""A match of a name that may be there in another script."""


def evidence_signals(
    question: Question, best: Sentence, *, opening: Callable[[], str]
) -> dict[str, float]:
    """What speaks for and against the best sentence, for ``grounding.confidence``.

    ``opening`` gives what its document begins with: whose it is may be said there alone.
    """
    unnamed = _unnamed(question, best, "")
    if unnamed:
        unnamed = _unnamed(question, best, opening())
    return {
        **best.signals,
        "coverage": best.coverage + _CARRIED * best.signals["carried"],
        "wrong_year": float(of_wrong_year(question, best)),
        # A heading answers nothing, and a line with a label only what that says.
        "lacks": _lacks(question, best)
        + 2.0 * best.signals["heading"]
        - _LABEL * best.signals["label"],
        "passage_score": best.hit.score,
        "nouns": _nouns(question, best),
        "conflict": float(
            _of_another_number(question, best)
            or tells_the_opposite(simplified(question.wording), simplified(best.text))
            or tells_in_proportion(question.wording, best.text)
        ),
        "undated": float(_undated(question, best)),
        "unheld": _unheld(question, best),
        "unnamed": unnamed,
    }


def of_wrong_year(question: Question, sentence: Sentence) -> bool:
    """Whether it stands in the half of a report that speaks of another year, or writes only other
    years where nothing else speaks for the one asked about.
    """
    agrees = sentence.signals.get("year", 0.0)
    if agrees < 0 and not question.tends:
        return True
    if not question.years or agrees > 0:
        return False
    written = set(explicit_years(sentence.text))
    return bool(written) and not written & set(question.years)


def _of_another_number(question: Question, best: Sentence) -> bool:
    """Whether it tells of another of a series, in its own words or in those around it."""
    asked = simplified(question.wording)
    around = f"{best.hit.title} {best.hit.passage.text}"
    return any(of_another_number(asked, simplified(told)) for told in (best.text, around))


def _undated(question: Question, best: Sentence) -> bool:
    """Whether nothing around the sentence speaks of a year that was asked for."""
    passage = best.hit.passage
    if not question.years or passage.period is not None:
        return False
    told = " ".join((best.hit.title, *passage.section, passage.text))
    known = {str(value) for value in best.hit.metadata.values()}
    return not any(str(year) in told or str(year) in known for year in question.years)


def _lacks(question: Question, best: Sentence) -> float:
    """0 where the kind of thing asked for is there, or no kind is; more where it is not.

    A line with a label is of the kind that its label says.

    Who somebody is takes a name beside the very office that was asked about.
    """
    if asks_for_person(question):
        return 1.0 - best.signals["kind"] + 2.0 * (not _names_office(question, best))
    if question.kind == "name":
        # Of a district, a school: one is named, or none.
        absent = 2.0 if WHICH.search(simplified(question.wording)) else 1.0
        return absent * (best.signals["kind"] < 0)
    if question.kind == "number" and OPEN_TARGET.search(simplified(question.wording)):
        return 0.0
    if question.kind in {"number", "date"}:
        return 1.0 - best.signals["kind"]
    form = form_agreement(simplified(question.wording), best.text, strict=True)
    return 0.0 if form is None else 1.0 - form


def _names_office(question: Question, best: Sentence) -> bool:
    """Whether the office whose holder is asked for is written, with or without its place."""
    asked = _OFFICE.search(simplified(question.wording))
    if asked is None:
        han = contains_han(question.wording)
        # In another language its own word stands before those of the glossary.
        bar = _WRITTEN - 0.03 if question.gloss else _WRITTEN
        return han or all(
            match >= bar
            for term, match in zip(question.terms, best.matches, strict=True)
            if _ENGLISH_OFFICE.fullmatch(term)
        )
    office = (asked["office"] or asked["held"]).rsplit("的", 1)[-1]
    forms = {office}
    for place in question.places:
        if place in office:
            rest = office.split(place, 1)[1]
            forms |= {rest, rest[1:]}
    told = simplified(best.text)
    return any(len(form) > 1 and form in told for form in forms)


def _unheld(question: Question, best: Sentence) -> float:
    """Share of the indicators in a question for a figure that the sentence does not write.

    For these the written words are known, so that their absence says more than that of others:
    a figure of something merely near (营业收入 for 财政收入) is another figure.
    """
    if question.kind != "number":
        return 0.0
    bar = 0.7
    titled = fold(simplified(best.hit.title))
    # Of what there is an output says more than that there is one.
    known = [
        (weight, match)
        for term, weight, match in zip(question.terms, question.weights, best.matches, strict=True)
        if is_settled(term)
        and not _is_of_a_name(term, question.wording)
        and not (contains_han(term) and term in titled)
        and not _MEASURED.issuperset(question.alternatives.get(term, (term,)))
    ]
    total = sum(weight for weight, _ in known)
    return sum(weight for weight, match in known if match < bar) / total if total else 0.0


def _is_of_a_name(term: str, wording: str) -> bool:
    """Whether an English word is written as part of a name: a University of Technology."""
    return term.isascii() and re.search(rf"\w\W+{term.capitalize()}\b", wording) is not None


def _unnamed(question: Question, best: Sentence, opening: str) -> float:
    """Share of the names in the question that the sentence does not hold.

    In Chinese those of places, of which the passage may speak as a whole. Places that the
    documents are about weigh nothing and are not missed.
    """
    around = fold(simplified(f"{best.hit.title} {opening} {best.hit.passage.text}"))
    written = not contains_han(around)  # where it may stand in another script, what is near counts
    placed = any(place in around for place in question.places)
    held = [
        placed or match >= _WRITTEN
        if names_place(term, question.places)
        else any(form in around for form in (term, *question.alternatives.get(term, ())))
        if written or contains_han(term) or question.language == "zh" or is_name(term)
        else match >= _NAMED
        for term, weight, match in zip(question.terms, question.weights, best.matches, strict=True)
        if term in question.names and weight > 0
    ]
    if question.places and not any(names_place(term, question.places) for term in question.names):
        # Part of a longer word: 上海图书馆.
        held.append(placed)
    return held.count(False) / len(held) if held else 0.0


def _nouns(question: Question, best: Sentence) -> float:
    """Coverage of the terms of full weight alone."""
    held = noun_matches(question, best)
    total = sum(weight for weight, _ in held)
    return sum(weight * match for weight, match in held) / total if total else 0.0


def missing_terms(question: Question, ranked: Sequence[Sentence]) -> tuple[str, ...]:
    """Telling terms of the question that none of the sentences writes: the reader is told so."""
    heaviest = max(question.weights, default=0.0)
    best = [max(each) for each in zip(*(sentence.matches for sentence in ranked), strict=True)]
    return tuple(
        term
        for term, weight, held in zip(question.terms, question.weights, best, strict=True)
        if held < _TOLD and weight >= 0.6 * heaviest and weight > 0
    )
