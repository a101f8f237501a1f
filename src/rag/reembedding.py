"""Another embedding model for everything that is indexed, while the old one goes on answering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rag.catalog import Catalog
from rag.library import embedding_text
from rag.vectors import encode_vectors

if TYPE_CHECKING:
    from rag.protocols import Embedder
    from rag.schema import Document, Passage

__all__ = ["reembed"]

_BATCH = 512


def reembed(
    folder: Path, *, embedder: Embedder, progress: Callable[[int, int], None] | None = None
) -> int:
    """Embed every passage of an index anew, then switch its collections to the new vectors.

    Collections with a model of their own keep it.

    The new vectors are kept beside those in use, so that the old model answers until the switch,
    which is one transaction; documents may come and go meanwhile. What is broken off is taken up
    again by the next call for the same model. ``progress`` is called with how many passages are
    done and how many there are. Returns how many passages there were.
    Raises IndexMissing and the catalog's errors.
    """
    catalog = Catalog.open(folder, create=False)
    try:
        catalog.begin_reembedding(embedder.info)
        while True:
            done, total = _embed_pending(catalog, embedder, progress)
            if not done and catalog.switch_model(embedder.info):
                return total
    finally:
        catalog.close()


def _embed_pending(
    catalog: Catalog, embedder: Embedder, progress: Callable[[int, int], None] | None
) -> tuple[int, int]:
    """Embed what has no vector yet; how many passages were, and how many there are."""
    done = total = 0
    known: dict[str, tuple[Document, tuple[Passage, ...]]] = {}
    while True:
        with catalog.snapshot() as snapshot:
            total = sum(
                each.passages for each in snapshot.collections() if each.settings.embedder is None
            )
            pending = snapshot.pending(limit=_BATCH)
            if not pending:
                return done, total
            keys, texts = [], []
            wanted = {document_id for _, document_id, _ in pending}
            known = {each: found for each, found in known.items() if each in wanted}
            for key, document_id, ordinal in pending:
                if document_id not in known:
                    document = snapshot.document(document_id)
                    known[document_id] = document, snapshot.passages(document_id)
                document, passages = known[document_id]
                keys.append(key)
                texts.append(embedding_text(document, passages[ordinal]))
        vectors = encode_vectors(embedder.embed_passages(texts))
        catalog.add_pending_vectors(dict(zip(keys, vectors, strict=True)))
        done += len(pending)
        if progress is not None:
            progress(done, total)
