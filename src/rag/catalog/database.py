"""Opening the SQLite file: schema, versions, connections, and its errors in the product's terms."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from rag.catalog.tables import APPLICATION_ID, SCHEMA_VERSION, upgrade
from rag.catalog.tables import create as create_tables
from rag.durable import FileLock
from rag.errors import IndexDamaged, IndexLocked, IndexMismatch, IndexMissing, Unavailable

__all__ = [
    "CATALOG_NAME",
    "LOCK_NAME",
    "connect",
    "copy_database",
    "prepare",
    "set_aside",
    "translated",
    "write_lock",
]

_logger = logging.getLogger(__name__)

CATALOG_NAME = "catalog.sqlite3"
LOCK_NAME = "write.lock"
"""Made by the first write, kept for good, held while writing."""

_CACHE_KIBIBYTES = 32_768
"""Of a connection, filled as it reads: each question looks up some hundred passages, and much of
their way is the same."""
_BUSY_SECONDS = 5.0
_UPGRADE_SECONDS = 60.0
_COPIED_PAGES = 4_096
_REBUILD = (
    "Put a backup in its place: rag restore FILE. Without one, delete it and index the documents"
    " again: rag index PATH"
)
_FULL_CHECK_BYTES = 16 * 1024 * 1024


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
                create_tables(connection)
            elif version < SCHEMA_VERSION and writable:
                _upgrade(connection, path, version)
            elif version < SCHEMA_VERSION:
                raise Unavailable(
                    f"{path} was written by an older version of this program (schema {version})"
                    " and must be upgraded once, but it is read-only. Change its permissions."
                )
            elif version > SCHEMA_VERSION:
                raise IndexMismatch(
                    f"{path} was written by a newer version of this program (schema {version}; "
                    f"this version reads up to {SCHEMA_VERSION}). Upgrade the program, or choose "
                    "another folder with RAG_DATA_DIR."
                )
    except IndexDamaged as error:
        raise IndexDamaged(f"{error}{_kept(path)}") from error
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
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
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
            f" {_REBUILD}{_kept(path)}"
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Detect a damaged or foreign file. Thorough while small, else the structure only."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise IndexMismatch(
            f"{path} is an SQLite database, but not one of this program's. "
            "Choose another folder with RAG_DATA_DIR."
        )
    if path.stat().st_size <= _FULL_CHECK_BYTES:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            found = " ".join(found.replace("*", "").split())
            raise IndexDamaged(f"{path} is damaged ({found}). {_REBUILD}")


def _upgrade(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Keep a copy of an older catalog, then bring it to this version.

    Raises Unavailable when the copy cannot be made, IndexLocked while another process writes.
    """
    with write_lock(path, timeout_s=_UPGRADE_SECONDS):
        if connection.execute("PRAGMA user_version").fetchone()[0] == version:
            copy = path.with_name(f"{path.name}.schema-{version}")
            copy_database(connection, copy)
            _logger.warning(
                "%s is upgraded from schema %d to %d; a copy of it is kept as %s",
                path,
                version,
                SCHEMA_VERSION,
                copy.name,
            )
            upgrade(connection)


def copy_database(connection: sqlite3.Connection, target: Path) -> None:
    """A whole and durable copy of a database that may be in use. Raises Unavailable."""
    temporary = target.with_name(f"{target.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        with closing(sqlite3.connect(temporary)) as destination:
            connection.backup(destination, pages=_COPIED_PAGES)
            # A file alone, without a log beside it, as a copy should be.
            destination.execute("PRAGMA journal_mode=DELETE")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise Unavailable(
            f"{target} cannot be written: {error}. Check the disk's free space and the folder's"
            " permissions, or choose another place."
        ) from error


@contextmanager
def write_lock(path: Path, *, timeout_s: float) -> Iterator[None]:
    """The right to write to the catalog, which one process has at a time.

    Raises IndexLocked, naming who has it, and Unavailable.
    """
    lock = FileLock(path.with_name(LOCK_NAME))
    try:
        acquired = lock.acquire(timeout_s=timeout_s)
    except OSError as error:
        raise Unavailable(
            f"{path.parent} cannot be written to ({error.strerror}), nothing was "
            "changed. Check the disk's free space and the folder's permissions."
        ) from error
    if not acquired:
        raise IndexLocked(
            f"{lock.holder()}, is writing to {path}; waited {timeout_s:g} s, "
            "nothing was changed. Try again when it has finished."
        )
    try:
        yield
    finally:
        lock.release()


def set_aside(path: Path) -> Path | None:
    """Copy a damaged file before anyone tries anything with it; None when that fails."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        copy = path.with_name(f"{path.name}.damaged-{digest}")
        if not copy.exists():
            shutil.copyfile(path, copy)
    except OSError:
        return None
    return copy


def _kept(path: Path) -> str:
    copy = set_aside(path)
    return "" if copy is None else f". A copy of it is kept as {copy.name}."
