"""The default composer: picks the sentence that answers and, inside it, the clause; no model."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.composers.fields import fields_among, label_agreement, label_of, value_of
from rag.composers.framing import lead, needs_label
from rag.composers.judgement import by_judgement
from rag.composers.listing import announced, below_heading
from rag.composers.quoting import BESIDE, CONTINUES, quote, units
from rag.composers.selection import (
    Sentence,
    asks_for_person,
    asks_how_things_stand,
    choose,
    echoes,
    is_asked,
    is_heading,
    kind_agreement,
)
from rag.composers.signals import evidence_signals, missing_terms
from rag.evidence import asks_for_form, tells_beside
from rag.questions.vocabulary import GENERIC_WORDS
from rag.schema import Draft, DraftSentence
from rag.text import clauses, contains_han, simplified, tagged_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.evidence import TermMatcher
    from rag.protocols import Embedder, Judge
    from rag.schema import Hit, Passage, Question, Quotation

    FloatArray = npt.NDArray[np.float32]

__all__ = ["ExtractiveComposer"]

_PASSAGES_READ = 8
"""Passages whose sentences are compared."""

_QUOTED = 6
"""The best sentences of which the clauses that would be quoted are compared, for a figure."""

_ANSWER_BUDGET = 120
"""Characters that the sentences of an answer have together, but for lists."""

_FRAME = 30
"""Characters that the frame around a quotation takes in an English answer."""

SENTENCE_WEIGHTS = {
    "coverage": 1.4,
    "carried": 0.6,
    "dense": 0.8,
    "kind": 0.35,
    "year": 0.15,
    "passage": 1.0,
    "heading": -1.0,
    "label": 0.8,
}
"""What each signal of a sentence counts: fitted by training/calibrate.py, rounded."""

_TOPIC = ("coverage", "carried", "dense", "year", "passage")
"""The signals that say whether a sentence is about what was asked."""

_FAR = 0.6
"""Beyond this a sentence is no more before the others than it is already."""

_ALONE = 0.35
"""As far as that is the best sentence of the only passage there is."""

_DIGIT = re.compile(r"\d")
_MEANT = 0.4
"""A match from which on a word may be what the question means by another."""

_SPOKEN_OF = 0.8
"""A match from which on a passage speaks of a term, and not of something merely near."""

_FOREIGN = 0.3
"""What a sentence loses whose figure is of something else than what was asked about."""

_BESIDE = 0.5
"""What the other clauses of a sentence count for its figure."""

_TENDING_WEIGHT = 0.5
"""What the year counts where it is asked how things stand: results tell that, and plans do not."""

_FORM_WEIGHT = 0.8
"""What the kind counts where a person, a reason, an address is asked for: what tells of the thing
and holds none is no answer."""


class ExtractiveComposer:
    """Answers with verbatim spans only."""

    name = "extractive"

    def __init__(
        self,
        *,
        embedder: Embedder,
        matcher: TermMatcher,
        passages_of: Callable[[str], Sequence[Passage]],
        judge: Judge | None = None,
    ) -> None:
        """``passages_of`` gives all passages of a document, for lists that its headings make."""
        self._embedder = embedder
        self._matcher = matcher
        self._passages_of = passages_of
        self._judge = judge

    def compose(self, question: Question, hits: Sequence[Hit]) -> Draft:
        """Propose the telling clause or clauses of ``hits``; see ``protocols.Composer``."""
        ranked = self.sentences(question, hits[:_PASSAGES_READ])
        if not ranked or len(question.rewritten.strip()) < 2:  # a single character asks nothing
            return Draft(sentences=())
        quote_of = self._quoting(question)
        if question.kind == "number":
            ranked = self._by_quotation(question, ranked, quote_of)
        if self._judge is not None:
            ranked = by_judgement(question, ranked, self._judge, quote_of=quote_of)
        best = ranked[0]
        listed = announced(question, ranked, self._passages_of) or below_heading(
            question, ranked, penalty=SENTENCE_WEIGHTS["heading"]
        )
        if listed is not None:
            announcing, quotations = listed
            frame = lead(question, announcing, labelled=question.language != "zh")
            return Draft(
                sentences=(DraftSentence(lead=frame, quotations=quotations),),
                signals={
                    **evidence_signals(question, announcing, opening=self._opening_of(announcing)),
                    "margin": _FAR,
                    "lacks": 0.0,
                },
            )
        chosen = choose(question, ranked)
        quoted = [(sentence, quote_of(sentence)) for sentence in chosen]
        told = quote_of(best)
        kept = quoted[: 1 + _affordable(question, [len(q.text) for _, q in quoted])]
        labelled = needs_label(question, [sentence for sentence, _ in kept], hits)
        drafted = tuple(
            DraftSentence(lead=lead(question, sentence, labelled=labelled), quotations=(quotation,))
            for sentence, quotation in kept
        )
        return Draft(
            sentences=drafted,
            signals={
                **evidence_signals(
                    question, self._quoted(question, best, told), opening=self._opening_of(best)
                ),
                "margin": _margin(ranked, chosen),
                "foreign": self._foreign(question, told.text),
            },
            missing=missing_terms(question, ranked),
        )

    def _opening_of(self, sentence: Sentence) -> Callable[[], str]:
        """What the sentence's document begins with, read when it is needed."""
        passages_of, document = self._passages_of, sentence.hit.passage.document_id
        return lambda: next((passage.text for passage in passages_of(document)), "")

    def sentences(self, question: Question, hits: Sequence[Hit]) -> list[Sentence]:
        """All sentences of the hits, best first."""
        import numpy as np

        places = [
            (hit, start, end)
            for hit in hits
            for start, end in units(hit.passage.text)
            if any(map(str.isalnum, hit.passage.text[start:end]))
        ]
        if not places:
            return []
        texts = [hit.passage.text[start:end] for hit, start, end in places]
        contexts = [" ".join((hit.title, *hit.passage.section)) for hit, _, _ in places]
        matches = self._matcher.matches(question, texts, contexts=contexts)
        fields = fields_among(places)
        titled = labels = matches
        if any(fields):
            titled = self._matcher.matches(question, contexts)
            labels = self._matcher.matches(question, list(map(label_of, texts)))
        cosines = self._embedder.embed_passages(texts) @ self._embedder.embed_query(
            question.searched
        )
        top_score = max(hit.score for hit in hits)
        total = sum(question.weights) or 1.0
        weights, named = SENTENCE_WEIGHTS, asks_for_person(question)
        if named or asks_how_things_stand(question) or asks_for_form(simplified(question.wording)):
            weights = weights | {"kind": _FORM_WEIGHT}
        if question.tends:
            weights = weights | {"year": _TENDING_WEIGHT}
        result = []
        for (hit, start, end), text, own, spoken_of, cosine, title, label, field in zip(
            places,
            texts,
            matches,
            _spoken_of(places, matches),
            cosines,
            titled,
            labels,
            fields,
            strict=True,
        ):
            # A line with a label is about what the title names, as a whole.
            row = np.maximum(own, title) if field else own
            held = tuple(float(value) for value in row)
            coverage = sum(w * m for w, m in zip(question.weights, held, strict=True)) / total
            # Its own title names no person: Kestrel Point Lighthouse.
            kind = kind_agreement(question, text.replace(hit.title, " ") if named else text)
            labelled = 0.0
            if field:
                labelled = label_agreement(question, text, own, label, title, kind=kind)
            signals = {
                "coverage": coverage,
                "carried": float(np.maximum(spoken_of - row, 0.0) @ question.weights) / total,
                "dense": float(cosine),
                "kind": kind,
                "field": float(field),
                "label": labelled,
                "year": hit.signals.get("year", 0.0) + hit.signals.get("period", 0.0),
                "passage": hit.score - top_score,
                "heading": float(
                    is_heading(text, hit)
                    or is_asked(text)
                    or (labelled <= 0 and echoes(question, value_of(text) if field else text))
                ),
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

    def _quoting(self, question: Question) -> Callable[[Sentence], Quotation]:
        """What is quoted of a sentence: made once, for the choice and for the answer."""
        made: dict[tuple[str, int], Quotation] = {}

        def quote_of(sentence: Sentence) -> Quotation:
            place = (sentence.hit.passage.passage_id, sentence.start)
            if place not in made:
                made[place] = quote(question, sentence, matcher=self._matcher)
            return made[place]

        return quote_of

    def _by_quotation(
        self,
        question: Question,
        ranked: Sequence[Sentence],
        quote_of: Callable[[Sentence], Quotation],
    ) -> list[Sentence]:
        """The best sentences by what would be quoted of them, and the others after them."""
        first = [self._less(question, each, quote_of(each)) for each in ranked[:_QUOTED]]
        first.sort(key=lambda sentence: -sentence.score)
        return [*first, *ranked[_QUOTED:]]

    def _less(self, question: Question, sentence: Sentence, quotation: Quotation) -> Sentence:
        """A sentence with a score that is less by what its quotation does not hold."""
        quoted = self._quoted(question, sentence, quotation)
        lost = SENTENCE_WEIGHTS["coverage"] * (sentence.coverage - quoted.coverage)
        told = kind_agreement(question, quotation.text)
        lost += SENTENCE_WEIGHTS["kind"] * max(0.0, sentence.signals["kind"] - told)
        lost += BESIDE * tells_beside(question.wording, quotation.text)
        lost += _FOREIGN * self._foreign(question, quotation.text)
        return replace(sentence, score=sentence.score - lost)

    def _quoted(self, question: Question, sentence: Sentence, quotation: Quotation) -> Sentence:
        """A sentence as far as it is quoted: a figure is not of what other clauses speak of."""
        if question.kind != "number" or sentence.signals["field"]:
            return sentence
        context = " ".join((sentence.hit.title, *sentence.hit.passage.section))
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
            signals={
                **sentence.signals,
                "coverage": coverage,
                "kind": min(sentence.signals["kind"], kind_agreement(question, quotation.text)),
            },
        )

    def _foreign(self, question: Question, text: str) -> float:
        """How far the figure that is quoted belongs to a subject that was not asked about.

        投入强度创新高，技术合同成交额增长17.8% gives no intensity. Share of the subject's words.
        """
        if question.kind != "number" or not question.terms or not contains_han(text):
            return 0.0
        parts = [text[start:end] for start, end in clauses(text, 0, len(text))]
        agreeing = [kind_agreement(question, part) for part in parts]
        strongest = max(agreeing)
        held = (self._matcher.matches(question, parts) @ question.weights).tolist()
        topical = held.index(max(held))
        if strongest <= -1 or agreeing[topical] == strongest:
            return 0.0
        told = [row for row, each in enumerate(agreeing) if each == strongest]
        # One that stands before what was asked about has its subject around it: 启动3个中心建设.
        return min(
            self._unasked(question, parts[row] if row < topical else _before_figure(parts[row]))
            for row in told
        )

    def _unasked(self, question: Question, clause: str) -> float:
        """Share of a clause's nouns that the question does not mean."""
        nouns = [word for word, tag in tagged_words(clause) if tag[0] == "n" and len(word) > 1]
        nouns = [word for word in nouns if word not in GENERIC_WORDS]
        if not nouns or CONTINUES.match(clause):
            return 0.0
        best = self._matcher.matches(question, nouns).max(axis=1)
        return float((best < _MEANT).mean())


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


def _before_figure(clause: str) -> str:
    return _DIGIT.split(clause, maxsplit=1)[0]


def _margin(ranked: Sequence[Sentence], chosen: Sequence[Sentence]) -> float:
    """How far the best sentence is before those of passages that are not quoted, its kind of
    answer aside.
    """
    best = ranked[0]
    quoted = {each.hit.passage.passage_id for each in (best, *chosen)}
    others = [each for each in ranked if each.hit.passage.passage_id not in quoted]
    if not others:
        return _ALONE
    told = max(map(_topical, others))
    return max(-_FAR, min(_FAR, _topical(best) - told))


def _topical(sentence: Sentence) -> float:
    return sum(SENTENCE_WEIGHTS[name] * sentence.signals[name] for name in _TOPIC)


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
