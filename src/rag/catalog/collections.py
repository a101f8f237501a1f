"""Collections: made, renamed, deleted, inside a transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.catalog import rows
from rag.catalog.snapshot import Snapshot
from rag.errors import InvalidInput
from rag.schema import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from rag.schema import CollectionSettings

__all__ = ["create", "delete", "release_models", "rename", "touch"]


def create(connection: sqlite3.Connection, name: str, settings: CollectionSettings) -> None:
    """Make an empty collection. Raises InvalidInput when there is one of this name."""
    _check_free(connection, name)
    connection.execute(
        "INSERT INTO collections (name, stamp, passage_characters, model) VALUES (?, ?, ?, ?)",
        (name, secrets.token_hex(8), settings.passage_characters, settings.embedder),
    )


def rename(
    connection: sqlite3.Connection,
    name: str,
    new_name: str,
    *,
    identify: Callable[[str, str], str],
) -> None:
    """Rename a collection, and identify its documents anew: their ids derive from its name."""
    key = Snapshot(connection).collection_key(name)
    if name == DEFAULT_COLLECTION:
        raise InvalidInput(
            f"The collection {name!r} cannot be renamed: it is what is meant where none is named."
        )
    if name == new_name:
        return
    _check_free(connection, new_name)
    connection.execute("UPDATE collections SET name = ? WHERE key = ?", (new_name, key))
    documents = connection.execute(
        "SELECT key, document_id, source, text FROM documents WHERE collection = ?", (key,)
    )
    for document, old_id, source, text in documents.fetchall():
        new_id = identify(source, text)
        connection.execute("UPDATE documents SET document_id = ? WHERE key = ?", (new_id, document))
        connection.execute(
            "UPDATE passages SET passage_id = ? || '-' || ordinal WHERE document = ?",
            (new_id, document),
        )
        connection.execute("DELETE FROM gone WHERE document_id = ?", (new_id,))
        connection.execute(
            "INSERT OR REPLACE INTO gone (document_id, at, replacement) VALUES (?, ?, ?)",
            (old_id, rows.now(), new_id),
        )
    touch(connection, key)


def delete(connection: sqlite3.Connection, name: str) -> None:
    """Remove a collection with all its documents; default stays, empty."""
    key = Snapshot(connection).collection_key(name)
    for (document,) in connection.execute(
        "SELECT key FROM documents WHERE collection = ?", (key,)
    ).fetchall():
        rows.remove(connection, document)
    if name == DEFAULT_COLLECTION:
        release_models(connection)
    else:
        connection.execute("DELETE FROM changes WHERE collection = ?", (key,))
        connection.execute("DELETE FROM collections WHERE key = ?", (key,))


def release_models(connection: sqlite3.Connection) -> None:
    """Let empty collections be filled again with another model's vectors."""
    connection.execute(
        "UPDATE collections SET embedder = NULL WHERE embedder IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM documents WHERE collection = collections.key)"
    )


def touch(connection: sqlite3.Connection, key: int) -> None:
    """A new position in a collection's history at which nothing came or went."""
    rows.log(connection, key, 0, added=False, first=1, last=0)


def _check_free(connection: sqlite3.Connection, name: str) -> None:
    if connection.execute("SELECT 1 FROM collections WHERE name = ?", (name,)).fetchone():
        raise InvalidInput(f"There is a collection {name!r} already. Choose another name.")
