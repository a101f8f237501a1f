"""What every engine refuses to store, and which documents filters mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import InvalidInput
from rag.questions.places import bare_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.schema import Document, DocumentSummary, Filters, Passage

    FloatArray = npt.NDArray[np.float32]

__all__ = ["matches", "validated"]

_LENGTH_TOLERANCE = 1e-3


def matches(document: Document | DocumentSummary, filters: Filters) -> bool:
    """Whether a document has these values, as metadata, or as its id or source.

    A place may be named without its rank: 合肥 is 合肥市, and 吉林 both the province and the city.
    """
    own = {"document_id": document.document_id, "source": document.source}
    place = str(document.metadata.get("place", ""))
    return all(
        (own.get(name) or document.metadata.get(name)) == value
        or (name == "place" and place != "" and bare_name(place) == value)
        for name, value in filters.items()
    )


def validated(
    document: Document, passages: Sequence[Passage], vectors: FloatArray, *, dimension: int
) -> FloatArray:
    """The vectors as float32 of shape (len(passages), dimension), after checking everything.

    Raises InvalidInput: a passage that is not its document's text at its place, an id or ordinal
    out of order, a vector that is missing, of another dimension, not finite or not of length 1.
    """
    import numpy as np

    for ordinal, passage in enumerate(passages):
        expected = f"{document.document_id}-{ordinal}"
        if passage.document_id != document.document_id or passage.passage_id != expected:
            raise InvalidInput(
                f"Passage {passage.passage_id!r} of document {passage.document_id!r} was given "
                f"where {expected!r} was expected."
            )
        if passage.ordinal != ordinal:
            raise InvalidInput(f"Passage {expected!r} has ordinal {passage.ordinal}.")
        if not passage.text or document.text[passage.start : passage.end] != passage.text:
            raise InvalidInput(
                f"Passage {expected!r} is not its document's text from {passage.start} to "
                f"{passage.end}."
            )
    matrix = np.asarray(vectors, dtype=np.float32)
    if matrix.shape != (len(passages), dimension):
        raise InvalidInput(
            f"{document.source!r}: the vectors have shape {matrix.shape}; expected "
            f"{(len(passages), dimension)}, one row for each passage."
        )
    if not np.isfinite(matrix).all():
        raise InvalidInput(f"{document.source!r}: the embedder gave vectors that are not finite.")
    lengths = np.linalg.norm(matrix, axis=1)
    wrong = np.flatnonzero(np.abs(lengths - 1.0) > _LENGTH_TOLERANCE)
    if len(wrong):
        raise InvalidInput(
            f"{document.source!r}: the vector of passage {wrong[0]} has length "
            f"{lengths[wrong[0]]:.4f}; expected 1."
        )
    return matrix
