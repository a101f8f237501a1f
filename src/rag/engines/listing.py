"""A collection's documents as the embedded engine remembers them from one search to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.catalog import Position, Snapshot
    from rag.schema import DocumentSummary

__all__ = ["Listing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A collection's documents at one moment, and where the keys of their passages are."""

    at: Position
    summaries: tuple[DocumentSummary, ...]
    ids: tuple[str, ...]
    ranges: npt.NDArray[np.int64]
    """By document, as ``ids``: its key, and the first and the last key of its passages."""

    @classmethod
    def of(cls, snapshot: Snapshot, key: int, collection: str) -> Listing:
        """What a snapshot has of a collection."""
        import numpy as np

        by_id = snapshot.ranges_by_id(key)
        ranges = [(each.document, each.first, each.last) for each in by_id.values()]
        return cls(
            at=snapshot.head(key),
            summaries=snapshot.documents(collection),
            ids=tuple(by_id),
            ranges=np.array(ranges, dtype=np.int64).reshape(-1, 3),
        )

    def places_of(self, document_ids: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Which of the documents have one of these ids."""
        import numpy as np

        return np.fromiter(map(document_ids.__contains__, self.ids), np.bool_, len(self.ids))

    def keys_of(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The keys of all passages of some of the documents, document by document."""
        import numpy as np

        first, last = self.ranges[chosen, 1], self.ranges[chosen, 2]
        lengths = last - first + 1
        begun = np.cumsum(lengths) - lengths
        return np.repeat(first - begun, lengths) + np.arange(lengths.sum())
