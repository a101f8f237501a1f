"""The embedded engine: a catalog, and a vector and a full-text index that follow it.

The catalog is the truth. Each collection's two indexes know the position in its history that they
have applied; every search first takes a snapshot of the catalog and brings the indexes to exactly
that position, whoever wrote, this process or another. An index that is missing, damaged, of another
model or of another history is rebuilt. Whatever an index proposes is looked up in the snapshot
before it leaves, so that what has been removed cannot return.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.catalog import Catalog, Snapshot
from rag.engines.indexes import CollectionIndexes, remove_indexes
from rag.engines.listing import Listing
from rag.engines.validation import matches, validated
from rag.errors import CollectionNotFound, IndexMismatch, InvalidInput
from rag.protocols import Candidate
from rag.schema import DEFAULT_COLLECTION
from rag.text import fold, terms
from rag.vectors import decode_vectors, encode_vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.lexical import LexicalIndex
    from rag.schema import (
        Asked,
        Collection,
        CollectionSettings,
        Document,
        DocumentSummary,
        EmbedderInfo,
        Feedback,
        Filters,
        Hit,
        Passage,
        SourceState,
    )
    from rag.vectors import VectorIndex

    FloatArray = npt.NDArray[np.float32]

__all__ = ["EmbeddedEngine"]


class EmbeddedEngine:
    """Documents, passages and vectors in one folder of this machine. See ``rag.protocols.Engine``.

    Safe for use by several threads, and beside other processes on the same folder.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        folder: Path,
        embedder: EmbedderInfo,
        model_of: Callable[[CollectionSettings], EmbedderInfo],
    ) -> None:
        self._catalog = catalog
        self._folder = folder
        self._embedder = embedder
        self._model_of = model_of
        self._indexes: dict[str, CollectionIndexes] = {}
        self._indexes_lock = threading.Lock()
        self._listings: dict[int, Listing] = {}
        self._wrote = False
        self._closed = False

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        embedder: EmbedderInfo,
        create: bool = True,
        model_of: Callable[[CollectionSettings], EmbedderInfo] | None = None,
    ) -> EmbeddedEngine:
        """Open the index in ``folder``, making it when there is none and ``create`` is set.

        ``model_of`` gives the model of a collection; without it all have ``embedder``.

        Raises IndexMissing, IndexDamaged, IndexMismatch (vectors of another model, or written by
        a newer version), IndexLocked, Unavailable.
        """
        catalog = Catalog.open(folder, create=create)
        try:
            with catalog.snapshot() as snapshot:
                for collection, stored in snapshot.embedders().items():
                    _check_model(folder, collection, stored=stored, given=embedder)
        except BaseException:
            catalog.close()
            raise
        return cls(
            catalog, folder=folder, embedder=embedder, model_of=model_of or (lambda _: embedder)
        )

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self._folder

    def write(self, document: Document, passages: Sequence[Passage], vectors: FloatArray) -> None:
        """See ``rag.protocols.Engine``. Writing the same document again changes nothing.

        Raises InvalidInput when passages and vectors do not belong to the document or cannot be
        searched (not unit length, not finite, another dimension).
        """
        embedder = self._embedder_for(document.collection)
        checked = validated(document, passages, vectors, dimension=embedder.dimension)
        self._catalog.write(document, passages, encode_vectors(checked), embedder=embedder)
        self._wrote = True

    def remove(self, *document_ids: str) -> None:
        """See ``rag.protocols.Engine``."""
        self._catalog.remove(*document_ids)
        self._wrote = True

    def create_collection(self, name: str, *, settings: CollectionSettings) -> None:
        """See ``rag.protocols.Engine``."""
        self._catalog.create_collection(name, settings)

    def rename_collection(
        self, name: str, new_name: str, *, identify: Callable[[str, str], str]
    ) -> None:
        """See ``rag.protocols.Engine``. The derived indexes know no ids, and stay."""
        self._catalog.rename_collection(name, new_name, identify=identify)
        self._wrote = True

    def delete_collection(self, name: str) -> None:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            key = snapshot.collection_key(name)
        self._catalog.delete_collection(name)
        self._wrote = True
        if name != DEFAULT_COLLECTION:
            with self._indexes_lock:
                self._indexes.pop(name, None)
            remove_indexes(self._folder, key)

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
        import numpy as np

        if limit < 1:
            raise InvalidInput(f"limit is {limit}; it must be at least 1.")
        wanted = np.asarray(vector, dtype=np.float32)
        words = terms(query)
        with self._reading(collection) as (snapshot, key, vector_index, lexical_index):
            embedder = self._model_of(snapshot.settings_of(key))
            if wanted.shape != (embedder.dimension,):
                raise InvalidInput(
                    f"The query vector has shape {wanted.shape}; the index holds vectors of shape "
                    f"({embedder.dimension},)."
                )
            stored = snapshot.embedder_of(key)
            if stored is None:  # nothing in it, and no model either
                return ()
            _check_model(self._folder, collection, stored=stored, given=embedder)
            allowed = documents = None
            without: list[int] = []
            if document_ids is not None:
                listing = self._listing(snapshot, key, collection)
                chosen = listing.places_of(document_ids)
                allowed = listing.keys_of(chosen)
                if 2 * np.count_nonzero(chosen) > len(chosen):
                    without = listing.ranges[~chosen, 0].tolist()
                else:
                    documents = listing.ranges[chosen, 0].tolist()
            dense_keys = vector_index.search(wanted, limit=limit, allowed=allowed).tolist()
            lexical = lexical_index.search(words, limit=limit, documents=documents, without=without)
            keys = sorted({*dense_keys, *lexical})
            rows = snapshot.passages_by_key(keys)
            # What one leg proposes gets the other's score as well: that is cheap here.
            lexical |= lexical_index.scores(words, keys=[k for k in keys if k not in lexical])
        matrix = decode_vectors(
            (vector_bytes for _, vector_bytes in rows.values()), dimension=len(wanted)
        )
        # The same sum for the same vector, whichever index proposed it and wherever it lies.
        cosines = (matrix * wanted).sum(axis=1, dtype=np.float64)
        dense = dict(zip(rows, (round(float(value), 6) for value in cosines), strict=True))
        ids = {key: passage_id for key, (passage_id, _) in rows.items()}
        best_dense = sorted(
            (key for key in dense_keys if key in ids), key=lambda key: (-dense[key], ids[key])
        )[:limit]
        best_lexical = sorted(
            (key for key in lexical if key in ids), key=lambda key: (-lexical[key], ids[key])
        )[:limit]
        proposed = sorted({*best_dense, *best_lexical}, key=lambda key: (-dense[key], ids[key]))
        return tuple(
            Candidate(passage_id=ids[key], dense=dense[key], lexical=lexical.get(key))
            for key in proposed
        )

    def hits(self, passage_ids: Sequence[str]) -> Mapping[str, Hit]:
        """See ``rag.protocols.Engine``. Ranks follow the order asked for; scores are 0."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.hits(passage_ids)

    def document(self, document_id: str) -> Document:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.document(document_id)

    def documents(
        self, *, collection: str, filters: Filters | None = None
    ) -> tuple[DocumentSummary, ...]:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            key = snapshot.collection_key(collection)
            summaries = self._listing(snapshot, key, collection).summaries
        if not filters:
            return summaries
        return tuple(summary for summary in summaries if matches(summary, filters))

    def _listing(self, snapshot: Snapshot, key: int, collection: str) -> Listing:
        # Every question needs its collection's documents: they are read when they have changed.
        head = snapshot.head(key)
        listing = self._listings.get(key)
        if listing is None or listing.at != head:
            listing = Listing.of(snapshot, key, collection)
            self._listings[key] = listing
        return listing

    def settings_of(self, collection: str) -> CollectionSettings:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.settings_of(snapshot.collection_key(collection))

    def sources(self, *, collection: str, source: str | None = None) -> Mapping[str, SourceState]:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.sources(snapshot.collection_key(collection), source)

    def passages(self, document_id: str) -> tuple[Passage, ...]:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.passages(document_id)

    def collections(self) -> tuple[Collection, ...]:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.collections()

    def document_frequencies(
        self, terms: Iterable[str], *, collection: str
    ) -> tuple[Mapping[str, int], int]:
        """See ``rag.protocols.Engine``. Terms are folded once more, so that none is missed."""
        asked = list(dict.fromkeys(terms))
        with self._reading(collection) as (_, _, _, lexical_index):
            counts = lexical_index.document_frequencies(fold(term) for term in asked)
            return {term: counts[fold(term)] for term in asked}, lexical_index.size

    def back_up(self, target: Path) -> None:
        """Copy everything to one file while others read and write. Raises Unavailable."""
        self._catalog.back_up(target)

    def add_feedback(
        self, answer_id: str, *, rating: int, comment: str = "", asked: Asked | None = None
    ) -> None:
        """See ``rag.protocols.Engine``."""
        self._catalog.add_feedback(answer_id, rating=rating, comment=comment, asked=asked)

    def feedback(self) -> tuple[Feedback, ...]:
        """See ``rag.protocols.Engine``."""
        with self._catalog.snapshot() as snapshot:
            return snapshot.feedback()

    def close(self) -> None:
        """Bring the indexes up to what was written here, save them, and release all files.

        Closing twice is no error; any other call after it is one.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._save()
        finally:
            self._catalog.close()

    def _save(self) -> None:
        if not self._catalog.writable:
            return
        if self._wrote:
            for collection in self.collections():
                try:
                    with self._reading(collection.name):
                        pass
                except IndexMismatch:
                    return  # embedded anew by another process: nothing here is worth saving
        for indexes in self._indexes.values():
            indexes.save()

    @contextmanager
    def _reading(
        self, collection: str
    ) -> Iterator[tuple[Snapshot, int, VectorIndex, LexicalIndex]]:
        """A snapshot, the collection's key in it, and its indexes at exactly that moment."""
        with self._indexes_lock:
            indexes = self._indexes.get(collection)
            if indexes is None:
                indexes = CollectionIndexes(self._folder)
                self._indexes[collection] = indexes
        with ExitStack() as stack:
            # The snapshot begins under the lock: it is never older than the indexes.
            with indexes.lock:
                snapshot = stack.enter_context(self._catalog.snapshot())
                try:
                    key = snapshot.collection_key(collection)
                except CollectionNotFound:
                    with self._indexes_lock:
                        self._indexes.pop(collection, None)
                    raise
                stored = snapshot.embedder_of(key)
                if stored is not None and snapshot.settings_of(key).embedder is None:
                    # It may have been embedded anew since this was opened.
                    _check_model(self._folder, collection, stored=stored, given=self._embedder)
                vectors, lexical = indexes.follow(
                    snapshot,
                    key,
                    embedder=stored or self._embedder,
                    writable=self._catalog.writable,
                )
            yield snapshot, key, vectors, lexical

    def _embedder_for(self, collection: str) -> EmbedderInfo:
        """The model for a collection, which writing to it may make."""
        try:
            return self._model_of(self.settings_of(collection))
        except CollectionNotFound:
            return self._embedder


def _check_model(
    folder: Path, collection: str, *, stored: EmbedderInfo, given: EmbedderInfo
) -> None:
    if stored == given:
        return
    raise IndexMismatch(
        f"Collection {collection!r} in {folder} was indexed with the embedding model "
        f"{_describe(stored)}; the model now in use is {_describe(given)}. Vectors of different "
        f"models cannot be compared. Set RAG_EMBEDDER to the model it was indexed with, change the "
        "index's model with rag reembed, or choose another folder with RAG_DATA_DIR and index the "
        "documents there: rag index PATH. A collection with a model of its own keeps it: put that "
        "model's files back, or index its documents in a new collection."
    )


def _describe(info: EmbedderInfo) -> str:
    return (
        f"{info.name!r} (revision {info.revision}, {info.dimension} dimensions, "
        f"text normalisation {info.normaliser})"
    )
