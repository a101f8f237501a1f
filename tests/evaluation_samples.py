"""A target whose replies are written down, and cases to ask it, for the evaluation's tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.errors import DocumentNotFound, InvalidInput
from rag_eval.cases import Case, Split
from rag_eval.targets import FoundPassage, QuotedSpan, Reply

if TYPE_CHECKING:
    from rag.schema import Filters

__all__ = ["TEXT", "WrittenTarget", "a_case", "a_reply", "cited"]

TEXT = "地区生产总值增长5.8%，新能源汽车产量74万辆。\n2024年地区生产总值增长6%左右。"


def a_case(
    case_id: str = "one",
    *,
    question: str = "2023年地区生产总值增长多少？",
    answerable: bool = True,
    expected: tuple[tuple[str, ...], ...] = (("5.8%",),),
    evidence: tuple[str, ...] = ("地区生产总值增长5.8%",),
    tags: tuple[str, ...] = (),
    split: Split = "development",
    must_pass: bool = False,
    filters: Filters | None = None,
) -> Case:
    return Case(
        case_id=case_id,
        question=question,
        language="zh",
        answerable=answerable,
        expected=expected if answerable else (),
        evidence=evidence if answerable else (),
        tags=tags,
        split=split,
        must_pass=must_pass,
        filters=filters or {},
    )


def cited(quote: str, *, marker: int = 1, document_id: str = "d1") -> QuotedSpan:
    """A citation that is exact."""
    start = TEXT.index(quote)
    return QuotedSpan(
        marker=marker,
        document_id=document_id,
        quote=quote,
        start=start,
        end=start + len(quote),
    )


def a_reply(
    answer: str = "「地区生产总值增长5.8%」[1]",
    *,
    answered: bool = True,
    citations: Sequence[QuotedSpan] | None = None,
    passages: Sequence[str] = (TEXT,),
    refusal_code: str = "",
    milliseconds: float = 10.0,
) -> Reply:
    if citations is None:
        citations = [cited("地区生产总值增长5.8%")] if answered else []
    return Reply(
        answered=answered,
        answer=answer,
        confidence=0.9 if answered else 0.2,
        refusal_code=refusal_code,
        citations=tuple(citations),
        passages=tuple(
            FoundPassage(passage_id=f"d1-{number}", document_id="d1", text=text)
            for number, text in enumerate(passages)
        ),
        milliseconds=milliseconds,
    )


@dataclass
class WrittenTarget:
    """Replies by question; an unknown question is one that the target rejects."""

    replies: Mapping[str, Reply]
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    closed: bool = False
    description: str = "what was written down"

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        self.asked.append((case.question, collection, top_k))
        if case.question not in self.replies:
            raise InvalidInput("Unknown filter 'colour'.")
        return self.replies[case.question]

    def document_text(self, document_id: str) -> str:
        if document_id != "d1":
            raise DocumentNotFound(f"No document {document_id!r}.")
        return TEXT

    def close(self) -> None:
        self.closed = True
