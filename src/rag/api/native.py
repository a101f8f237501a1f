"""Questions: search, ask (plain or streamed) and feedback."""

import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Body, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.responses import Response

from rag import schema
from rag.api import examples
from rag.api.opening import Opened
from rag.api.problems import problem_of, responses
from rag.api.wire import (
    AskReply,
    AskRequest,
    Citation,
    CitationsEvent,
    DeltaEvent,
    FeedbackReply,
    FeedbackRequest,
    Passage,
    PassagesEvent,
    SearchReply,
    SearchRequest,
)
from rag.errors import RagError

__all__ = ["STREAM_HEADERS", "router"]

STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""A stream is neither kept nor held back by what is between server and client."""

router = APIRouter(prefix="/v1", tags=["questions"])
_PROBLEMS = responses(400, 404, 413, 415, 422, 429, 503)


@router.post(
    "/search",
    summary="Find passages",
    responses={200: examples.described("search", "The passages found."), **_PROBLEMS},
)
def search(
    body: Annotated[SearchRequest, Body(openapi_examples=examples.requests("search"))],
    application: Opened,
) -> SearchReply:
    """The passages that bear on a query, best first, with their exact places."""
    result = application.assistant.search(
        body.query,
        collection=body.collection,
        filters=body.filters,
        top_k=body.top_k or application.settings.top_k,
        exact=body.exact,
    )
    return SearchReply.of(result, explain=body.explain)


@router.post(
    "/ask",
    summary="Answer a question",
    response_model=AskReply,
    responses={
        200: examples.described(
            "ask",
            "The answer. With `stream`, as server-sent events: `passages`, `delta` (several, their"
            " `text` joined is the answer), `citations`, `done` (the whole reply).",
        ),
        **_PROBLEMS,
    },
)
def ask(
    body: Annotated[AskRequest, Body(openapi_examples=examples.requests("ask"))],
    application: Opened,
    request: Request,
) -> AskReply | Response:
    """A short answer whose every quotation is verified, or a refusal that says why."""
    history = [turn.turn() for turn in body.history]
    top_k = body.top_k or application.settings.top_k
    if not body.stream:
        answer = application.assistant.ask(
            body.question,
            collection=body.collection,
            filters=body.filters,
            history=history,
            top_k=top_k,
            composer=body.composer,
            exact=body.exact,
        )
        return AskReply.of(answer, explain=body.explain)
    events = application.assistant.stream(
        body.question,
        collection=body.collection,
        filters=body.filters,
        history=history,
        top_k=top_k,
        composer=body.composer,
        exact=body.exact,
    )
    return EventSourceResponse(
        _sent(events, explain=body.explain, path=request.url.path), headers=STREAM_HEADERS
    )


@router.post(
    "/feedback",
    summary="Judge an answer",
    status_code=201,
    responses={
        201: examples.described("give_feedback", "What was kept."),
        **responses(400, 413, 415, 422, 429, 503),
    },
)
def give_feedback(
    body: Annotated[FeedbackRequest, Body(openapi_examples=examples.requests("give_feedback"))],
    application: Opened,
) -> FeedbackReply:
    """Keep a reader's judgement of an answer beside the documents."""
    application.assistant.give_feedback(body.answer_id, rating=body.rating, comment=body.comment)
    return FeedbackReply(answer_id=body.answer_id, rating=body.rating, comment=body.comment)


def _sent(events: Iterator[schema.StreamEvent], *, explain: bool, path: str) -> Iterator[bytes]:
    """Events as they are sent. What fails once the reply has begun becomes an ``error`` event."""
    try:
        for event in events:
            content = _content(event, explain=explain).model_dump_json()
            yield format_sse_event(event=event.kind, data_str=content)
    except RagError as error:
        problem = json.dumps(problem_of(error).body(path), ensure_ascii=False)
        yield format_sse_event(event="error", data_str=problem)


def _content(event: schema.StreamEvent, *, explain: bool) -> BaseModel:
    if event.answer is not None:
        return AskReply.of(event.answer, explain=explain)
    if event.kind == "passages":
        return PassagesEvent(passages=[Passage.of(hit, explain=explain) for hit in event.hits])
    if event.kind == "citations":
        return CitationsEvent(citations=[Citation.of(citation) for citation in event.citations])
    return DeltaEvent(text=event.text)
