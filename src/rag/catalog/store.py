"""Writing the catalog, and its connections."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rag.catalog.database import CATALOG_NAME, LOCK_NAME, connect, prepare, translated
from rag.catalog.feedback import keep_asked
from rag.catalog.snapshot import Snapshot
from rag.durable import FileLock
from rag.errors import DocumentNotFound, IndexLocked, IndexMismatch, Unavailable

if TYPE_CHECKING:
    from rag.schema import Asked, Document, EmbedderInfo, Passage

__all__ = ["Catalog"]

_IDLE_READERS = 8
_CHANGES_KEPT = 100_000
"""How far back a derived index may lag before it is rebuilt instead of caught up."""


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
        metadata = _encode(dict(document.metadata), sort=True)
        with self._transaction() as connection:
            collection = _collection_for_writing(connection, document.collection, embedder)
            if _is_stored(connection, document, passages, metadata):
                return False
            old = connection.execute(
                "SELECT key FROM documents WHERE collection = ? AND source = ?",
                (collection, document.source),
            ).fetchone()
            if old is not None:
                _remove(connection, old[0])
            _insert(connection, collection, document, metadata, passages, vectors)
        return True

    def remove(self, document_id: str) -> None:
        """Remove a document, its passages and vectors. Raises DocumentNotFound, IndexLocked."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT key, collection FROM documents WHERE document_id = ?", (document_id,)
            ).fetchone()
            if row is None:
                raise DocumentNotFound(
                    f"There is no document {document_id!r}. List those there are with: "
                    "rag documents list"
                )
            _remove(connection, row[0])
            # An empty collection may be filled again with another model's vectors.
            connection.execute(
                "UPDATE collections SET embedder = NULL WHERE key = ? AND NOT EXISTS"
                " (SELECT 1 FROM documents WHERE collection = collections.key)",
                (row[1],),
            )

    def add_feedback(
        self, answer_id: str, *, rating: int, comment: str, asked: Asked | None = None
    ) -> None:
        """Keep a reader's judgement of an answer, and what was asked where that is known."""
        with self._transaction() as connection:
            if asked is not None:
                keep_asked(connection, answer_id, asked)
            connection.execute(
                "INSERT INTO feedback (created, answer_id, rating, comment) VALUES (?, ?, ?, ?)",
                (datetime.now(UTC).isoformat(timespec="seconds"), answer_id, rating, comment),
            )

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
        with self._writer_lock, self._process_lock(), translated(self._path):
            connection = self._take_reader()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                self._give_back(connection)

    @contextmanager
    def _process_lock(self) -> Iterator[None]:
        lock = FileLock(self._path.with_name(LOCK_NAME))
        try:
            acquired = lock.acquire(timeout_s=self._lock_timeout_s)
        except OSError as error:
            raise Unavailable(
                f"{self._path.parent} cannot be written to ({error.strerror}), nothing was "
                "changed. Check the disk's free space and the folder's permissions."
            ) from error
        if not acquired:
            raise IndexLocked(
                f"{lock.holder()}, is writing to {self._path}; waited {self._lock_timeout_s:g} s, "
                "nothing was changed. Try again when it has finished."
            )
        try:
            yield
        finally:
            lock.release()


def _collection_for_writing(
    connection: sqlite3.Connection, name: str, embedder: EmbedderInfo
) -> int:
    encoded = _encode(asdict(embedder), sort=True)
    connection.execute(
        "INSERT INTO collections (name, stamp) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        (name, secrets.token_hex(8)),
    )
    key, stored = connection.execute(
        "SELECT key, embedder FROM collections WHERE name = ?", (name,)
    ).fetchone()
    if stored is None:
        connection.execute("UPDATE collections SET embedder = ? WHERE key = ?", (encoded, key))
    elif stored != encoded:
        raise IndexMismatch(
            f"Collection {name!r} holds vectors of {json.loads(stored)['name']!r}, not of "
            f"{embedder.name!r}. Use that model with RAG_EMBEDDER, or another collection."
        )
    return int(key)


def _is_stored(
    connection: sqlite3.Connection,
    document: Document,
    passages: Sequence[Passage],
    metadata: str,
) -> bool:
    row = connection.execute(
        "SELECT title, metadata, text FROM documents WHERE document_id = ?",
        (document.document_id,),
    ).fetchone()
    return row == (document.title, metadata, document.text) and (
        Snapshot(connection).passages(document.document_id) == tuple(passages)
    )


def _insert(
    connection: sqlite3.Connection,
    collection: int,
    document: Document,
    metadata: str,
    passages: Sequence[Passage],
    vectors: Sequence[bytes],
) -> None:
    # Nobody else can be given keys while this transaction lasts: the passages' keys are a range.
    first = 1 + _last_key(connection, "passages")
    last = first + len(passages) - 1
    document_key = connection.execute(
        "INSERT INTO documents (document_id, collection, source, title, metadata, characters,"
        " first_passage, last_passage, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key",
        (
            document.document_id,
            collection,
            document.source,
            document.title,
            metadata,
            len(document.text),
            first,
            last,
            document.text,
        ),
    ).fetchone()[0]
    connection.executemany(
        'INSERT INTO passages (key, passage_id, document, ordinal, start, "end", page, period,'
        " section, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                key,
                passage.passage_id,
                document_key,
                passage.ordinal,
                passage.start,
                passage.end,
                passage.page,
                passage.period,
                _encode(list(passage.section)),
                passage.text,
            )
            for key, passage in enumerate(passages, start=first)
        ),
    )
    connection.executemany(
        "INSERT INTO vectors (passage, vector) VALUES (?, ?)", enumerate(vectors, start=first)
    )
    _log(connection, collection, document_key, added=True, first=first, last=last)


def _remove(connection: sqlite3.Connection, document_key: int) -> None:
    collection, first, last = connection.execute(
        "DELETE FROM documents WHERE key = ? RETURNING collection, first_passage, last_passage",
        (document_key,),
    ).fetchone()
    _log(connection, collection, document_key, added=False, first=first, last=last)


def _log(
    connection: sqlite3.Connection,
    collection: int,
    document_key: int,
    *,
    added: bool,
    first: int,
    last: int,
) -> None:
    stamp = secrets.token_hex(8)
    seq = connection.execute(
        "INSERT INTO changes (stamp, collection, document, added, first_passage, last_passage)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
        (stamp, collection, document_key, added, first, last),
    ).fetchone()[0]
    connection.execute(
        "UPDATE collections SET seq = ?, stamp = ? WHERE key = ?", (seq, stamp, collection)
    )
    connection.execute("DELETE FROM changes WHERE seq <= ?", (seq - _CHANGES_KEPT,))


def _last_key(connection: sqlite3.Connection, table: str) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])


def _encode(value: object, *, sort: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort)
