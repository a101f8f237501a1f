"""The default composer: picks the sentence that answers and, inside it, the clause; no model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.evidence import figure_agreement, has_date, has_person
from rag.schema import Draft, DraftSentence, Quotation
from rag.text import clauses, sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rag.evidence import TermMatcher
    from rag.protocols import Embedder
    from rag.schema import Hit, Passage, Period, Question

__all__ = ["ExtractiveComposer"]

_PASSAGES_READ = 8
"""Passages whose sentences are compared."""

_SHORT = 32
"""A sentence of at most this many characters is quoted whole."""

_BUDGET = 110
"""A longer one is cut to the clauses that answer, at most this many characters."""

_ANSWER_BUDGET = 150
"""Characters that the sentences of an answer have together, but for lists."""

_LIST_BUDGET = 220
"""Lists may be longer: all their items count."""

SENTENCE_WEIGHTS = {
    "coverage": 1.0,
    "dense": 0.8,
    "kind": 0.15,
    "year": 0.20,
    "passage": 0.25,
    "heading": -0.6,
}
"""What each signal of a sentence counts."""

_WHO = re.compile(r"谁|\bwho\b", re.I)

_CONTINUES = re.compile(
    r"^(?:[居占比较达增降创排列为]|位居|位列|总数|同比|其中|提升|提高|下降|增长|连续|首次|实现|突破|净增|累计)"
)
_ANNOUNCES = re.compile(
    r"(?:[一二三四五六七八九十\d]+|以下|下列|几)[个大项]?(?:方面|重点|任务|工作|举措)|如下|主要做了"
)
"""A sentence that announces a list of headings: 重点做好九个方面工作。"""

_ENDED = re.compile(r"[。！？!?；;.：:，,][”’」』）)\]\"']*$")

_TRAILING = re.compile(r"[，；：、。,;:\s]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    hit: Hit
    start: int  # offsets in the document
    end: int
    text: str
    matches: tuple[float, ...]
    coverage: float
    signals: dict[str, float]
    score: float


class ExtractiveComposer:
    """Answers with verbatim spans only."""

    name = "extractive"

    def __init__(
        self,
        *,
        embedder: Embedder,
        matcher: TermMatcher,
        passages_of: Callable[[str], Sequence[Passage]],
    ) -> None:
        """``passages_of`` gives all passages of a document, for lists that its headings make."""
        self._embedder = embedder
        self._matcher = matcher
        self._passages_of = passages_of

    def compose(self, question: Question, hits: Sequence[Hit]) -> Draft:
        """Propose the telling clause or clauses of ``hits``; see ``protocols.Composer``."""
        ranked = self._sentences(question, hits[:_PASSAGES_READ])
        if not ranked:
            return Draft(sentences=())
        best = ranked[0]
        listed = self._headings(question, ranked)
        if listed is not None:
            announcing, quotations = listed
            lead = _lead(question, announcing, labelled=question.language != "zh")
            return Draft(
                sentences=(DraftSentence(lead=lead, quotations=quotations),),
                signals={**announcing.signals, "nouns": announcing.coverage},
            )
        chosen = _choose(question, ranked)
        labelled = _needs_label(question, chosen)
        drafted: tuple[DraftSentence, ...] = ()
        spent = 0
        for sentence in chosen:
            lead = _lead(question, sentence, labelled=labelled)
            quotation = self._quote(question, sentence)
            spent += len(lead) + len(quotation.text)
            if drafted and spent > _ANSWER_BUDGET and question.kind != "list":
                break
            drafted = (*drafted, DraftSentence(lead=lead, quotations=(quotation,)))
        return Draft(
            sentences=drafted,
            signals={
                **best.signals,
                "wrong_year": float(best.signals["year"] < 0),
                "lacks": _lacks(question, best),
                "passage_dense": best.hit.signals.get("dense", 0.0),
                "nouns": _nouns(question, best),
            },
            missing=_missing(question, best),
        )

    def _sentences(self, question: Question, hits: Sequence[Hit]) -> list[_Sentence]:
        """All sentences of the hits, best first."""
        places = [
            (hit, start, end)
            for hit in hits
            for start, end in _units(hit.passage.text)
            if any(map(str.isalnum, hit.passage.text[start:end]))
        ]
        if not places:
            return []
        texts = [hit.passage.text[start:end] for hit, start, end in places]
        contexts = [" ".join((hit.title, *hit.passage.section)) for hit, _, _ in places]
        matches = self._matcher.matches(question, texts, contexts=contexts)
        cosines = self._embedder.embed_passages(texts) @ self._embedder.embed_query(
            question.rewritten
        )
        top_score = max(hit.score for hit in hits)
        total = sum(question.weights) or 1.0
        result = []
        for (hit, start, end), text, row, cosine in zip(
            places, texts, matches, cosines, strict=True
        ):
            held = tuple(float(value) for value in row)
            coverage = sum(w * m for w, m in zip(question.weights, held, strict=True)) / total
            signals = {
                "coverage": coverage,
                "dense": float(cosine),
                "kind": _kind_agreement(question, text),
                "year": hit.signals.get("year", 0.0) + hit.signals.get("period", 0.0),
                "passage": hit.score - top_score,
                "heading": float(_is_heading(text, hit)),
            }
            result.append(
                _Sentence(
                    hit=hit,
                    start=hit.passage.start + start,
                    end=hit.passage.start + end,
                    text=text,
                    matches=held,
                    coverage=coverage,
                    signals=signals,
                    score=sum(SENTENCE_WEIGHTS[name] * value for name, value in signals.items()),
                )
            )
        result.sort(key=lambda s: (-s.score, s.hit.rank, s.start))
        return result

    def _headings(
        self, question: Question, ranked: Sequence[_Sentence]
    ) -> tuple[_Sentence, tuple[Quotation, ...]] | None:
        """The run-in headings that a sentence announces, when a list of them is asked for.

        重点做好九个方面工作。 is answered by the nine headings after it, each in its own passage.
        """
        if question.kind != "list":
            return None
        for sentence in ranked[:3]:
            asked, announced = (
                _ANNOUNCES.search(question.rewritten),
                _ANNOUNCES.search(sentence.text),
            )
            if not (asked and announced):
                continue
            passage = sentence.hit.passage
            depth = len(passage.section)
            quotations: dict[str, Quotation] = {}
            for later in self._passages_of(passage.document_id):
                if later.ordinal <= passage.ordinal or later.section[:depth] != passage.section:
                    continue
                if len(later.section) > depth and later.section[depth] not in quotations:
                    heading = later.section[depth]
                    at = later.text.find(heading)
                    if at >= 0:
                        start = later.start + at
                        quotations[heading] = Quotation(
                            passage_id=later.passage_id,
                            document_id=later.document_id,
                            start=start,
                            end=start + len(heading),
                            text=heading,
                        )
            if len(quotations) > 1:
                return sentence, tuple(quotations.values())
        return None

    def _quote(self, question: Question, sentence: _Sentence) -> Quotation:
        """The clauses of a sentence that answer, as one span; the sentence itself if short."""
        start, end = sentence.start, sentence.end
        budget = _LIST_BUDGET if question.kind == "list" else _BUDGET
        whole = _SHORT if question.kind in {"number", "date"} else budget
        if end - start > whole:
            start, end = self._window(question, sentence, budget)
        text = sentence.hit.passage.text
        offset = sentence.hit.passage.start
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

    def _window(self, question: Question, sentence: _Sentence, budget: int) -> tuple[int, int]:
        text, offset = sentence.hit.passage.text, sentence.hit.passage.start
        spans = clauses(text, sentence.start - offset, sentence.end - offset)
        pieces = [text[start:end] for start, end in spans]
        matches = self._matcher.matches(question, pieces)
        weights = question.weights

        def held(rows: range) -> float:
            return sum(
                weight * max(float(matches[row][column]) for row in rows)
                for column, weight in enumerate(weights)
            )

        total = sum(weights) or 1.0
        values = [
            held(range(row, row + 1)) / total + 0.3 * _kind_agreement(question, piece)
            for row, piece in enumerate(pieces)
        ]
        agreeing = [_kind_agreement(question, piece) for piece in pieces]
        strongest = max(agreeing)
        seeds = [row for row in range(len(pieces)) if agreeing[row] == strongest]
        first = last = max(
            seeds if question.kind in {"number", "date"} else range(len(pieces)),
            key=lambda row: (values[row], -row),
        )

        def length(low: int, high: int) -> int:
            return spans[high][1] - spans[low][0]

        while True:
            # The neighbour that brings more of the question in; a clause that only continues
            # (、居万亿城市第7位) belongs to its subject.
            now = held(range(first, last + 1))
            left = right = -1.0
            if first > 0 and length(first - 1, last) <= budget:
                left = held(range(first - 1, last + 1)) - now
                if _CONTINUES.match(pieces[first]):
                    left += 0.05 * total
            if last + 1 < len(pieces) and length(first, last + 1) <= budget:
                right = held(range(first, last + 2)) - now
                if _CONTINUES.match(pieces[last + 1]) or question.kind == "list":
                    right += 0.04 * total
            if max(left, right) < 0.03 * total:
                break
            if left >= right:
                first -= 1
            else:
                last += 1
        return spans[first][0] + offset, spans[last][1] + offset


def _units(text: str) -> list[tuple[int, int]]:
    """Sentences; lines without an end, such as a title, a date and a name, belong together."""
    units: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if units:
            before = text[units[-1][0] : units[-1][1]]
            open_lines = not _ENDED.search(before) and not _ENDED.search(text[start:end])
            if open_lines and end - units[-1][0] <= _BUDGET:
                units[-1] = (units[-1][0], end)
                continue
        units.append((start, end))
    return units


def _kind_agreement(question: Question, text: str) -> float:
    if question.kind == "number":
        return figure_agreement(question.rewritten, text)
    if question.kind == "date":
        return 1.0 if has_date(text) else -0.5
    if question.kind == "name" and _WHO.search(question.rewritten):
        return 1.0 if has_person(text) else -1.0
    if question.kind == "list":
        return min(1.0, 0.34 * (text.count("、") + 0.5 * text.count("，")))
    return 0.0


def _is_heading(text: str, hit: Hit) -> bool:
    """A run-in heading says what follows is about, not what it is."""
    bare = text.rstrip("。：: ")
    return any(bare == heading.rstrip("。：: ") for heading in hit.passage.section)


def _choose(question: Question, ranked: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences of the answer, best first."""
    best = ranked[0]
    if question.kind in {"number", "date", "name", "definition"}:
        other = _other_period(question, ranked)
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
    return chosen


def _other_period(question: Question, ranked: Sequence[_Sentence]) -> _Sentence | None:
    """Asked for a figure without a year: the same figure in the other half of the report."""
    best = ranked[0]
    if question.kind != "number" or question.years or question.relative_years or question.period:
        return None
    if best.hit.passage.period is None:
        return None
    for sentence in ranked[1:]:
        if (
            sentence.hit.passage.document_id == best.hit.passage.document_id
            and sentence.hit.passage.period not in {None, best.hit.passage.period}
            and sentence.coverage >= max(0.6, 0.92 * best.coverage)
            and sentence.signals["kind"] > 0
        ):
            return sentence
    return None


def _in_order(chosen: list[_Sentence]) -> list[_Sentence]:
    return sorted(chosen, key=lambda sentence: sentence.start)


def _needs_label(question: Question, chosen: Sequence[_Sentence]) -> bool:
    return question.language != "zh" or len({s.hit.passage.period for s in chosen}) > 1


def _lead(question: Question, sentence: _Sentence, *, labelled: bool) -> str:
    """Which document and which year, where the words of the quotation do not tell."""
    if not labelled:
        return ""
    hit = sentence.hit
    label = _period_label(hit, chinese=question.language == "zh")
    if question.language == "zh":
        return f"{label}：" if label else ""
    section = label or (f"“{hit.passage.section[-1]}”" if hit.passage.section else "")
    return f"{hit.title}, {section}: " if section else f"{hit.title}: "


def _period_label(hit: Hit, *, chinese: bool) -> str:
    period: Period | None = hit.passage.period
    if period is None:
        return ""
    year = hit.metadata.get("reporting_year" if period == "review" else "planning_year")
    if chinese:
        words = {"review": "回顾", "plan": "目标"}[period]
        return f"{year}年{words}" if year else words
    words = {"review": "review of", "plan": "plan for"}[period]
    return f"{words} {year}" if year else words.split()[0]


def _overlap(one: str, other: str) -> float:
    first, second = set(one), set(other)
    return len(first & second) / max(1, min(len(first), len(second)))


def _lacks(question: Question, best: _Sentence) -> float:
    """0 where the kind of thing asked for is there, or no kind is; up to 2 where it is not."""
    checked = question.kind in {"number", "date"} or _WHO.search(question.rewritten)
    return 1.0 - best.signals["kind"] if checked else 0.0


def _nouns(question: Question, best: _Sentence) -> float:
    """Coverage of the terms of full weight alone."""
    held = [
        (weight, match)
        for weight, match in zip(question.weights, best.matches, strict=True)
        if weight >= 0.6 * max(question.weights)
    ]
    total = sum(weight for weight, _ in held)
    return sum(weight * match for weight, match in held) / total if total else 0.0


def _missing(question: Question, best: _Sentence) -> tuple[str, ...]:
    heaviest = max(question.weights, default=0.0)
    return tuple(
        term
        for term, weight, held in zip(question.terms, question.weights, best.matches, strict=True)
        if held < 0.3 and weight >= 0.6 * heaviest
    )
