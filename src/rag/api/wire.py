"""Questions and answers as they go over the wire; pydantic ends here."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from rag import notices, schema

__all__ = [
    "MAX_HISTORY",
    "AskReply",
    "AskRequest",
    "Citation",
    "CitationsEvent",
    "CollectionName",
    "CollectionNames",
    "DeltaEvent",
    "Exact",
    "ExplainedPassage",
    "FeedbackReply",
    "FeedbackRequest",
    "Filters",
    "MetadataValue",
    "Passage",
    "Passages",
    "PassagesEvent",
    "Reason",
    "Reply",
    "Request",
    "SearchReply",
    "SearchRequest",
    "Text",
    "TopK",
    "Turn",
    "WholeNumber",
]

MAX_HISTORY = 100
"""Most earlier messages of a dialogue that are accepted."""
_MAX_TURN_CHARACTERS = 20_000
_MAX_FILTERS = 16


def _encodable(text: str) -> str:
    """Refuse half a surrogate pair: JSON can spell it, but no reply could be encoded with it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "text_not_unicode",
            "holds half of a surrogate pair (U+{code}). Expected Unicode text.",
            {"code": f"{ord(text[error.start]):04X}"},
        ) from error
    return text


Text = Annotated[str, AfterValidator(_encodable)]
"""A text of a request."""

WholeNumber = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""A whole number of a request: what JSON carries without loss to every client, and back."""

MetadataValue = str | int
CollectionName = Annotated[
    Text, Field(description="Which set of documents.", examples=[schema.DEFAULT_COLLECTION])
]
CollectionNames = Annotated[
    Text,
    Field(
        description="Which set of documents: its name, several names with commas between, or `*`"
        " for all of them.",
        examples=[schema.DEFAULT_COLLECTION, "default,laws", "*"],
    ),
]
Filters = Annotated[
    dict[Text, Text | WholeNumber],
    Field(
        max_length=_MAX_FILTERS,
        description="Only documents whose metadata have these values: `place`, `year`,"
        " `reporting_year`, `planning_year`, `kind`, `level`, `date`, `title`, `source` or"
        " `document_id`.",
    ),
]
TopK = Annotated[
    int | None,
    Field(ge=1, le=50, description="Passages in the reply; the server's `top_k` when left out."),
]
Exact = Annotated[bool, Field(description="Search exactly what was typed, without rewriting it.")]
Explain = Annotated[bool, Field(description="Add `rank` and `signals` to each passage.")]


class Request(BaseModel):
    """A body whose fields are all known and have the type they should have."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reply(BaseModel):
    """A reply, made by the server only."""

    model_config = ConfigDict(extra="forbid")


class Turn(Request):
    """An earlier message of the dialogue."""

    role: Literal["user", "assistant"]
    content: Text = Field(max_length=_MAX_TURN_CHARACTERS)

    def turn(self) -> schema.Turn:
        """As the rooms inside know it."""
        return schema.Turn(role=self.role, content=self.content)


class SearchRequest(Request):
    """What to look for."""

    query: Text = Field(description="Some words or a question, in any language.")
    top_k: TopK = None
    collection: CollectionNames = schema.DEFAULT_COLLECTION
    filters: Filters = Field(default_factory=dict)
    exact: Exact = False
    explain: Explain = False


class AskRequest(Request):
    """A question, and how it should be answered."""

    question: Text = Field(description="A question in Chinese, English or another language.")
    collection: CollectionNames = schema.DEFAULT_COLLECTION
    filters: Filters = Field(default_factory=dict)
    history: list[Turn] = Field(
        [], max_length=MAX_HISTORY, description="The dialogue so far, oldest first."
    )
    top_k: TopK = None
    composer: Text | None = Field(
        None,
        description="What writes the answer: `extractive`, or `chat` where a language model is set;"
        " the server's `composer` when left out.",
    )
    exact: Exact = False
    explain: Explain = False
    stream: bool = Field(False, description="Answer in server-sent events.")


class Passage(Reply):
    """A passage that bears on the question: `document.text[start:end] == text`."""

    passage_id: str
    document_id: str
    collection: str = Field(description="The set of documents that it is of.")
    title: str = Field(description="Title of the document.")
    source: str = Field(description="File name or path of the document.")
    section: list[str] = Field(description="Headings above the passage, outermost first.")
    text: str
    start: int = Field(description="In Unicode code points of the document's text.")
    end: int
    score: float = Field(description="Comparable within one reply only.")
    page: int | None = Field(description="Page it begins on, where the document has pages.")
    metadata: dict[str, MetadataValue]

    @classmethod
    def of(cls, hit: schema.Hit, *, explain: bool = False) -> "Passage":
        """A hit as it is sent; ``explain`` adds what its score is made of."""
        passage = hit.passage
        plain = cls(
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            collection=hit.collection,
            title=hit.title,
            source=hit.source,
            section=list(passage.section),
            text=passage.text,
            start=passage.start,
            end=passage.end,
            score=hit.score,
            page=passage.page,
            metadata=dict(hit.metadata),
        )
        if not explain:
            return plain
        return ExplainedPassage(**plain.model_dump(), rank=hit.rank, signals=dict(hit.signals))


class ExplainedPassage(Passage):
    """A passage with what its score is made of."""

    rank: int = Field(description="1 is the best.")
    signals: dict[str, float] = Field(description="What the score is made of, by name.")


Passages = list[ExplainedPassage | Passage]


class Citation(Reply):
    """A verified quotation: `document.text[start:end] == quote`."""

    marker: int = Field(description="The number in `[1]` in the answer.")
    passage_id: str
    document_id: str
    title: str
    source: str
    section: list[str]
    quote: str
    start: int = Field(description="In Unicode code points of the document's text.")
    end: int
    page: int | None = Field(description="Page its passage begins on, where there are pages.")

    @classmethod
    def of(cls, citation: schema.Citation) -> Self:
        """A citation as it is sent."""
        return cls(
            marker=citation.marker,
            passage_id=citation.passage_id,
            document_id=citation.document_id,
            title=citation.title,
            source=citation.source,
            section=list(citation.section),
            quote=citation.quote,
            start=citation.start,
            end=citation.end,
            page=citation.page,
        )


class Reason(Reply):
    """Why something is not there or otherwise: a code for programs, a sentence for people."""

    code: str
    message: str

    @classmethod
    def of(cls, reason: schema.Refusal | notices.Notice | None) -> "Reason | None":
        """A refusal or a notice as it is sent; null for none."""
        return None if reason is None else cls(code=reason.code, message=reason.message)


class SearchReply(Reply):
    """The passages that bear on a query, best first."""

    query: str
    rewritten: str = Field(description="What was searched.")
    filters: dict[str, MetadataValue] = Field(
        description="The restrictions that applied, those read from the query included."
    )
    passages: Passages
    took_ms: float

    @classmethod
    def of(cls, result: schema.SearchResult, *, explain: bool) -> Self:
        """A search result as it is sent."""
        return cls(
            query=result.query,
            rewritten=result.rewritten,
            filters=dict(result.filters),
            passages=[Passage.of(hit, explain=explain) for hit in result.hits],
            took_ms=_milliseconds(result.took_ms),
        )


class AskReply(Reply):
    """An answer whose citations are verified, or a refusal."""

    id: str
    question: str
    rewritten: str = Field(description="What was searched.")
    answer: str = Field(description="With markers such as `[1]`; a refusal's message otherwise.")
    answered: bool
    refusal: Reason | None = Field(description="Why there is no answer; null when there is one.")
    confidence: float = Field(ge=0, le=1)
    citations: list[Citation]
    passages: Passages = Field(description="What was found; for a refusal, what came nearest.")
    composer: str = Field(description="What wrote the answer in the end.")
    notice: Reason | None = Field(
        description="That the language model failed, or some of its sentences, and what was done"
        " instead; or which part of the question has no answer. Null as a rule."
    )
    filters: dict[str, MetadataValue]
    took_ms: float

    @classmethod
    def of(cls, answer: schema.Answer, *, explain: bool) -> Self:
        """An answer as it is sent."""
        return cls(
            id=answer.answer_id,
            question=answer.question,
            rewritten=answer.rewritten,
            answer=answer.answer,
            answered=answer.answered,
            refusal=Reason.of(answer.refusal),
            confidence=answer.confidence,
            citations=[Citation.of(citation) for citation in answer.citations],
            passages=[Passage.of(hit, explain=explain) for hit in answer.hits],
            composer=answer.composer,
            notice=Reason.of(answer.notice),
            filters=dict(answer.filters),
            took_ms=_milliseconds(answer.timings.total),
        )


class PassagesEvent(Reply):
    """The first event of a stream."""

    passages: Passages


class DeltaEvent(Reply):
    """The next words of the answer."""

    text: str


class CitationsEvent(Reply):
    """The event after the last words."""

    citations: list[Citation]


class FeedbackRequest(Request):
    """A reader's judgement of an answer."""

    answer_id: Text = Field(min_length=1, max_length=64, description="`id` of the answer.")
    rating: Literal[-1, 1] = Field(description="1 for a good answer, -1 for a bad one.")
    comment: Text = Field("", max_length=4_000)


class FeedbackReply(Reply):
    """What was kept."""

    answer_id: str
    rating: int
    comment: str


def _milliseconds(value: float) -> float:
    return round(value, 2)
