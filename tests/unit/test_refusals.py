"""When to say no, and how to say why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from rag.errors import DocumentNotFound
from rag.questions import understand
from rag.refusals import refusal_for, unwritten
from rag.retrieval import Retrieval
from rag.schema import Document, Draft, DraftSentence, Hit, Passage, Quotation
from rag.scope import Scope

QUOTED = "与上海2019年签约"
DRAFT = Draft(
    sentences=(
        DraftSentence(
            lead="",
            quotations=(
                Quotation(passage_id="d-0", document_id="d", start=0, end=len(QUOTED), text=QUOTED),
            ),
        ),
    )
)


def _retrieval(question: str, **scope: object) -> Retrieval:
    defaults: dict[str, object] = {"document_ids": None, "documents": 1, "applied": {}}
    return Retrieval(
        question=understand(question),
        hits=(),
        scope=Scope(**{**defaults, **scope}),  # type: ignore[arg-type] # fields by name
    )


def _hit(text: str) -> Hit:
    passage = Passage(
        passage_id="d-0", document_id="d", ordinal=0, start=0, end=len(text), text=text
    )
    return Hit(passage=passage, rank=1, score=1.0, title="", source="", metadata={}, signals={})


def test_enough_evidence_is_no_refusal() -> None:
    assert refusal_for(_retrieval("增长多少"), DRAFT, 0.9) is None


def test_what_some_parts_lack_is_no_reason_but_no_excuse_either() -> None:
    draft = replace(DRAFT, unanswered=("票价多少",))
    retrieval = _retrieval("增长多少", missing_places=("南京",))
    assert refusal_for(retrieval, draft, 0.9) is None
    # None of the quotations could be verified: what is left says nothing.
    assert refusal_for(retrieval, draft, 0.0) is not None
    assert refusal_for(retrieval, replace(draft, sentences=()), 0.9) is not None


@pytest.mark.parametrize(
    ("question", "missing", "expected"),
    [
        ("地铁票价多少", ("票价",), "没有找到“票价”"),
        ("How much is a ticket?", ("ticket",), "say nothing about “ticket”"),
        ("增长多少", (), "没有直接回答"),
        ("How is it?", (), "Nothing in the documents answers"),
    ],
)
def test_weak_evidence_says_what_is_missing_in_the_question_s_language(
    question: str, missing: tuple[str, ...], expected: str
) -> None:
    refusal = refusal_for(_retrieval(question), Draft(sentences=(), missing=missing), 0.2)
    assert refusal is not None
    assert expected in refusal.message


@pytest.mark.parametrize(
    ("scope", "code", "named"),
    [
        ({"missing_places": ("南京",)}, "other_place", "南京"),
        ({"missing_years": (2022,)}, "other_year", "2022"),
        ({"documents": 0}, "no_documents", "添加文档"),
    ],
)
def test_scope_is_a_reason_however_confident(
    scope: dict[str, object], code: str, named: str
) -> None:
    refusal = refusal_for(_retrieval("增长多少", **scope), DRAFT, 0.99)
    assert refusal is not None
    assert refusal.code == code
    assert named in refusal.message


@pytest.mark.parametrize("scope", [{"missing_places": ("上海",)}, {"missing_years": (2019,)}])
def test_evidence_that_names_it_excuses_the_metadata(scope: dict[str, object]) -> None:
    assert refusal_for(_retrieval("和谁签约", **scope), DRAFT, 0.9) is None


@pytest.mark.parametrize(
    ("question", "text", "code"),
    [
        ("成都机场有多少旅客", "成都国际航空枢纽旅客吞吐量增长16.6%。", "weak_evidence"),
        ("成都机场有多少旅客", "全省旅客吞吐量增长。", "other_place"),
        ("南京机场有多少旅客", "南京、成都两地互通。", "other_place"),
    ],
)
def test_a_city_that_its_province_writes_of_is_not_called_unknown(
    question: str, text: str, code: str
) -> None:
    place = question[:2]
    retrieval = _retrieval(question, missing_places=(place,), applied={"place": "四川"})
    retrieval = replace(retrieval, hits=(_hit(text),))
    refusal = refusal_for(retrieval, Draft(sentences=()), 0.2)
    assert refusal is not None
    assert refusal.code == code


def test_evidence_of_another_year_is_called_that() -> None:
    draft = Draft(sentences=(), signals={"wrong_year": 1.0})
    for question, told in (
        ("2024年新增多少停车泊位", "说的不是2024年"),
        ("How many in 2024?", "not about 2024"),
    ):
        refusal = refusal_for(_retrieval(question), draft, 0.2)
        assert refusal is not None
        assert refusal.code == "weak_evidence"
        assert told in refusal.message


class _Engine:
    """Holds one text, whose words it counts."""

    text = "停车泊位超10万个，轨道交通运营里程突破200公里。"

    def document(self, document_id: str) -> Document:
        if document_id == "gone":
            message = "There is no such document."
            raise DocumentNotFound(message)
        return Document(
            document_id=document_id,
            collection="default",
            source="",
            title="",
            text=self.text,
            metadata={},
        )

    def document_frequencies(
        self, terms: Iterable[str], *, collection: str
    ) -> tuple[dict[str, int], int]:
        assert collection == "default"
        return {term: int(term in self.text) for term in terms}, 1


@pytest.mark.parametrize(
    "within", [frozenset({"d"}), frozenset({"d", "gone"}), frozenset(map(str, range(9))), None]
)
@pytest.mark.parametrize(
    ("question", "expected"),
    [("新增多少个停车泊位", ()), ("地铁票价多少", ("票价",)), ("How long is the metro", ())],
)
def test_what_is_written_somewhere_is_not_called_missing(
    question: str, expected: tuple[str, ...], within: frozenset[str] | None
) -> None:
    retrieval = _retrieval(question, document_ids=within)
    engine: Any = _Engine()
    terms = [term for term in retrieval.question.terms if term not in {"新增", "long"}]
    assert unwritten(terms, retrieval, engine=engine, collection="default") == expected


def test_a_word_without_a_form_in_the_passages_language_is_not_called_missing() -> None:
    retrieval = replace(_retrieval("Who led the quokkas?"), hits=(_hit("停车泊位"),))
    engine: Any = _Engine()
    assert unwritten(["quokkas"], retrieval, engine=engine, collection="default") == ()


def test_documents_too_long_to_be_read_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.refusals._CHARACTERS_READ", 3)
    monkeypatch.setattr("rag.refusals.fold", None)  # which reading would need
    retrieval = _retrieval("地铁票价多少", document_ids=frozenset({"d"}))
    engine: Any = _Engine()
    assert unwritten(["票价"], retrieval, engine=engine, collection="default") == ("票价",)
