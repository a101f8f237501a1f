"""The protocols between rooms: small, over plain data, with more than one implementation each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.notices import Notice
    from rag.schema import (
        Asked,
        Collection,
        CollectionSettings,
        Document,
        DocumentSummary,
        Draft,
        DraftSentence,
        EmbedderInfo,
        Feedback,
        Filters,
        Hit,
        ParsedDocument,
        Passage,
        Question,
        SourceState,
    )

    FloatArray = npt.NDArray[np.float32]

__all__ = [
    "Candidate",
    "Composer",
    "Embedder",
    "Engine",
    "Judge",
    "Reader",
    "Reading",
    "Reranker",
    "Writer",
]


class Embedder(Protocol):
    """Text to unit-length vectors. Queries and passages are embedded by separate calls."""

    @property
    def info(self) -> EmbedderInfo:
        """Which model this is; stored with every index."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Embed passages: float32, shape (len(texts), dimension), every row of length 1.

        Raises InvalidInput for an empty or whitespace-only text.
        """
        ...

    def embed_query(self, text: str) -> FloatArray:
        """Embed one query: float32, shape (dimension,), length 1."""
        ...


class Reader(Protocol):
    """One family of file formats to text and structure."""

    @property
    def suffixes(self) -> frozenset[str]:
        """Lower-case file suffixes it reads, with the dot."""
        ...

    def read(self, data: bytes, *, name: str) -> ParsedDocument:
        """Parse a file's bytes. Raises UnreadableDocument, naming the file."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage that at least one leg of an engine proposes, with both legs' scores.

    ``dense`` is the cosine to the query; ``lexical`` is a BM25-like score, comparable only within
    one call. A leg that did not propose the passage may still give its score where that is cheap
    (the embedded engine always does: there None means that no term of the query occurs).
    """

    passage_id: str
    dense: float | None
    lexical: float | None


class Engine(Protocol):
    """Where documents, passages and vectors live."""

    def write(self, document: Document, passages: Sequence[Passage], vectors: FloatArray) -> None:
        """Store a document with its passages and vectors, in one transaction.

        Replaces a document of the same collection and source. ``vectors`` is float32 of shape
        (len(passages), dimension). When this returns, the document is durable and findable.
        """
        ...

    def remove(self, *document_ids: str) -> None:
        """Remove documents and all that derives from them, all of them or none.

        Raises DocumentNotFound.
        """
        ...

    def create_collection(self, name: str, *, settings: CollectionSettings) -> None:
        """Make an empty collection. Raises InvalidInput when there is one of this name."""
        ...

    def rename_collection(
        self, name: str, new_name: str, *, identify: Callable[[str, str], str]
    ) -> None:
        """Give a collection another name, and its documents the ids that ``identify`` gives for
        source and text. Raises CollectionNotFound, InvalidInput (the name is taken, or default).
        """
        ...

    def delete_collection(self, name: str) -> None:
        """Remove a collection with all its documents; ``default`` stays, empty.

        Raises CollectionNotFound.
        """
        ...

    def settings_of(self, collection: str) -> CollectionSettings:
        """What holds for this collection alone. Raises CollectionNotFound."""
        ...

    def sources(self, *, collection: str, source: str | None = None) -> Mapping[str, SourceState]:
        """What is stored for each source, or for one of them. Raises CollectionNotFound."""
        ...

    def candidates(
        self,
        query: str,
        vector: FloatArray,
        *,
        collection: str,
        limit: int,
        document_ids: frozenset[str] | None = None,
    ) -> tuple[Candidate, ...]:
        """Passages proposed by either leg, at most ``limit`` from each, best dense first.

        ``document_ids`` restricts the search; None means the whole collection.
        Raises CollectionNotFound.
        """
        ...

    def hits(self, passage_ids: Sequence[str]) -> Mapping[str, Hit]:
        """Fetch passages with their documents' titles; ids that no longer exist are left out."""
        ...

    def document(self, document_id: str) -> Document:
        """Fetch a document with its text. Raises DocumentNotFound."""
        ...

    def documents(
        self, *, collection: str, filters: Filters | None = None
    ) -> tuple[DocumentSummary, ...]:
        """List a collection's documents in order of source. Raises CollectionNotFound."""
        ...

    def passages(self, document_id: str) -> tuple[Passage, ...]:
        """All passages of a document in order. Raises DocumentNotFound."""
        ...

    def collections(self) -> tuple[Collection, ...]:
        """All collections, ``default`` always among them."""
        ...

    def document_frequencies(
        self, terms: Iterable[str], *, collection: str
    ) -> tuple[Mapping[str, int], int]:
        """In how many passages each folded term occurs, and how many passages there are."""
        ...

    def add_feedback(
        self, answer_id: str, *, rating: int, comment: str = "", asked: Asked | None = None
    ) -> None:
        """Keep a reader's judgement of an answer, and what was asked where that is known."""
        ...

    def feedback(self) -> tuple[Feedback, ...]:
        """All judgements, in the order in which they came."""
        ...

    def close(self) -> None:
        """Release files and locks. Further calls are errors."""
        ...


class Reranker(Protocol):
    """Scores passages against a query by reading both together."""

    def scores(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """One finite score a passage, higher is better, in the order given.

        Scores are comparable within one call only.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A sentence that may answer, its document's title, and the text of its passage before it."""

    sentence: str
    title: str
    before: str


class Judge(Protocol):
    """Reads a question and sentences together: which of them answers, if any."""

    def logits(self, question: str, readings: Sequence[Reading]) -> list[float]:
        """One finite number a sentence, in the order given: above 0 where it rather answers.

        The same for a sentence whichever others are given with it.
        """
        ...


class Composer(Protocol):
    """Drafts an answer from passages."""

    @property
    def name(self) -> str:
        """Its name in settings and replies."""
        ...

    def compose(self, question: Question, hits: Sequence[Hit]) -> Draft:
        """Propose an answer made of verbatim spans of the hits; empty when there is none."""
        ...


class Writer(Protocol):
    """Writes an answer of its own words from passages, a sentence at a time."""

    @property
    def name(self) -> str:
        """Its name in settings and replies."""
        ...

    def write(
        self, question: Question, hits: Sequence[Hit]
    ) -> Generator[DraftSentence | Notice, None, None]:
        """Sentences that their quotations support, as they are made; then a notice, if any.

        A notice says what went wrong: with every code but ``llm_shortened`` what was written is
        not the whole answer.
        """
        ...
