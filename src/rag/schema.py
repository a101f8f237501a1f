"""The nouns of the product: frozen data passed between rooms, and nothing that acts.

Every offset counts Unicode code points in ``Document.text``, the normalised text that the library
stores and the document endpoint returns: ``document.text[start:end]`` is the quoted text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from rag.notices import Notice

__all__ = [
    "DEFAULT_COLLECTION",
    "Answer",
    "AnswerKind",
    "Asked",
    "Block",
    "BlockKind",
    "Citation",
    "Collection",
    "CollectionSettings",
    "Document",
    "DocumentSummary",
    "Draft",
    "DraftSentence",
    "EmbedderInfo",
    "Feedback",
    "FileOutcome",
    "Filters",
    "Hit",
    "Language",
    "Leg",
    "Metadata",
    "MetadataValue",
    "ParsedDocument",
    "Passage",
    "Period",
    "Question",
    "Quotation",
    "Refusal",
    "RefusalCode",
    "SearchResult",
    "SourceState",
    "StreamEvent",
    "Timings",
    "Turn",
]

DEFAULT_COLLECTION = "default"

MetadataValue: TypeAlias = str | int
Metadata: TypeAlias = Mapping[str, MetadataValue]
"""What is known about a document. Keys the product itself fills, where the text says so:
``title``, ``place``, ``kind``, ``date`` (ISO), ``year``, ``reporting_year``, ``planning_year``."""

Filters: TypeAlias = Mapping[str, MetadataValue]
"""Restrictions on metadata: a document matches when every named key has the named value."""

BlockKind: TypeAlias = Literal["heading", "paragraph", "list_item", "table_row", "boilerplate"]
Language: TypeAlias = Literal["zh", "en", "other"]
Leg: TypeAlias = Literal["dense", "lexical"]
Period: TypeAlias = Literal["review", "retrospect", "plan"]  # of a year, of five, of what comes
AnswerKind: TypeAlias = Literal[
    "number", "name", "date", "list", "yes_no", "definition", "description"
]
RefusalCode: TypeAlias = Literal[
    "no_documents",  # the collection, or what the filters leave of it, is empty
    "no_evidence",  # nothing found that speaks of it
    "weak_evidence",  # passages are near, but do not hold the answer
    "other_place",  # the question names a place no document is about
    "other_year",  # the question names a year the documents say nothing of
    "not_a_question",  # small talk, an instruction, code
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A line, heading, list item or table row of a parsed document, as a span of its text."""

    start: int
    end: int
    kind: BlockKind = "paragraph"
    level: int = 0
    """Depth of a heading, 1 the highest; 0 for everything else."""
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """What a reader makes of a file: normalised text and the blocks it consists of, in order."""

    text: str
    blocks: tuple[Block, ...]
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A stored document. ``document_id`` derives from collection, source and text."""

    document_id: str
    collection: str
    source: str
    """Where it came from, and what a newer version replaces: a path or an upload's file name."""
    title: str
    text: str
    metadata: Metadata
    fingerprint: str = ""
    """Of the file and of how it was read: while it is the same, so is the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is stored for a source."""

    document_id: str
    fingerprint: str
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSummary:
    """A document in a listing: everything but its text."""

    document_id: str
    collection: str
    source: str
    title: str
    metadata: Metadata
    characters: int
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSettings:
    """What holds for one collection instead of the settings of all."""

    passage_characters: int | None = None
    embedder: str | None = None
    """Its own embedding model, named as in RAG_EMBEDDER, which documents keep for good."""
    """Length that passages are cut to; None for the general one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named set of documents, and how much is in it."""

    name: str
    documents: int
    passages: int
    settings: CollectionSettings = CollectionSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk of a document: ``document.text[start:end] == text``."""

    passage_id: str
    """``<document_id>-<ordinal>``."""
    document_id: str
    ordinal: int
    text: str
    start: int
    end: int
    section: tuple[str, ...] = ()
    """Heading path, outermost first, without the document's title."""
    page: int | None = None
    period: Period | None = None
    """Whether the section reviews what was achieved or plans what is to come, where known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for a query. ``score`` is only comparable within one result list."""

    passage: Passage
    rank: int  # 1 is the best
    score: float
    title: str
    source: str
    metadata: Metadata
    collection: str = DEFAULT_COLLECTION
    signals: Mapping[str, float] = field(default_factory=dict)
    """What explains the score: plain numbers by name, such as ``dense`` and ``coverage``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a dialogue."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as understood. ``text`` is what was typed, ``rewritten`` what is searched."""

    text: str
    rewritten: str
    language: Language
    kind: AnswerKind
    gloss: str = ""  # word for word in English, where it is in another language
    years: tuple[int, ...] = ()  # explicit ones, in order of appearance
    report_years: tuple[int, ...] = ()  # that name a report and not what is asked of it
    relative_years: tuple[int, ...] = ()  # offsets from the document's own year: -1 last year
    period: Period | None = None
    tends: Period | None = None  # what it rather asks for, where it does not say
    places: tuple[str, ...] = ()  # whether or not any document is about them
    terms: tuple[str, ...] = ()  # folded content words and numbers
    weights: tuple[float, ...] = ()
    """How telling each of ``terms`` is: by its kind, then also by its rarity in the library."""
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other words, by term, that documents write for it: 地铁, 轨道交通."""
    names: tuple[str, ...] = ()
    """Terms that are names: of places, with capitals (Tesla), or unknown in another language."""
    small_talk: bool = False
    """A greeting, a thank-you, an instruction or code: nothing that documents answer."""

    @property
    def wording(self) -> str:
        """The words that patterns are looked for in: Chinese or English, as far as known."""
        return self.gloss or self.rewritten

    @property
    def searched(self) -> str:
        """What is searched for and compared: documents may be in the question's language."""
        return f"{self.gloss} {self.rewritten}" if self.gloss else self.rewritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotation:
    """A verbatim span of one passage's document."""

    passage_id: str
    document_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSentence:
    """One sentence a composer proposes: words of its own, then its quotations."""

    lead: str
    """A short frame before the quotations: which document, which year. May be empty."""
    quotations: tuple[Quotation, ...]
    text: str = ""  # said instead of the quotations, which support it; "" where they speak


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a composer proposes, before verification. ``sentences`` is empty when it has nothing."""

    sentences: tuple[DraftSentence, ...]
    signals: Mapping[str, float] = field(default_factory=dict)
    """What speaks for the evidence, by name; ``grounding.confidence`` weighs it."""
    missing: tuple[str, ...] = ()  # telling terms of the question that the evidence does not hold
    unanswered: tuple[str, ...] = ()  # of several things asked, those without an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A verified quotation: ``document.text[start:end] == quote``."""

    marker: int  # the number in ``[1]`` in the answer
    passage_id: str
    document_id: str
    title: str
    source: str
    section: tuple[str, ...]
    quote: str
    start: int
    end: int
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no answer: a code for programs, a sentence for people."""

    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds spent, by stage."""

    understand: float = 0.0
    retrieve: float = 0.0
    compose: float = 0.0
    verify: float = 0.0

    @property
    def total(self) -> float:
        """All stages together, in milliseconds."""
        return self.understand + self.retrieve + self.compose + self.verify


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Passages for a query, and how the query was understood."""

    query: str
    rewritten: str
    filters: Filters
    hits: tuple[Hit, ...]
    question: Question
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A verified answer, or a refusal: exactly one of ``answered`` and ``refusal`` holds.

    A refused answer carries no citation; ``hits`` are then the nearest passages. ``answer`` holds
    the text with markers (``[1]``), or the refusal's message.
    """

    answer_id: str
    question: str
    rewritten: str
    answer: str
    answered: bool
    refusal: Refusal | None
    confidence: float
    citations: tuple[Citation, ...]
    hits: tuple[Hit, ...]
    composer: str
    filters: Filters
    timings: Timings
    notice: Notice | None = None  # that a language model failed, and what was done instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was answered or refused: what must be known to ask it again and compare.

    It holds no words of documents, only their places, so that what is deleted is gone here too.
    """

    question: str
    collection: str
    filters: Filters  # those of the question, not those that its words led to
    history: tuple[Turn, ...]  # the turns of the user alone
    answered: bool
    cited: tuple[tuple[str, int, int], ...]  # document, start and end of each citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A reader's judgement of an answer."""

    created: str  # ISO date and time, UTC
    answer_id: str
    rating: int  # 1 for a good answer, -1 for a bad one
    comment: str
    asked: Asked | None  # None when the answer was no longer known by then


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """A step of a streamed answer, in this order: ``passages`` once (``hits``), ``delta`` many
    times (``text``; joined they are ``Answer.answer``), ``citations`` once, ``done`` once
    (``answer``, equal to the plain reply).
    """

    kind: Literal["passages", "delta", "citations", "done"]
    hits: tuple[Hit, ...] = ()
    text: str = ""
    citations: tuple[Citation, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderInfo:
    """Which model made a vector. An index made by one model is never searched with another."""

    name: str
    revision: str  # content hash or version of the weights
    dimension: int
    normaliser: str  # name and version of the text normalisation applied before the model


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What happened to one file or upload of a batch."""

    source: str
    status: Literal["added", "replaced", "unchanged", "failed"]
    document_id: str | None = None
    passages: int = 0
    error: str | None = None
    error_code: str | None = None
