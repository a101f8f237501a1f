"""The two derived indexes of one collection, and how they follow the catalog."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.catalog import Change, Position, Snapshot
from rag.durable import current_folder
from rag.lexical import LexicalIndex
from rag.vectors import VectorIndex, decode_vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.schema import EmbedderInfo

__all__ = ["CollectionIndexes", "remove_indexes"]

_logger = logging.getLogger(__name__)

_DEAD_MINIMUM = 1_000
_DEAD_SHARE = 0.25
_SAVE_AT_CLOSE = 100_000
"""Up to this size saving the vectors at close costs less than replaying changes at every start."""


def remove_indexes(folder: Path, key: int) -> None:
    """Remove what was derived for a collection that is gone, or is to be derived anew."""
    for kind in ("vectors", "lexical"):
        shutil.rmtree(folder / kind / f"collection-{key}", ignore_errors=True)


class CollectionIndexes:
    """Vectors and full text of one collection. All methods need ``lock`` but ``save``."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.Lock()
        self._folder = folder
        self._key: int | None = None
        self._embedder: EmbedderInfo | None = None
        self._vectors: VectorIndex | None = None
        self._vectors_at: Position | None = None
        self._lexical: LexicalIndex | None = None
        self._lexical_at: Position | None = None
        self._lexical_dead = 0

    def follow(
        self, snapshot: Snapshot, key: int, *, embedder: EmbedderInfo, writable: bool
    ) -> tuple[VectorIndex, LexicalIndex]:
        """Bring both indexes to the snapshot's position, and return them.

        ``embedder`` is the model that the collection's vectors are made with.
        """
        if key != self._key:
            self._key, self._vectors, self._lexical = key, None, None
        if embedder != self._embedder:
            self._embedder, self._vectors = embedder, None
        head = snapshot.head(key)
        if self._vectors is None or self._vectors_at != head:
            self._vectors = self._follow_vectors(
                snapshot, key, head, embedder=embedder, writable=writable
            )
            self._vectors_at = head
        if self._lexical is None or self._lexical_at != head:
            self._lexical = self._follow_lexical(snapshot, key, head, writable=writable)
            self._lexical_at = head
        return self._vectors, self._lexical

    def save(self) -> None:
        """Save the vectors if what changed since they were saved is worth it."""
        with self.lock:
            index, at, key = self._vectors, self._vectors_at, self._key
            embedder = self._embedder
            if index is None or at is None or key is None or embedder is None or not index.pending:
                return
            if index.size <= _SAVE_AT_CLOSE:
                self._vectors = self._save_vectors(index.consolidated(), key, at, embedder)

    def _root(self, kind: str, key: int) -> Path:
        return self._folder / kind / f"collection-{key}"

    def _follow_vectors(
        self,
        snapshot: Snapshot,
        key: int,
        head: Position,
        *,
        embedder: EmbedderInfo,
        writable: bool,
    ) -> VectorIndex:
        index, at = self._vectors, self._vectors_at
        if index is None or at is None:
            loaded = VectorIndex.load(self._root("vectors", key), embedder=embedder)
            if loaded is not None:
                index, at = loaded[0], _position(loaded[1])
        if index is None or at is None or not snapshot.has_position(key, at):
            keys, vectors = _read_vectors(snapshot, snapshot.ranges(key), embedder)
            index = VectorIndex.build(keys, vectors, dimension=embedder.dimension)
            if writable and index.size:
                return self._save_vectors(index, key, head, embedder)
            return index
        changes = snapshot.changes(key, after=at)
        if not changes:
            return index
        keys, vectors = _read_vectors(snapshot, (c for c in changes if c.added), embedder)
        removed = [(change.first, change.last) for change in changes if not change.added]
        index = index.changed(added_keys=keys, added=vectors, removed=removed)
        if not index.overdue:
            return index
        index = index.consolidated()
        return self._save_vectors(index, key, head, embedder) if writable else index

    def _save_vectors(
        self, index: VectorIndex, key: int, at: Position, embedder: EmbedderInfo
    ) -> VectorIndex:
        try:
            index.save(self._root("vectors", key), embedder=embedder, facts=_facts(at))
        except OSError as error:
            _logger.warning("The vectors of collection %d could not be saved: %s", key, error)
        return index

    def _follow_lexical(
        self, snapshot: Snapshot, key: int, head: Position, *, writable: bool
    ) -> LexicalIndex:
        root = self._root("lexical", key)
        index, at, dead = self._lexical, self._lexical_at, self._lexical_dead
        if index is None or index.folder != current_folder(root):
            # Another process may have come as far as this already, and removed older folders.
            loaded, loaded_at, loaded_dead = self._load_lexical(root)
            if loaded_at is not None and snapshot.has_position(key, loaded_at):
                index, at, dead = loaded, loaded_at, loaded_dead
        if index is not None and at == head:
            self._lexical_dead = dead
            return index
        if writable:
            for base, base_at, base_dead in ((index, at, dead), (None, None, 0)):
                try:
                    return self._publish_lexical(
                        snapshot, key, head, root, base=base, at=base_at, dead=base_dead
                    )
                except OSError as error:
                    _logger.warning("The text index of %s could not be saved: %s", root, error)
        self._lexical_dead = 0
        return LexicalIndex.in_memory(snapshot.passage_rows(snapshot.ranges(key)))

    def _load_lexical(self, root: Path) -> tuple[LexicalIndex | None, Position | None, int]:
        loaded = LexicalIndex.load(root)
        if loaded is None:
            return None, None, 0
        index, facts = loaded
        return index, _position(facts), int(facts["dead"])

    def _publish_lexical(
        self,
        snapshot: Snapshot,
        key: int,
        head: Position,
        root: Path,
        *,
        base: LexicalIndex | None,
        at: Position | None,
        dead: int,
    ) -> LexicalIndex:
        removed: list[int] = []
        added: tuple[Change, ...] = snapshot.ranges(key)
        usable = base is not None and base.folder is not None and at is not None
        if usable and at is not None and snapshot.has_position(key, at):
            changes = snapshot.changes(key, after=at)
            gone = [change for change in changes if not change.added]
            dead += sum(change.last - change.first + 1 for change in gone)
            if dead <= max(_DEAD_MINIMUM, _DEAD_SHARE * snapshot.passage_count(key)):
                removed = [change.document for change in gone]
                added = tuple(change for change in changes if change.added)
            else:
                base, dead = None, 0  # removed passages blur the statistics: start afresh
        else:
            base, dead = None, 0
        if base is None and not added:
            self._lexical_dead = 0
            return LexicalIndex.in_memory(())
        index = LexicalIndex.publish(
            root,
            base=base,
            added=snapshot.passage_rows(added),
            removed=removed,
            facts={**_facts(head), "dead": dead},
        )
        self._lexical_dead = dead
        return index


def _read_vectors(
    snapshot: Snapshot, ranges: Iterable[Change], embedder: EmbedderInfo
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    import numpy as np

    rows = list(snapshot.vectors(ranges))
    keys = np.fromiter((key for key, _ in rows), dtype=np.int64, count=len(rows))
    return keys, decode_vectors((vector for _, vector in rows), dimension=embedder.dimension)


def _facts(at: Position) -> dict[str, Any]:
    return {"seq": at.seq, "stamp": at.stamp}


def _position(facts: dict[str, Any]) -> Position:
    return Position(seq=int(facts["seq"]), stamp=str(facts["stamp"]))
