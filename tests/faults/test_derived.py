"""Everything but the catalog can be damaged or deleted at any moment, and nobody notices."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.catalog import CATALOG_NAME
from rag.engines.embedded import EmbeddedEngine
from rag.errors import IndexMismatch
from rag.schema import EmbedderInfo
from tests.storage_samples import FAKE, sample

if TYPE_CHECKING:
    from rag.protocols import Candidate

QUERY = "合肥市的高铁"


def search(engine: EmbeddedEngine) -> tuple[Candidate, ...]:
    return engine.candidates(QUERY, FAKE.embed_query(QUERY), collection="default", limit=20)


def open_engine(folder: Path) -> EmbeddedEngine:
    return EmbeddedEngine.open(folder, embedder=FAKE.info)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    engine = open_engine(tmp_path)
    for number in range(5):
        engine.write(*sample(f"{number}.txt", f"合肥市第{number}条高铁", f"芜湖市的港口{number}"))
    engine.close()
    return tmp_path


def derived_files(folder: Path) -> list[Path]:
    return sorted(
        path
        for kind in ("vectors", "lexical")
        for path in (folder / kind).rglob("*")
        if path.is_file()
    )


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes() or b"\0")
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, cut, remove])
def test_any_derived_file_may_be_damaged(
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    damage: Callable[[Path], None],
) -> None:
    engine = open_engine(folder)
    expected = search(engine)
    engine.close()
    assert len(expected) == 10
    files = derived_files(folder)
    assert len(files) > 8
    for number, path in enumerate(files):
        copy = tmp_path_factory.mktemp(f"damaged-{number}") / "index"
        shutil.copytree(folder, copy)
        damage(copy / path.relative_to(folder))
        engine = open_engine(copy)
        assert search(engine) == expected, path.name
        engine.close()
        # What was repaired is whole again: a second opening repairs nothing.
        engine = open_engine(copy)
        assert search(engine) == expected, path.name
        engine.close()


def test_damage_is_logged_with_the_file_it_was_found_in(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = (folder / "vectors").rglob("vectors.faiss")
    flip(path)
    engine = open_engine(folder)
    with caplog.at_level(logging.WARNING):
        search(engine)
        first = caplog.text
        caplog.clear()
        search(engine)
    engine.close()
    assert f"{path} is damaged; it will be rebuilt" in first
    assert caplog.text == ""


def test_all_derived_files_may_be_missing(folder: Path) -> None:
    engine = open_engine(folder)
    expected = search(engine)
    engine.close()
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != CATALOG_NAME:
            path.unlink()
    engine = open_engine(folder)
    assert search(engine) == expected
    engine.close()


def test_derived_files_of_an_older_moment_are_caught_up(folder: Path, tmp_path: Path) -> None:
    for kind in ("vectors", "lexical"):
        shutil.copytree(folder / kind, tmp_path / f"old-{kind}")
    engine = open_engine(folder)
    gone = engine.documents(collection="default")[0]
    engine.remove(gone.document_id)
    engine.write(*sample("new.txt", "合肥市的高铁新站"))
    expected = search(engine)
    engine.close()
    for kind in ("vectors", "lexical"):
        shutil.rmtree(folder / kind)
        shutil.copytree(tmp_path / f"old-{kind}", folder / kind)
    engine = open_engine(folder)
    found = search(engine)
    engine.close()
    assert [(c.passage_id, c.dense) for c in found] == [(c.passage_id, c.dense) for c in expected]
    assert not any(c.passage_id.startswith(gone.document_id) for c in found)


def test_derived_files_of_another_history_are_rebuilt(folder: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(folder / CATALOG_NAME, backup)
    engine = open_engine(folder)
    engine.write(*sample("lost.txt", "合肥市的高铁，恢复备份后不该再有"))
    assert len(search(engine)) == 11
    engine.close()
    shutil.copy(backup, folder / CATALOG_NAME)
    engine = open_engine(folder)
    engine.write(*sample("new.txt", "合肥市的高铁新站"))
    engine.write(*sample("newer.txt", "合肥市的高铁另一站"))
    assert len(search(engine)) == 12
    assert {hit.source for hit in engine.hits([c.passage_id for c in search(engine)]).values()} == {
        *(f"{number}.txt" for number in range(5)),
        "new.txt",
        "newer.txt",
    }
    engine.close()


def test_an_index_of_another_model_is_refused_and_says_what_to_do(folder: Path) -> None:
    other = EmbedderInfo(name="other", revision="2", dimension=3, normaliser="n")
    with pytest.raises(IndexMismatch, match=r"'ranking-fake'.*'other'.*RAG_EMBEDDER.*rag index"):
        EmbeddedEngine.open(folder, embedder=other)


def test_a_folder_that_takes_no_derived_files_is_searched_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(folder)
    expected = search(engine)
    engine.close()
    for kind in ("vectors", "lexical"):
        shutil.rmtree(folder / kind)
        (folder / kind).write_text("a file where the folder should be")
    engine = open_engine(folder)
    assert search(engine) == expected
    engine.write(*sample("new.txt", "合肥市的高铁新站"))
    assert len(search(engine)) == 11
    engine.close()

    for kind in ("vectors", "lexical"):
        (folder / kind).unlink()
    monkeypatch.setattr("rag.catalog.database.os.access", lambda *_: False)
    engine = open_engine(folder)
    assert len(search(engine)) == 11
    engine.close()
    assert not (folder / "lexical").exists()


def test_many_removed_passages_are_compacted_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.engines.indexes._DEAD_MINIMUM", 3)
    monkeypatch.setattr("rag.vectors._TAIL_MINIMUM", 3)
    engine = open_engine(folder)
    for number in range(6):
        engine.write(*sample("changing.txt", f"合肥市的高铁第{number}版", f"第{number}版"))
        assert len(search(engine)) == 12
    fresh = search(engine)
    engine.close()
    for kind in ("vectors", "lexical"):
        shutil.rmtree(folder / kind)
    engine = open_engine(folder)
    assert [(c.passage_id, c.dense) for c in search(engine)] == [
        (c.passage_id, c.dense) for c in fresh
    ]
    engine.close()
