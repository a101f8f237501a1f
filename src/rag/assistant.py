"""The path of a question: understand, retrieve, compose, decide, verify."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag import grounding
from rag.errors import InvalidInput
from rag.filters import checked_filters, filter_values
from rag.grounding import ANSWER_BAR
from rag.questions import understand
from rag.refusals import refusal_for
from rag.retrieval import Retriever
from rag.schema import (
    DEFAULT_COLLECTION,
    Answer,
    Asked,
    Citation,
    SearchResult,
    StreamEvent,
    Timings,
)
from rag.several import compose_parts
from rag.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rag.evidence import TermMatcher
    from rag.protocols import Composer, Embedder, Engine, Reranker
    from rag.retrieval import Retrieval
    from rag.schema import Draft, Filters, Leg, MetadataValue, Question, Refusal, Turn

__all__ = ["Assistant"]

_PASSAGES_CONSIDERED = 8
_MAX_TOP_K = 50
_STREAM_PIECE = 12
_REMEMBERED = 500
"""Answers that can be judged by their id. Older ones are forgotten: nothing is written down."""


@dataclass(frozen=True, slots=True)
class _Clock:
    """Stage times in milliseconds, in the order they end."""

    marks: list[float]

    def mark(self) -> None:
        self.marks.append(time.perf_counter())

    def timings(self) -> Timings:
        spent = [
            1000 * (after - before)
            for before, after in zip(self.marks, self.marks[1:], strict=False)
        ]
        spent += [0.0] * (4 - len(spent))
        return Timings(understand=spent[0], retrieve=spent[1], compose=spent[2], verify=spent[3])


class Assistant:
    """Answers questions over the collections of one engine. Safe to call from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        embedder: Embedder,
        composers: Mapping[str, Composer],
        default_composer: str,
        matcher: TermMatcher,
        max_question_characters: int,
        leg: Leg | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self._engine = engine
        self._composers = composers
        self._default_composer = default_composer
        self._max_question_characters = max_question_characters
        self._retriever = Retriever(
            engine=engine, embedder=embedder, matcher=matcher, leg=leg, reranker=reranker
        )
        self._asked: dict[str, Asked] = {}
        self._asked_lock = threading.Lock()

    @property
    def ranking_weights(self) -> Mapping[str, float]:
        """What each signal of a passage counts: its score is the weighted sum."""
        return self._retriever.weights

    def search(
        self,
        query: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[Turn] = (),
        top_k: int = 5,
        exact: bool = False,
    ) -> SearchResult:
        """The passages that bear on a query, best first.

        Raises InvalidInput for an empty or overlong query and for unknown filters,
        CollectionNotFound for an unknown collection.
        """
        started = time.perf_counter()
        filters = checked_filters(filters)
        question = self._understand(query, collection, filters, history, exact=exact)
        retrieval = self._retriever.retrieve(
            question,
            collection=collection,
            filters=filters,
            limit=_checked_top_k(top_k),
            exact=exact,
        )
        return SearchResult(
            query=question.text,
            rewritten=question.rewritten,
            filters={**retrieval.scope.applied, **filters},
            hits=retrieval.hits,
            question=retrieval.question,
            took_ms=1000 * (time.perf_counter() - started),
        )

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[Turn] = (),
        top_k: int = 5,
        composer: str | None = None,
        exact: bool = False,
    ) -> Answer:
        """A verified answer or a refusal. Raises what ``search`` raises."""
        chosen = self._composer(composer)
        clock = _Clock([time.perf_counter()])
        filters = checked_filters(filters)
        top_k = _checked_top_k(top_k)
        understood = self._understand(question, collection, filters, history, exact=exact)
        clock.mark()
        retrieval = self._retriever.retrieve(
            understood,
            collection=collection,
            filters=filters,
            limit=max(top_k, _PASSAGES_CONSIDERED),
            exact=exact,
        )
        clock.mark()
        draft = chosen.compose(retrieval.question, retrieval.hits)
        confidence = grounding.confidence(draft.signals, language=understood.language)
        if not exact:
            several = compose_parts(
                retrieval,
                retriever=self._retriever,
                composer=chosen,
                collection=collection,
                filters=filters,
                limit=max(top_k, _PASSAGES_CONSIDERED),
            )
            draft, confidence = several or (draft, confidence)
        retrieval = self._with_cited(retrieval, draft)
        clock.mark()
        refusal = refusal_for(retrieval, draft, confidence)
        text = ""
        citations: tuple[Citation, ...] = ()
        if refusal is None:
            text, citations = self._verify(draft, retrieval)
            if not citations:
                refusal = refusal_for(retrieval, draft, 0.0)
        clock.mark()
        answer = self._answer(
            retrieval,
            text=text,
            citations=citations,
            refusal=refusal,
            confidence=confidence if refusal is None else min(confidence, 1.0 - ANSWER_BAR),
            composer=chosen.name,
            filters=filters,
            top_k=top_k,
            timings=clock.timings(),
        )
        self._remember(answer, collection=collection, filters=filters, history=history)
        return answer

    def asked(self, answer_id: str) -> Asked | None:
        """What an answer answered, while it is among the last 500 of this process."""
        with self._asked_lock:
            return self._asked.get(answer_id)

    def give_feedback(self, answer_id: str, *, rating: int, comment: str = "") -> None:
        """Keep a reader's judgement, 1 or -1, beside the documents.

        With the question, where it is still known: a judgement can become a case for ``rag eval``.
        """
        self._engine.add_feedback(
            answer_id, rating=rating, comment=comment, asked=self.asked(answer_id)
        )

    def _remember(
        self, answer: Answer, *, collection: str, filters: Filters, history: Sequence[Turn]
    ) -> None:
        asked = Asked(
            question=answer.question,
            collection=collection,
            filters=filters,
            history=tuple(turn for turn in history if turn.role == "user"),
            answered=answer.answered,
            cited=tuple((each.document_id, each.start, each.end) for each in answer.citations),
        )
        with self._asked_lock:
            self._asked.pop(answer.answer_id, None)
            self._asked[answer.answer_id] = asked
            while len(self._asked) > _REMEMBERED:
                del self._asked[next(iter(self._asked))]

    def filter_values(
        self, *, collection: str = DEFAULT_COLLECTION
    ) -> Mapping[str, Mapping[MetadataValue, int]]:
        """What filters may name in a collection: by key each value, and how many documents have it.

        Keys and values are in order. Titles, sources and ids, which tell single documents apart,
        are left out. Raises CollectionNotFound.
        """
        return filter_values(self._engine.documents(collection=collection))

    def stream(
        self,
        question: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[Turn] = (),
        top_k: int = 5,
        composer: str | None = None,
        exact: bool = False,
    ) -> Iterator[StreamEvent]:
        """The same answer in steps; bad input raises before the first step."""
        answer = self.ask(
            question,
            collection=collection,
            filters=filters,
            history=history,
            top_k=top_k,
            composer=composer,
            exact=exact,
        )
        return _events(answer)

    def _understand(
        self,
        text: str,
        collection: str,
        filters: Filters,
        history: Sequence[Turn],
        *,
        exact: bool,
    ) -> Question:
        if not normalise(text).strip():
            message = (
                "The question is empty. Expected some words; type a question and send it again."
            )
            raise InvalidInput(message)
        if len(text) > self._max_question_characters:
            message = (
                f"The question has {len(text):,} characters; at most"
                f" {self._max_question_characters:,} are allowed. Ask about one thing in a few"
                " sentences, or index the text as a document."
            )
            raise InvalidInput(message)
        places = self._retriever.places(collection=collection, filters=filters)
        return understand(text, history=history, known_places=places, exact=exact)

    def _composer(self, name: str | None) -> Composer:
        wanted = name or self._default_composer
        if wanted not in self._composers:
            known = ", ".join(sorted(self._composers))
            message = f"There is no composer {wanted!r} here. Expected one of: {known}."
            raise InvalidInput(message)
        return self._composers[wanted]

    def _with_cited(self, retrieval: Retrieval, draft: Draft) -> Retrieval:
        """The retrieval with passages that a draft quotes from beyond the ranked ones."""
        known = {hit.passage.passage_id for hit in retrieval.hits}
        quoted = [q.passage_id for sentence in draft.sentences for q in sentence.quotations]
        beyond = [passage_id for passage_id in dict.fromkeys(quoted) if passage_id not in known]
        found = self._engine.hits(beyond) if beyond else {}
        extra = [found[passage_id] for passage_id in beyond if passage_id in found]
        ranked = [
            replace(hit, rank=len(retrieval.hits) + number)
            for number, hit in enumerate(extra, start=1)
        ]
        return replace(retrieval, hits=(*retrieval.hits, *ranked))

    def _verify(self, draft: Draft, retrieval: Retrieval) -> tuple[str, tuple[Citation, ...]]:
        texts: dict[str, str] = {}

        def text_of(document_id: str) -> str:
            if document_id not in texts:
                texts[document_id] = self._engine.document(document_id).text
            return texts[document_id]

        return grounding.verify(
            draft, hits=retrieval.hits, text_of=text_of, language=retrieval.question.language
        )

    def _answer(
        self,
        retrieval: Retrieval,
        *,
        text: str,
        citations: tuple[Citation, ...],
        refusal: Refusal | None,
        confidence: float,
        composer: str,
        filters: Filters,
        top_k: int,
        timings: Timings,
    ) -> Answer:
        question = retrieval.question
        cited = {citation.passage_id for citation in citations}
        hits = tuple(
            hit for hit in retrieval.hits if hit.rank <= top_k or hit.passage.passage_id in cited
        )
        content = json.dumps(
            [
                question.text,
                question.rewritten,
                composer,
                text,
                refusal.code if refusal else "",
                [hit.passage.passage_id for hit in hits],
            ],
            ensure_ascii=False,
        )
        return Answer(
            answer_id="a" + hashlib.sha256(content.encode()).hexdigest()[:16],
            question=question.text,
            rewritten=question.rewritten,
            answer=refusal.message if refusal else text,
            answered=refusal is None,
            refusal=refusal,
            confidence=confidence,
            citations=citations if refusal is None else (),
            hits=hits,
            composer=composer,
            filters={**retrieval.scope.applied, **filters},
            timings=timings,
        )


def _events(answer: Answer) -> Iterator[StreamEvent]:
    yield StreamEvent(kind="passages", hits=answer.hits)
    for position in range(0, len(answer.answer), _STREAM_PIECE):
        yield StreamEvent(kind="delta", text=answer.answer[position : position + _STREAM_PIECE])
    yield StreamEvent(kind="citations", citations=answer.citations)
    yield StreamEvent(kind="done", answer=answer)


def _checked_top_k(top_k: int) -> int:
    if not 1 <= top_k <= _MAX_TOP_K:
        message = f"top_k is {top_k}. Expected a number from 1 to {_MAX_TOP_K}."
        raise InvalidInput(message)
    return top_k
