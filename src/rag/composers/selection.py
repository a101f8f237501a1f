"""Which sentences answer, and how much they hold of what was asked; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.evidence import (
    figure_agreement,
    form_agreement,
    has_date,
    has_figure,
    has_hour,
    has_person,
    has_year,
    of_another_number,
    tells_the_opposite,
)
from rag.numerals import HAN_NUMERALS
from rag.questions.glossary import is_name, is_settled
from rag.questions.places import names_place
from rag.questions.years import explicit_years
from rag.text import contains_han, fold, simplified, stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Hit, Question

__all__ = [
    "OPEN_TARGET",
    "Sentence",
    "asks_for_person",
    "asks_how_things_stand",
    "choose",
    "echoes",
    "evidence_signals",
    "kind_agreement",
    "missing_terms",
    "of_wrong_year",
]

_WHO = re.compile(
    r"谁|何人|哪一?[位名](?!教)|\bwho\b|(?:[长督]|书记|主席|总理|总统|主任|大使|[委议演职队]员|[教老医]师|医生|作者|导演|冠军|选手)"
    r"(?:的名字)?(?:是|叫)什么",
    re.I,
)
_WHICH = re.compile(
    r"(?:哪[一几]?[个所家座条]|什么)(?P<rank>区|县|镇|乡|街道|大学|学院|学校|医院|机场)"
)
"""Asks for a name by the word that such names end with: 哪个区."""
OPEN_TARGET = re.compile(r"目标(?:是|有)?什么|\bwhat\b.*\btargets?\b", re.I)
"""Asks for what may be told without a figure."""
_RATE = re.compile(r"\d[%％]|\bper\s?cent\b", re.I)
_PROGRESS = re.compile(r"进展|成效|\bprogress\b", re.I)
_WHAT_YEAR = re.compile(r"[哪何]一?年|什么年份|\bwh(?:at|ich) year\b", re.I)
_NO_DISTRICT = re.compile(
    r"(?:度假|校|小|园|社|地|城|片|山|库|林|牧|景|灾|特|专|示范|功能|保税|试验)区|区[域间块分别]"
)
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
_HOURS = 0.6
"""What a day of the week or a time of day counts where it is asked when: less than a date."""
_WRITTEN = 0.95
"""A match of a term that is there itself: 市委 is near 市委书记, and another office."""
_CARRIED = 0.5
"""What the sentences before one hold counts half, as what its headings hold does."""
_TOLD = 0.86
"""A match above which a term is written, in whatever form of the glossary: near words are below."""
_DOUBT = 0.2
"""Between scores this near, the better is right twice as often as the other, no more."""
_SURE, _DOUBT_OF_SURE = 3.0, 0.6
"""A logit of the judge from which on it is sure of a sentence; two such may be further apart."""
_MEASURED = frozenset("产量 总产量 产出 产值 总量 总额 总值 规模 数量 增长".split())  # noqa: SIM905
"""What is measured of anything."""
_NAMED = 0.3
"""A match of a name that may be there in another script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a hit, with offsets in its document, and what it holds of the question."""

    hit: Hit
    start: int
    end: int
    text: str
    matches: tuple[float, ...]
    coverage: float
    signals: dict[str, float]
    score: float


def kind_agreement(question: Question, text: str) -> float:
    """Whether the kind of thing asked for is written: 1 yes, -1 no, 0 where none is."""
    asked = simplified(question.wording)
    counted = question.kind in {"number", "date"}
    form = None if asks_for_person(question) else form_agreement(asked, text, strict=counted)
    if form is not None:
        return form
    if question.kind == "number":
        return figure_agreement(asked, text)
    if question.kind == "date":
        if not has_date(text):
            return _HOURS if has_hour(text) else -1.0
        return 1.0 if has_year(text) or not _WHAT_YEAR.search(question.wording) else 0.3
    if asks_for_person(question):
        return 1.0 if has_person(text) else -1.0
    if question.kind == "name" and (which := _WHICH.search(simplified(question.wording))):
        return 1.0 if re.search(rf"\w{which['rank']}", _NO_DISTRICT.sub(" ", text)) else -1.0
    if asks_how_things_stand(question):  # that is told by figures, and best by rates
        return 0.5 * has_figure(text) + 0.25 * bool(_RATE.search(text))
    if question.kind == "list":
        return min(1.0, 0.34 * (text.count("、") + 0.5 * text.count("，")))
    return 0.0


def asks_how_things_stand(question: Question) -> bool:
    """Whether a question asks what became of something: 怎么样, *what progress*."""
    return question.tends is not None or _PROGRESS.search(question.wording) is not None


def asks_for_person(question: Question) -> bool:
    """Whether the question is who somebody is."""
    return question.kind == "name" and _WHO.search(simplified(question.wording)) is not None


def echoes(question: Question, text: str) -> bool:
    """Whether a text only repeats the question, as a title does that names the thing asked about.

    By characters for Chinese and by words for other scripts; figures are always news.
    """
    asked = fold(question.wording)
    told = fold(text)
    news = [character for character in told if contains_han(character) and character not in asked]
    if any(character in HAN_NUMERALS for character in news):
        return False
    if news or re.search(r"\d", told):
        return len(news) < 2 and not re.search(r"\d", told)
    known = {stem(word) for word in words(asked)}
    return all(stem(word) in known for word in words(told) if not contains_han(word))


def choose(question: Question, ranked: Sequence[Sentence]) -> list[Sentence]:
    """The sentences of the answer, best first."""
    best = ranked[0]
    if best.signals["field"] and question.kind != "list":  # its label says that it is the one
        return [best]
    if question.kind in {"number", "date", "name", "definition"}:
        other = (
            _as_likely(ranked)
            if question.kind in {"name", "definition"}
            else _other_period(question, ranked)
        )
        return _in_order([best, other]) if other else [best]
    limit, bar = (3, 0.80) if question.kind == "list" else (2, 0.85)
    chosen = [best]
    for sentence in ranked[1:]:
        if len(chosen) == limit:
            break
        if (
            sentence.score >= bar * best.score
            and sentence.coverage >= bar * best.coverage
            and not sentence.signals["heading"]
            and not any(_overlap(sentence.text, kept.text) > 0.6 for kept in chosen)
        ):
            chosen.append(sentence)
    if len(chosen) == 1 and (other := _as_likely(ranked)):
        chosen.append(other)
    return chosen


def _other_period(question: Question, ranked: Sequence[Sentence]) -> Sentence | None:
    """Asked for a figure without a year: the same figure in the other half of the report."""
    best = ranked[0]
    if question.kind != "number":
        return None
    asked = len({*question.years, *(str(offset) for offset in question.relative_years)})
    if asked == 1 or (asked == 0 and question.period):
        return None
    if best.hit.passage.period is None:
        return None
    planned = best.hit.passage.period == "plan"
    for sentence in ranked[1:]:
        if (
            sentence.hit.passage.document_id == best.hit.passage.document_id
            and sentence.hit.passage.period == ("review" if planned else "plan")
            and sentence.coverage >= max(0.6, 0.92 * best.coverage)
            and sentence.signals["kind"] > 0
            and min((match for _, match in _noun_matches(question, sentence)), default=1.0) >= 0.5
        ):
            return sentence
    return None


def _as_likely(ranked: Sequence[Sentence]) -> Sentence | None:
    """A second sentence that may answer just as well: the reader tells at a glance which does."""
    best = ranked[0]
    for sentence in ranked[1:]:
        sure = min(each.signals.get("judged", 0.0) for each in (best, sentence)) >= _SURE
        if best.score - sentence.score > (_DOUBT_OF_SURE if sure else _DOUBT):
            return None
        if (
            sentence.signals["kind"] >= best.signals["kind"]
            and not sentence.signals["heading"]
            and sentence.hit.passage.document_id == best.hit.passage.document_id
            and _overlap(sentence.text, best.text) <= 0.9
        ):
            return sentence
    return None


def _in_order(chosen: list[Sentence]) -> list[Sentence]:
    return sorted(chosen, key=lambda sentence: sentence.start)


def _overlap(one: str, other: str) -> float:
    first, second = set(one), set(other)
    return len(first & second) / max(1, min(len(first), len(second)))


def evidence_signals(question: Question, best: Sentence) -> dict[str, float]:
    """What speaks for and against the best sentence, for ``grounding.confidence``."""
    return {
        **best.signals,
        "coverage": best.coverage + _CARRIED * best.signals["carried"],
        "wrong_year": float(of_wrong_year(question, best)),
        # A heading answers nothing, and a line with a label only what that says.
        "lacks": _lacks(question, best)
        + 2.0 * best.signals["heading"]
        - 2.0 * best.signals["label"],
        "passage_score": best.hit.score,
        "nouns": _nouns(question, best),
        "conflict": float(
            _of_another_number(question, best)
            or tells_the_opposite(simplified(question.wording), simplified(best.text))
        ),
        "undated": float(_undated(question, best)),
        "unheld": _unheld(question, best),
        "unnamed": _unnamed(question, best),
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
        absent = 2.0 if _WHICH.search(simplified(question.wording)) else 1.0
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
    # Of what there is an output says more than that there is one.
    known = [
        (weight, match)
        for term, weight, match in zip(question.terms, question.weights, best.matches, strict=True)
        if is_settled(term)
        and not _is_of_a_name(term, question.wording)
        and not _MEASURED.issuperset(question.alternatives.get(term, (term,)))
    ]
    total = sum(weight for weight, _ in known)
    return sum(weight for weight, match in known if match < bar) / total if total else 0.0


def _is_of_a_name(term: str, wording: str) -> bool:
    """Whether an English word is written as part of a name: a University of Technology."""
    return term.isascii() and re.search(rf"\w\W+{term.capitalize()}\b", wording) is not None


def _unnamed(question: Question, best: Sentence) -> float:
    """Share of the names in the question that the sentence does not hold.

    In Chinese those of places, of which the passage may speak as a whole. Places that the
    documents are about weigh nothing and are not missed.
    """
    around = fold(simplified(f"{best.hit.title} {best.hit.passage.text}"))
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
    held = _noun_matches(question, best)
    total = sum(weight for weight, _ in held)
    return sum(weight * match for weight, match in held) / total if total else 0.0


def _noun_matches(question: Question, best: Sentence) -> list[tuple[float, float]]:
    heaviest = max(question.weights, default=0.0)
    return [
        (weight, match)
        for weight, match in zip(question.weights, best.matches, strict=True)
        if weight >= 0.6 * heaviest
    ]


def missing_terms(question: Question, ranked: Sequence[Sentence]) -> tuple[str, ...]:
    """Telling terms of the question that none of the sentences writes: the reader is told so."""
    heaviest = max(question.weights, default=0.0)
    best = [max(each) for each in zip(*(sentence.matches for sentence in ranked), strict=True)]
    return tuple(
        term
        for term, weight, held in zip(question.terms, question.weights, best, strict=True)
        if held < _TOLD and weight >= 0.6 * heaviest and weight > 0
    )
