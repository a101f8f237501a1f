"""Backups of a library in use, restoring them under its feet, upgrades, and what is damaged."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rag.catalog import CATALOG_NAME, repair, restore
from rag.cli import main
from rag.engines.embedded import EmbeddedEngine
from rag.errors import IndexDamaged, IndexMismatch, IndexMissing, Unavailable
from rag.schema import CollectionSettings
from tests.storage_samples import FAKE, sample
from tests.storage_v1 import SOURCES, write_index


def open_engine(folder: Path) -> EmbeddedEngine:
    return EmbeddedEngine.open(folder, embedder=FAKE.info)


def stored(engine: EmbeddedEngine) -> dict[str, str]:
    """Texts by source, after making sure that both legs find exactly these passages."""
    summaries = engine.documents(collection="default")
    texts = {each.source: engine.document(each.document_id).text for each in summaries}
    passages = {p.passage_id for s in summaries for p in engine.passages(s.document_id)}
    query = "合肥市 芜湖市 新能源汽车"
    candidates = engine.candidates(
        query, FAKE.embed_query(query), collection="default", limit=1_000
    )
    assert {c.passage_id for c in candidates} == passages
    assert all(c.lexical is not None for c in candidates)
    return texts


def fill(engine: EmbeddedEngine, *sources: str) -> None:
    for source in sources:
        engine.write(*sample(source, f"合肥市{source}的高铁", f"芜湖市{source}的港口"))


def test_a_backup_made_while_others_write_is_of_one_moment(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "index")
    fill(engine, "0")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            fill(engine, f"{number % 7}")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            engine.back_up(tmp_path / f"{number}.backup")
    finally:
        stop.set()
        thread.join()
    engine.close()
    for number in range(5):
        restore(tmp_path / f"{number}.backup", tmp_path / f"restored-{number}")
        restored = open_engine(tmp_path / f"restored-{number}")
        assert len(stored(restored)) >= 1
        restored.close()


def test_a_restored_backup_is_what_everybody_sees(tmp_path: Path) -> None:
    folder, backup = tmp_path / "index", tmp_path / "backup"
    engine, beside = open_engine(folder), open_engine(folder)
    fill(engine, "kept", "removed later")
    before = stored(engine)
    assert stored(beside) == before
    engine.back_up(backup)

    engine.remove(*(each.document_id for each in engine.documents(collection="default")[1:]))
    fill(engine, "added later", "added later still")
    assert stored(beside) == stored(engine) != before
    copy = restore(backup, folder)

    assert stored(engine) == stored(beside) == before
    # Keys that are given anew do not bring back what they stood for.
    fill(engine, "after")
    assert set(stored(beside)) == {"kept", "removed later", "after"}
    engine.close()
    beside.close()
    assert copy is not None
    restore(copy, tmp_path / "undone")
    undone = open_engine(tmp_path / "undone")
    assert set(stored(undone)) == {"kept", "added later", "added later still"}
    undone.close()


@pytest.mark.parametrize("damage", ["cut", "noise", "gone", "empty"])
def test_a_damaged_catalog_is_replaced_by_a_good_backup(tmp_path: Path, damage: str) -> None:
    folder, backup = tmp_path / "index", tmp_path / "backup"
    engine = open_engine(folder)
    fill(engine, *map(str, range(20)))
    before = stored(engine)
    engine.back_up(backup)
    engine.close()
    catalog = folder / CATALOG_NAME
    data = catalog.read_bytes()
    if damage == "gone":
        catalog.unlink()
    else:
        catalog.write_bytes(
            {"cut": data[: len(data) // 2], "noise": b"\x55" * len(data), "empty": b""}[damage]
        )
        with pytest.raises((IndexDamaged, IndexMismatch), match=r"rag restore|damaged|is not"):
            open_engine(folder)

    kept = restore(backup, folder)

    engine = open_engine(folder)
    assert stored(engine) == before
    engine.close()
    assert (kept is None) == (damage == "gone")


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, IndexMissing, "There is no backup"),
        (b"not a database" * 100, IndexDamaged, "damaged"),
        ("foreign", IndexMismatch, "no backup of this program's"),
        ("newer", IndexMismatch, "newer version"),
        ("cut", IndexDamaged, "damaged"),
    ],
)
def test_a_backup_that_is_none_changes_nothing(
    tmp_path: Path, content: bytes | str | None, error: type[Exception], says: str
) -> None:
    engine = open_engine(tmp_path / "index")
    fill(engine, *map(str, range(20)))
    before = stored(engine)
    bad = tmp_path / "bad"
    if isinstance(content, bytes):
        bad.write_bytes(content)
    elif content is not None:
        engine.back_up(bad)
        if content == "cut":
            bad.write_bytes(bad.read_bytes()[:40_000])
        else:
            pragma = "application_id=1" if content == "foreign" else "user_version=99"
            with closing(sqlite3.connect(bad)) as connection:
                connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(error, match=says):
        restore(bad, tmp_path / "index")
    assert stored(engine) == before
    engine.close()


def test_a_disk_that_is_full_leaves_no_half_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(tmp_path / "index")
    fill(engine, "a")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rag.catalog.database.os.fsync", full)
    with pytest.raises(Unavailable, match=r"backup cannot be written.*No space"):
        engine.back_up(tmp_path / "backup")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    engine.close()


def test_an_older_index_is_upgraded_and_a_copy_kept(tmp_path: Path) -> None:
    write_index(tmp_path)
    engine = open_engine(tmp_path)
    assert stored(engine) == {source: "\n".join(text) for source, text in SOURCES.items()}
    fill(engine, "new")
    engine.remove(engine.documents(collection="default")[0].document_id)
    assert set(stored(engine)) == {"b.txt", "new"}
    engine.close()

    with closing(sqlite3.connect(tmp_path / f"{CATALOG_NAME}.schema-1")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*) FROM documents").fetchone() == (2,)


def test_the_version_before_is_upgraded_too(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    fill(engine, "old")
    engine.close()
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME)) as connection:
        connection.execute("ALTER TABLE collections DROP COLUMN model")
        connection.execute("PRAGMA user_version=2")
    engine = open_engine(tmp_path)
    engine.create_collection("laws", settings=CollectionSettings(embedder="bundled"))
    assert set(stored(engine)) == {"old"}
    assert engine.settings_of("default") == CollectionSettings()
    assert engine.settings_of("laws").embedder == "bundled"
    engine.close()
    with closing(sqlite3.connect(tmp_path / f"{CATALOG_NAME}.schema-2")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (2,)


def test_an_upgrade_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_index(tmp_path)
    monkeypatch.setitem(
        __import__("rag.catalog.tables", fromlist=["_UPGRADES"])._UPGRADES,
        1,
        "ALTER TABLE documents ADD COLUMN fingerprint TEXT;\nNO SQL AT ALL;\n",
    )
    with pytest.raises(sqlite3.OperationalError, match="syntax"):
        open_engine(tmp_path)
    monkeypatch.undo()
    engine = open_engine(tmp_path)
    assert len(stored(engine)) == 2
    engine.close()


def test_an_older_backup_is_upgraded_when_it_is_restored(tmp_path: Path) -> None:
    write_index(tmp_path / "old")
    engine = open_engine(tmp_path / "index")
    fill(engine, "new")
    restore(tmp_path / "old" / CATALOG_NAME, tmp_path / "index")
    assert set(stored(engine)) == set(SOURCES)
    engine.close()


def test_repairing_makes_everything_that_derives_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_EMBEDDER", "ranking-fake")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("合肥市的高铁。")
    assert main(["index", "a.txt"]) == 0
    folder = tmp_path / "index"
    for kind in ("vectors", "lexical"):
        for path in (folder / kind).rglob("*"):
            if path.is_file():
                path.write_bytes(b"damaged")
    capsys.readouterr()

    assert main(["doctor", "--repair", "--data-dir", "index"]) == 0
    shown = capsys.readouterr().out
    assert "the catalog is whole; 1 collections are indexed anew" in shown
    assert "every collection with passages can be searched" in shown


def test_rows_that_belong_to_nothing_are_found(tmp_path: Path) -> None:
    engine = open_engine(tmp_path)
    fill(engine, "a")
    engine.close()
    assert repair(tmp_path) == []
    with closing(sqlite3.connect(tmp_path / CATALOG_NAME)) as connection:
        connection.execute("DELETE FROM passages WHERE ordinal = 0")
        connection.commit()
    assert repair(tmp_path) == ["1 rows belong to nothing"]


def test_backup_and_restore_as_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_EMBEDDER", "ranking-fake")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("合肥市的高铁。")
    assert main(["index", "a.txt"]) == 0
    assert main(["backup", "kept.backup"]) == 0
    assert main(["backup", "kept.backup"]) == 2
    shutil.rmtree("index")
    assert main(["restore", "kept.backup"]) == 0
    capsys.readouterr()
    assert main(["documents", "list"]) == 0
    assert "a.txt" in capsys.readouterr().out
