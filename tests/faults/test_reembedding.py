"""Another model for an index: the old one answers until all is ready, then only the new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.engines.embedded import EmbeddedEngine
from rag.errors import IndexMismatch, ModelUnavailable
from rag.library import Library
from rag.reembedding import reembed
from tests.storage_samples import FAKE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.schema import EmbedderInfo

OTHER = RankingFakeEmbedder(dimension=32)


class Watched:
    """The other model; something happens each time it is used, at last perhaps a breakdown."""

    def __init__(self, *events: object) -> None:
        self.events = list(events)
        self.texts = 0

    @property
    def info(self) -> EmbedderInfo:
        return OTHER.info

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        if self.events:
            event = self.events.pop(0)
            if isinstance(event, Exception):
                raise event
            assert callable(event)
            event()
        self.texts += len(texts)
        return OTHER.embed_passages(texts)

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        return OTHER.embed_query(text)


def add(engine: EmbeddedEngine, embedder: RankingFakeEmbedder, *names: str) -> None:
    library = Library(engine=engine, embedder=embedder, passage_characters=60, max_file_bytes=10**6)
    for name in names:
        library.add_bytes(f"合肥市{name}的高铁。\n".encode() * 9, name=f"{name}.txt")


def found(engine: EmbeddedEngine, embedder: RankingFakeEmbedder) -> set[str]:
    candidates = engine.candidates(
        "合肥市", embedder.embed_query("合肥市"), collection="default", limit=1_000
    )
    hits = engine.hits([candidate.passage_id for candidate in candidates])
    return {hit.source for hit in hits.values()}


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.reembedding._BATCH", 2)


@pytest.mark.usefixtures("small_batches")
def test_the_old_model_answers_until_the_switch_and_what_changes_meanwhile_is_kept(
    tmp_path: Path,
) -> None:
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    add(engine, FAKE, "a", "b", "c")
    first = engine.documents(collection="default")[0].document_id
    model = Watched(
        lambda: found(engine, FAKE) == {"a.txt", "b.txt", "c.txt"} or pytest.fail("mixed"),
        lambda: engine.remove(first),
        lambda: add(engine, FAKE, "d"),
        lambda: found(engine, FAKE) == {"b.txt", "c.txt", "d.txt"} or pytest.fail("mixed"),
    )
    passages = reembed(tmp_path, embedder=model)

    assert not model.events
    assert passages == engine.collections()[0].passages
    with pytest.raises(IndexMismatch, match="indexed with the embedding model"):
        found(engine, FAKE)
    with pytest.raises(IndexMismatch, match="holds vectors of"):
        add(engine, FAKE, "e")
    engine.close()
    engine = EmbeddedEngine.open(tmp_path, embedder=OTHER.info)
    assert found(engine, OTHER) == {"b.txt", "c.txt", "d.txt"}
    add(engine, OTHER, "e")
    assert "e.txt" in found(engine, OTHER)
    engine.close()


@pytest.mark.usefixtures("small_batches")
def test_what_was_broken_off_is_taken_up_again(tmp_path: Path) -> None:
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    add(engine, FAKE, "a", "b", "c")
    total = engine.collections()[0].passages
    breaks = Watched(lambda: None, lambda: None, ModelUnavailable("gone"))
    with pytest.raises(ModelUnavailable, match="gone"):
        reembed(tmp_path, embedder=breaks)
    assert found(engine, FAKE) == {"a.txt", "b.txt", "c.txt"}
    engine.close()

    model = Watched()
    assert reembed(tmp_path, embedder=model) == total
    assert model.texts == total - breaks.texts < total
    # Back again: what was begun for another model is not mixed in.
    assert reembed(tmp_path, embedder=FAKE) == total
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    assert found(engine, FAKE) == {"a.txt", "b.txt", "c.txt"}
    engine.close()


def test_an_empty_index_takes_any_model(tmp_path: Path) -> None:
    EmbeddedEngine.open(tmp_path, embedder=FAKE.info).close()
    assert reembed(tmp_path, embedder=OTHER) == 0
    EmbeddedEngine.open(tmp_path, embedder=OTHER.info).close()
