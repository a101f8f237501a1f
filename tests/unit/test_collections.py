"""Collections of one library: made, renamed, deleted, with settings of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.engines.embedded import EmbeddedEngine
from rag.engines.memory import MemoryEngine
from rag.errors import (
    CollectionNotFound,
    DocumentNotFound,
    DocumentRemoved,
    DocumentReplaced,
    InvalidInput,
)
from rag.library import Library
from rag.schema import CollectionSettings
from tests.storage_samples import DIMENSION, FAKE, assistant_over

if TYPE_CHECKING:
    from rag.protocols import Engine

THINGS = ("公园", "地铁", "学校", "医院", "道路", "住房")
TEXT = "合肥市今年计划建设公园二十个。" * 30


@pytest.fixture(params=["embedded", "memory"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    make: dict[str, Callable[[], Engine]] = {
        "embedded": lambda: EmbeddedEngine.open(tmp_path, embedder=FAKE.info),
        "memory": lambda: MemoryEngine(dimension=DIMENSION),
    }
    engine = make[request.param]()
    yield engine
    engine.close()


@pytest.fixture
def library(engine: Engine) -> Library:
    return Library(engine=engine, embedder=FAKE, passage_characters=360, max_file_bytes=10**6)


def add(library: Library, collection: str, name: str = "a.txt", text: str = TEXT) -> str:
    outcome = library.add_bytes(text.encode(), name=name, collection=collection)
    assert outcome.document_id is not None, outcome.error
    return outcome.document_id


def found(library: Library, collection: str) -> set[str]:
    candidates = library.engine.candidates(
        "公园", FAKE.embed_query("公园"), collection=collection, limit=50
    )
    return {candidate.passage_id.split("-")[0] for candidate in candidates}


def test_a_collection_is_made_with_settings_of_its_own(library: Library) -> None:
    library.create_collection("short", settings=CollectionSettings(passage_characters=60))
    long, short = add(library, "default"), add(library, "short")

    assert max(len(each.text) for each in library.passages(long)) > 60
    assert max(len(each.text) for each in library.passages(short)) <= 60
    by_name = {each.name: each for each in library.collections()}
    assert by_name["short"].settings.passage_characters == 60
    assert by_name["default"].settings.passage_characters is None


def test_a_renamed_collection_keeps_its_documents_under_the_ids_of_its_new_name(
    library: Library,
) -> None:
    old = add(library, "drafts")
    assert found(library, "drafts") == {old}
    library.rename_collection("drafts", "laws")

    with pytest.raises(CollectionNotFound, match="drafts"):
        library.documents("drafts")
    (summary,) = library.documents("laws")
    assert summary.document_id != old
    assert found(library, "laws") == {summary.document_id}
    # The same file again is the same document, and the old name is free again.
    assert add(library, "laws") == summary.document_id
    assert add(library, "drafts") == old
    assert found(library, "drafts") == {old}


def test_a_deleted_collection_is_gone_with_all_it_held(library: Library) -> None:
    kept, gone = add(library, "default"), add(library, "drafts")
    found(library, "drafts")
    library.delete_collection("drafts")

    assert [each.name for each in library.collections()] == ["default"]
    with pytest.raises(DocumentNotFound, match=gone):
        library.document(gone)
    assert found(library, "default") == {kept}
    add(library, "drafts", text="芜湖市的港口。")
    assert gone not in found(library, "drafts")


def test_the_default_collection_is_emptied_but_stays(library: Library) -> None:
    gone = add(library, "default")
    library.delete_collection("default")

    assert library.documents() == ()
    with pytest.raises(DocumentNotFound, match=gone):
        library.document(gone)
    with pytest.raises(InvalidInput, match="cannot be renamed"):
        library.rename_collection("default", "other")


def test_names_that_are_taken_or_cannot_be_one_are_refused(library: Library) -> None:
    library.create_collection("laws")
    add(library, "drafts")
    for name in ("laws", "drafts", "default"):
        with pytest.raises(InvalidInput, match="already"):
            library.create_collection(name)
    with pytest.raises(InvalidInput, match="already"):
        library.rename_collection("drafts", "laws")
    with pytest.raises(InvalidInput, match="cannot name a collection"):
        library.rename_collection("drafts", "../etc")
    with pytest.raises(InvalidInput, match="from 50 to 5000"):
        library.create_collection("x", settings=CollectionSettings(passage_characters=1))
    with pytest.raises(CollectionNotFound, match="nothing"):
        library.rename_collection("nothing", "something")
    with pytest.raises(CollectionNotFound, match="nothing"):
        library.delete_collection("nothing")


def test_documents_are_removed_together_or_not_at_all(library: Library) -> None:
    first, second = add(library, "default"), add(library, "default", name="b.txt")
    with pytest.raises(DocumentNotFound, match="d0000000000000000"):
        library.remove(first, "d0000000000000000", second)
    assert len(library.documents()) == 2
    library.remove(first, second)
    assert library.documents() == ()


class TestWhatHasGone:
    """Whoever quoted a document is told what became of it."""

    @pytest.fixture
    def library(self, tmp_path: Path) -> Iterator[Library]:
        engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
        yield Library(engine=engine, embedder=FAKE, passage_characters=360, max_file_bytes=10**6)
        engine.close()

    def test_a_document_that_has_changed_names_its_present_version(self, library: Library) -> None:
        first = add(library, "default", text="第一版。")
        add(library, "default", text="第二版。")
        third = add(library, "default", text="第三版。")
        with pytest.raises(DocumentReplaced, match="has changed since") as caught:
            library.document(first)
        assert caught.value.replacement == third

    def test_a_document_that_was_removed_says_when(self, library: Library) -> None:
        first = add(library, "default", text="第一版。")
        second = add(library, "default", text="第二版。")
        library.remove(second)
        for document_id in (first, second):
            with pytest.raises(DocumentRemoved, match=r"was removed at 20\d\d-"):
                library.passages(document_id)

    def test_a_document_that_comes_back_is_there(self, library: Library) -> None:
        first = add(library, "default", text="第一版。")
        second = add(library, "default", text="第二版。")
        assert add(library, "default", text="第一版。") == first
        assert library.document(first).text == "第一版。"
        with pytest.raises(DocumentReplaced, match=second) as caught:
            library.document(second)
        assert caught.value.replacement == first

    def test_a_renamed_collection_replaces_its_documents(self, library: Library) -> None:
        old = add(library, "drafts")
        library.rename_collection("drafts", "laws")
        with pytest.raises(DocumentReplaced, match=old) as caught:
            library.document(old)
        assert caught.value.replacement == library.documents("laws")[0].document_id


@pytest.mark.parametrize("named", ["default,drafts", " drafts , default,drafts", "*"])
def test_several_collections_are_searched_as_one(
    engine: Engine, library: Library, named: str
) -> None:
    park = add(library, "default", text="今年计划建设公园二十个。" * 5)
    metro = add(library, "drafts", text="今年计划建设公园和地铁三条。" * 5)
    add(library, "other", text="本市学校。") if named != "*" else None
    result = assistant_over(engine).search("公园", collection=named, top_k=10)
    assert {hit.passage.document_id: hit.collection for hit in result.hits} == {
        park: "default",
        metro: "drafts",
    }
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)


def test_passages_of_several_collections_rank_as_if_they_were_in_one(
    engine: Engine, library: Library
) -> None:
    texts = {f"{n}.txt": f"第{n}类项目计划建设{thing}若干。" for n, thing in enumerate(THINGS)}
    for number, (name, text) in enumerate(texts.items()):
        add(library, "whole", name, text)
        add(library, "odd" if number % 2 else "even", name, text)
    assistant = assistant_over(engine)
    for query in ("公园", "地铁", "建设学校"):
        whole = assistant.search(query, collection="whole", top_k=3).hits
        parts = assistant.search(query, collection="odd,even", top_k=3).hits
        assert [hit.source for hit in parts][:1] == [hit.source for hit in whole][:1]


def test_a_question_over_several_collections_is_answered_from_the_right_one(
    engine: Engine, library: Library
) -> None:
    add(library, "default", text="公园计划建设二十个。")
    add(library, "drafts", text="地铁计划建设三条。")
    answer = assistant_over(engine).ask("地铁建设几条？", collection="*")
    assert [citation.quote for citation in answer.citations] == ["地铁计划建设三条"]


@pytest.mark.parametrize("named", ["default,nothing", "nothing"])
def test_each_collection_that_is_searched_must_exist(
    engine: Engine, library: Library, named: str
) -> None:
    add(library, "default")
    with pytest.raises(CollectionNotFound, match="nothing"):
        assistant_over(engine).search("公园", collection=named)


@pytest.mark.parametrize("named", ["", " , "])
def test_no_collection_at_all_is_bad_input(engine: Engine, named: str) -> None:
    with pytest.raises(InvalidInput, match="several names with commas"):
        assistant_over(engine).search("公园", collection=named)


def test_filters_offer_what_all_searched_collections_have(engine: Engine, library: Library) -> None:
    for collection, year in (("default", 2023), ("drafts", 2024)):
        library.add_bytes(
            TEXT.encode(), name="a.txt", collection=collection, metadata={"year": year}
        )
    values = assistant_over(engine).filter_values(collection="*")
    assert values["year"] == {2023: 1, 2024: 1}
