"""Single rows of the catalog: what a transaction is made of."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rag.catalog.snapshot import Snapshot
from rag.errors import IndexMismatch

if TYPE_CHECKING:
    from rag.schema import Document, EmbedderInfo, Passage

__all__ = [
    "collection_for_writing",
    "encode",
    "encode_embedder",
    "insert",
    "is_stored",
    "log",
    "now",
    "remove",
]

_CHANGES_KEPT = 100_000
"""How far back a derived index may lag before it is rebuilt instead of caught up."""


def collection_for_writing(
    connection: sqlite3.Connection, name: str, embedder: EmbedderInfo
) -> int:
    """The key of a collection, made when it is new. Raises IndexMismatch: another model's."""
    encoded = encode_embedder(embedder)
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


def is_stored(
    connection: sqlite3.Connection,
    document: Document,
    passages: Sequence[Passage],
    metadata: str,
) -> bool:
    """Whether exactly this document and these passages are stored."""
    row = connection.execute(
        "SELECT title, metadata, text FROM documents WHERE document_id = ?",
        (document.document_id,),
    ).fetchone()
    return row == (document.title, metadata, document.text) and (
        Snapshot(connection).passages(document.document_id) == tuple(passages)
    )


def insert(
    connection: sqlite3.Connection,
    collection: int,
    document: Document,
    metadata: str,
    passages: Sequence[Passage],
    vectors: Sequence[bytes],
) -> None:
    """Store a document whose source nothing is stored for."""
    # Nobody else can be given keys while this transaction lasts: the passages' keys are a range.
    first = 1 + _last_key(connection, "passages")
    last = first + len(passages) - 1
    document_key = connection.execute(
        "INSERT INTO documents (document_id, collection, source, title, metadata, characters,"
        " first_passage, last_passage, fingerprint, text)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key",
        (
            document.document_id,
            collection,
            document.source,
            document.title,
            metadata,
            len(document.text),
            first,
            last,
            document.fingerprint,
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
                encode(list(passage.section)),
                passage.text,
            )
            for key, passage in enumerate(passages, start=first)
        ),
    )
    connection.executemany(
        "INSERT INTO vectors (passage, vector) VALUES (?, ?)", enumerate(vectors, start=first)
    )
    connection.execute("DELETE FROM gone WHERE document_id = ?", (document.document_id,))
    log(connection, collection, document_key, added=True, first=first, last=last)


def remove(
    connection: sqlite3.Connection, document_key: int, *, replacement: str | None = None
) -> None:
    """Remove a document with its passages and vectors, and keep where it has gone."""
    document_id, collection, first, last = connection.execute(
        "DELETE FROM documents WHERE key = ?"
        " RETURNING document_id, collection, first_passage, last_passage",
        (document_key,),
    ).fetchone()
    connection.execute(
        "INSERT OR REPLACE INTO gone (document_id, at, replacement) VALUES (?, ?, ?)",
        (document_id, now(), replacement),
    )
    log(connection, collection, document_key, added=False, first=first, last=last)


def log(
    connection: sqlite3.Connection,
    collection: int,
    document_key: int,
    *,
    added: bool,
    first: int,
    last: int,
) -> None:
    """Write down a change, so that derived indexes can follow."""
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


def encode(value: object, *, sort: bool = False) -> str:
    """A value as JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort)


def encode_embedder(embedder: EmbedderInfo) -> str:
    """A model's description as it is stored and compared."""
    return encode(asdict(embedder), sort=True)


def now() -> str:
    """The time, as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")
