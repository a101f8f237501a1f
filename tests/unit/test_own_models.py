"""Collections with an embedding model of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.embedders.own import OwnModels
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.engines.embedded import EmbeddedEngine
from rag.engines.memory import MemoryEngine
from rag.errors import IndexMismatch, InvalidInput, InvalidSetting
from rag.library import Library
from rag.reembedding import reembed
from rag.schema import CollectionSettings
from tests.storage_samples import DIMENSION, FAKE, assistant_over

if TYPE_CHECKING:
    from rag.protocols import Embedder, Engine

OTHER = RankingFakeEmbedder(dimension=2 * DIMENSION)
THIRD = RankingFakeEmbedder(dimension=3 * DIMENSION)
OWN = CollectionSettings(embedder="other")


def open_model(name: str) -> Embedder:
    if name != "other":
        raise InvalidSetting(f"There is no embedder {name!r}.")
    return OTHER


@pytest.fixture
def models() -> OwnModels:
    return OwnModels(FAKE, open_model=open_model)


def open_embedded(folder: Path, models: OwnModels) -> EmbeddedEngine:
    return EmbeddedEngine.open(
        folder,
        embedder=models.of(CollectionSettings()).info,
        model_of=lambda settings: models.of(settings).info,
    )


@pytest.fixture(params=["embedded", "memory"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, models: OwnModels) -> Iterator[Engine]:
    make: dict[str, Callable[[], Engine]] = {
        "embedded": lambda: open_embedded(tmp_path, models),
        "memory": lambda: MemoryEngine(dimension=DIMENSION),
    }
    engine = make[request.param]()
    yield engine
    engine.close()


def library_of(engine: Engine, models: OwnModels) -> Library:
    return Library(
        engine=engine,
        embedder=FAKE,
        passage_characters=360,
        max_file_bytes=10**6,
        models=models,
    )


def fill(engine: Engine, models: OwnModels) -> None:
    library = library_of(engine, models)
    library.create_collection("laws", settings=OWN)
    library.add_bytes("今年计划建设公园二十个。".encode(), name="plan.txt")
    library.add_bytes("公园管理条例第一条。".encode(), name="law.txt", collection="laws")


def test_each_collection_is_searched_with_its_own_model(engine: Engine, models: OwnModels) -> None:
    fill(engine, models)
    assistant = assistant_over(engine, models=models)
    for collection, sources in (
        ("default", {"plan.txt"}),
        ("laws", {"law.txt"}),
        ("*", {"plan.txt", "law.txt"}),
    ):
        found = assistant.search("公园", collection=collection).hits
        assert {hit.source for hit in found} == sources
        assert all(hit.signals["dense"] > 0 for hit in found)


def test_an_empty_collection_has_nothing(engine: Engine, models: OwnModels) -> None:
    library_of(engine, models).create_collection("laws", settings=OWN)
    assert assistant_over(engine, models=models).search("公园", collection="laws").hits == ()


def test_a_model_that_cannot_be_opened_makes_no_collection(
    engine: Engine, models: OwnModels
) -> None:
    with pytest.raises(InvalidSetting, match="unknown"):
        library_of(engine, models).create_collection(
            "laws", settings=CollectionSettings(embedder="unknown")
        )
    assert [each.name for each in engine.collections()] == ["default"]


def test_without_models_no_collection_can_have_one(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="'other' of a collection cannot be opened"):
        library_of(engine, OwnModels(FAKE)).create_collection("laws", settings=OWN)


def test_it_is_kept_when_the_index_is_opened_again(tmp_path: Path, models: OwnModels) -> None:
    first = open_embedded(tmp_path, models)
    fill(first, models)
    first.close()
    opened: list[str] = []

    def watched(name: str) -> Embedder:
        opened.append(name)
        return open_model(name)

    again = OwnModels(FAKE, open_model=watched)
    engine = open_embedded(tmp_path, again)
    assistant = assistant_over(engine, models=again)
    assert [each.settings for each in engine.collections()] == [CollectionSettings(), OWN]
    assert assistant.search("公园").hits
    assert opened == [], "a model is opened for its own collection only"
    assert assistant.search("公园", collection="laws").hits
    assert assistant.search("条例", collection="laws").hits
    assert opened == ["other"]
    engine.close()


def test_a_model_that_has_changed_is_told(tmp_path: Path, models: OwnModels) -> None:
    first = open_embedded(tmp_path, models)
    fill(first, models)
    first.close()
    changed = OwnModels(FAKE, open_model=lambda _: THIRD)
    engine = open_embedded(tmp_path, changed)
    with pytest.raises(IndexMismatch, match=r"'laws'.*Vectors of different models"):
        assistant_over(engine, models=changed).search("公园", collection="laws")
    with pytest.raises(IndexMismatch, match="laws"):
        library_of(engine, changed).add_bytes(b"text", name="b.txt", collection="laws")
    assert assistant_over(engine, models=changed).search("公园").hits
    engine.close()


def test_another_model_for_the_index_leaves_it_alone(tmp_path: Path, models: OwnModels) -> None:
    first = open_embedded(tmp_path, models)
    fill(first, models)
    first.close()
    assert reembed(tmp_path, embedder=THIRD) == 1
    after = OwnModels(THIRD, open_model=open_model)
    engine = open_embedded(tmp_path, after)
    assistant = assistant_over(engine, models=after)
    for collection in ("default", "laws"):
        proposed = engine.candidates(
            "公园",
            after.of(engine.settings_of(collection)).embed_query("公园"),
            collection=collection,
            limit=5,
        )
        assert len(proposed) == 1
        assert (proposed[0].dense or 0.0) > 0
    assert {hit.source for hit in assistant.search("公园", collection="laws").hits} == {"law.txt"}
    engine.close()
