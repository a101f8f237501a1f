"""Scope by metadata, ranking by plain signals."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evidence import TermMatcher
from rag.questions import understand
from rag.retrieval import Retriever, rank
from rag.schema import DocumentSummary, Hit, Leg, Passage
from rag.scope import by_metadata, choose_scope
from tests.unit.test_composer import library_of


def _summary(place: str, year: int) -> DocumentSummary:
    return DocumentSummary(
        document_id=f"{place}-{year}",
        collection="default",
        source=f"{place}-{year}.txt",
        title=f"{place}{year}年政府工作报告",
        metadata={
            "place": place,
            "year": year,
            "reporting_year": year - 1,
            "planning_year": year,
        },
        characters=1,
        passages=1,
    )


LIBRARY = [_summary("合肥市", 2024), _summary("上海市", 2024), _summary("上海市", 2025)]
NOTE = DocumentSummary(
    document_id="note",
    collection="default",
    source="note.md",
    title="笔记",
    metadata={"title": "笔记"},
    characters=1,
    passages=1,
)


@pytest.mark.parametrize(
    ("question", "documents", "missing_places", "missing_years"),
    [
        ("合肥2024年的目标", {"合肥市-2024"}, (), ()),
        ("Shanghai's 2025 target", {"上海市-2025"}, (), ()),
        ("上海2024年增长多少", {"上海市-2024", "上海市-2025"}, (), ()),
        ("上海2025年政府工作报告中2024年增长多少", {"上海市-2025"}, (), ()),
        ("上海市2023年政府工作报告", {"上海市-2024", "上海市-2025"}, (), (2023,)),
        ("南京的目标", None, ("南京",), ()),
        ("合肥2019年增长多少", {"合肥市-2024"}, (), (2019,)),
        ("增长多少", None, (), ()),
    ],
)
def test_scope(
    question: str,
    documents: set[str] | None,
    missing_places: tuple[str, ...],
    missing_years: tuple[int, ...],
) -> None:
    scope = choose_scope(understand(question), by_metadata(LIBRARY))
    assert scope.document_ids == (None if documents is None else frozenset(documents))
    assert scope.missing_places == missing_places
    assert scope.missing_years == missing_years


def test_a_place_is_looked_for_in_documents_about_its_province() -> None:
    library = by_metadata([_summary("四川省", 2025), _summary("湖北省", 2025), NOTE])
    for question in ("成都的机场2024年有多少旅客", "How many people flew from Chengdu in 2024?"):
        scope = choose_scope(understand(question), library)
        assert scope.document_ids == frozenset({"四川省-2025", "note"})
        assert scope.applied["place"] == "四川"
        assert scope.missing_places == ("成都",)


def test_exact_leaves_the_scope_alone() -> None:
    scope = choose_scope(understand("南京2019年"), by_metadata(LIBRARY), exact=True)
    assert scope.document_ids is None
    assert scope.missing_places == ()


def test_documents_without_metadata_miss_nothing() -> None:
    scope = choose_scope(understand("南京2019年的事"), by_metadata([NOTE]))
    assert scope.document_ids is None
    assert (scope.missing_places, scope.missing_years) == ((), ())


def _hit(number: int, score: float, text: str | None = None) -> Hit:
    passage = Passage(
        passage_id=f"d-{number}",
        document_id="d",
        ordinal=number,
        text=text or f"passage {number}",
        start=0,
        end=1,
    )
    return Hit(passage=passage, rank=0, score=score, title="", source="", metadata={})


@given(st.lists(st.floats(0, 1), max_size=20), st.randoms())
def test_ranking_does_not_depend_on_the_order_given(
    scores: list[float], chance: random.Random
) -> None:
    hits = [_hit(number, score) for number, score in enumerate(scores)]
    shuffled = hits[:]
    chance.shuffle(shuffled)
    ranked = rank(shuffled)
    assert ranked == rank(hits)
    assert [hit.rank for hit in ranked] == list(range(1, len(hits) + 1))
    assert sorted((hit.score for hit in ranked), reverse=True) == [hit.score for hit in ranked]


def test_the_same_words_are_shown_once() -> None:
    ranked = rank([_hit(1, 0.5, "同样的话"), _hit(2, 0.9, "同样的话"), _hit(3, 0.1)])
    assert [hit.passage.passage_id for hit in ranked] == ["d-2", "d-3"]


def test_a_page_that_begins_with_its_name_is_not_found_by_that_alone() -> None:
    terms = "召回期至2025年5月10日止，逾期不再受理。退款在收到资料后30天内退回原来付款的账户。"
    way = "请把电源线剪断后拍照，在网站上登记产品铭牌上的序列号，再把照片一并上传。"
    opening = "暖宅电器有限公司关于召回部分取暖器的公告"
    sections = f"一、期限\n\n{terms * 14}\n\n二、办法\n\n{way * 14}"
    text = f"{opening}\n\n{opening}\n暖宅电器有限公司\n\n{sections}"
    with library_of(text) as assistant:
        hits = assistant.search("暖宅电器的召回期到哪一天为止？").hits
        assert "5月10日" in hits[0].passage.text
        named = next(hit for hit in hits if hit.passage.text.startswith(opening))
        assert named.signals["dense"] > hits[0].signals["dense"]
        assert named.signals["echo"] > 0.8


@pytest.mark.parametrize("leg", ["dense", "lexical"])
def test_one_leg_alone_ranks_by_its_own_signal(sample_application: Any, leg: Leg) -> None:
    application = sample_application
    retriever = Retriever(
        engine=application.library.engine,
        embedder=application.embedder,
        matcher=TermMatcher(application.embedder),
        leg=leg,
    )
    question = understand("合肥2023年新能源汽车产量是多少？")
    hits = retriever.retrieve(question, collection="default", filters={}, limit=20).hits
    scores = [hit.score for hit in hits]
    assert scores == [hit.signals[leg] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(hit.signals[leg] > 0 for hit in hits)
    other = "lexical" if leg == "dense" else "dense"
    assert {hit.signals[other] for hit in hits} == {0}
