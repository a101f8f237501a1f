"""The path of a question: understand, retrieve, compose, decide, verify; ``replying`` ends it."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from rag import grounding
from rag.errors import InvalidInput
from rag.filters import checked_filters, filter_values
from rag.questions import understand
from rag.refusals import refusal_for, unwritten
from rag.replying import Clock, Prepared, reply_steps
from rag.retrieval import Retriever, searched_collections
from rag.schema import DEFAULT_COLLECTION, Answer, Asked, SearchResult, StreamEvent
from rag.several import compose_parts
from rag.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rag.embedders.own import OwnModels
    from rag.evidence import TermMatcher
    from rag.protocols import Composer, Embedder, Engine, Reranker, Writer
    from rag.retrieval import Retrieval
    from rag.schema import Draft, Filters, Leg, MetadataValue, Question, Turn

    _Evidence: TypeAlias = tuple[Retrieval, Draft, float]

__all__ = ["Assistant"]

_PASSAGES_CONSIDERED = 8
_MAX_TOP_K = 50
_LACKING = frozenset({"no_evidence", "weak_evidence"})
"""Refusals of questions that may have been understood too narrowly."""
_FINDER = "extractive"
"""The composer that finds the evidence where a writer puts it into words."""
_REMEMBERED = 500
"""Answers that can be judged by their id. Older ones are forgotten: nothing is written down."""


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
        models: OwnModels | None = None,
        writers: Mapping[str, Writer] | None = None,
    ) -> None:
        """A composer finds the evidence of every answer; a writer may then put it into words.

        ``composers`` has one named ``extractive``: what a writer cannot say, it quotes.
        """
        self._engine = engine
        self._composers = composers
        self._writers = dict(writers or {})
        self._default_composer = default_composer
        self._max_question_characters = max_question_characters
        self._retriever = Retriever(
            engine=engine,
            embedder=embedder,
            matcher=matcher,
            leg=leg,
            reranker=reranker,
            models=models,
        )
        self._asked: dict[str, Asked] = {}
        self._asked_lock = threading.Lock()

    @property
    def composers(self) -> tuple[str, ...]:
        """The names of what can write answers; first what does unless told otherwise."""
        names = sorted([*self._composers, *self._writers])
        return tuple(sorted(names, key=lambda name: name != self._default_composer))

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

        ``collection`` is the name of one, of several with commas between, or ``*`` for all.
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
        prepared = self._prepared(
            question,
            collection=collection,
            filters=filters,
            history=history,
            top_k=top_k,
            composer=composer,
            exact=exact,
        )
        # Whatever is streamed ends in the whole answer, so that the two cannot differ.
        return next(step.answer for step in self._steps(prepared) if step.answer is not None)

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

    def filter_values(
        self, *, collection: str = DEFAULT_COLLECTION
    ) -> Mapping[str, Mapping[MetadataValue, int]]:
        """What filters may name in collections: by key each value, and how many documents have it.

        Keys and values are in order. Titles, sources and ids, which tell single documents apart,
        are left out. Raises CollectionNotFound.
        """
        return filter_values(
            document
            for each in searched_collections(self._engine, collection)
            for document in self._engine.documents(collection=each)
        )

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
        prepared = self._prepared(
            question,
            collection=collection,
            filters=filters,
            history=history,
            top_k=top_k,
            composer=composer,
            exact=exact,
        )
        return self._steps(prepared)

    def _prepared(
        self,
        question: str,
        *,
        collection: str,
        filters: Filters | None,
        history: Sequence[Turn],
        top_k: int,
        composer: str | None,
        exact: bool,
    ) -> Prepared:
        composer = self._checked_composer(composer)
        finder = self._composers[_FINDER if composer in self._writers else composer]
        clock = Clock()
        filters = checked_filters(filters)
        top_k = _checked_top_k(top_k)
        found = partial(
            self._found,
            collection=collection,
            filters=filters,
            limit=max(top_k, _PASSAGES_CONSIDERED),
            finder=finder,
            exact=exact,
            clock=clock,
        )
        understood = self._understand(question, collection, filters, history, exact=exact)
        retrieval, draft, confidence = found(understood)
        refusal = refusal_for(retrieval, draft, confidence)
        if (
            history
            and refusal
            and refusal.code in _LACKING
            and understood.rewritten == question.strip()
        ):
            # A follow-up that does not look like one: 在万亿城市里排第几？
            implied = self._understand(
                question, collection, filters, history, exact=exact, as_follow_up=True
            )
            if implied.rewritten != implied.text:
                carried = found(implied)
                if _answers(carried, understood):
                    (retrieval, draft, confidence), refusal = carried, None
        if refusal and draft.missing:
            # The passages near the question do not write them: others may.
            missing = unwritten(
                draft.missing, retrieval, engine=self._engine, collection=collection
            )
            draft = replace(draft, missing=missing)
            refusal = refusal_for(retrieval, draft, confidence)
        return Prepared(
            retrieval=retrieval,
            draft=draft,
            confidence=confidence,
            refusal=refusal,
            composer=composer,
            collection=collection,
            filters=filters,
            history=tuple(history),
            top_k=top_k,
            clock=clock,
        )

    def _found(
        self,
        question: Question,
        *,
        collection: str,
        filters: Filters,
        limit: int,
        finder: Composer,
        exact: bool,
        clock: Clock,
    ) -> _Evidence:
        clock.mark("understand")
        retrieval = self._retriever.retrieve(
            question, collection=collection, filters=filters, limit=limit, exact=exact
        )
        clock.mark("retrieve")
        draft = finder.compose(retrieval.question, retrieval.hits)
        confidence = grounding.confidence(draft.signals, language=question.language)
        if not exact:
            several = compose_parts(
                retrieval,
                retriever=self._retriever,
                composer=finder,
                collection=collection,
                filters=filters,
                limit=limit,
            )
            draft, confidence = several or (draft, confidence)
        retrieval = self._with_cited(retrieval, draft)
        clock.mark("compose")
        return retrieval, draft, confidence

    def _steps(self, prepared: Prepared) -> Iterator[StreamEvent]:
        texts: dict[str, str] = {}

        def text_of(document_id: str) -> str:
            if document_id not in texts:
                texts[document_id] = self._engine.document(document_id).text
            return texts[document_id]

        retrieval = prepared.retrieval
        verifier = grounding.Verifier(
            hits=retrieval.hits, text_of=text_of, language=retrieval.question.language
        )
        writer = self._writers.get(prepared.composer)
        # Closed here and now when nobody reads on, and with it what the writer holds open.
        with closing(reply_steps(prepared, verifier=verifier, writer=writer)) as steps:
            for step in steps:
                if step.answer is not None:
                    self._remember(step.answer, prepared)
                yield step

    def _remember(self, answer: Answer, prepared: Prepared) -> None:
        asked = Asked(
            question=answer.question,
            collection=prepared.collection,
            filters=prepared.filters,
            history=tuple(turn for turn in prepared.history if turn.role == "user"),
            answered=answer.answered,
            cited=tuple((each.document_id, each.start, each.end) for each in answer.citations),
        )
        with self._asked_lock:
            self._asked.pop(answer.answer_id, None)
            self._asked[answer.answer_id] = asked
            while len(self._asked) > _REMEMBERED:
                del self._asked[next(iter(self._asked))]

    def _understand(
        self,
        text: str,
        collection: str,
        filters: Filters,
        history: Sequence[Turn],
        *,
        exact: bool,
        as_follow_up: bool = False,
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
        return understand(
            text,
            history=history,
            known_places=self._retriever.places(collection=collection, filters=filters),
            exact=exact,
            as_follow_up=as_follow_up,
        )

    def _checked_composer(self, name: str | None) -> str:
        wanted = name or self._default_composer
        if wanted in self._composers or wanted in self._writers:
            return wanted
        known = ", ".join(self.composers)
        message = f"There is no composer {wanted!r} here. Expected one of: {known}."
        if wanted == "chat":
            message += " It needs a language model: set RAG_LLM_BASE_URL and RAG_LLM_MODEL."
        raise InvalidInput(message)

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


def _answers(evidence: _Evidence, typed: Question) -> bool:
    """Whether evidence for a question as a follow-up answers it, with all that was typed in it."""
    _, draft, _ = evidence
    return refusal_for(*evidence) is None and not {*typed.terms} & {*draft.missing}


def _checked_top_k(top_k: int) -> int:
    if not 1 <= top_k <= _MAX_TOP_K:
        message = f"top_k is {top_k}. Expected a number from 1 to {_MAX_TOP_K}."
        raise InvalidInput(message)
    return top_k
