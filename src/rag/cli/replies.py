"""What ``--json`` prints: the same objects as the HTTP API's replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import (
        Answer,
        Citation,
        Document,
        DocumentSummary,
        FileOutcome,
        Hit,
        SearchResult,
    )

__all__ = [
    "answer_reply",
    "document_reply",
    "outcomes_reply",
    "search_reply",
    "summary_reply",
]


def search_reply(result: SearchResult) -> dict[str, object]:
    """The reply of ``POST /v1/search``."""
    return {
        "query": result.query,
        "rewritten": result.rewritten,
        "filters": dict(result.filters),
        "passages": [_passage(hit) for hit in result.hits],
        "took_ms": round(result.took_ms, 3),
    }


def answer_reply(answer: Answer) -> dict[str, object]:
    """The reply of ``POST /v1/ask``."""
    refusal = answer.refusal
    return {
        "id": answer.answer_id,
        "question": answer.question,
        "rewritten": answer.rewritten,
        "answer": answer.answer,
        "answered": answer.answered,
        "refusal": refusal and {"code": refusal.code, "message": refusal.message},
        "confidence": answer.confidence,
        "citations": [_citation(citation) for citation in answer.citations],
        "passages": [_passage(hit) for hit in answer.hits],
        "composer": answer.composer,
        "filters": dict(answer.filters),
        "took_ms": round(answer.timings.total, 3),
    }


def summary_reply(summary: DocumentSummary) -> dict[str, object]:
    """A document in a listing."""
    return {
        "document_id": summary.document_id,
        "collection": summary.collection,
        "source": summary.source,
        "title": summary.title,
        "metadata": dict(summary.metadata),
        "characters": summary.characters,
        "passages": summary.passages,
    }


def document_reply(document: Document, *, passages: int) -> dict[str, object]:
    """A document with its text, to which offsets refer."""
    return {
        "document_id": document.document_id,
        "collection": document.collection,
        "source": document.source,
        "title": document.title,
        "metadata": dict(document.metadata),
        "characters": len(document.text),
        "passages": passages,
        "text": document.text,
    }


def outcomes_reply(outcomes: Sequence[FileOutcome]) -> dict[str, object]:
    """What became of each file of a batch."""
    return {"results": [_outcome(outcome) for outcome in outcomes]}


def _outcome(outcome: FileOutcome) -> dict[str, object]:
    failed = outcome.status == "failed"
    return {
        "source": outcome.source,
        "status": outcome.status,
        "document_id": outcome.document_id,
        "passages": outcome.passages,
        "error": {"code": outcome.error_code, "message": outcome.error} if failed else None,
    }


def _passage(hit: Hit) -> dict[str, object]:
    return {
        "passage_id": hit.passage.passage_id,
        "document_id": hit.passage.document_id,
        "title": hit.title,
        "source": hit.source,
        "section": list(hit.passage.section),
        "text": hit.passage.text,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "score": hit.score,
        "metadata": dict(hit.metadata),
    }


def _citation(citation: Citation) -> dict[str, object]:
    return {
        "marker": citation.marker,
        "passage_id": citation.passage_id,
        "document_id": citation.document_id,
        "title": citation.title,
        "source": citation.source,
        "section": list(citation.section),
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }
