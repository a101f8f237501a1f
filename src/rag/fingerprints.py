"""Has a file changed since it was read, or the way in which it would be read now?"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from rag.schema import Metadata

__all__ = ["fingerprint", "is_of_file"]

_ROOMS = ("chunking", "metadata.py", "plans.py", "questions", "readers", "schema.py", "text.py")
"""What a document depends on besides its file: everything between the bytes and the passages."""


def fingerprint(
    data: bytes,
    *,
    origin: Literal["file", "upload"],
    metadata: Metadata,
    passage_characters: int,
) -> str:
    """The same for the same bytes, read in the same way, from the same kind of place."""
    settings = json.dumps([dict(metadata), passage_characters, _way_of_reading()], sort_keys=True)
    digest = hashlib.sha256(settings.encode("utf-8", "surrogatepass"))
    digest.update(data)
    return f"{origin}:{digest.hexdigest()[:32]}"


def is_of_file(stored: str) -> bool:
    """Whether a document came from a file of this machine, which can be looked for again."""
    return stored.startswith("file:")


@lru_cache(maxsize=1)
def _way_of_reading() -> str:
    """A hash of the program's own text: no version number can be forgotten."""
    digest = hashlib.sha256()
    for name in _ROOMS:
        for file in _files(resources.files("rag").joinpath(name)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _files(place: Traversable) -> list[Traversable]:
    if place.is_file():
        return [place] if place.name.endswith((".py", ".tsv")) else []
    children = sorted(place.iterdir(), key=lambda child: child.name)
    return [file for child in children for file in _files(child)]
