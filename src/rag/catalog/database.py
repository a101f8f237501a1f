"""Opening the SQLite file: schema, versions, connections, and its errors in the product's terms."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from rag.errors import IndexDamaged, IndexLocked, IndexMismatch, IndexMissing, Unavailable
from rag.schema import DEFAULT_COLLECTION

__all__ = ["CATALOG_NAME", "LOCK_NAME", "SCHEMA_VERSION", "connect", "prepare", "translated"]

CATALOG_NAME = "catalog.sqlite3"
LOCK_NAME = "write.lock"
"""Made by the first write, kept for good, held while writing."""

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x52414751  # "RAGQ": tells this file from any other SQLite database
_BUSY_SECONDS = 5.0
_REBUILD = "Delete it and index the documents again: rag index PATH"
_FULL_CHECK_BYTES = 16 * 1024 * 1024

# Keys are AUTOINCREMENT so that none is ever used twice: a derived index that lags behind can then
# hold dead keys, but never a key that has come to mean something else. Long texts come last in
# their rows, so that listings need not read past them.
_SCHEMA = """
CREATE TABLE collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL DEFAULT 0,
    stamp TEXT NOT NULL DEFAULT '',
    embedder TEXT
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


def prepare(folder: Path, *, create: bool) -> bool:
    """Make sure that ``folder`` holds a catalog this version can use; True when it is writable.

    Raises IndexMissing (``create`` is False and there is none), IndexDamaged, IndexMismatch (a
    newer schema), IndexLocked, Unavailable (the folder cannot be made or read).
    """
    path = folder / CATALOG_NAME
    try:
        exists = path.exists()
        if not exists and not create:
            raise IndexMissing(
                f"There is no index in {folder} ({CATALOG_NAME} is not there). "
                "Make one with: rag index PATH"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The data folder {folder} cannot be used: {error.strerror or error}. "
            "Choose another with RAG_DATA_DIR, or change its permissions."
        ) from error
    if exists:
        _check_size(path)
    writable = os.access(folder, os.W_OK) and (not exists or os.access(path, os.W_OK))
    if not writable and not exists:
        raise Unavailable(
            f"The data folder {folder} is read-only and holds no index. "
            "Choose another with RAG_DATA_DIR, or change its permissions."
        )
    try:
        with translated(path), closing(connect(path, writable=writable)) as connection:
            _check(connection, path)
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                _create(connection)
            elif version > SCHEMA_VERSION:
                raise IndexMismatch(
                    f"{path} was written by a newer version of this program (schema {version}; "
                    f"this version reads up to {SCHEMA_VERSION}). Upgrade the program, or choose "
                    "another folder with RAG_DATA_DIR."
                )
    except IndexDamaged as error:
        raise IndexDamaged(f"{error}{_set_aside(path)}") from error
    return writable


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """A connection in autocommit mode that any one thread may use at a time."""
    if writable:
        connection = _open(path, "mode=rwc")
    else:
        try:
            connection = _open(path, "mode=ro")
        except sqlite3.OperationalError:
            # A file that nobody can write needs no lock files beside it, which a read-only folder
            # cannot hold. With a log beside it, it is being written.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            connection = _open(path, "mode=ro&immutable=1")
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # What is removed is overwritten, not only forgotten.
            connection.execute("PRAGMA secure_delete=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _open(path: Path, parameters: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{parameters}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        # SQLite opens files when they are first needed.
        connection.execute("SELECT count(*) FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the product's, naming the file."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise IndexLocked(
                f"Another program holds {path} ({error}). Try again when it has finished."
            ) from error
        if code == sqlite3.SQLITE_READONLY:
            raise Unavailable(
                f"{path} is read-only, nothing was changed. Change its permissions, or choose "
                "another folder with RAG_DATA_DIR."
            ) from error
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
            raise Unavailable(
                f"{path} cannot be read or written ({error}), nothing was changed. Check the "
                "disk's free space and the folder's permissions."
            ) from error
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise IndexDamaged(f"{path} is damaged ({error}). {_REBUILD}") from error
        raise


def _check_size(path: Path) -> None:
    """Detect a cut-off file before SQLite does: its header says how long it is.

    Raises IndexDamaged. Needs no reading of the file, whatever its size.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(100)
        log = path.with_name(f"{path.name}-wal")
        logged = log.exists() and log.stat().st_size > 0
        written = path.with_name(LOCK_NAME).exists()
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be read: {error.strerror}. Change its permissions, or choose another "
            "folder with RAG_DATA_DIR."
        ) from error
    if logged or (not written and size == 0):
        return  # the rest is in the log; or the first opening was interrupted
    page = int.from_bytes(header[16:18], "big")
    expected = int.from_bytes(header[28:32], "big") * (65536 if page == 1 else page)
    if size < max(100, expected):
        raise IndexDamaged(
            f"{path} is damaged (it has {size} bytes; at least {max(100, expected)} were written)."
            f" {_REBUILD}{_set_aside(path)}"
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Detect a damaged or foreign file. Thorough while small, else the structure only."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != _APPLICATION_ID:
        raise IndexMismatch(
            f"{path} is an SQLite database, but not one of this program's. "
            "Choose another folder with RAG_DATA_DIR."
        )
    if path.stat().st_size <= _FULL_CHECK_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            found = " ".join(found.replace("*", "").split())
            raise IndexDamaged(f"{path} is damaged ({found}). {_REBUILD}")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have created it while this one waited.
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO collections (name, stamp) VALUES (?, ?)",
                (DEFAULT_COLLECTION, secrets.token_hex(8)),
            )
            connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _set_aside(path: Path) -> str:
    """Copy a damaged file before anyone tries anything with it; the sentence that says so."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        copy = path.with_name(f"{path.name}.damaged-{digest}")
        if not copy.exists():
            shutil.copyfile(path, copy)
    except OSError:
        return ""
    return f". A copy of it is kept as {copy.name}."
