"""What filters may name: whether those given can be used, and which values there are to choose."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING

from rag.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rag.schema import DocumentSummary, Filters, MetadataValue

__all__ = ["FILTER_KEYS", "checked_filters", "filter_values"]

FILTER_KEYS: Mapping[str, type] = {
    "date": str,
    "document_id": str,
    "kind": str,
    "level": str,
    "place": str,
    "planning_year": int,
    "reporting_year": int,
    "source": str,
    "title": str,
    "year": int,
}
"""What filters may name, and the type of each value."""

_OF_ONE_DOCUMENT = frozenset({"document_id", "source", "title"})


def checked_filters(filters: Filters | None) -> Filters:
    """The filters as given. Raises InvalidInput for unknown keys and values of another type."""
    for key, value in (filters or {}).items():
        if key not in FILTER_KEYS:
            near = difflib.get_close_matches(key, FILTER_KEYS, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            known = ", ".join(FILTER_KEYS)
            message = f"Unknown filter {key!r}.{meant} Expected one of: {known}."
            raise InvalidInput(message)
        expected = FILTER_KEYS[key]
        if not isinstance(value, expected) or isinstance(value, bool):
            message = (
                f"Filter {key!r} is {value!r}. Expected"
                f" {'a whole number, such as 2024' if expected is int else 'a text'}."
            )
            raise InvalidInput(message)
    return dict(filters or {})


def filter_values(
    documents: Iterable[DocumentSummary],
) -> Mapping[str, Mapping[MetadataValue, int]]:
    """By key each value that a filter may ask for, and how many documents have it, in order.

    Titles, sources and ids, which tell single documents apart, are left out.
    """
    counts: dict[str, Counter[MetadataValue]] = {
        key: Counter() for key in FILTER_KEYS if key not in _OF_ONE_DOCUMENT
    }
    for document in documents:
        for key, value in document.metadata.items():
            if key in counts and isinstance(value, FILTER_KEYS[key]):
                counts[key][value] += 1
    return {key: dict(sorted(found.items())) for key, found in counts.items() if found}
