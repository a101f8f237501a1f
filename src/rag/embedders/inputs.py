"""What every embedder does to its input first, so that no odd text becomes an odd vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rag.errors import InvalidInput
from rag.text import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["INPUT_VERSION", "MAX_CHARACTERS", "prepare"]

MAX_CHARACTERS = 20_000
"""Characters of one text that are read; a passage is a few hundred. The rest is left out."""

INPUT_VERSION = "text-1"


def prepare(texts: Sequence[str]) -> list[str]:
    """Normalised, cut texts. Raises InvalidInput where nothing visible is left."""
    prepared = []
    for position, text in enumerate(texts):
        clean = normalise(text[:MAX_CHARACTERS]).strip()
        if not clean:
            message = (
                f"Text {position + 1} of {len(texts)} to embed is empty or holds only white space"
                " and control characters. Expected some visible text."
            )
            raise InvalidInput(message)
        prepared.append(clean)
    return prepared
