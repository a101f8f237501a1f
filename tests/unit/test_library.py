"""The library: files of any kind in, an outcome for each, nothing half done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.engines.embedded import EmbeddedEngine
from rag.engines.memory import MemoryEngine
from rag.errors import (
    CollectionNotFound,
    DocumentNotFound,
    DocumentReplaced,
    InvalidInput,
    PassageNotFound,
    Unavailable,
)
from rag.library import Library, embedding_text
from tests.storage_samples import sample

if TYPE_CHECKING:
    from rag.schema import FileOutcome

TEXT = "合肥市人民政府工作\n\n全市生产总值增长5.8%。新能源汽车产量达到74.6万辆。\n"
EMBEDDER = RankingFakeEmbedder()


class CountingEmbedder(RankingFakeEmbedder):
    """Counts what it is asked to embed."""

    passages = 0

    def embed_passages(self, texts):  # type: ignore[no-untyped-def]
        self.passages += len(texts)
        return super().embed_passages(texts)


def make_library(tmp_path: Path, embedder: RankingFakeEmbedder = EMBEDDER) -> Library:
    return Library(
        engine=EmbeddedEngine.open(tmp_path / "index", embedder=embedder.info),
        embedder=embedder,
        passage_characters=360,
        max_file_bytes=10_000,
    )


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = make_library(tmp_path)
    yield made
    made.engine.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "work" / "reports"
    made.mkdir(parents=True)
    monkeypatch.chdir(made.parent)
    return made


def statuses(outcomes: tuple[FileOutcome, ...]) -> dict[str, str]:
    return {outcome.source: outcome.status for outcome in outcomes}


def test_bytes_become_a_document_with_exact_passages(library: Library) -> None:
    outcome = library.add_bytes(TEXT.encode(), name="合肥.txt")
    assert outcome.status == "added"
    assert outcome.document_id is not None
    document = library.document(outcome.document_id)
    assert document.source == "合肥.txt"
    passages = library.passages(outcome.document_id)
    assert outcome.passages == len(passages) > 0
    for passage in passages:
        assert document.text[passage.start : passage.end] == passage.text
    assert library.collections()[0].documents == 1


def test_ids_come_from_collection_source_and_text(library: Library) -> None:
    first = library.add_bytes(TEXT.encode(), name="a.txt").document_id
    assert first is not None
    assert len(first) == 17
    others = {
        library.add_bytes(TEXT.encode(), name="b.txt").document_id,
        library.add_bytes(TEXT.encode(), name="a.txt", collection="other").document_id,
        library.add_bytes(TEXT.encode() + "又一句。".encode(), name="a.txt").document_id,
    }
    assert len({first, *others}) == 4
    again = Library(
        engine=MemoryEngine(dimension=256),
        embedder=EMBEDDER,
        passage_characters=360,
        max_file_bytes=10_000,
    )
    assert again.add_bytes(TEXT.encode(), name="a.txt").document_id == first


def test_the_same_file_again_is_unchanged_and_not_embedded(tmp_path: Path) -> None:
    embedder = CountingEmbedder()
    library = make_library(tmp_path, embedder)
    first = library.add_bytes(TEXT.encode(), name="a.txt")
    embedded = embedder.passages
    again = library.add_bytes(TEXT.encode(), name="a.txt")
    assert (again.status, again.document_id, again.passages) == (
        "unchanged",
        first.document_id,
        first.passages,
    )
    assert embedder.passages == embedded > 0
    library.engine.close()


def test_new_content_or_metadata_or_settings_replace(library: Library) -> None:
    library.add_bytes(TEXT.encode(), name="a.txt")
    for outcome in (
        library.add_bytes(TEXT.encode() + "又一句。".encode(), name="a.txt"),
        library.add_bytes(
            TEXT.encode() + "又一句。".encode(), name="a.txt", metadata={"year": 1999}
        ),
    ):
        assert outcome.status == "replaced"
    (summary,) = library.documents()
    assert summary.metadata["year"] == 1999
    smaller = Library(
        engine=library.engine, embedder=EMBEDDER, passage_characters=30, max_file_bytes=10_000
    )
    outcome = smaller.add_bytes(
        TEXT.encode() + "又一句。".encode(), name="a.txt", metadata={"year": 1999}
    )
    assert outcome.status == "replaced"
    assert len(library.documents()) == 1


def test_given_metadata_wins_over_what_the_text_says(library: Library) -> None:
    outcome = library.add_bytes(
        TEXT.encode(), name="a.txt", metadata={"title": "我的标题", "place": "芜湖市"}
    )
    assert outcome.document_id is not None
    document = library.document(outcome.document_id)
    assert document.title == document.metadata["title"] == "我的标题"
    assert library.documents(filters={"place": "芜湖市"})[0].document_id == outcome.document_id


@pytest.mark.parametrize(
    ("data", "name", "message"),
    [
        (b"", "empty.txt", "empty.txt"),
        (b"  \n \n", "blank.txt", "blank.txt"),
        (bytes(range(256)) * 8, "binary.txt", "binary.txt"),
        (b"MZ", "program.exe", "program.exe"),
        (b"x" * 10_001, "large.txt", "large.txt"),
    ],
)
def test_a_bad_file_is_an_outcome(library: Library, data: bytes, name: str, message: str) -> None:
    outcome = library.add_bytes(data, name=name)
    assert (outcome.status, outcome.error_code) == ("failed", "unreadable_document")
    assert message in (outcome.error or "")
    assert library.documents() == ()


def test_good_files_of_a_batch_are_kept(library: Library, folder: Path) -> None:
    (folder / "good.txt").write_text(TEXT, encoding="utf-8")
    (folder / "bad.txt").write_bytes(bytes(range(256)) * 8)
    (folder / "also good.md").write_text("# 标题\n\n" + TEXT, encoding="utf-8")
    (folder / "large.txt").write_text("大" * 9_000, encoding="utf-8")
    calls: list[tuple[str, int, int]] = []
    outcomes = library.add_paths(
        [folder], progress=lambda outcome, done, total: calls.append((outcome.status, done, total))
    )
    assert statuses(outcomes) == {
        "reports/also good.md": "added",
        "reports/bad.txt": "failed",
        "reports/good.txt": "added",
        "reports/large.txt": "failed",
    }
    assert calls == [("added", 1, 4), ("failed", 2, 4), ("added", 3, 4), ("failed", 4, 4)]
    assert [summary.source for summary in library.documents()] == [
        "reports/also good.md",
        "reports/good.txt",
    ]
    assert set(statuses(library.add_paths([folder])).values()) == {"unchanged", "failed"}


def test_walking_leaves_out_hidden_foreign_and_index_files(library: Library, folder: Path) -> None:
    for name in ("a.txt", ".hidden.txt", "picture.png", ".git/b.txt", "deep/er/c.TXT"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TEXT, encoding="utf-8")
    EmbeddedEngine.open(folder / "index", embedder=EMBEDDER.info).close()
    (folder / "index" / "readme.txt").write_text(TEXT, encoding="utf-8")
    outcomes = library.add_paths([folder, folder / "a.txt"])
    assert statuses(outcomes) == {"reports/a.txt": "added", "reports/deep/er/c.TXT": "added"}
    named = library.add_paths([folder / "picture.png", folder / "missing.txt"])
    assert statuses(named) == {"reports/picture.png": "failed", "reports/missing.txt": "failed"}
    assert "No such file" in (named[1].error or "")


def test_links_are_followed_but_not_in_circles(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "linked.txt").write_text(TEXT, encoding="utf-8")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "outside").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    (elsewhere / "self").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    outcomes = library.add_paths([folder])
    assert statuses(outcomes) == {"reports/a.txt": "added", "reports/outside/linked.txt": "added"}


def test_a_pipe_is_not_waited_for(library: Library, folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    (outcome,) = library.add_paths([folder])
    assert (outcome.status, outcome.error_code) == ("failed", "unreadable_document")
    assert "not a regular file" in (outcome.error or "")


def test_files_outside_the_working_directory_keep_their_whole_path(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text(TEXT, encoding="utf-8")
    (outcome,) = library.add_paths([outside])
    assert outcome.source == outside.as_posix()
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (relative,) = library.add_paths([Path("reports/../reports/a.txt")])
    assert relative.source == "reports/a.txt"


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"Year": 2024}, "'Year' cannot be a metadata key"),
        ({"a b": "x"}, "'a b' cannot be a metadata key"),
        ({"year": 20.5}, "type float"),
        ({"flag": True}, "type bool"),
        ({"tags": ["a"]}, "type list"),
        ({"place": "  "}, "expected 1 to 1000"),
        ({"place": "x" * 1_001}, "has 1001 characters"),
        ({"year": 2**60}, r"2\^53"),
        ({"title": 5}, "expected a text"),
        ({f"k{number}": 1 for number in range(65)}, "65 metadata keys"),
    ],
)
def test_bad_metadata_is_refused_before_anything_is_read(
    library: Library, metadata: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        library.add_bytes(TEXT.encode(), name="a.txt", metadata=metadata)  # type: ignore[arg-type]
    assert library.documents() == ()


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", "x" * 65, "-a", "a\n"])
def test_bad_collection_names_are_refused(library: Library, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot name a collection"):
        library.add_bytes(TEXT.encode(), name="a.txt", collection=name)


def test_a_document_needs_a_name(library: Library) -> None:
    with pytest.raises(InvalidInput, match="needs a name"):
        library.add_bytes(TEXT.encode(), name=" \u200b ")


def test_a_file_that_fails_makes_no_collection(library: Library) -> None:
    library.add_bytes(b"", name="a.txt", collection="new")
    with pytest.raises(CollectionNotFound, match="new"):
        library.documents("new")


def test_the_engines_errors_end_the_call_and_keep_what_was_done(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(TEXT, encoding="utf-8")

    def refuse(*_: object) -> None:
        raise Unavailable("the disk is full")

    def fill_the_disk(*_: object) -> None:
        monkeypatch.setattr(library.engine, "write", refuse)

    with pytest.raises(Unavailable, match="disk is full"):
        library.add_paths([folder], progress=fill_the_disk)
    assert [summary.source for summary in library.documents()] == ["reports/a.txt"]


def test_a_removed_document_is_gone_and_can_come_back(library: Library) -> None:
    first = library.add_bytes(TEXT.encode(), name="a.txt")
    assert first.document_id is not None
    library.remove(first.document_id)
    assert library.documents() == ()
    again = library.add_bytes(TEXT.encode(), name="a.txt")
    assert (again.status, again.document_id) == ("added", first.document_id)


class TestAround:
    """A passage among its neighbours."""

    @pytest.fixture
    def document_id(self, library: Library) -> str:
        text = "\n\n".join(f"## 第{number}节\n\n这里有{number}件事。" for number in range(5))
        outcome = library.add_bytes(text.encode(), name="five.md")
        assert (outcome.passages, outcome.document_id is None) == (5, False)
        return outcome.document_id or ""

    @pytest.mark.parametrize(
        ("ordinal", "neighbours", "before", "after"),
        [
            (2, 1, [1], [3]),
            (2, 0, [], []),
            (0, 2, [], [1, 2]),
            (4, 3, [1, 2, 3], []),
            (1, 20, [0], [2, 3, 4]),
        ],
    )
    def test_as_many_as_there_are(
        self,
        library: Library,
        document_id: str,
        ordinal: int,
        neighbours: int,
        before: list[int],
        after: list[int],
    ) -> None:
        found = library.around(f"{document_id}-{ordinal}", neighbours=neighbours)
        assert [each.ordinal for each in found[0]] == before
        assert found[1] == library.passages(document_id)[ordinal]
        assert [each.ordinal for each in found[2]] == after

    @pytest.mark.parametrize("neighbours", [-1, 21])
    def test_only_so_many(self, library: Library, document_id: str, neighbours: int) -> None:
        with pytest.raises(InvalidInput, match=f"neighbours is {neighbours}.*from 0 to 20"):
            library.around(f"{document_id}-0", neighbours=neighbours)

    @pytest.mark.parametrize("ordinal", ["5", "05", "", "x"])
    def test_a_passage_that_its_document_does_not_have(
        self, library: Library, document_id: str, ordinal: str
    ) -> None:
        message = f"{document_id}-{ordinal}'.*go from '{document_id}-0' to '{document_id}-4'"
        with pytest.raises(PassageNotFound, match=message):
            library.around(f"{document_id}-{ordinal}", neighbours=1)

    @pytest.mark.parametrize("passage_id", ["", "nonsense"])
    def test_what_is_no_id_of_a_passage(self, library: Library, passage_id: str) -> None:
        with pytest.raises(PassageNotFound, match="Expected the passage_id of a search"):
            library.around(passage_id, neighbours=1)

    def test_of_a_document_that_is_not_there_or_changed(
        self, library: Library, document_id: str
    ) -> None:
        with pytest.raises(DocumentNotFound, match="d0000000000000000"):
            library.around("d0000000000000000-0", neighbours=1)
        library.add_bytes(b"Other words.", name="five.md")
        with pytest.raises(DocumentReplaced, match="has changed since"):
            library.around(f"{document_id}-0", neighbours=1)


def test_what_is_embedded_says_what_the_passage_is_about() -> None:
    document, (passage,), _ = sample(
        "a.txt",
        "增长5.8%。",
        title="政府工作报告",
        section=("一、回顾", "（一）经济"),
        metadata={"place": "合肥市"},
    )
    text = embedding_text(document, passage)
    assert text == "政府工作报告 合肥市 一、回顾 （一）经济\n增长5.8%。"
    document, (passage,), _ = sample(
        "a.txt", "增长。", title="合肥市报告", metadata={"place": "合肥市"}
    )
    assert embedding_text(document, passage) == "合肥市报告\n增长。"
