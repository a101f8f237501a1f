"""The tables of the catalog, and how those of older versions become them."""

from __future__ import annotations

import secrets
import sqlite3

from rag.schema import DEFAULT_COLLECTION

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "create", "upgrade"]

SCHEMA_VERSION = 3
APPLICATION_ID = 0x52414751  # "RAGQ": tells this file from any other SQLite database

# Where documents have gone, so that who quoted them can be told; and the vectors of another model,
# which are made beside those in use.
_SINCE_2 = """
CREATE TABLE gone (
    document_id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    replacement TEXT
);
CREATE TABLE pending_vectors (
    passage INTEGER PRIMARY KEY REFERENCES passages(key) ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE TABLE pending_embedder (embedder TEXT NOT NULL);
"""

# Keys are AUTOINCREMENT so that none is ever used twice: a derived index that lags behind can then
# hold dead keys, but never a key that has come to mean something else. Long texts come last in
# their rows, so that listings need not read past them.
_SCHEMA = (
    """
CREATE TABLE collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL DEFAULT 0,
    stamp TEXT NOT NULL DEFAULT '',
    embedder TEXT,
    passage_characters INTEGER,
    model TEXT
);
CREATE TABLE documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    document_id TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    metadata TEXT NOT NULL,
    characters INTEGER NOT NULL,
    first_passage INTEGER NOT NULL,
    last_passage INTEGER NOT NULL,
    fingerprint TEXT NOT NULL DEFAULT '',
    text TEXT NOT NULL,
    UNIQUE (collection, source)
);
CREATE TABLE passages (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    passage_id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    page INTEGER,
    period TEXT,
    section TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (document, ordinal)
);
CREATE TABLE vectors (
    passage INTEGER PRIMARY KEY REFERENCES passages(key) ON DELETE CASCADE,
    vector BLOB NOT NULL
);
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    stamp TEXT NOT NULL,
    collection INTEGER NOT NULL,
    document INTEGER NOT NULL,
    added INTEGER NOT NULL,
    first_passage INTEGER NOT NULL,
    last_passage INTEGER NOT NULL
);
CREATE INDEX changes_by_collection ON changes (collection, seq);
CREATE TABLE feedback (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    created TEXT NOT NULL,
    answer_id TEXT NOT NULL,
    rating INTEGER NOT NULL,
    comment TEXT NOT NULL
);
"""
    + _SINCE_2
)

_UPGRADES = {
    1: """
ALTER TABLE collections ADD COLUMN passage_characters INTEGER;
ALTER TABLE documents ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
"""
    + _SINCE_2,
    2: "ALTER TABLE collections ADD COLUMN model TEXT",
}
"""What turns the tables of a version into those of the next."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty file, unless another process has meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            _run(connection, _SCHEMA)
            connection.execute(
                "INSERT INTO collections (name, stamp) VALUES (?, ?)",
                (DEFAULT_COLLECTION, secrets.token_hex(8)),
            )
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def upgrade(connection: sqlite3.Connection) -> None:
    """Turn older tables into those of this version, all at once or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in range(version, SCHEMA_VERSION):
            _run(connection, _UPGRADES[step])
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run(connection: sqlite3.Connection, script: str) -> None:
    # executescript() would commit what is under way.
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
