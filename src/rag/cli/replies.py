"""What ``--json`` prints: the same objects as the HTTP API's replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rag.notices import Notice
    from rag.schema import (
        Answer,
        Citation,
        Collection,
        Document,
        DocumentSummary,
        FileOutcome,
        Hit,
        MetadataValue,
        Passage,
        Refusal,
        SearchResult,
    )

__all__ = [
    "answer_reply",
    "collections_reply",
    "document_reply",
    "listing_reply",
    "metadata_reply",
    "outcomes_reply",
    "passage_reply",
    "search_reply",
]


def search_reply(result: SearchResult, *, explain: bool) -> dict[str, object]:
    """The reply of ``POST /v1/search``; ``explain`` adds what scores are made of."""
    return {
        "query": result.query,
        "rewritten": result.rewritten,
        "filters": dict(result.filters),
        "passages": [_passage(hit, explain=explain) for hit in result.hits],
        "took_ms": round(result.took_ms, 2),
    }


def answer_reply(answer: Answer, *, explain: bool) -> dict[str, object]:
    """The reply of ``POST /v1/ask``; ``explain`` adds what scores are made of."""
    return {
        "id": answer.answer_id,
        "question": answer.question,
        "rewritten": answer.rewritten,
        "answer": answer.answer,
        "answered": answer.answered,
        "refusal": _reason(answer.refusal),
        "confidence": answer.confidence,
        "citations": [_citation(citation) for citation in answer.citations],
        "passages": [_passage(hit, explain=explain) for hit in answer.hits],
        "composer": answer.composer,
        "notice": _reason(answer.notice),
        "filters": dict(answer.filters),
        "took_ms": round(answer.timings.total, 2),
    }


def document_reply(document: Document, *, passages: int) -> dict[str, object]:
    """The reply of ``GET /v1/documents/{id}``: a document with the text offsets refer to."""
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


def listing_reply(summaries: Sequence[DocumentSummary], *, collection: str) -> dict[str, object]:
    """The reply of ``GET /v1/documents``."""
    return {
        "collection": collection,
        "total": len(summaries),
        "documents": [_summary(summary) for summary in summaries],
    }


def metadata_reply(
    values: Mapping[str, Mapping[MetadataValue, int]], *, collection: str
) -> dict[str, object]:
    """The reply of ``GET /v1/collections/{name}/metadata``: what filters may name."""
    return {
        "collection": collection,
        "metadata": {
            key: [{"value": value, "documents": count} for value, count in found.items()]
            for key, found in values.items()
        },
    }


def passage_reply(
    before: Sequence[Passage], passage: Passage, after: Sequence[Passage]
) -> dict[str, object]:
    """The reply of ``GET /v1/passages/{id}``: a passage, and those before and after it."""
    return {
        "document_id": passage.document_id,
        "before": [_stored(each) for each in before],
        "passage": _stored(passage),
        "after": [_stored(each) for each in after],
    }


def outcomes_reply(outcomes: Sequence[FileOutcome], *, collection: str) -> dict[str, object]:
    """The reply of ``POST /v1/documents``: what became of each file of a batch."""
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    return {
        "collection": collection,
        "kept": len(outcomes) - failed,
        "failed": failed,
        "results": [_outcome(outcome) for outcome in outcomes],
    }


def collections_reply(collections: Sequence[Collection]) -> dict[str, object]:
    """The reply of ``GET /v1/collections``."""
    return {
        "collections": [
            {
                "name": each.name,
                "documents": each.documents,
                "passages": each.passages,
                "passage_characters": each.settings.passage_characters,
            }
            for each in collections
        ]
    }


def _reason(reason: Refusal | Notice | None) -> dict[str, object] | None:
    return None if reason is None else {"code": reason.code, "message": reason.message}


def _summary(summary: DocumentSummary) -> dict[str, object]:
    return {
        "document_id": summary.document_id,
        "collection": summary.collection,
        "source": summary.source,
        "title": summary.title,
        "metadata": dict(summary.metadata),
        "characters": summary.characters,
        "passages": summary.passages,
    }


def _stored(passage: Passage) -> dict[str, object]:
    return {
        "passage_id": passage.passage_id,
        "ordinal": passage.ordinal,
        "section": list(passage.section),
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
    }


def _outcome(outcome: FileOutcome) -> dict[str, object]:
    failed = outcome.status == "failed"
    return {
        "source": outcome.source,
        "status": outcome.status,
        "document_id": outcome.document_id,
        "passages": outcome.passages,
        "error": {"code": outcome.error_code, "message": outcome.error} if failed else None,
    }


def _passage(hit: Hit, *, explain: bool) -> dict[str, object]:
    plain: dict[str, object] = {
        "passage_id": hit.passage.passage_id,
        "document_id": hit.passage.document_id,
        "collection": hit.collection,
        "title": hit.title,
        "source": hit.source,
        "section": list(hit.passage.section),
        "text": hit.passage.text,
        "start": hit.passage.start,
        "end": hit.passage.end,
        "score": hit.score,
        "page": hit.passage.page,
        "metadata": dict(hit.metadata),
    }
    if not explain:
        return plain
    signals = dict(hit.signals)
    return {**plain, "rank": hit.rank, "signals": signals}


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
        "page": citation.page,
    }
