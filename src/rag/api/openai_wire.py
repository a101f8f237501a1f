"""OpenAI's request and reply formats, as far as they mean something here."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag import schema
from rag.api.wire import (
    AskReply,
    Citation,
    CollectionNames,
    Exact,
    Filters,
    Passages,
    Reason,
    Reply,
    Request,
    Text,
    TopK,
)

__all__ = [
    "ChatChoice",
    "ChatChunk",
    "ChatChunkChoice",
    "ChatDelta",
    "ChatMessage",
    "ChatReply",
    "ChatRequest",
    "Embedding",
    "EmbeddingsReply",
    "EmbeddingsRequest",
    "EmbeddingsUsage",
    "Evidence",
    "Model",
    "ModelsReply",
    "ReplyMessage",
    "StreamOptions",
    "TextFormat",
    "TextPart",
    "Usage",
]

_MAX_INPUTS = 2048
_MAX_MESSAGES = 1000

ModelName = Annotated[
    Text,
    Field(
        description="A name that `/v1/models` lists. Any other stands for the server's own choice,"
        " and the reply says which it was.",
    ),
]
Ignored = Annotated[Any, Field(description="Accepted, and without effect here.")]


class TextPart(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """A message; names and tool calls that it may carry are of no use here."""

    model_config = ConfigDict(extra="ignore", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | list[TextPart] | None = None

    def plain(self) -> str:
        """Its text."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or ())


class StreamOptions(BaseModel):
    """What else a stream says."""

    model_config = ConfigDict(extra="ignore", strict=True)

    include_usage: bool = False


class TextFormat(Request):
    """The one format of answers."""

    type: Literal["text"]


class ChatRequest(Request):
    """OpenAI's request, with fields of this product: collection, filters, top_k, exact, composer.

    The last user message is the question; user and assistant messages before it are the dialogue.
    """

    model: ModelName
    messages: list[ChatMessage] = Field(min_length=1, max_length=_MAX_MESSAGES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    response_format: TextFormat | None = None
    collection: CollectionNames = schema.DEFAULT_COLLECTION
    filters: Filters = Field(default_factory=dict)
    top_k: TopK = None
    exact: Exact = False
    composer: Text | None = None
    # What steers a model that writes freely steers nothing that quotes.
    frequency_penalty: Ignored = None
    logit_bias: Ignored = None
    logprobs: Ignored = None
    max_completion_tokens: Ignored = None
    max_tokens: Ignored = None
    metadata: Ignored = None
    modalities: Ignored = None
    parallel_tool_calls: Ignored = None
    presence_penalty: Ignored = None
    prompt_cache_key: Ignored = None
    reasoning_effort: Ignored = None
    safety_identifier: Ignored = None
    seed: Ignored = None
    service_tier: Ignored = None
    stop: Ignored = None
    store: Ignored = None
    temperature: Ignored = None
    tool_choice: Ignored = None
    tools: Ignored = None
    top_logprobs: Ignored = None
    top_p: Ignored = None
    user: Ignored = None
    verbosity: Ignored = None


class Usage(Reply):
    """How much text there was, in characters: what quotes has no tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ReplyMessage(Reply):
    """The answer, or the refusal's message."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(Reply):
    """The one choice."""

    index: int = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Evidence(Reply):
    """What is known of an answer besides its words."""

    answer_id: str = Field(description="`id` of the answer on the native paths, for feedback.")
    answered: bool
    refusal: Reason | None
    confidence: float
    notice: Reason | None = Field(
        description="That the language model failed, or some of its sentences, or which part of the"
        " question has no answer; null as a rule."
    )
    passages: Passages

    @classmethod
    def of(cls, answer: schema.Answer) -> "Evidence":
        """The evidence of an answer, as the native paths send it."""
        reply = AskReply.of(answer, explain=False)
        return Evidence(
            answer_id=reply.id,
            answered=reply.answered,
            refusal=reply.refusal,
            confidence=reply.confidence,
            notice=reply.notice,
            passages=reply.passages,
        )


class ChatReply(Reply):
    """OpenAI's reply, with the citations and what else is known of the answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
    citations: list[Citation] = Field(description="The verified quotations of the answer.")
    evidence: Evidence


class ChatDelta(Reply):
    """The next words."""

    role: Literal["assistant"] = "assistant"
    content: str = ""


class ChatChunkChoice(Reply):
    """The one choice, in a stream."""

    index: int = 0
    delta: ChatDelta
    logprobs: None = None
    finish_reason: Literal["stop"] | None = None


class ChatChunk(Reply):
    """A step of a streamed answer; the last one with a choice carries the citations."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChatChunkChoice]
    usage: Usage | None = None
    citations: list[Citation] | None = None
    evidence: Evidence | None = None


class EmbeddingsRequest(Request):
    """Texts to embed."""

    model: ModelName
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=_MAX_INPUTS)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(
        None, description="The model's own number, or nothing: vectors are not cut."
    )
    input_type: Literal["query", "passage"] = Field(
        "passage", description="Some models embed questions differently from texts."
    )
    user: Ignored = None


class Embedding(Reply):
    """A vector of length 1: numbers, or base64 of little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(Reply):
    """How much text there was, in characters."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsReply(Reply):
    """Vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


class Model(Reply):
    """A model that can be named in a request."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class ModelsReply(Reply):
    """All models."""

    object: Literal["list"] = "list"
    data: list[Model]
