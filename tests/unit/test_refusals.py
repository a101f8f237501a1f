"""When to say no, and how to say why."""

from __future__ import annotations

import pytest

from rag.questions import understand
from rag.refusals import refusal_for
from rag.retrieval import Retrieval
from rag.schema import Draft, DraftSentence, Quotation
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


def test_enough_evidence_is_no_refusal() -> None:
    assert refusal_for(_retrieval("增长多少"), DRAFT, 0.9) is None


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
