"""Folders: which files are read, which are left alone, which have gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.cli.watching import Watch
from rag.engines.embedded import EmbeddedEngine
from rag.library import Library
from tests.storage_samples import FAKE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "docs"
    for name in ("a.txt", "b.md", "drafts/c.txt", "drafts/deep/d.md"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}的第一句话。", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Path("docs")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    engine = EmbeddedEngine.open(tmp_path / "index", embedder=FAKE.info)
    yield Library(engine=engine, embedder=FAKE, passage_characters=360, max_file_bytes=10**6)
    engine.close()


def added(
    library: Library, folder: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> list[str]:
    outcomes = library.add_paths([folder], include=include, exclude=exclude)
    return [outcome.source.removeprefix("docs/") for outcome in outcomes]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), ["a.txt", "b.md", "drafts/c.txt", "drafts/deep/d.md"]),
        (("*.md",), (), ["b.md", "drafts/deep/d.md"]),
        ((), ("drafts",), ["a.txt", "b.md"]),
        ((), ("drafts/*",), ["a.txt", "b.md"]),
        ((), ("deep", "a.*"), ["b.md", "drafts/c.txt"]),
        (("drafts/*",), ("*.txt",), ["drafts/deep/d.md"]),
        (("*.pdf",), (), []),
    ],
)
def test_patterns_choose_among_files_below_a_folder(
    library: Library,
    folder: Path,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    expected: list[str],
) -> None:
    assert added(library, folder, include=include, exclude=exclude) == expected


def test_a_file_that_is_named_is_always_taken(library: Library, folder: Path) -> None:
    (outcome,) = library.add_paths([folder / "a.txt"], exclude=["*"])
    assert outcome.status == "added"


def test_what_has_not_changed_is_not_read_again(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add_paths([folder])
    (folder / "b.md").write_text("新的一句话。", encoding="utf-8")
    read: list[str] = []
    original = Library._prepare

    def prepare(self: Library, data: bytes, source: str, *rest: object) -> object:
        read.append(source)
        return original(self, data, source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Library, "_prepare", prepare)
    statuses = {o.source: o.status for o in library.add_paths([folder])}
    assert read == ["docs/b.md"]
    assert statuses.pop("docs/b.md") == "replaced"
    assert set(statuses.values()) == {"unchanged"}


def test_documents_whose_files_are_gone_are_named(library: Library, folder: Path) -> None:
    library.add_bytes("上传的一句话。".encode(), name="docs/upload.txt")
    library.add_paths([folder])
    assert library.vanished([folder]) == {}
    (folder / "a.txt").unlink()
    (folder / "drafts/c.txt").unlink()

    assert list(library.vanished([folder])) == ["docs/a.txt", "docs/drafts/c.txt"]
    assert list(library.vanished([folder / "drafts"])) == ["docs/drafts/c.txt"]
    assert library.vanished([folder], collection="other") == {}
    by_source = {each.source: each.document_id for each in library.documents()}
    assert library.vanished([folder])["docs/a.txt"] == by_source["docs/a.txt"]


def test_a_folder_that_is_empty_has_lost_nothing(library: Library, folder: Path) -> None:
    library.add_paths([folder])
    for path in (folder / "drafts/c.txt", folder / "drafts/deep/d.md"):
        path.unlink()
    assert library.vanished([folder / "drafts"]) == {}
    assert len(library.vanished([folder])) == 2


def test_a_watch_tells_what_has_come_to_rest(folder: Path) -> None:
    def listed() -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file()]

    watch = Watch(listed)
    assert watch.changes() == ((), False)

    growing = folder / "new.txt"
    growing.write_text("一半")
    assert watch.changes() == ((), False)  # it may still be written
    growing.write_text("一半，另一半。")
    assert watch.changes() == ((), False)
    assert watch.changes() == ((growing,), False)
    assert watch.changes() == ((), False)

    growing.unlink()
    (folder / "a.txt").write_text("改过的话。")
    assert watch.changes() == ((), True)
    assert watch.changes() == ((folder / "a.txt",), False)
    assert watch.changes() == ((), False)
