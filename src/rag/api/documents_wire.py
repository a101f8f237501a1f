"""Documents, passages and collections as they go over the wire."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from rag import schema
from rag.api.wire import CollectionName, MetadataValue, Reason, Reply, Request, WholeNumber

__all__ = [
    "Collection",
    "CollectionRequest",
    "CollectionsReply",
    "DocumentReply",
    "DocumentSummary",
    "DocumentsQuery",
    "DocumentsReply",
    "FileResult",
    "FilterValue",
    "MetadataReply",
    "PassageQuery",
    "PassageReply",
    "PassagesReply",
    "RenameRequest",
    "StoredPassage",
    "UploadReply",
]


class DocumentsQuery(BaseModel):
    """Which documents to list."""

    model_config = ConfigDict(extra="forbid")

    collection: CollectionName = schema.DEFAULT_COLLECTION
    place: str | None = None
    kind: str | None = None
    level: str | None = None
    date: str | None = None
    source: str | None = None
    title: str | None = None
    year: WholeNumber | None = None
    reporting_year: WholeNumber | None = None
    planning_year: WholeNumber | None = None
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=2**53)

    def filters(self) -> dict[str, MetadataValue]:
        """The metadata asked for."""
        return self.model_dump(exclude_none=True, exclude={"collection", "limit", "offset"})


class PassageQuery(BaseModel):
    """How much of what stands beside a passage to show."""

    model_config = ConfigDict(extra="forbid")

    neighbours: int = Field(
        1, ge=0, le=20, description="How many passages before it, and how many after it."
    )


class DocumentSummary(Reply):
    """A document in a listing."""

    document_id: str
    collection: str
    source: str
    title: str
    metadata: dict[str, MetadataValue]
    characters: int
    passages: int = Field(description="How many passages it was cut into.")

    @classmethod
    def of(cls, summary: schema.DocumentSummary) -> Self:
        """A summary as it is sent."""
        return cls(
            document_id=summary.document_id,
            collection=summary.collection,
            source=summary.source,
            title=summary.title,
            metadata=dict(summary.metadata),
            characters=summary.characters,
            passages=summary.passages,
        )


class DocumentsReply(Reply):
    """A page of a collection's documents, in order of source."""

    collection: str
    total: int = Field(description="Documents that match, on all pages.")
    documents: list[DocumentSummary]


class DocumentReply(DocumentSummary):
    """A document with the text that every offset refers to."""

    text: str


class StoredPassage(Reply):
    """A passage of a document: `document.text[start:end] == text`."""

    passage_id: str
    ordinal: int
    section: list[str]
    text: str
    start: int
    end: int
    page: int | None

    @classmethod
    def of(cls, passage: schema.Passage) -> Self:
        """A passage as it is sent."""
        return cls(
            passage_id=passage.passage_id,
            ordinal=passage.ordinal,
            section=list(passage.section),
            text=passage.text,
            start=passage.start,
            end=passage.end,
            page=passage.page,
        )


class PassagesReply(Reply):
    """All passages of a document, in order."""

    document_id: str
    passages: list[StoredPassage]


class PassageReply(Reply):
    """A passage, and those beside it in its document, in order."""

    document_id: str
    before: list[StoredPassage]
    passage: StoredPassage
    after: list[StoredPassage]

    @classmethod
    def of(
        cls,
        before: Sequence[schema.Passage],
        passage: schema.Passage,
        after: Sequence[schema.Passage],
    ) -> Self:
        """A passage among its neighbours as it is sent."""
        return cls(
            document_id=passage.document_id,
            before=[StoredPassage.of(each) for each in before],
            passage=StoredPassage.of(passage),
            after=[StoredPassage.of(each) for each in after],
        )


class FilterValue(Reply):
    """A value that a filter may ask for."""

    value: MetadataValue
    documents: int = Field(description="How many documents have it.")


class MetadataReply(Reply):
    """What filters may name in a collection."""

    collection: str
    metadata: dict[str, list[FilterValue]] = Field(description="By key, its values in order.")

    @classmethod
    def of(cls, collection: str, values: Mapping[str, Mapping[MetadataValue, int]]) -> Self:
        """The values as they are sent."""
        return cls(
            collection=collection,
            metadata={
                key: [FilterValue(value=value, documents=count) for value, count in found.items()]
                for key, found in values.items()
            },
        )


class FileResult(Reply):
    """What became of one file."""

    source: str = Field(description="The name it is kept under; uploading it again replaces it.")
    status: Literal["added", "replaced", "unchanged", "failed"]
    document_id: str | None
    passages: int
    error: Reason | None

    @classmethod
    def of(cls, outcome: schema.FileOutcome) -> Self:
        """An outcome as it is sent."""
        error = None
        if outcome.error is not None:
            error = Reason(code=outcome.error_code or "error", message=outcome.error)
        return cls(
            source=outcome.source,
            status=outcome.status,
            document_id=outcome.document_id,
            passages=outcome.passages,
            error=error,
        )


class UploadReply(Reply):
    """What became of each file, in the order they were sent."""

    collection: str
    kept: int = Field(description="Files that are documents now: added, replaced or unchanged.")
    failed: int
    results: list[FileResult]


class CollectionRequest(Request):
    """A collection to be made."""

    name: CollectionName
    passage_characters: int | None = Field(
        None,
        ge=50,
        le=5000,
        description="Length that its passages are cut to; the server's when left out.",
    )


class RenameRequest(Request):
    """What a collection is to be called."""

    name: CollectionName


class Collection(Reply):
    """A set of documents."""

    name: str
    documents: int
    passages: int
    passage_characters: int | None = Field(
        description="Length that its passages are cut to, where it has one of its own."
    )
    embedder: str | None = Field(
        description="Embedding model of its own, where `rag collections create` gave it one."
    )

    @classmethod
    def of(cls, collection: schema.Collection) -> Self:
        """A collection as it is sent."""
        return cls(
            name=collection.name,
            documents=collection.documents,
            passages=collection.passages,
            passage_characters=collection.settings.passage_characters,
            embedder=collection.settings.embedder,
        )


class CollectionsReply(Reply):
    """All collections."""

    collections: list[Collection]
