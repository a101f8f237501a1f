"""Embedding models that collections have of their own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rag.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from rag.protocols import Embedder
    from rag.schema import CollectionSettings

__all__ = ["OwnModels"]


class OwnModels:
    """Which model embeds for a collection: its own, or else the one of the settings.

    Safe to share between threads.
    """

    def __init__(
        self, embedder: Embedder, *, open_model: Callable[[str], Embedder] | None = None
    ) -> None:
        """``open_model`` opens what a collection's setting names; without it none can have one."""
        self._embedder = embedder
        self._open_model = open_model
        self._opened: dict[str, Embedder] = {}
        self._opening = threading.Lock()

    def of(self, settings: CollectionSettings) -> Embedder:
        """The model for a collection with these settings, opened once.

        Raises InvalidInput where none can be opened, and what opening it raises.
        """
        name = settings.embedder
        if name is None:
            return self._embedder
        if self._open_model is None:
            raise InvalidInput(f"The embedding model {name!r} of a collection cannot be opened.")
        with self._opening:  # a model may take seconds and gigabytes: never twice
            if name not in self._opened:
                self._opened[name] = self._open_model(name)
            return self._opened[name]
