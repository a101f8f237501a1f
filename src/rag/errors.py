"""The error tree. Every message says what was found, what was expected and what to do.

RagError
├── InvalidInput            a question, filter or argument that cannot be used
│   └── InvalidSetting      rag.toml or the environment
├── NotFound
│   ├── CollectionNotFound
│   ├── DocumentNotFound
│   │   ├── DocumentRemoved     it was there, and was removed
│   │   └── DocumentReplaced    it was there; a newer version has another id
│   └── PassageNotFound
├── UnreadableDocument      a file that cannot become a document
├── IndexProblem
│   ├── IndexMissing        nothing has been indexed here yet
│   ├── IndexDamaged        the stored data is not what was written
│   ├── IndexMismatch       made by another model or a newer version
│   └── IndexLocked         another process is writing
├── ModelUnavailable        an embedding model's files are missing, damaged or unusable
├── MissingDependency       an optional package is not installed
└── Unavailable             a port, a disk or a service that the operation needs
"""

from __future__ import annotations

__all__ = [
    "CollectionNotFound",
    "DocumentNotFound",
    "DocumentRemoved",
    "DocumentReplaced",
    "IndexDamaged",
    "IndexLocked",
    "IndexMismatch",
    "IndexMissing",
    "IndexProblem",
    "InvalidInput",
    "InvalidSetting",
    "MissingDependency",
    "ModelUnavailable",
    "NotFound",
    "PassageNotFound",
    "RagError",
    "Unavailable",
    "UnreadableDocument",
]


class RagError(Exception):
    """Base of every error the product raises on purpose. ``code`` is stable, for programs."""

    code = "error"


class InvalidInput(RagError):
    """A question, filter or argument that cannot be used as given."""

    code = "invalid_input"


class InvalidSetting(InvalidInput):
    """A setting in ``rag.toml`` or the environment is unknown or has a wrong value."""

    code = "invalid_setting"


class NotFound(RagError):
    """Something named does not exist."""

    code = "not_found"


class CollectionNotFound(NotFound):
    """No collection has this name."""

    code = "collection_not_found"


class DocumentNotFound(NotFound):
    """No document has this id."""

    code = "document_not_found"


class DocumentRemoved(DocumentNotFound):
    """A document of this id was there, and was removed."""


class DocumentReplaced(DocumentNotFound):
    """A document of this id was there; a newer version has replaced it."""

    def __init__(self, message: str, *, replacement: str) -> None:
        super().__init__(message)
        self.replacement = replacement
        """The id of the version that is there now."""


class PassageNotFound(NotFound):
    """No passage has this id."""

    code = "passage_not_found"


class UnreadableDocument(RagError):
    """A file cannot become a document: empty, binary, unsupported, too large, undecodable."""

    code = "unreadable_document"


class IndexProblem(RagError):
    """The index cannot be used as it is."""

    code = "index_problem"


class IndexMissing(IndexProblem):
    """There is no index yet where one was expected."""

    code = "index_missing"


class IndexDamaged(IndexProblem):
    """Stored data fails its own checks and cannot be rebuilt from the truth."""

    code = "index_damaged"


class IndexMismatch(IndexProblem):
    """The index was made by another embedding model or a newer version of the product."""

    code = "index_mismatch"


class IndexLocked(IndexProblem):
    """Another process is writing to the index."""

    code = "index_locked"


class ModelUnavailable(RagError):
    """An embedding model cannot be loaded."""

    code = "model_unavailable"


class MissingDependency(RagError):
    """An optional package is not installed; the message names the install command."""

    code = "missing_dependency"


class Unavailable(RagError):
    """A port, a disk or a remote service that the operation needs is not to be had."""

    code = "unavailable"
