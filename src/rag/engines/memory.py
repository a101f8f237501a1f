"""An engine in plain dictionaries that compares everything with everything. For tests.

It is the model of what an engine does: slow, small and easy to see through. Its lexical score is
the sum of the rarity of the query's terms that a passage or its headings hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rag.engines.validation import matches, validated
from rag.errors import CollectionNotFound, DocumentNotFound, InvalidInput
from rag.protocols import Candidate
from rag.schema import (
    DEFAULT_COLLECTION,
    Collection,
    CollectionSettings,
    DocumentSummary,
    Feedback,
    Hit,
    SourceState,
)
from rag.text import fold, terms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.schema import Asked, Document, Filters, Passage

    FloatArray = npt.NDArray[np.float32]

__all__ = ["MemoryEngine"]


class MemoryEngine:
    """Documents, passages and vectors in memory. See ``rag.protocols.Engine``."""

    def __init__(self, *, dimension: int) -> None:
        self._dimension = dimension
        self._documents: dict[str, Document] = {}
        self._passages: dict[str, tuple[Passage, ...]] = {}
        self._vectors: dict[str, FloatArray] = {}
        self._feedback: list[Feedback] = []
        self._collections = {DEFAULT_COLLECTION: CollectionSettings()}

    def write(self, document: Document, passages: Sequence[Passage], vectors: FloatArray) -> None:
        """See ``rag.protocols.Engine``."""
        rows = validated(document, passages, vectors, dimension=self._dimension)
        for old in list(self._documents.values()):
            if (old.collection, old.source) == (document.collection, document.source):
                self.remove(old.document_id)
        self._collections.setdefault(document.collection, CollectionSettings())
        self._documents[document.document_id] = document
        self._passages[document.document_id] = tuple(passages)
        for passage, row in zip(passages, rows, strict=True):
            self._vectors[passage.passage_id] = row

    def remove(self, *document_ids: str) -> None:
        """See ``rag.protocols.Engine``."""
        for document in [self.document(document_id) for document_id in dict.fromkeys(document_ids)]:
            del self._documents[document.document_id]
            for passage in self._passages.pop(document.document_id):
                del self._vectors[passage.passage_id]

    def create_collection(self, name: str, *, settings: CollectionSettings) -> None:
        """See ``rag.protocols.Engine``."""
        if name in self._collections:
            raise InvalidInput(f"There is a collection {name!r} already. Choose another name.")
        self._collections[name] = settings

    def rename_collection(
        self, name: str, new_name: str, *, identify: Callable[[str, str], str]
    ) -> None:
        """See ``rag.protocols.Engine``."""
        import numpy as np

        self._check(name)
        if name == DEFAULT_COLLECTION:
            raise InvalidInput(f"The collection {name!r} cannot be renamed.")
        if name == new_name:
            return
        self.create_collection(new_name, settings=self._collections[name])
        for old in [each for each in self._documents.values() if each.collection == name]:
            passages = self._passages[old.document_id]
            vectors = np.stack([self._vectors[passage.passage_id] for passage in passages])
            new_id = identify(old.source, old.text)
            self.remove(old.document_id)
            self.write(
                replace(old, document_id=new_id, collection=new_name),
                [
                    replace(each, document_id=new_id, passage_id=f"{new_id}-{each.ordinal}")
                    for each in passages
                ],
                vectors,
            )
        del self._collections[name]

    def delete_collection(self, name: str) -> None:
        """See ``rag.protocols.Engine``."""
        self._check(name)
        self.remove(*(each.document_id for each in self.documents(collection=name)))
        if name != DEFAULT_COLLECTION:
            del self._collections[name]

    def settings_of(self, collection: str) -> CollectionSettings:
        """See ``rag.protocols.Engine``."""
        self._check(collection)
        return self._collections[collection]

    def sources(self, *, collection: str, source: str | None = None) -> Mapping[str, SourceState]:
        """See ``rag.protocols.Engine``."""
        self._check(collection)
        return {
            document.source: SourceState(
                document_id=document.document_id,
                fingerprint=document.fingerprint,
                passages=len(self._passages[document.document_id]),
            )
            for document in self._documents.values()
            if document.collection == collection and source in {None, document.source}
        }

    def candidates(
        self,
        query: str,
        vector: FloatArray,
        *,
        collection: str,
        limit: int,
        document_ids: frozenset[str] | None = None,
    ) -> tuple[Candidate, ...]:
        """See ``rag.protocols.Engine``. Both scores are filled in wherever they exist."""
        if limit < 1:
            raise InvalidInput(f"limit is {limit}; it must be at least 1.")
        if vector.shape != (self._dimension,):
            raise InvalidInput(
                f"The query vector has shape {vector.shape}; the index holds vectors of shape "
                f"({self._dimension},)."
            )
        words = set(terms(query))
        counts, total = self.document_frequencies(words, collection=collection)
        every = []
        for document, passage in self._in_collection(collection):
            if document_ids is not None and document.document_id not in document_ids:
                continue
            held = words & {*terms(passage.text), *terms("\n".join(passage.section))}
            lexical = sum(math.log(2 + total / (1 + counts[word])) for word in sorted(held))
            dense = float((self._vectors[passage.passage_id] * vector).sum(dtype="f8"))
            every.append(
                Candidate(
                    passage_id=passage.passage_id,
                    dense=round(dense, 6),
                    lexical=round(lexical, 4) if held else None,
                )
            )
        by_dense = sorted(every, key=lambda found: (-(found.dense or 0.0), found.passage_id))
        by_lexical = sorted(
            (found for found in every if found.lexical is not None),
            key=lambda found: (-(found.lexical or 0.0), found.passage_id),
        )
        proposed = {found.passage_id for found in (*by_dense[:limit], *by_lexical[:limit])}
        return tuple(found for found in by_dense if found.passage_id in proposed)

    def hits(self, passage_ids: Sequence[str]) -> Mapping[str, Hit]:
        """See ``rag.protocols.Engine``. Ranks follow the order asked for; scores are 0."""
        stored = {
            passage.passage_id: (self._documents[document_id], passage)
            for document_id, passages in self._passages.items()
            for passage in passages
        }
        hits: dict[str, Hit] = {}
        for passage_id in dict.fromkeys(passage_ids):
            if passage_id in stored:
                document, passage = stored[passage_id]
                hits[passage_id] = Hit(
                    passage=passage,
                    rank=len(hits) + 1,
                    score=0.0,
                    title=document.title,
                    source=document.source,
                    metadata=document.metadata,
                    collection=document.collection,
                )
        return hits

    def document(self, document_id: str) -> Document:
        """See ``rag.protocols.Engine``."""
        try:
            return self._documents[document_id]
        except KeyError:
            raise DocumentNotFound(f"There is no document {document_id!r}.") from None

    def documents(
        self, *, collection: str, filters: Filters | None = None
    ) -> tuple[DocumentSummary, ...]:
        """See ``rag.protocols.Engine``."""
        self._check(collection)
        return tuple(
            DocumentSummary(
                document_id=document.document_id,
                collection=collection,
                source=document.source,
                title=document.title,
                metadata=document.metadata,
                characters=len(document.text),
                passages=len(self._passages[document.document_id]),
            )
            for document in sorted(self._documents.values(), key=lambda found: found.source)
            if document.collection == collection and matches(document, filters or {})
        )

    def passages(self, document_id: str) -> tuple[Passage, ...]:
        """See ``rag.protocols.Engine``."""
        return self._passages[self.document(document_id).document_id]

    def collections(self) -> tuple[Collection, ...]:
        """See ``rag.protocols.Engine``."""
        listed = []
        for name in sorted(self._collections):
            documents = self.documents(collection=name)
            passages = sum(document.passages for document in documents)
            listed.append(
                Collection(
                    name=name,
                    documents=len(documents),
                    passages=passages,
                    settings=self._collections[name],
                )
            )
        return tuple(listed)

    def document_frequencies(
        self, terms: Iterable[str], *, collection: str
    ) -> tuple[Mapping[str, int], int]:
        """See ``rag.protocols.Engine``."""
        held = [_terms_of(passage) for _, passage in self._in_collection(collection)]
        return {
            term: sum(fold(term) in words for words in held) for term in dict.fromkeys(terms)
        }, len(held)

    def add_feedback(
        self, answer_id: str, *, rating: int, comment: str = "", asked: Asked | None = None
    ) -> None:
        """See ``rag.protocols.Engine``."""
        judgement = Feedback(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            answer_id=answer_id,
            rating=rating,
            comment=comment,
            asked=asked,
        )
        self._feedback.append(judgement)

    def feedback(self) -> tuple[Feedback, ...]:
        """See ``rag.protocols.Engine``."""
        return tuple(self._feedback)

    def close(self) -> None:
        """See ``rag.protocols.Engine``."""

    def _in_collection(self, collection: str) -> list[tuple[Document, Passage]]:
        self._check(collection)
        return [
            (document, passage)
            for document in self._documents.values()
            if document.collection == collection
            for passage in self._passages[document.document_id]
        ]

    def _check(self, collection: str) -> None:
        if collection not in self._collections:
            raise CollectionNotFound(
                f"There is no collection {collection!r}. "
                f"There are: {', '.join(sorted(self._collections))}."
            )


def _terms_of(passage: Passage) -> set[str]:
    return set(terms(passage.text))
