"""The path of a question end to end, over a small report in memory."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.composers.extractive import ExtractiveComposer
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.engines.memory import MemoryEngine
from rag.errors import CollectionNotFound, InvalidInput
from rag.evidence import TermMatcher
from rag.schema import Answer, Document, Filters, Passage, Period, Turn

REVIEW, PLAN = ("一、2023年工作回顾",), ("二、2024年工作安排",)
PARAGRAPHS: tuple[tuple[str, tuple[str, ...], Period | None], ...] = (
    ("政府工作报告\n——2024年1月16日\n市长罗云峰", (), None),
    (
        "这一年，我们全力拼经济。地区生产总值增长5.8%，规上工业增加值增长10%以上。新能源汽车产量74万辆、位居全国前5。",
        REVIEW,
        "review",
    ),
    ("地铁1号线三期开通运营，2号线直达肥东县城，运营总里程突破200公里。", REVIEW, "review"),
    ("经济社会发展主要预期目标：地区生产总值增长6%左右，城镇新增就业14.5万人。", PLAN, "plan"),
    ("重点做好三个方面工作。", PLAN, "plan"),
    ("（一）扩大投资。实施重点项目2200个。", (*PLAN, "（一）扩大投资。"), "plan"),
    ("（二）改善民生。新增学位8.8万个。", (*PLAN, "（二）改善民生。"), "plan"),
    ("（三）保护生态。巢湖全湖水质保持Ⅲ类。", (*PLAN, "（三）保护生态。"), "plan"),
)


@pytest.fixture(scope="module")
def text() -> str:
    return "\n".join(paragraph for paragraph, _, _ in PARAGRAPHS)


@pytest.fixture(scope="module")
def assistant(text: str) -> Assistant:
    embedder = RankingFakeEmbedder()
    engine = MemoryEngine(dimension=embedder.info.dimension)
    document = Document(
        document_id="d1",
        collection="default",
        source="report.txt",
        title="合肥市2024年政府工作报告",
        text=text,
        metadata={
            "title": "合肥市2024年政府工作报告",
            "place": "合肥市",
            "year": 2024,
            "reporting_year": 2023,
            "planning_year": 2024,
        },
    )
    passages = []
    start = 0
    for ordinal, (paragraph, section, period) in enumerate(PARAGRAPHS):
        passages.append(
            Passage(
                passage_id=f"d1-{ordinal}",
                document_id="d1",
                ordinal=ordinal,
                text=paragraph,
                start=start,
                end=start + len(paragraph),
                section=section,
                period=period,
            )
        )
        start += len(paragraph) + 1
    texts = ["\n".join((*passage.section, passage.text)) for passage in passages]
    engine.write(document, passages, embedder.embed_passages(texts))
    matcher = TermMatcher(embedder)
    composer = ExtractiveComposer(embedder=embedder, matcher=matcher, passages_of=engine.passages)
    return Assistant(
        engine=engine,
        embedder=embedder,
        composers={"extractive": composer},
        default_composer="extractive",
        matcher=matcher,
        max_question_characters=200,
    )


def _check(answer: Answer, text: str) -> None:
    """The invariants of every answer."""
    assert answer.answered == (answer.refusal is None)
    assert 0.0 <= answer.confidence <= 1.0
    if not answer.answered:
        assert answer.citations == ()
    for citation in answer.citations:
        assert text[citation.start : citation.end] == citation.quote
        assert citation.passage_id in {hit.passage.passage_id for hit in answer.hits}
    marked = {int(marker) for marker in re.findall(r"\[(\d+)\]", answer.answer)}
    if answer.answered:
        assert marked == {citation.marker for citation in answer.citations}
    assert all(before.rank < after.rank for before, after in pairwise(answer.hits))


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("2023年新能源汽车产量是多少？", ["74万辆"]),
        ("2024年地区生产总值增长目标是多少？", ["6%左右"]),
        ("去年地区生产总值增长了多少", ["5.8%"]),
        ("地区生产总值增长多少？", ["5.8%", "6%左右", "2023年回顾", "2024年目标"]),
        ("地铁运营总里程多长", ["200公里"]),
        ("市长是谁？", ["罗云峰"]),
        ("重点做好哪三个方面的工作？", ["扩大投资", "改善民生", "保护生态"]),
    ],
)
def test_answers(assistant: Assistant, text: str, question: str, facts: list[str]) -> None:
    answer = assistant.ask(question)
    _check(answer, text)
    assert answer.answered
    assert all(fact in answer.answer for fact in facts)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("南京市新能源汽车产量是多少？", "other_place"),
        ("2019年地区生产总值增长多少？", "other_year"),
        ("明年地区生产总值增长目标是多少？", "other_year"),
        ("你好", "not_a_question"),
        ("Write a poem about spring", "not_a_question"),
    ],
)
def test_refusals(assistant: Assistant, text: str, question: str, code: str) -> None:
    answer = assistant.ask(question)
    _check(answer, text)
    assert answer.refusal is not None
    assert answer.refusal.code == code
    assert answer.answer == answer.refusal.message


@pytest.mark.parametrize(
    ("question", "fact", "unanswered"),
    [
        ("2023年新能源汽车产量是多少？地铁票价是多少？", "74万辆", "票价"),
        ("去年地区生产总值增长了多少，南京市新能源汽车产量是多少？", "5.8%", "南京"),
        ("合肥和南京2023年地区生产总值分别增长多少？", "合肥：「地区生产总值增长5.8%", "南京"),
    ],
)
def test_what_has_no_answer_among_several_things_is_said(
    assistant: Assistant, text: str, question: str, fact: str, unanswered: str
) -> None:
    answer = assistant.ask(question)
    _check(answer, text)
    assert answer.answered
    assert fact in answer.answer
    assert answer.notice is not None
    assert answer.notice.code == "part_unanswered"
    assert unanswered in answer.notice.message


def test_nothing_is_noted_where_all_of_several_things_have_an_answer(assistant: Assistant) -> None:
    answer = assistant.ask("2023年新能源汽车产量是多少？城镇新增就业目标是多少？")
    assert answer.answered
    assert answer.notice is None


def test_an_unrelated_question_is_refused_and_shows_the_nearest(assistant: Assistant) -> None:
    answer = assistant.ask("熊猫有多重")
    assert answer.refusal is not None
    assert answer.refusal.code in {"no_evidence", "weak_evidence"}
    assert answer.hits


def test_a_follow_up_keeps_its_topic(assistant: Assistant, text: str) -> None:
    history = [
        Turn(role="user", content="2023年地区生产总值增长多少？"),
        Turn(role="assistant", content="……"),
    ]
    answer = assistant.ask("那2024年的目标呢？", history=history)
    _check(answer, text)
    assert "6%左右" in answer.answer
    assert answer.rewritten != answer.question


def test_search_finds_and_explains(assistant: Assistant) -> None:
    result = assistant.search("巢湖水质", top_k=3)
    assert result.hits[0].passage.ordinal == 7
    assert {"dense", "lexical", "coverage", "period", "year"} <= set(result.hits[0].signals)
    assert len(result.hits) == 3


@pytest.mark.parametrize("question", ["", "  \n", "\u200b\ufeff", "问" * 201])
def test_unusable_questions_are_refused_with_numbers(assistant: Assistant, question: str) -> None:
    with pytest.raises(InvalidInput, match=r"empty|201 characters; at most 200"):
        assistant.ask(question)


def test_unknown_names_are_errors_that_name_the_known(assistant: Assistant) -> None:
    with pytest.raises(
        InvalidInput, match=r"Unknown filter 'plaec'\. Did you mean 'place'\?.*year"
    ):
        assistant.ask("增长多少", filters={"plaec": "合肥"})
    with pytest.raises(InvalidInput, match=r"Unknown filter 'city'.*place"):
        assistant.ask("增长多少", filters={"city": "合肥"})
    with pytest.raises(InvalidInput, match=r"'year' is '2024'\. Expected a whole number"):
        assistant.ask("增长多少", filters={"year": "2024"})
    with pytest.raises(InvalidInput, match=r"'year' is True\. Expected a whole number"):
        assistant.search("增长多少", filters={"year": True})
    with pytest.raises(InvalidInput, match=r"'place' is 5\. Expected a text"):
        assistant.search("增长多少", filters={"place": 5})
    with pytest.raises(InvalidInput, match=r"no composer 'oracle'.*extractive"):
        assistant.ask("增长多少", composer="oracle")
    with pytest.raises(InvalidInput, match="top_k is 0"):
        assistant.ask("增长多少", top_k=0)
    with pytest.raises(CollectionNotFound, match="nowhere"):
        assistant.ask("增长多少", collection="nowhere")


@pytest.mark.parametrize(
    ("question", "filters", "code", "said"),
    [
        ("地区生产总值增长多少", {"year": 2099}, "no_documents", "没有文档符合筛选条件"),
        ("How much did GDP grow?", {"year": 2099}, "no_documents", "No document matches the"),
        ("2030年增长多少", {"year": 2024}, "other_year", "2030年的.*放宽筛选条件"),
        ("南京增长多少", {"place": "合肥市"}, "other_place", "关于南京的.*放宽筛选条件"),
        ("Growth in 2030?", {"year": 2024}, "other_year", "2030.*match the filters"),
        ("2099年增长多少", {}, "other_year", "2099年的相关内容，无法回答。$"),
    ],
)
def test_filters_and_years_that_leave_nothing_are_explained(
    assistant: Assistant, question: str, filters: Filters, code: str, said: str
) -> None:
    refusal = assistant.ask(question, filters=filters).refusal
    assert refusal is not None
    assert refusal.code == code
    assert re.search(said, refusal.message)


@pytest.mark.parametrize("question", ["？", "！？……", "...", "?!", "🙂", "🙂🦆", "—— ——"])
def test_a_question_without_a_word_is_none(assistant: Assistant, question: str) -> None:
    refusal = assistant.ask(question).refusal
    assert refusal is not None
    assert refusal.code == "not_a_question"
    chinese = question[0] in "？！"
    assert ("请问一个" if chinese else "Please ask about them") in refusal.message


ALPHABET = "合肥市地区生产总值增长多少新能源汽车产量目标2023年2024？，。 GDP how much {}[]<>\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet=ALPHABET, min_size=1, max_size=40).filter(str.strip))
def test_whatever_is_asked_the_invariants_hold(
    assistant: Assistant, text: str, question: str
) -> None:
    answer = assistant.ask(question)
    _check(answer, text)
    again = assistant.ask(question)
    assert (again.answer, again.citations, again.answer_id) == (
        answer.answer,
        answer.citations,
        answer.answer_id,
    )
    events = list(assistant.stream(question))
    assert "".join(event.text for event in events) == answer.answer
    assert events[-1].answer is not None
    assert events[-1].answer.citations == answer.citations
    assert [event.kind for event in events if event.kind != "delta"] == [
        "passages",
        "citations",
        "done",
    ]


def test_only_so_many_answers_are_remembered(
    sample_application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.assistant._REMEMBERED", 2)
    assistant = sample_application.assistant
    answers = [assistant.ask(f"2023年{name}是多少？") for name in ("出口", "进口", "人口")]
    first, second, third = (assistant.asked(answer.answer_id) for answer in answers)
    assert first is None
    assert second.question == "2023年进口是多少？"
    assert third.answered == answers[2].answered
    assert third.cited == tuple((c.document_id, c.start, c.end) for c in answers[2].citations)
