"""What every engine keeps to, and the embedded one in step with the plain model."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rag.engines.embedded import EmbeddedEngine
from rag.engines.memory import MemoryEngine
from rag.errors import CollectionNotFound, DocumentNotFound, InvalidInput
from rag.schema import Asked, Collection, Filters, Turn
from tests.storage_samples import DIMENSION, FAKE, sample

if TYPE_CHECKING:
    from rag.protocols import Engine

ENGINES: dict[str, Callable[[Path], Engine]] = {
    "embedded": lambda folder: EmbeddedEngine.open(folder, embedder=FAKE.info),
    "memory": lambda _: MemoryEngine(dimension=DIMENSION),
}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    opened = ENGINES[request.param](tmp_path / "index")
    yield opened
    opened.close()


def found(engine: Engine, query: str, *, limit: int = 10, collection: str = "default") -> list[str]:
    candidates = engine.candidates(
        query, FAKE.embed_query(query), collection=collection, limit=limit
    )
    return [candidate.passage_id for candidate in candidates]


def test_an_empty_engine_has_the_default_collection_and_finds_nothing(engine: Engine) -> None:
    assert engine.collections() == (Collection(name="default", documents=0, passages=0),)
    assert engine.documents(collection="default") == ()
    assert found(engine, "合肥") == []
    assert engine.document_frequencies(["合肥"], collection="default") == ({"合肥": 0}, 0)


def test_what_is_written_is_read_back_exactly(engine: Engine) -> None:
    document, passages, vectors = sample(
        "报告/合肥.txt",
        "合肥市全面推进改革。",
        "全市生产总值增长5.8%。🙂",
        section=("一、工作回顾", "（一）经济"),
        metadata={"title": "工作报告", "year": 2024, "place": "合肥市"},
    )
    passages = (dataclasses.replace(passages[0], page=3, period="review"), passages[1])
    engine.write(document, passages, vectors)
    assert engine.document(document.document_id) == document
    assert engine.passages(document.document_id) == passages
    (summary,) = engine.documents(collection="default")
    assert (summary.document_id, summary.characters, summary.passages) == (
        document.document_id,
        len(document.text),
        2,
    )
    assert summary.metadata == document.metadata
    ids = [passages[1].passage_id, "d0-0", passages[0].passage_id, passages[1].passage_id]
    hits = engine.hits(ids)
    assert list(hits) == [passages[1].passage_id, passages[0].passage_id]
    assert [hit.passage for hit in hits.values()] == [passages[1], passages[0]]
    assert [hit.rank for hit in hits.values()] == [1, 2]
    assert {(hit.title, hit.source) for hit in hits.values()} == {("工作报告", "报告/合肥.txt")}


def test_writing_the_same_document_again_changes_nothing(engine: Engine) -> None:
    for _ in range(2):
        engine.write(*sample("a.txt", "合肥市工作", "芜湖市工作"))
    assert engine.collections() == (Collection(name="default", documents=1, passages=2),)
    assert len(found(engine, "合肥市")) == 2


def test_new_content_of_a_source_replaces_the_old(engine: Engine) -> None:
    old, old_passages, _ = sample("a.txt", "旧的内容说的是高铁", "第二段")
    engine.write(*sample("a.txt", "旧的内容说的是高铁", "第二段"))
    new = sample("a.txt", "新的内容说的是机场")
    engine.write(*new)
    assert found(engine, "高铁 机场") == [new[1][0].passage_id]
    assert engine.hits([passage.passage_id for passage in old_passages]) == {}
    with pytest.raises(DocumentNotFound, match=old.document_id):
        engine.document(old.document_id)


def test_new_metadata_for_the_same_text_is_kept(engine: Engine) -> None:
    engine.write(*sample("a.txt", "合肥市工作", metadata={"title": "甲"}))
    document, passages, vectors = sample("a.txt", "合肥市工作", metadata={"year": 2024})
    engine.write(document, passages, vectors)
    assert engine.document(document.document_id).metadata == {"year": 2024}
    assert found(engine, "合肥市") == [passages[0].passage_id]


def test_collections_are_apart(engine: Engine) -> None:
    engine.write(*sample("a.txt", "合肥市的高铁"))
    other = sample("a.txt", "合肥市的高铁", collection="other")
    engine.write(*other)
    assert found(engine, "高铁", collection="other") == [other[1][0].passage_id]
    assert [collection.name for collection in engine.collections()] == ["default", "other"]
    engine.remove(other[0].document_id)
    assert found(engine, "高铁", collection="other") == []
    assert len(found(engine, "高铁")) == 1


def test_what_is_removed_is_gone_everywhere(engine: Engine) -> None:
    gone = sample("gone.txt", "合肥市的高铁", "合肥市的机场")
    engine.write(*gone)
    engine.write(*sample("kept.txt", "芜湖市的港口"))
    assert len(found(engine, "高铁 机场 港口")) == 3
    engine.remove(gone[0].document_id)
    assert len(found(engine, "高铁 机场 港口")) == 1
    assert engine.hits([passage.passage_id for passage in gone[1]]) == {}
    assert engine.document_frequencies(["高铁", "港口"], collection="default") == (
        {"高铁": 0, "港口": 1},
        1,
    )
    for call in (engine.document, engine.passages, engine.remove):
        with pytest.raises(DocumentNotFound, match=gone[0].document_id):
            call(gone[0].document_id)


def test_an_unknown_collection_is_named_with_those_there_are(engine: Engine) -> None:
    with pytest.raises(CollectionNotFound, match=r"'nowhere'.*default"):
        found(engine, "合肥", collection="nowhere")
    with pytest.raises(CollectionNotFound, match="nowhere"):
        engine.documents(collection="nowhere")
    with pytest.raises(CollectionNotFound, match="nowhere"):
        engine.document_frequencies(["合肥"], collection="nowhere")


def test_dense_scores_are_cosines_best_first(engine: Engine) -> None:
    texts = [f"第{number}项工作是{word}" for number, word in enumerate(["高铁", "机场", "港口"])]
    document, passages, vectors = sample("a.txt", *texts)
    engine.write(document, passages, vectors)
    query = FAKE.embed_query("机场工作")
    candidates = engine.candidates("机场工作", query, collection="default", limit=4)
    expected = {p.passage_id: float(v @ query) for p, v in zip(passages, vectors, strict=True)}
    assert {c.passage_id: c.dense for c in candidates} == pytest.approx(expected, abs=1e-5)
    scores = [candidate.dense or 0.0 for candidate in candidates]
    assert scores == sorted(scores, reverse=True)


def test_equal_scores_are_ordered_by_passage_id_at_every_limit(engine: Engine) -> None:
    for number in range(40):
        engine.write(*sample(f"{number}.txt", "同样的一句话", f"另一句{number}"))
    full = found(engine, "同样的一句话", limit=40)
    same = sorted(p for p in full if p.endswith("-0"))
    assert full[:40] == same
    for limit in (1, 7, 39):
        assert found(engine, "同样的一句话", limit=limit) == same[:limit]


def test_unknown_words_propose_nothing_by_words(engine: Engine) -> None:
    engine.write(*sample("a.txt", "合肥市的高铁", "芜湖市的港口"))
    for query in ("zzzz 龘龘", "，。！", "a b"):
        candidates = engine.candidates(
            query, FAKE.embed_query("合肥"), collection="default", limit=5
        )
        assert [candidate.lexical for candidate in candidates] == [None, None]


def test_words_find_what_vectors_do_not(engine: Engine) -> None:
    for number in range(30):
        engine.write(*sample(f"{number}.txt", f"第{number}段说的是别的事情"))
    wanted = sample("wanted.txt", "Quantum annealing 位于 合肥")
    engine.write(*wanted)
    vector = FAKE.embed_query("第3段说的是别的事情")
    candidates = engine.candidates("quantum", vector, collection="default", limit=3)
    assert len(candidates) == 4
    by_word = [c.passage_id for c in candidates if c.lexical is not None]
    assert by_word == [wanted[1][0].passage_id]


def test_words_of_headings_are_searched_too(engine: Engine) -> None:
    heading = sample("heading.txt", "全面推进各项任务", section=("一、安排", "城市更新行动"))
    engine.write(*heading)
    engine.write(*sample("other.txt", "全面推进各项任务", section=("一、安排",)))
    candidates = engine.candidates(
        "城市更新", FAKE.embed_query("城市更新"), collection="default", limit=5
    )
    found_by_words = [c.passage_id for c in candidates if c.lexical is not None]
    assert found_by_words == [heading[1][0].passage_id]


def test_a_title_alone_proposes_nothing(engine: Engine) -> None:
    engine.write(*sample("a.txt", "全面推进各项任务", title="芜湖市报告"))
    candidates = engine.candidates("芜湖", FAKE.embed_query("芜湖"), collection="default", limit=5)
    assert [candidate.lexical for candidate in candidates] == [None]


def test_a_restricted_search_still_fills_its_limit(engine: Engine) -> None:
    for number in range(50):
        engine.write(*sample(f"crowd{number}.txt", "合肥市的高铁通车了"))
    chosen = [sample(f"chosen{number}.txt", f"合肥有{number}条路", "高铁站") for number in range(3)]
    for entry in chosen:
        engine.write(*entry)
    ids = frozenset(document.document_id for document, _, _ in chosen)
    query = "合肥市的高铁通车了"
    candidates = engine.candidates(
        query,
        FAKE.embed_query(query),
        collection="default",
        limit=6,
        document_ids=ids | {"unknown"},
    )
    assert {c.passage_id for c in candidates} == {p.passage_id for _, ps, _ in chosen for p in ps}
    nothing = engine.candidates(
        query, FAKE.embed_query(query), collection="default", limit=6, document_ids=frozenset()
    )
    assert nothing == ()


def test_a_document_of_another_collection_cannot_be_chosen(engine: Engine) -> None:
    engine.write(*sample("a.txt", "合肥市的高铁"))
    other = sample("b.txt", "合肥市的高铁", collection="other")
    engine.write(*other)
    candidates = engine.candidates(
        "高铁",
        FAKE.embed_query("高铁"),
        collection="default",
        limit=5,
        document_ids=frozenset({other[0].document_id}),
    )
    assert candidates == ()


def test_filters_compare_values_with_their_type(engine: Engine) -> None:
    for year, place in ((2023, "合肥市"), (2024, "合肥市"), (2024, "芜湖市")):
        engine.write(*sample(f"{place}{year}", "内容", metadata={"year": year, "place": place}))
    cases: tuple[tuple[Filters, int], ...] = (
        ({}, 3),
        ({"year": 2024}, 2),
        ({"year": 2024, "place": "合肥市"}, 1),
        ({"place": "合肥"}, 2),
        ({"place": "合肥县"}, 0),
        ({"year": "2024"}, 0),
        ({"unheard of": "x"}, 0),
        ({"source": "合肥市2023"}, 1),
        ({"source": "合肥市2023", "year": 2024}, 0),
        ({"document_id": sample("芜湖市2024", "内容")[0].document_id}, 1),
    )
    for filters, expected in cases:
        assert len(engine.documents(collection="default", filters=filters)) == expected
    sources = [summary.source for summary in engine.documents(collection="default")]
    assert sources == sorted(sources)


def test_feedback_is_kept_in_order_with_what_was_asked(engine: Engine) -> None:
    asked = Asked(
        question="那2024年的目标呢？",
        collection="default",
        filters={"year": 2024},
        history=(Turn(role="user", content="2023年增长多少？"),),
        answered=True,
        cited=(("d1", 3, 9),),
    )
    engine.add_feedback("a1", rating=-1, comment="应为6%左右", asked=asked)
    engine.add_feedback("a2", rating=1)
    assert [(f.answer_id, f.rating, f.comment, f.asked) for f in engine.feedback()] == [
        ("a1", -1, "应为6%左右", asked),
        ("a2", 1, "", None),
    ]


def test_document_frequencies_count_passages_by_folded_term(engine: Engine) -> None:
    engine.write(*sample("a.txt", "合肥 合肥 合肥", "GDP 与合肥", "芜湖"))
    counts, total = engine.document_frequencies(["合肥", "GDP", "gdp", "x"], collection="default")
    assert (dict(counts), total) == ({"合肥": 2, "GDP": 1, "gdp": 1, "x": 0}, 3)


def test_the_order_of_writing_does_not_matter(tmp_path: Path) -> None:
    samples = [sample(f"{n}.txt", f"合肥第{n % 3}条", "共同的一段") for n in range(9)]
    results = []
    for name, order in (("forward", samples), ("backward", samples[::-1])):
        opened = EmbeddedEngine.open(tmp_path / name, embedder=FAKE.info)
        for entry in order:
            opened.write(*entry)
        query = FAKE.embed_query("合肥第1条")
        results.append(opened.candidates("合肥第1条", query, collection="default", limit=7))
        opened.close()
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda v: v * np.float32(np.nan), "not finite", id="nan"),
        pytest.param(lambda v: v * 0, r"length 0\.0000; expected 1", id="zero"),
        pytest.param(lambda v: v * 2, r"length 2\.0000; expected 1", id="not-unit"),
        pytest.param(lambda v: v[:, :-1], rf"shape \(2, {DIMENSION - 1}\)", id="dimension"),
        pytest.param(lambda v: v[:1], rf"shape \(1, {DIMENSION}\)", id="count"),
    ],
)
def test_vectors_that_cannot_be_searched_are_refused(
    engine: Engine, spoil: Callable[[object], object], message: str
) -> None:
    document, passages, vectors = sample("a.txt", "合肥", "芜湖")
    with pytest.raises(InvalidInput, match=message):
        engine.write(document, passages, spoil(vectors))  # type: ignore[arg-type]
    assert engine.documents(collection="default") == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 1}, "not its document's text"),
        ({"text": ""}, "not its document's text"),
        ({"ordinal": 5}, "ordinal 5"),
        ({"passage_id": "x-0"}, "'x-0'"),
        ({"document_id": "x"}, "'x'"),
    ],
)
def test_passages_that_are_not_the_documents_are_refused(
    engine: Engine, change: dict[str, object], message: str
) -> None:
    document, passages, vectors = sample("a.txt", "合肥", "芜湖")
    wrong = dataclasses.replace(passages[0], **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=message):
        engine.write(document, (wrong, passages[1]), vectors)
    assert engine.documents(collection="default") == ()


def test_queries_that_cannot_be_searched_are_refused(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match="limit is 0"):
        found(engine, "合肥", limit=0)
    with pytest.raises(InvalidInput, match=r"shape \(3,\)"):
        engine.candidates("合肥", np.zeros(3, dtype=np.float32), collection="default", limit=1)


SOURCES = st.sampled_from(["a", "b", "c"])
COLLECTIONS = st.sampled_from(["default", "other"])
PARAGRAPHS = st.lists(
    st.sampled_from(["合肥市的高铁", "芜湖市的港口", "新能源汽车产量", "共同的一段", "GDP 5.8%"]),
    min_size=1,
    max_size=4,
)


class EmbeddedFollowsModel(RuleBasedStateMachine):
    """Whatever happens, the embedded engine finds what the plain model finds."""

    documents: Bundle[str] = Bundle("documents")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rag-state-"))
        self.engine = self.open()
        self.beside = self.open()
        self.model = MemoryEngine(dimension=DIMENSION)
        self.written: set[str] = set()

    def open(self) -> EmbeddedEngine:
        return EmbeddedEngine.open(self.folder, embedder=FAKE.info)

    @rule(target=documents, source=SOURCES, collection=COLLECTIONS, paragraphs=PARAGRAPHS)
    def write(self, source: str, collection: str, paragraphs: list[str]) -> str:
        entry = sample(source, *paragraphs, collection=collection)
        self.engine.write(*entry)
        self.model.write(*entry)
        self.written |= {passage.passage_id for passage in entry[1]}
        return entry[0].document_id

    @rule(document_id=documents)
    def remove(self, document_id: str) -> None:
        try:
            self.model.remove(document_id)
        except DocumentNotFound:
            with pytest.raises(DocumentNotFound, match=document_id):
                self.engine.remove(document_id)
        else:
            self.engine.remove(document_id)

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self.engine = self.open()

    @rule()
    def swap_with_the_one_beside(self) -> None:
        self.engine, self.beside = self.beside, self.engine

    @rule()
    def lose_the_derived_files(self) -> None:
        for name in ("vectors", "lexical"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    @rule(
        query=st.sampled_from(["合肥的高铁", "共同", "gdp 港口", "没有的词", "5.8%"]),
        collection=COLLECTIONS,
        limit=st.sampled_from([1, 3, 50]),
    )
    def search(self, query: str, collection: str, limit: int) -> None:
        vector = FAKE.embed_query(query)
        try:
            expected = self.model.candidates(query, vector, collection=collection, limit=50)
        except CollectionNotFound:
            with pytest.raises(CollectionNotFound, match=collection):
                self.engine.candidates(query, vector, collection=collection, limit=limit)
            return
        actual = self.engine.candidates(query, vector, collection=collection, limit=limit)
        order = [candidate.passage_id for candidate in expected]
        places = [order.index(candidate.passage_id) for candidate in actual]
        assert places == sorted(places)
        assert set(order[:limit]) <= {candidate.passage_id for candidate in actual}
        by_id = {candidate.passage_id: candidate for candidate in expected}
        for candidate in actual:
            same = by_id[candidate.passage_id]
            assert candidate.dense == same.dense
            assert (candidate.lexical is None) == (same.lexical is None)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        for name in ("default", "other"):
            try:
                expected = self.model.documents(collection=name)
            except CollectionNotFound:
                continue
            assert self.engine.documents(collection=name) == expected
        assert set(self.engine.hits(sorted(self.written))) == set(
            self.model.hits(sorted(self.written))
        )

    def teardown(self) -> None:
        if hasattr(self, "model"):
            self.engine.close()
            self.beside.close()
            shutil.rmtree(self.folder)


def test_the_embedded_engine_equals_the_model_through_any_life() -> None:
    run_state_machine_as_test(
        EmbeddedFollowsModel,
        settings=settings(
            max_examples=int(os.environ.get("FAULT_EXAMPLES", "10")),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
