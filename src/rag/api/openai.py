"""OpenAI's endpoints: chat completions, embeddings and models, for clients made for them."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.responses import Response

from rag import schema
from rag.api import examples
from rag.api.field_errors import FieldError
from rag.api.native import STREAM_HEADERS
from rag.api.openai_wire import (
    ChatChoice,
    ChatChunk,
    ChatChunkChoice,
    ChatDelta,
    ChatMessage,
    ChatReply,
    ChatRequest,
    Embedding,
    EmbeddingsReply,
    EmbeddingsRequest,
    EmbeddingsUsage,
    Evidence,
    Model,
    ModelsReply,
    ReplyMessage,
    Usage,
)
from rag.api.opening import Opened
from rag.api.problems import Problem, problem_of, responses
from rag.api.wire import MAX_HISTORY, Citation
from rag.errors import RagError

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["openai"])
_PROBLEMS = responses(400, 404, 413, 415, 422, 429, 503)
_PREFIX = "rag-"
"""Before a composer's name, a model's name."""


@router.get(
    "/models",
    summary="List models",
    responses={
        200: examples.described("list_models", "The models."),
        **responses(429, 503),
    },
)
def list_models(application: Opened) -> ModelsReply:
    """What answers questions, and what embeds texts."""
    names = [_PREFIX + name for name in application.assistant.composers]
    names.append(application.embedder.info.name)
    return ModelsReply(data=[Model(id=name, owned_by="rag") for name in names])


@router.post(
    "/embeddings",
    summary="Embed texts",
    responses={200: examples.described("embed", "The vectors."), **_PROBLEMS},
)
def embed(
    body: Annotated[EmbeddingsRequest, Body(openapi_examples=examples.requests("embed"))],
    application: Opened,
) -> EmbeddingsReply:
    """Vectors of length 1 by the model that the index is made with."""
    info = application.embedder.info
    if body.dimensions not in {None, info.dimension}:
        detail = (
            f"dimensions is {body.dimensions}; the model {info.name} makes vectors of"
            f" {info.dimension} numbers. Leave it out."
        )
        error = FieldError(field="dimensions", message=detail)
        raise Problem(422, code="invalid_request", detail=detail, errors=[error])
    texts = [body.input] if isinstance(body.input, str) else body.input
    if body.input_type == "query":
        vectors = [application.embedder.embed_query(text) for text in texts]
    else:
        vectors = list(application.embedder.embed_passages(texts))
    in_base64 = body.encoding_format == "base64"
    characters = sum(len(text) for text in texts)
    return EmbeddingsReply(
        data=[
            Embedding(
                index=index,
                embedding=base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if in_base64
                else vector.tolist(),
            )
            for index, vector in enumerate(vectors)
        ],
        model=info.name,
        usage=EmbeddingsUsage(prompt_tokens=characters, total_tokens=characters),
    )


@router.post(
    "/chat/completions",
    summary="Answer in OpenAI's format",
    response_model=ChatReply,
    responses={
        200: examples.described(
            "complete_chat",
            "The answer. With `stream`, as server-sent events of `chat.completion.chunk` objects"
            " and `[DONE]`; the chunk that says `stop` carries the citations.",
        ),
        **_PROBLEMS,
    },
)
def complete_chat(
    body: Annotated[ChatRequest, Body(openapi_examples=examples.requests("complete_chat"))],
    application: Opened,
    request: Request,
) -> ChatReply | Response:
    """Answer the last user message from the documents, with `citations` in the reply."""
    question, history = _dialogue(body.messages)
    top_k = body.top_k or application.settings.top_k
    composer = body.composer or _composer_named(body.model, application.assistant.composers)
    if not body.stream:
        answer = application.assistant.ask(
            question,
            collection=body.collection,
            filters=body.filters,
            history=history,
            top_k=top_k,
            composer=composer,
            exact=body.exact,
        )
        return ChatReply(
            id=_completion_id(body),
            created=int(time.time()),
            model=_PREFIX + answer.composer,
            choices=[ChatChoice(message=ReplyMessage(content=answer.answer))],
            usage=_usage(body, answer.answer),
            citations=[Citation.of(citation) for citation in answer.citations],
            evidence=Evidence.of(answer),
        )
    events = application.assistant.stream(
        question,
        collection=body.collection,
        filters=body.filters,
        history=history,
        top_k=top_k,
        composer=composer,
        exact=body.exact,
    )
    chunks = _chunks(events, body, model=_PREFIX + composer)
    return EventSourceResponse(_sent(chunks, path=request.url.path), headers=STREAM_HEADERS)


def _composer_named(model: str, composers: Sequence[str]) -> str:
    """The composer that a model's name stands for; the server's own choice for any other name."""
    name = model.removeprefix(_PREFIX)
    return name if model.startswith(_PREFIX) and name in composers else composers[0]


def _dialogue(messages: Sequence[ChatMessage]) -> tuple[str, list[schema.Turn]]:
    """The question and what was said before it. Raises Problem where there is no question."""
    positions = [number for number, each in enumerate(messages) if each.role == "user"]
    if not positions:
        roles = ", ".join(dict.fromkeys(message.role for message in messages))
        detail = f"messages holds no user message (found: {roles}). The last one is the question."
        error = FieldError(field="messages", message=detail)
        raise Problem(422, code="invalid_request", detail=detail, errors=[error])
    history = [
        schema.Turn(role=message.role, content=message.plain())
        for message in messages[: positions[-1]]
        if message.role == "user" or message.role == "assistant"
    ]
    return messages[positions[-1]].plain(), history[-MAX_HISTORY:]


def _completion_id(body: ChatRequest) -> str:
    # From the content, as all ids are: a client may rely on nothing but its form.
    content = body.model_dump_json(include={"messages", "collection", "filters", "top_k", "exact"})
    return "chatcmpl-" + hashlib.sha256(content.encode()).hexdigest()[:24]


def _usage(body: ChatRequest, answer: str) -> Usage:
    asked = sum(len(message.plain()) for message in body.messages)
    return Usage(
        prompt_tokens=asked, completion_tokens=len(answer), total_tokens=asked + len(answer)
    )


def _chunks(
    events: Iterator[schema.StreamEvent], body: ChatRequest, *, model: str
) -> Iterator[ChatChunk]:
    """The steps of an answer in OpenAI's form."""
    head = ChatChunk(
        id=_completion_id(body),
        object="chat.completion.chunk",
        created=int(time.time()),
        model=model,
        choices=[_choice(ChatDelta(role="assistant", content=""))],
    )
    yield head
    for event in events:
        if event.kind == "delta":
            yield _step(head, choices=[_choice(ChatDelta(content=event.text))])
        elif event.answer is not None:
            answer = event.answer
            yield _step(
                head,
                choices=[_choice(ChatDelta(), finish_reason="stop")],
                citations=[Citation.of(citation) for citation in answer.citations],
                evidence=Evidence.of(answer),
            )
            if body.stream_options is not None and body.stream_options.include_usage:
                yield _step(head, choices=[], usage=_usage(body, answer.answer))


def _choice(delta: ChatDelta, *, finish_reason: Literal["stop"] | None = None) -> ChatChunkChoice:
    # Set even where they say nothing: clients read them without asking whether they are there.
    return ChatChunkChoice(index=0, delta=delta, logprobs=None, finish_reason=finish_reason)


def _step(head: ChatChunk, **changes: Any) -> ChatChunk:
    return head.model_copy(update=changes)


def _sent(chunks: Iterator[ChatChunk], *, path: str) -> Iterator[bytes]:
    """Chunks as they are sent. What fails once the reply has begun becomes an ``error``."""
    try:
        for chunk in chunks:
            yield format_sse_event(data_str=chunk.model_dump_json(exclude_unset=True))
    except RagError as error:
        problem = json.dumps(problem_of(error).body(path), ensure_ascii=False)
        yield format_sse_event(data_str=problem)
    yield format_sse_event(data_str="[DONE]")
