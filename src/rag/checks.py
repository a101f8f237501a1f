"""Whether what a user gives can be kept: names and settings of collections, metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.errors import InvalidInput

if TYPE_CHECKING:
    from rag.schema import CollectionSettings, Metadata

__all__ = ["check_collection", "check_metadata", "check_settings"]

_COLLECTION_NAME = re.compile(r"\w[\w .-]{0,63}")
_METADATA_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_METADATA_CHARACTERS = 1_000
_METADATA_KEYS = 64
_INTEGER_LIMIT = 2**53
"""Integers beyond this would change on their way through JSON in a browser."""


def check_collection(name: str) -> None:
    """Raise InvalidInput for a name that no collection can have."""
    if not _COLLECTION_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot name a collection: 1 to 64 letters, digits, spaces, '_', '.' and "
            "'-', the first a letter, a digit or '_'."
        )


def check_settings(settings: CollectionSettings) -> None:
    """Raise InvalidInput for settings out of range."""
    characters = settings.passage_characters
    if characters is not None and not 50 <= characters <= 5_000:
        raise InvalidInput(
            f"passage_characters is {characters}. Expected a number from 50 to 5000."
        )


def check_metadata(metadata: Metadata) -> None:
    """Raise InvalidInput for too many keys, and for keys and values of another form."""
    if len(metadata) > _METADATA_KEYS:
        raise InvalidInput(f"{len(metadata)} metadata keys; up to {_METADATA_KEYS} are kept.")
    for key, value in metadata.items():
        if not isinstance(key, str) or not _METADATA_KEY.fullmatch(key):
            raise InvalidInput(
                f"{key!r} cannot be a metadata key: lower-case letters, digits and '_', the first "
                "a letter, up to 64."
            )
        if isinstance(value, str):
            if not value.strip() or len(value) > _METADATA_CHARACTERS:
                raise InvalidInput(
                    f"Metadata {key!r} has {len(value)} characters; expected 1 to "
                    f"{_METADATA_CHARACTERS}, not only spaces."
                )
        elif isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInput(
                f"Metadata {key!r} is of type {type(value).__name__}; expected a text or a whole "
                "number."
            )
        elif abs(value) > _INTEGER_LIMIT:
            raise InvalidInput(f"Metadata {key!r} is {value}; whole numbers go up to 2^53.")
        if key == "title" and not isinstance(value, str):
            raise InvalidInput(f"Metadata 'title' is {value!r}; expected a text.")
