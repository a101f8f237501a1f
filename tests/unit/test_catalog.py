"""The catalog: versions, damage, locks, and one moment at a time."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag.catalog import CATALOG_NAME, Catalog, Position, database
from rag.errors import (
    DocumentNotFound,
    IndexDamaged,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    Unavailable,
)
from rag.schema import EmbedderInfo
from rag.vectors import encode_vectors
from tests.storage_samples import FAKE, sample


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog.open(tmp_path, lock_timeout_s=0.2)
    yield opened
    opened.close()


def write(catalog: Catalog, source: str, *paragraphs: str, collection: str = "default") -> str:
    document, passages, vectors = sample(source, *paragraphs, collection=collection)
    catalog.write(document, passages, encode_vectors(vectors), embedder=FAKE.info)
    return document.document_id


def test_a_write_says_whether_it_changed_anything(catalog: Catalog) -> None:
    document, passages, vectors = sample("a.txt", "合肥")
    encoded = encode_vectors(vectors)
    assert catalog.write(document, passages, encoded, embedder=FAKE.info) is True
    with catalog.snapshot() as snapshot:
        before = snapshot.head(1)
    assert catalog.write(document, passages, encoded, embedder=FAKE.info) is False
    with catalog.snapshot() as snapshot:
        assert snapshot.head(1) == before


def test_a_snapshot_does_not_move(catalog: Catalog) -> None:
    first = write(catalog, "a.txt", "合肥")
    with catalog.snapshot() as old:
        assert old.document(first).text == "合肥"
        write(catalog, "a.txt", "芜湖")
        assert old.document(first).text == "合肥"
        with catalog.snapshot() as new, pytest.raises(DocumentNotFound, match=first):
            new.document(first)


def test_changes_since_a_position_leave_out_what_came_and_went(catalog: Catalog) -> None:
    kept = write(catalog, "a.txt", "合肥", "芜湖")
    with catalog.snapshot() as snapshot:
        start = snapshot.head(1)
        (kept_range,) = snapshot.ranges(1)
    passing = write(catalog, "b.txt", "安庆")
    catalog.remove(passing)
    catalog.remove(kept)
    write(catalog, "c.txt", "蚌埠")
    with catalog.snapshot() as snapshot:
        changes = snapshot.changes(1, after=start)
        (last_range,) = snapshot.ranges(1)
        assert snapshot.has_position(1, start)
        assert not snapshot.has_position(1, Position(seq=start.seq, stamp="another history"))
    assert [change.document for change in changes if change.added] == [last_range.document]
    assert (kept_range.document, kept_range.first, kept_range.last) in [
        (change.document, change.first, change.last) for change in changes if not change.added
    ]


def test_keys_are_never_used_twice(catalog: Catalog) -> None:
    seen: set[int] = set()
    for text in ("合肥", "芜湖", "合肥"):
        document_id = write(catalog, "a.txt", text)
        with catalog.snapshot() as snapshot:
            (entry,) = snapshot.ranges(1)
        assert entry.first not in seen
        seen |= set(range(entry.first, entry.last + 1))
        catalog.remove(document_id)


def test_opening_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"rag index PATH"):
        Catalog.open(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable, match="RAG_DATA_DIR"):
        Catalog.open(tmp_path / "file")


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    Catalog.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME)) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(IndexMismatch, match=r"schema 99; this version reads up to 3.*Upgrade"):
        Catalog.open(tmp_path)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME)) as connection:
        connection.execute("CREATE TABLE cookies (name TEXT)")
    with pytest.raises(IndexMismatch, match="not one of this program's"):
        Catalog.open(tmp_path)


@pytest.mark.parametrize("damage", ["garbage", "cut", "emptied", "hole"])
def test_a_damaged_catalog_is_named_and_a_copy_kept(tmp_path: Path, damage: str) -> None:
    catalog = Catalog.open(tmp_path)
    for number in range(20):
        write(catalog, f"{number}.txt", "合肥市的高铁" * 50)
    catalog.close()
    path = tmp_path / CATALOG_NAME
    data = path.read_bytes()
    spoiled = {
        "garbage": b"this is not a database " * 400,
        "cut": data[: len(data) // 2],
        "emptied": b"",
        "hole": data[:4096] + b"\xff" * 8192 + data[12288:],
    }[damage]
    path.write_bytes(spoiled)
    with pytest.raises(IndexDamaged, match=r"is damaged.*rag index PATH.*copy") as caught:
        Catalog.open(tmp_path)
    (copy,) = tmp_path.glob("*.damaged-*")
    assert copy.name in str(caught.value)
    assert copy.read_bytes() == spoiled
    with pytest.raises(IndexDamaged, match="is damaged"):
        Catalog.open(tmp_path)
    assert len(list(tmp_path.glob("*.damaged-*"))) == 1


def test_damage_found_later_is_named(catalog: Catalog, tmp_path: Path) -> None:
    document_id = write(catalog, "a.txt", *(f"合肥第{n}条" * 40 for n in range(40)))
    catalog.close()
    path = tmp_path / CATALOG_NAME
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))
    reopened = Catalog(path, writable=True, lock_timeout_s=0.1)
    with pytest.raises(IndexDamaged, match="is damaged"), reopened.snapshot() as snapshot:
        snapshot.passages(document_id)
    reopened.close()


HOLD = """
import sys, time
from pathlib import Path
from rag.durable import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.acquire(timeout_s=1)
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_told_who_holds_the_lock(catalog: Catalog, tmp_path: Path) -> None:
    write(catalog, "a.txt", "合肥")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "write.lock")], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(IndexLocked, match=rf"process {holder.pid} .*nothing was changed"):
            write(catalog, "b.txt", "芜湖")
    finally:
        holder.kill()
        holder.communicate()
    write(catalog, "b.txt", "芜湖")  # the system dropped the dead holder's lock


def test_a_program_that_holds_the_database_is_an_error_not_a_wait(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexLocked, match="Another program holds"):
            write(catalog, "a.txt", "合肥")
        other.execute("ROLLBACK")


def test_writers_in_many_threads_wait_for_each_other(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    threads = [
        threading.Thread(target=write, args=(catalog, f"{number}.txt", "合肥", "芜湖"))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with catalog.snapshot() as snapshot:
        assert snapshot.collections()[0].documents == 12
        assert snapshot.passage_count(1) == 24
    catalog.close()


def test_a_full_disk_changes_nothing_and_says_so(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = write(catalog, "a.txt", "合肥")
    connect = database.connect

    def connect_to_full_disk(path: Path, *, writable: bool) -> sqlite3.Connection:
        connection = connect(path, writable=writable)
        connection.execute("PRAGMA max_page_count=1")
        return connection

    monkeypatch.setattr("rag.catalog.store.connect", connect_to_full_disk)
    with catalog._readers_lock:
        while catalog._readers:
            catalog._readers.pop().close()
    with pytest.raises(Unavailable, match=r"full.*nothing was changed.*free space"):
        write(catalog, "a.txt", *("芜湖" * 100 for _ in range(100)))
    with catalog.snapshot() as snapshot:
        assert snapshot.document(kept).text == "合肥"
        assert snapshot.passage_count(1) == 1


def test_a_read_only_folder_can_be_read_and_says_why_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Catalog.open(tmp_path)) as first:
        document_id = write(first, "a.txt", "合肥")
    monkeypatch.setattr("rag.catalog.database.os.access", lambda *_: False)
    before = (tmp_path / CATALOG_NAME).read_bytes()
    with closing(Catalog.open(tmp_path)) as catalog:
        with catalog.snapshot() as snapshot:
            assert snapshot.document(document_id).text == "合肥"
        with pytest.raises(Unavailable, match="read-only, nothing was changed"):
            catalog.remove(document_id)
    assert (tmp_path / CATALOG_NAME).read_bytes() == before
    with pytest.raises(Unavailable, match="read-only and holds no index"):
        Catalog.open(tmp_path / "none")


def test_an_empty_collection_takes_another_model(catalog: Catalog) -> None:
    document_id = write(catalog, "a.txt", "合肥")
    document, passages, _ = sample("b.txt", "芜湖")
    other = EmbedderInfo(name="other", revision="1", dimension=2, normaliser="n")
    vectors = [b"\0\0\x80?\0\0\0\0"]
    with pytest.raises(IndexMismatch, match=r"'ranking-fake', not of 'other'.*RAG_EMBEDDER"):
        catalog.write(document, passages, vectors, embedder=other)
    catalog.remove(document_id)
    assert catalog.write(document, passages, vectors, embedder=other)


def test_feedback_is_kept(catalog: Catalog, tmp_path: Path) -> None:
    catalog.add_feedback("answer-1", rating=-1, comment="年份不对")
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME)) as connection:
        (row,) = connection.execute("SELECT answer_id, rating, comment FROM feedback")
    assert row == ("answer-1", -1, "年份不对")


def test_a_closed_catalog_says_so(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path)
    catalog.close()
    with pytest.raises(Unavailable, match="has been closed"), catalog.snapshot():
        pass


def test_a_backup_that_goes_on_differently_is_another_history(tmp_path: Path) -> None:
    with closing(Catalog.open(tmp_path)) as catalog:
        write(catalog, "a.txt", "合肥")
    shutil.copy(tmp_path / CATALOG_NAME, tmp_path / "backup")
    with closing(Catalog.open(tmp_path)) as catalog:
        write(catalog, "b.txt", "芜湖")
        with catalog.snapshot() as snapshot:
            lost = snapshot.head(1)
    shutil.copy(tmp_path / "backup", tmp_path / CATALOG_NAME)
    with closing(Catalog.open(tmp_path)) as catalog:
        write(catalog, "c.txt", "安庆")
        write(catalog, "d.txt", "蚌埠")
        with catalog.snapshot() as snapshot:
            assert snapshot.head(1).seq > lost.seq
            assert not snapshot.has_position(1, lost)


def test_what_is_removed_is_overwritten_in_the_file(tmp_path: Path) -> None:
    private = "绝密的一句话"
    with closing(Catalog.open(tmp_path)) as catalog:
        document_id = write(catalog, "a.txt", private * 40)
        write(catalog, "b.txt", "留下的一句话")
    assert private.encode() in (tmp_path / CATALOG_NAME).read_bytes()
    with closing(Catalog.open(tmp_path)) as catalog:
        catalog.remove(document_id)
    assert private.encode() not in (tmp_path / CATALOG_NAME).read_bytes()
    assert "留下的一句话".encode() in (tmp_path / CATALOG_NAME).read_bytes()
