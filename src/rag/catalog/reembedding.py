"""Vectors of another model, made beside those in use and taken into use at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rag.catalog import collections, rows

if TYPE_CHECKING:
    from rag.schema import EmbedderInfo

__all__ = ["begin", "put", "switch"]

_WITHOUT = (
    "SELECT 1 FROM passages AS p JOIN documents AS d ON d.key = p.document"
    " JOIN collections AS c ON c.key = d.collection WHERE c.model IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM pending_vectors WHERE passage = p.key)"
)
"""Passages without a vector of the other model; collections with a model of their own keep it."""


def begin(connection: sqlite3.Connection, embedder: EmbedderInfo) -> None:
    """Take up what was broken off, if it was for the same model; forget it otherwise."""
    encoded = rows.encode_embedder(embedder)
    found = connection.execute("SELECT embedder FROM pending_embedder").fetchone()
    if found is None or found[0] != encoded:
        connection.execute("DELETE FROM pending_vectors")
        connection.execute("DELETE FROM pending_embedder")
        connection.execute("INSERT INTO pending_embedder (embedder) VALUES (?)", (encoded,))


def put(connection: sqlite3.Connection, vectors: Mapping[int, bytes]) -> None:
    """Keep vectors by passage key. A passage that has gone since is left out."""
    connection.executemany(
        "INSERT OR REPLACE INTO pending_vectors (passage, vector)"
        " SELECT key, ? FROM passages WHERE key = ?",
        ((vector, key) for key, vector in vectors.items()),
    )


def switch(connection: sqlite3.Connection, embedder: EmbedderInfo) -> bool:
    """Take the pending vectors into use; False when a passage has none."""
    if connection.execute(f"{_WITHOUT} LIMIT 1").fetchone():
        return False
    connection.execute("DELETE FROM vectors WHERE passage IN (SELECT passage FROM pending_vectors)")
    connection.execute(
        "INSERT INTO vectors (passage, vector) SELECT passage, vector FROM pending_vectors"
        " ORDER BY passage"
    )
    connection.execute("DELETE FROM pending_vectors")
    connection.execute("DELETE FROM pending_embedder")
    connection.execute(
        "UPDATE collections SET embedder = ? WHERE embedder IS NOT NULL AND model IS NULL",
        (rows.encode_embedder(embedder),),
    )
    for (key,) in connection.execute("SELECT key FROM collections WHERE model IS NULL").fetchall():
        collections.touch(connection, key)
    return True
