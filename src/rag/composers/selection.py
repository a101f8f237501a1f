"""Which sentences answer, and how much they hold of what was asked; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.composers.fields import is_field
from rag.evidence import (
    figure_agreement,
    form_agreement,
    has_date,
    has_day,
    has_figure,
    has_hour,
    has_person,
    has_year,
)
from rag.numerals import HAN_NUMERALS
from rag.text import contains_han, fold, simplified, stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Hit, Question

__all__ = [
    "OPEN_TARGET",
    "WHICH",
    "Sentence",
    "asks_for_person",
    "asks_how_things_stand",
    "choose",
    "echoes",
    "is_asked",
    "is_heading",
    "kind_agreement",
    "noun_matches",
]

_WHO = re.compile(
    r"谁|何人|哪一?[位名](?!教)|\bwho\b|(?:[长督]|书记|主席|总理|总统|主任|大使|[委议演职队]员|[教老医]师|医生|作者|导演|冠军|选手)"
    r"(?:的名字)?(?:是|叫)什么",
    re.I,
)
_WHOEVER = re.compile(
    r"谁(?:都|能|可以|有资格|需要|应该|必须)"
    r"|\bwho (?:can|may|must|should|needs? to|has to|is (?:eligible|entitled))\b",
    re.I,
)
"""Asks for those who fulfil a condition, which nobody's name tells."""
WHICH = re.compile(
    r"(?:哪[一几]?[个所家座条]|什么)(?P<rank>区|县|镇|乡|街道|大学|学院|学校|医院|机场)"
)
"""Asks for a name by the word that such names end with: 哪个区."""
OPEN_TARGET = re.compile(r"目标(?:是|有)?什么|\bwhat\b.*\btargets?\b", re.I)
"""Asks for what may be told without a figure."""
_RATE = re.compile(r"\d[%％]|\bper\s?cent\b", re.I)
_PROGRESS = re.compile(r"进展|成效|\bprogress\b", re.I)
_WHAT_YEAR = re.compile(r"[哪何]一?年|什么年份|\bwh(?:at|ich) year\b", re.I)
_WHAT_DAY = re.compile(r"哪一?天|几月几[日号]|几号(?!线|楼)|\bwh(?:at|ich) (?:day|date)\b", re.I)
_NO_DISTRICT = re.compile(
    r"(?:度假|校|小|园|社|地|城|片|山|库|林|牧|景|灾|特|专|示范|功能|保税|试验|体验|展示|核心|服务"
    r"|休闲|居住|办公|合作|先行|实验|创新|集聚|工作|生活|游览|商业|商务|聚集|产业|生态)区|区[域间块分别]"
)
_HOURS = 0.6
"""What a day of the week or a time of day counts where it is asked when: less than a date."""
_DOUBT = 0.2
"""Between scores this near, the better is right twice as often as the other, no more."""
_SURE, _DOUBT_OF_SURE = 3.0, 0.6
"""A logit of the judge from which on it is sure of a sentence; two such may be further apart."""
_TITLE_SHARE = 0.75
"""Share of a line's words that the title or a heading holds, from which it is one itself."""

_ENDED = re.compile(r"[。！？!?；;.][”’」』）)\]\"']*$")


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
        if _WHAT_DAY.search(question.wording):
            return 1.0 if has_day(text) else 0.3
        return 1.0 if has_year(text) or not _WHAT_YEAR.search(question.wording) else 0.3
    if asks_for_person(question):
        return 1.0 if has_person(text) else -1.0
    if question.kind == "name" and (which := WHICH.search(simplified(question.wording))):
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
    asked = simplified(question.wording)
    return question.kind == "name" and bool(_WHO.search(asked)) and not _WHOEVER.search(asked)


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


def is_heading(text: str, hit: Hit) -> bool:
    """A title or a run-in heading says what follows is about, not what it is.

    So do lines that hold hardly a word beside those of the title: the name of an institution.
    """
    bare = text.rstrip("。：: ")
    if any(bare == heading.rstrip("。：: ") for heading in (*hit.passage.section, hit.title)):
        return True
    if _ENDED.search(bare) or is_field(text):
        return False
    own = words(fold(text))
    known = {*words(fold(" ".join((hit.title, *hit.passage.section))))}
    return len(own) > 1 and sum(word in known for word in own) >= _TITLE_SHARE * len(own)


def is_asked(text: str) -> bool:
    """What somebody asked in a forum or a list of questions is not what was answered."""
    return text.rstrip("”’」』）)\"' ").endswith(("?", "？"))


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
            and min((match for _, match in noun_matches(question, sentence)), default=1.0) >= 0.5
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


def noun_matches(question: Question, best: Sentence) -> list[tuple[float, float]]:
    """The terms of full weight: what each weighs, and how well the sentence holds it."""
    heaviest = max(question.weights, default=0.0)
    return [
        (weight, match)
        for weight, match in zip(question.weights, best.matches, strict=True)
        if weight >= 0.6 * heaviest
    ]
