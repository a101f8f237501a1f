"""What of a sentence is quoted: the clauses that answer, as one span; pure but for its matcher."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from rag.composers.fields import is_field
from rag.composers.selection import OPEN_TARGET, kind_agreement
from rag.evidence import tells_beside
from rag.questions.vocabulary import GENERIC_WORDS
from rag.questions.years import explicit_years
from rag.schema import Quotation
from rag.text import clauses, contains_han, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.composers.selection import Sentence
    from rag.evidence import TermMatcher
    from rag.schema import Question

__all__ = ["BESIDE", "CONTINUES", "LIST_BUDGET", "quote", "units"]

BESIDE = 0.2
"""What a quotation loses that tells something beside what is asked."""

_SHORT = 32
"""A sentence of at most this many characters is quoted whole."""

_BUDGET = 110
"""A longer one is cut to the clauses that answer, at most this many characters."""

LIST_BUDGET = 220
"""Lists may be longer: all their items count."""

CONTINUES = re.compile(
    r"^(?:居(?!民)|[占比较达增降创排列为]|位居|位列|总数|同比|其中|提升|提高|下降|增长|连续|首次|实现|突破|净增|累计)"
)

_ITEMS = re.compile(r"主要[有是]|一是|包括|具体[有是]|分别是|[（(]?1[）)、.]|First")

_ENDED = re.compile(r"[。！？!?；;.：:，,][”’」』）)\]\"']*$")

_SEMICOLON = re.compile(r"[；;]\s*$")

_TELLS_MORE = 0.1
"""How much more of the question a statement tells than the next, if it is the one asked about."""

_POINTS_BACK = re.compile(
    r"(?:She|He|It|They|This|These|That|Those|Her|His|Its|Their)\b|[他她它其](?!中|[次余他实])|该[项市省校院馆]|这[项是些里]"
)
"""Begins a sentence that says of whom or of what only in the one before."""

_THEREFORE = re.compile(r"(?:That|This|Which) is why\b|因此|所以|于是|为此|正因如此")
"""Begins a sentence whose reason stands in the one before."""

_TRAILING = re.compile(r"[，；：、。,;:\s]+$")


def quote(question: Question, sentence: Sentence, *, matcher: TermMatcher) -> Quotation:
    """The clauses of a sentence that answer, as one span; the sentence itself if short."""
    start, end = sentence.start, sentence.end
    budget = LIST_BUDGET if question.kind == "list" else _BUDGET
    whole = _SHORT if question.kind in {"number", "date"} else budget
    labelled = sentence.signals["field"] > 0 and end - start <= budget
    if labelled and question.kind not in {"number", "date"}:
        end = _line_end(sentence)
    elif question.kind in {"list", "description"}:
        end = _with_items(sentence)
    if end == sentence.end and end - start > whole and not labelled:
        start, end = _window(question, sentence, budget, matcher=matcher)
    text = sentence.hit.passage.text
    offset = sentence.hit.passage.start
    points_back = _POINTS_BACK if question.kind in {"name", "list", "definition"} else _THEREFORE
    if start == sentence.start and points_back.match(sentence.text):
        start = _with_antecedent(sentence, end)
    trailing = _TRAILING.search(text[start - offset : end - offset])
    if trailing and trailing.start() > 0:
        end = start + trailing.start()
    return Quotation(
        passage_id=sentence.hit.passage.passage_id,
        document_id=sentence.hit.passage.document_id,
        start=start,
        end=end,
        text=text[start - offset : end - offset],
    )


def _window(
    question: Question, sentence: Sentence, budget: int, *, matcher: TermMatcher
) -> tuple[int, int]:
    text, offset = sentence.hit.passage.text, sentence.hit.passage.start
    spans = clauses(text, sentence.start - offset, sentence.end - offset)
    pieces = [text[start:end] for start, end in spans]
    matches = matcher.matches(question, pieces)
    weights = question.weights

    # A figure is best alone with its subject; anything else is told in as many words as fit.
    pointed = question.kind in {"number", "date"}
    figured = question.kind == "number"
    # Another clause's 目标 makes no figure clearer.
    counted = [
        (column, weight)
        for column, weight in enumerate(weights)
        if not pointed or question.terms[column] not in GENERIC_WORDS
    ]

    def held(among: range) -> float:
        return sum(
            weight * max(float(matches[row][column]) for row in among) for column, weight in counted
        )

    def held_at_all(row: int) -> float:
        return float(matches[row] @ weights)

    total = sum(weight for _, weight in counted) or 1.0
    values = [
        held(range(row, row + 1)) / total
        + 0.3 * kind_agreement(question, piece)
        - BESIDE * (figured and tells_beside(question.wording, piece))
        for row, piece in enumerate(pieces)
    ]
    agreeing = [kind_agreement(question, piece) for piece in pieces]
    rows = range(len(pieces))
    if pointed:
        # 成人12册，借期30天；少儿8册，借期20天: one is asked about, not the figures of the other.
        told_by = [
            (held(part) / total + 0.3 * max(agreeing[row] for row in part), part)
            for part in _statements(pieces)
        ]
        told_by.sort(key=lambda each: -each[0])
        if len(told_by) > 1 and told_by[0][0] > told_by[1][0] + _TELLS_MORE:
            rows = told_by[0][1]
    strongest = max(agreeing[row] for row in rows)
    seeds = [row for row in rows if agreeing[row] == strongest or not pointed]

    def standing(row: int) -> tuple[float, float, int]:
        return round(values[row], 2), held_at_all(row), -row

    first = last = max(seeds, key=standing)
    # A figure follows what it is of: one that stands before it is of something else.
    topical = max(rows, key=lambda row: (held(range(row, row + 1)), -row))
    told, beside = (held(range(row, row + 1)) for row in (topical, first))
    # So is one that stands after it, where the clause has a figure of its own.
    foreign = agreeing[topical] > -1 if first < topical else agreeing[topical] >= 0
    foreign = foreign or OPEN_TARGET.search(question.wording) is not None
    if figured and foreign and told >= 0.8 * total > 2 * beside:
        first = last = topical

    def length(low: int, high: int) -> int:
        return spans[high][1] - spans[low][0]

    # A date says nothing without what it is of, even if that stands some clauses away.
    reaching = min(first, topical), max(last, topical)
    if question.kind == "date" and told > 0.5 * total > 2 * beside and length(*reaching) <= budget:
        first, last = reaching

    # Nor a figure of a year that the sentence names elsewhere: below the 405,000 of 2019.
    dated = [row for row in rows if set(explicit_years(pieces[row])) & set(question.years)]
    if figured and dated and not set(dated) & set(range(first, last + 1)):
        nearest = min(dated, key=lambda row: abs(row - first))
        reaching = min(first, nearest), max(last, nearest)
        if length(*reaching) <= budget:
            first, last = reaching

    while True:
        # The neighbour that brings more of the question in; a clause that only continues
        # (、居万亿城市第7位) belongs to its subject.
        now = held(range(first, last + 1))
        left = right = -1.0
        if first > rows.start and length(first - 1, last) <= budget:
            left = held(range(first - 1, last + 1)) - now
            if CONTINUES.match(pieces[first]):
                left += 0.05 * total
        if last + 1 < rows.stop and length(first, last + 1) <= budget:
            right = held(range(first, last + 2)) - now
            if CONTINUES.match(pieces[last + 1]) or question.kind == "list":
                right += 0.04 * total
        if max(left, right) < (0.03 * total if pointed else 0.0):
            break
        if left > right or (pointed and left == right):
            first -= 1
        else:
            last += 1
    return spans[first][0] + offset, spans[last][1] + offset


def _statements(pieces: Sequence[str]) -> list[range]:
    """The clauses between one semicolon and the next."""
    ends = [row + 1 for row, piece in enumerate(pieces) if _SEMICOLON.search(piece)]
    borders = [0, *ends, *([] if ends and ends[-1] == len(pieces) else [len(pieces)])]
    return [range(start, end) for start, end in pairwise(borders)]


def units(text: str) -> list[tuple[int, int]]:
    """Sentences; lines without an end, such as a title, a date and a name, belong together.

    Lines with labels stand alone.
    """
    found: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if found and not (is_field(text[start:end]) or is_field(text[found[-1][0] : found[-1][1]])):
            before = text[found[-1][0] : found[-1][1]]
            open_lines = not _ENDED.search(before) and not _ENDED.search(text[start:end])
            if open_lines and end - found[-1][0] <= _BUDGET:
                found[-1] = (found[-1][0], end)
                continue
        found.append((start, end))
    return found


def _line_end(sentence: Sentence) -> int:
    """The end of a line with a label, however many sentences it has, if it is not too long."""
    text, offset = sentence.hit.passage.text, sentence.hit.passage.start
    end = text.find("\n", sentence.end - offset - 1)
    end = offset + (end if end >= 0 else len(text))
    return end if sentence.end <= end <= sentence.start + LIST_BUDGET else sentence.end


def _with_antecedent(sentence: Sentence, end: int) -> int:
    """The start of the sentence before one that points back to it, where both fit."""
    text, offset = sentence.hit.passage.text, sentence.hit.passage.start
    before = [start + offset for start, stop in units(text) if stop + offset <= sentence.start]
    fits = before and end - before[-1] <= (_BUDGET if contains_han(sentence.text) else LIST_BUDGET)
    return before[-1] if fits else sentence.start


def _with_items(sentence: Sentence) -> int:
    """The end of the sentences that list what this one announces (主要有：…)."""
    text, offset = sentence.hit.passage.text, sentence.hit.passage.start
    spans = [(start + offset, end + offset) for start, end in units(text)]
    later = [span for span in spans if span[0] >= sentence.end]
    if not later or not _ITEMS.match(text[later[0][0] - offset :]):
        return sentence.end
    ends = [end for _, end in later if end - sentence.start <= LIST_BUDGET]
    return ends[-1] if ends else sentence.end
