"""Putting a backup in the place of the catalog, which others may be using."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from rag.catalog.database import (
    CATALOG_NAME,
    connect,
    copy_database,
    prepare,
    set_aside,
    translated,
    write_lock,
)
from rag.catalog.tables import APPLICATION_ID, SCHEMA_VERSION, upgrade
from rag.errors import IndexDamaged, IndexMismatch, IndexMissing, Unavailable

__all__ = ["repair", "restore"]

_LOCK_SECONDS = 60.0


def restore(backup: Path, folder: Path) -> Path | None:
    """Make a backup the catalog of ``folder``. The copy of what was there before, if anything was.

    Programs that use the index go on with what the backup holds, unless the catalog was damaged:
    then they have to be started again. Raises IndexMissing (no such file), IndexDamaged,
    IndexMismatch (no backup of this program's, or of a newer version), IndexLocked, Unavailable.
    """
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder / CATALOG_NAME
    fresh = folder / f"{CATALOG_NAME}.restoring"
    _check_backup(backup)
    with _opened(backup) as connection:
        copy_database(connection, fresh)
    try:
        with translated(fresh), closing(connect(fresh, writable=True)) as source:
            upgrade(source)
            with write_lock(path, timeout_s=_LOCK_SECONDS):
                return _replace(source, path)
    finally:
        for name in (fresh.name, f"{fresh.name}-wal", f"{fresh.name}-shm"):
            with suppress(OSError):
                (folder / name).unlink(missing_ok=True)


def repair(folder: Path) -> list[str]:
    """Check all of the catalog and make its own indexes anew; what is wrong and stays wrong.

    Raises IndexMissing, IndexDamaged, IndexLocked, Unavailable.
    """
    prepare(folder, create=False)
    path = folder / CATALOG_NAME
    with (
        write_lock(path, timeout_s=_LOCK_SECONDS),
        translated(path),
        closing(connect(path, writable=True)) as connection,
    ):
        connection.execute("REINDEX")
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        wrong = [" ".join(str(each).split()) for each in found if each != "ok"]
        return wrong + [f"{len(orphans)} rows belong to nothing"] * bool(orphans)


def _opened(path: Path) -> closing[sqlite3.Connection]:
    with translated(path):
        return closing(connect(path, writable=False))


def _check_backup(backup: Path) -> None:
    if not backup.is_file():
        raise IndexMissing(f"There is no backup {backup}. Expected a file that rag backup made.")
    with translated(backup), _opened(backup) as connection:
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise IndexMismatch(f"{backup} is no backup of this program's index.")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise IndexMismatch(
                f"{backup} was made by a newer version of this program (schema {version}; this"
                f" version reads up to {SCHEMA_VERSION}). Upgrade the program."
            )
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            found = " ".join(found.replace("*", "").split())
            raise IndexDamaged(f"The backup {backup} is damaged itself ({found}). Use another.")


def _replace(source: sqlite3.Connection, path: Path) -> Path | None:
    """Under the write lock: page by page into what others have open, or a file for a file."""
    try:
        prepare(path.parent, create=False)
    except IndexMissing:
        copy_database(source, path)
        return None
    except (IndexDamaged, IndexMismatch):
        before = set_aside(path)
        try:
            for name in (f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"{path} cannot be replaced: {error.strerror}.") from error
        copy_database(source, path)
        return before
    before = path.with_name(f"{path.name}.before-restore")
    with translated(path), closing(connect(path, writable=True)) as live:
        copy_database(live, before)
        source.backup(live)
    return before
