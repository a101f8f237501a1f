"""What is evaluated: anything that answers, such as a library in this process.

All give the same plain ``Reply``, so that metrics know nothing of where it came from.
``rag_eval.server`` asks a server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from rag.schema import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.factory import Application
    from rag.schema import Answer, Document, Filters, Turn
    from rag_eval.cases import Case

__all__ = ["FoundPassage", "LibraryTarget", "QuotedSpan", "Reply", "Target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPassage:
    """A passage of a reply; its place in the reply is its rank."""

    passage_id: str
    document_id: str
    text: str
    title: str = ""
    source: str = ""
    section: tuple[str, ...] = ()
    start: int = 0
    """Where its text begins in the document, in characters."""
    score: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict, compare=False, hash=False)
    """What the score is made of; only known in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedSpan:
    """A citation of a reply: it claims that ``text[start:end] == quote`` of its document."""

    marker: int
    document_id: str
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one question. ``passages`` come best first."""

    answered: bool
    answer: str
    confidence: float
    refusal_code: str = ""
    rewritten: str = ""
    citations: tuple[QuotedSpan, ...] = ()
    passages: tuple[FoundPassage, ...] = ()
    milliseconds: float = field(default=0.0, compare=False)
    """From question to reply, as the asker sees it."""


class Target(Protocol):
    """Something that answers questions and shows the documents it quotes."""

    @property
    def description(self) -> str:
        """What is being measured, for a person: a folder or an address."""
        ...

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        """Ask a case's question. Raises RagError."""
        ...

    def document_text(self, document_id: str) -> str:
        """The stored text of a document. Raises DocumentNotFound."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


class _Asks(Protocol):
    """The part of ``rag.assistant.Assistant`` that is measured."""

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[Turn] = (),
        top_k: int = 5,
    ) -> Answer: ...


class LibraryTarget:
    """A library in this process."""

    def __init__(
        self,
        *,
        assistant: _Asks,
        document: Callable[[str], Document],
        description: str = "library",
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._assistant = assistant
        self._document = document
        self._description = description
        self._close = close

    @classmethod
    def of(cls, application: Application) -> Self:
        """The target that an opened application is; closing the one closes the other."""
        return cls(
            assistant=application.assistant,
            document=application.library.document,
            description=(
                f"the index in {application.settings.data_dir} ({application.embedder.info.name})"
            ),
            close=application.close,
        )

    @property
    def description(self) -> str:
        """The index folder and the embedding model."""
        return self._description

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        """Ask the assistant. Raises what ``Assistant.ask`` raises."""
        started = time.perf_counter()
        answer = self._assistant.ask(
            case.question,
            collection=collection,
            filters=case.filters or None,
            history=case.history,
            top_k=top_k,
        )
        milliseconds = 1000 * (time.perf_counter() - started)
        return Reply(
            answered=answer.answered,
            answer=answer.answer,
            confidence=answer.confidence,
            refusal_code=answer.refusal.code if answer.refusal else "",
            rewritten=answer.rewritten,
            citations=tuple(
                QuotedSpan(
                    marker=citation.marker,
                    document_id=citation.document_id,
                    quote=citation.quote,
                    start=citation.start,
                    end=citation.end,
                )
                for citation in answer.citations
            ),
            passages=tuple(
                FoundPassage(
                    passage_id=hit.passage.passage_id,
                    document_id=hit.passage.document_id,
                    text=hit.passage.text,
                    title=hit.title,
                    source=hit.source,
                    section=hit.passage.section,
                    start=hit.passage.start,
                    score=hit.score,
                    signals=hit.signals,
                )
                for hit in answer.hits
            ),
            milliseconds=milliseconds,
        )

    def document_text(self, document_id: str) -> str:
        """The stored text of a document. Raises DocumentNotFound."""
        return self._document(document_id).text

    def close(self) -> None:
        """Close the application that this target was made of."""
        self._close()
