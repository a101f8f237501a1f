"""The default composer: picks the sentence that answers and, inside it, the clause; no model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.composers.framing import lead, needs_label
from rag.composers.selection import (
    Sentence,
    asks_for_person,
    choose,
    echoes,
    evidence_signals,
    kind_agreement,
    missing_terms,
)
from rag.questions.vocabulary import GENERIC_WORDS
from rag.schema import Draft, DraftSentence, Quotation
from rag.text import clauses, sentences, simplified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.evidence import TermMatcher
    from rag.protocols import Embedder
    from rag.schema import Hit, Passage, Question

    FloatArray = npt.NDArray[np.float32]

__all__ = ["ExtractiveComposer"]

_PASSAGES_READ = 8
"""Passages whose sentences are compared."""

_SHORT = 32
"""A sentence of at most this many characters is quoted whole."""

_BUDGET = 110
"""A longer one is cut to the clauses that answer, at most this many characters."""

_ANSWER_BUDGET = 120
"""Characters that the sentences of an answer have together, but for lists."""

_FRAME = 30
"""Characters that the frame around a quotation takes in an English answer."""

_LIST_BUDGET = 220
"""Lists may be longer: all their items count."""

SENTENCE_WEIGHTS = {
    "coverage": 1.4,
    "carried": 0.6,
    "dense": 0.5,
    "kind": 0.35,
    "year": 0.15,
    "passage": 1.0,
    "heading": -1.0,
}
"""What each signal of a sentence counts: fitted by training/calibrate.py, rounded."""

_SPOKEN_OF = 0.8
"""A match from which on a passage speaks of a term, and not of something merely near."""

_BESIDE = 0.5
"""What the other clauses of a sentence count for its figure."""

_PERSON_WEIGHT = 0.8
"""What the kind counts where a person is asked for: without a name there is no answer."""

_CONTINUES = re.compile(
    r"^(?:居(?!民)|[占比较达增降创排列为]|位居|位列|总数|同比|其中|提升|提高|下降|增长|连续|首次|实现|突破|净增|累计)"
)
_ANNOUNCES = re.compile(
    r"(?:[一二三四五六七八九十\d]+|以下|下列|几)[个大项]?(?:方面|重点|任务|工作|举措)|如下|主要做了"
)
"""A sentence that announces a list of headings: 重点做好九个方面工作。"""

_ITEMS = re.compile(r"主要[有是]|一是|包括|具体[有是]|分别是|[（(]?1[）)、.]|First")

_ENDED = re.compile(r"[。！？!?；;.：:，,][”’」』）)\]\"']*$")

_TRAILING = re.compile(r"[，；：、。,;:\s]+$")


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
        ranked = self.sentences(question, hits[:_PASSAGES_READ])
        if not ranked:
            return Draft(sentences=())
        best = ranked[0]
        listed = self._headings(question, ranked)
        if listed is not None:
            announcing, quotations = listed
            frame = lead(question, announcing, labelled=question.language != "zh")
            return Draft(
                sentences=(DraftSentence(lead=frame, quotations=quotations),),
                signals={**announcing.signals, "nouns": announcing.coverage},
            )
        chosen = choose(question, ranked)
        quoted = [(sentence, self._quote(question, sentence)) for sentence in chosen]
        kept = quoted[: 1 + _affordable(question, [len(q.text) for _, q in quoted])]
        labelled = needs_label(question, [sentence for sentence, _ in kept])
        drafted = tuple(
            DraftSentence(lead=lead(question, sentence, labelled=labelled), quotations=(quotation,))
            for sentence, quotation in kept
        )
        return Draft(
            sentences=drafted,
            signals=evidence_signals(question, self._quoted(question, best)),
            missing=missing_terms(question, best),
        )

    def sentences(self, question: Question, hits: Sequence[Hit]) -> list[Sentence]:
        """All sentences of the hits, best first."""
        import numpy as np

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
        weights = SENTENCE_WEIGHTS
        if asks_for_person(question):
            weights = weights | {"kind": _PERSON_WEIGHT}
        result = []
        for (hit, start, end), text, row, spoken_of, cosine in zip(
            places, texts, matches, _spoken_of(places, matches), cosines, strict=True
        ):
            held = tuple(float(value) for value in row)
            coverage = sum(w * m for w, m in zip(question.weights, held, strict=True)) / total
            signals = {
                "coverage": coverage,
                "carried": float(np.maximum(spoken_of - row, 0.0) @ question.weights) / total,
                "dense": float(cosine),
                "kind": kind_agreement(question, text),
                "year": hit.signals.get("year", 0.0) + hit.signals.get("period", 0.0),
                "passage": hit.score - top_score,
                "heading": float(_is_heading(text, hit) or echoes(question, text)),
            }
            result.append(
                Sentence(
                    hit=hit,
                    start=hit.passage.start + start,
                    end=hit.passage.start + end,
                    text=text,
                    matches=held,
                    coverage=coverage,
                    signals=signals,
                    score=sum(weight * signals[name] for name, weight in weights.items()),
                )
            )
        result.sort(key=lambda s: (-s.score, s.hit.rank, s.start))
        return result

    def _quoted(self, question: Question, sentence: Sentence) -> Sentence:
        """A sentence as far as it is quoted: a figure is not of what other clauses speak of."""
        if question.kind != "number":
            return sentence
        context = " ".join((sentence.hit.title, *sentence.hit.passage.section))
        quotation = self._quote(question, sentence)
        (row,) = self._matcher.matches(question, [quotation.text], contexts=[context])
        held = tuple(
            max(float(value), _BESIDE * whole)
            for value, whole in zip(row, sentence.matches, strict=True)
        )
        total = sum(question.weights) or 1.0
        coverage = sum(w * m for w, m in zip(question.weights, held, strict=True)) / total
        return replace(
            sentence,
            matches=held,
            coverage=coverage,
            signals={**sentence.signals, "coverage": coverage},
        )

    def _headings(
        self, question: Question, ranked: Sequence[Sentence]
    ) -> tuple[Sentence, tuple[Quotation, ...]] | None:
        """The run-in headings that a sentence announces, when a list of them is asked for.

        重点做好九个方面工作。 is answered by the nine headings after it, each in its own passage.
        """
        if question.kind != "list" or not _ANNOUNCES.search(simplified(question.rewritten)):
            return None
        fullest = max(sentence.coverage for sentence in ranked)
        for sentence in ranked:
            if not _ANNOUNCES.search(sentence.text) or sentence.coverage < 0.8 * fullest:
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

    def _quote(self, question: Question, sentence: Sentence) -> Quotation:
        """The clauses of a sentence that answer, as one span; the sentence itself if short."""
        start, end = sentence.start, sentence.end
        if question.kind in {"list", "description"}:
            end = _with_items(sentence)
        budget = _LIST_BUDGET if question.kind == "list" else _BUDGET
        whole = _SHORT if question.kind in {"number", "date"} else budget
        if end == sentence.end and end - start > whole:
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

    def _window(self, question: Question, sentence: Sentence, budget: int) -> tuple[int, int]:
        text, offset = sentence.hit.passage.text, sentence.hit.passage.start
        spans = clauses(text, sentence.start - offset, sentence.end - offset)
        pieces = [text[start:end] for start, end in spans]
        matches = self._matcher.matches(question, pieces)
        weights = question.weights

        # A figure is best alone with its subject; anything else is told in as many words as fit.
        pointed = question.kind in {"number", "date"}
        # Another clause's 目标 makes no figure clearer.
        counted = [
            (column, weight)
            for column, weight in enumerate(weights)
            if not pointed or question.terms[column] not in GENERIC_WORDS
        ]

        def held(rows: range) -> float:
            return sum(
                weight * max(float(matches[row][column]) for row in rows)
                for column, weight in counted
            )

        def held_at_all(row: int) -> float:
            return float(matches[row] @ weights)

        total = sum(weight for _, weight in counted) or 1.0
        values = [
            held(range(row, row + 1)) / total + 0.3 * kind_agreement(question, piece)
            for row, piece in enumerate(pieces)
        ]
        agreeing = [kind_agreement(question, piece) for piece in pieces]
        strongest = max(agreeing)
        seeds = [row for row in range(len(pieces)) if agreeing[row] == strongest]
        if not pointed:
            seeds = list(range(len(pieces)))

        def standing(row: int) -> tuple[float, float, int]:
            return round(values[row], 2), held_at_all(row), -row

        first = last = max(seeds, key=standing)
        # A figure follows what it is of: one that stands before it is of something else.
        topical = max(range(len(pieces)), key=lambda row: (held(range(row, row + 1)), -row))
        told, beside = (held(range(row, row + 1)) for row in (topical, first))
        figured = question.kind == "number" and agreeing[topical] > -1
        if figured and first < topical and told >= 0.8 * total > 2 * beside:
            first = last = topical

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
            if max(left, right) < (0.03 * total if pointed else 0.0):
                break
            if left > right or (pointed and left == right):
                first -= 1
            else:
                last += 1
        return spans[first][0] + offset, spans[last][1] + offset


def _spoken_of(places: Sequence[tuple[Hit, int, int]], matches: FloatArray) -> FloatArray:
    """What of the question the passage speaks of before each sentence, like ``matches``.

    A paragraph names its subject in its first sentence and does not repeat it; a sentence goes on
    from the one before.
    """
    import numpy as np

    held = np.zeros_like(matches)
    first = 0
    for row in range(1, len(places)):
        if places[row][0] is not places[row - 1][0]:
            first = row
        else:
            held[row] = np.maximum(matches[first], matches[row - 1])
    return np.where(held >= _SPOKEN_OF, held, 0.0)


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


def _with_items(sentence: Sentence) -> int:
    """The end of the sentences that list what this one announces (主要有：…)."""
    text, offset = sentence.hit.passage.text, sentence.hit.passage.start
    units = [(start + offset, end + offset) for start, end in _units(text)]
    later = [unit for unit in units if unit[0] >= sentence.end]
    if not later or not _ITEMS.match(text[later[0][0] - offset :]):
        return sentence.end
    ends = [end for _, end in later if end - sentence.start <= _LIST_BUDGET]
    return ends[-1] if ends else sentence.end


def _is_heading(text: str, hit: Hit) -> bool:
    """A run-in heading says what follows is about, not what it is."""
    bare = text.rstrip("。：: ")
    return any(bare == heading.rstrip("。：: ") for heading in hit.passage.section)


def _affordable(question: Question, lengths: Sequence[int]) -> int:
    """How many quotations after the first fit into an answer."""
    if question.kind == "list":
        return len(lengths)
    budget = _ANSWER_BUDGET if question.language == "zh" else _ANSWER_BUDGET - 2 * _FRAME
    spent = lengths[0]
    for number, length in enumerate(lengths[1:]):
        spent += length
        if spent > budget:
            return number
    return len(lengths) - 1
