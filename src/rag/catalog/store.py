"""Writing the catalog, and its connections."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.catalog import collections, reembedding, rows
from rag.catalog.database import (
    CATALOG_NAME,
    connect,
    copy_database,
    prepare,
    translated,
    write_lock,
)
from rag.catalog.feedback import keep_asked
from rag.catalog.snapshot import Snapshot
from rag.errors import Unavailable

if TYPE_CHECKING:
    from rag.schema import Asked, CollectionSettings, Document, EmbedderInfo, Passage

__all__ = ["Catalog"]

_IDLE_READERS = 8


class Catalog:
    """Collections, documents, passages, vectors and feedback in one SQLite file (WAL).

    Safe for use by several threads and, through SQLite's and its own lock, by several processes.
    A write is acknowledged when it is on disk. Open one with ``Catalog.open``.
    """

    def __init__(self, path: Path, *, writable: bool, lock_timeout_s: float) -> None:
        self._path = path
        self._writable = writable
        self._lock_timeout_s = lock_timeout_s
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._writer_lock = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, folder: Path, *, create: bool = True, lock_timeout_s: float = 5.0) -> Catalog:
        """Open the catalog in ``folder``, making it when there is none and ``create`` is set.

        Raises IndexMissing, IndexDamaged, IndexMismatch (a newer schema), Unavailable.
        """
        writable = prepare(folder, create=create)
        return cls(folder / CATALOG_NAME, writable=writable, lock_timeout_s=lock_timeout_s)

    @property
    def path(self) -> Path:
        """The SQLite file."""
        return self._path

    @property
    def writable(self) -> bool:
        """Whether the folder and the file can be written to."""
        return self._writable

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A consistent view for reading, unmoved by writers. Do not keep it."""
        with translated(self._path):
            connection = self._take_reader()
            try:
                connection.execute("BEGIN")
                yield Snapshot(connection)
            finally:
                self._give_back(connection)

    def write(
        self,
        document: Document,
        passages: Sequence[Passage],
        vectors: Sequence[bytes],
        *,
        embedder: EmbedderInfo,
    ) -> bool:
        """Store a document in one transaction, replacing one of the same collection and source.

        ``vectors`` are float32 little-endian, one a passage. False when exactly this document is
        stored already. Raises IndexLocked, IndexMismatch (the collection's vectors come from
        another model), Unavailable.
        """
        metadata = rows.encode(dict(document.metadata), sort=True)
        with self._transaction() as connection:
            collection = rows.collection_for_writing(connection, document.collection, embedder)
            if rows.is_stored(connection, document, passages, metadata):
                connection.execute(
                    "UPDATE documents SET fingerprint = ? WHERE document_id = ?",
                    (document.fingerprint, document.document_id),
                )
                return False
            old = connection.execute(
                "SELECT key FROM documents WHERE collection = ? AND source = ?",
                (collection, document.source),
            ).fetchone()
            if old is not None:
                rows.remove(connection, old[0], replacement=document.document_id)
            rows.insert(connection, collection, document, metadata, passages, vectors)
        return True

    def remove(self, *document_ids: str) -> None:
        """Remove documents, their passages and vectors, all of them or none.

        Raises DocumentNotFound, IndexLocked, Unavailable.
        """
        with self._transaction() as connection:
            for document_id in dict.fromkeys(document_ids):
                found = connection.execute(
                    "SELECT key FROM documents WHERE document_id = ?", (document_id,)
                ).fetchone()
                if found is None:
                    raise Snapshot(connection).absence(document_id)
                rows.remove(connection, found[0])
            collections.release_models(connection)

    def create_collection(self, name: str, settings: CollectionSettings) -> None:
        """Make an empty collection. Raises InvalidInput when there is one of this name."""
        with self._transaction() as connection:
            collections.create(connection, name, settings)

    def rename_collection(
        self, name: str, new_name: str, *, identify: Callable[[str, str], str]
    ) -> None:
        """Give a collection another name, and its documents the ids that ``identify`` gives for
        source and text. Raises CollectionNotFound, InvalidInput (the name is taken, or default).
        """
        with self._transaction() as connection:
            collections.rename(connection, name, new_name, identify=identify)

    def delete_collection(self, name: str) -> None:
        """Remove a collection with all its documents; default stays, empty.

        Raises CollectionNotFound.
        """
        with self._transaction() as connection:
            collections.delete(connection, name)

    def add_feedback(
        self, answer_id: str, *, rating: int, comment: str, asked: Asked | None = None
    ) -> None:
        """Keep a reader's judgement of an answer, and what was asked where that is known."""
        with self._transaction() as connection:
            if asked is not None:
                keep_asked(connection, answer_id, asked)
            connection.execute(
                "INSERT INTO feedback (created, answer_id, rating, comment) VALUES (?, ?, ?, ?)",
                (rows.now(), answer_id, rating, comment),
            )

    def begin_reembedding(self, embedder: EmbedderInfo) -> None:
        """Prepare for vectors of another model beside those in use; what there is of it is kept."""
        with self._transaction() as connection:
            reembedding.begin(connection, embedder)

    def add_pending_vectors(self, vectors: Mapping[int, bytes]) -> None:
        """Keep vectors of the other model, by passage key; of passages gone since, nothing."""
        with self._transaction() as connection:
            reembedding.put(connection, vectors)

    def switch_model(self, embedder: EmbedderInfo) -> bool:
        """Use the other model's vectors from now on; False when some passage has none yet."""
        with self._transaction() as connection:
            return reembedding.switch(connection, embedder)

    def back_up(self, target: Path) -> None:
        """Copy the catalog as it is now, while others read and write. Raises Unavailable."""
        with translated(self._path):
            connection = self._take_reader()
            try:
                copy_database(connection, target)
            finally:
                self._give_back(connection)

    def close(self) -> None:
        """Close all connections; SQLite folds its write-ahead log into the file."""
        with self._readers_lock:
            self._closed = True
            readers, self._readers = self._readers, []
        for connection in readers:
            connection.close()

    def _take_reader(self) -> sqlite3.Connection:
        with self._readers_lock:
            if self._closed:
                raise Unavailable(f"{self._path} has been closed.")
            if self._readers:
                return self._readers.pop()
        return connect(self._path, writable=self._writable)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            raise
        with self._readers_lock:
            if not self._closed and len(self._readers) < _IDLE_READERS:
                self._readers.append(connection)
                return
        connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if not self._writable:
            raise Unavailable(
                f"{self._path} is read-only, nothing was changed. Change its permissions, or "
                "choose another folder with RAG_DATA_DIR."
            )
        with (
            self._writer_lock,
            write_lock(self._path, timeout_s=self._lock_timeout_s),
            translated(self._path),
        ):
            connection = self._take_reader()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                self._give_back(connection)
