"""Reading the catalog: everything seen through one snapshot belongs to one moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag.catalog.feedback import read_feedback
from rag.errors import (
    CollectionNotFound,
    DocumentNotFound,
    DocumentRemoved,
    DocumentReplaced,
)
from rag.schema import (
    Collection,
    CollectionSettings,
    Document,
    DocumentSummary,
    EmbedderInfo,
    Feedback,
    Hit,
    Metadata,
    Passage,
    SourceState,
)

__all__ = ["Change", "PassageRow", "Position", "Snapshot"]

_SOURCES = (
    "SELECT source, document_id, fingerprint, last_passage - first_passage + 1 FROM documents"
    " WHERE collection = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a collection's history. ``stamp`` is random: a restored backup that goes on
    differently has the same ``seq`` again, but not the same stamp.
    """

    seq: int
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A document came or went, and with it the passages of a range of keys, both ends included.

    A range without passages has ``first`` above ``last``.
    """

    document: int
    added: bool
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageRow:
    """What the lexical index needs of a passage."""

    key: int
    document: int
    title: str
    section: tuple[str, ...]
    text: str


class Snapshot:
    """A consistent view of the catalog, valid while its context lasts. For one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def collection_key(self, name: str) -> int:
        """The key of a collection. Raises CollectionNotFound, naming those there are."""
        row = self._connection.execute(
            "SELECT key FROM collections WHERE name = ?", (name,)
        ).fetchone()
        if row is None:
            names = [
                found
                for (found,) in self._connection.execute(
                    "SELECT name FROM collections ORDER BY name LIMIT 20"
                )
            ]
            raise CollectionNotFound(
                f"There is no collection {name!r}. There are: {', '.join(names)}."
            )
        return int(row[0])

    def collection_keys(self) -> tuple[int, ...]:
        """The keys of all collections."""
        return tuple(
            key for (key,) in self._connection.execute("SELECT key FROM collections ORDER BY key")
        )

    def embedders(self) -> dict[str, EmbedderInfo]:
        """Which model each collection's vectors are made with; empty collections are left out."""
        rows = self._connection.execute(
            "SELECT name, embedder FROM collections WHERE embedder IS NOT NULL ORDER BY name"
        )
        return {name: EmbedderInfo(**json.loads(embedder)) for name, embedder in rows}

    def embedder_of(self, collection: int) -> EmbedderInfo | None:
        """Which model a collection's vectors are made with; None while it is empty."""
        (encoded,) = self._connection.execute(
            "SELECT embedder FROM collections WHERE key = ?", (collection,)
        ).fetchone()
        return None if encoded is None else EmbedderInfo(**json.loads(encoded))

    def settings_of(self, collection: int) -> CollectionSettings:
        """What holds for this collection alone."""
        (passage_characters,) = self._connection.execute(
            "SELECT passage_characters FROM collections WHERE key = ?", (collection,)
        ).fetchone()
        return CollectionSettings(passage_characters=passage_characters)

    def sources(self, collection: int, source: str | None = None) -> dict[str, SourceState]:
        """What is stored for each source of a collection, or for one of them."""
        rows = (
            self._connection.execute(_SOURCES, (collection,))
            if source is None
            else self._connection.execute(_SOURCES + " AND source = ?", (collection, source))
        )
        return {
            name: SourceState(document_id=document_id, fingerprint=fingerprint, passages=passages)
            for name, document_id, fingerprint, passages in rows
        }

    def feedback(self) -> tuple[Feedback, ...]:
        """All judgements of answers, in the order in which they came."""
        return read_feedback(self._connection)

    def head(self, collection: int) -> Position:
        """The last change of a collection; seq 0 when nothing was ever written."""
        seq, stamp = self._connection.execute(
            "SELECT seq, stamp FROM collections WHERE key = ?", (collection,)
        ).fetchone()
        return Position(seq=seq, stamp=stamp)

    def has_position(self, collection: int, position: Position) -> bool:
        """Whether a position is part of this catalog's (remembered) history."""
        if position == self.head(collection):
            return True
        row = self._connection.execute(
            "SELECT 1 FROM changes WHERE collection = ? AND seq = ? AND stamp = ?",
            (collection, position.seq, position.stamp),
        ).fetchone()
        return row is not None

    def changes(self, collection: int, *, after: Position) -> tuple[Change, ...]:
        """What changed since a position, without documents that came and went since."""
        rows = self._connection.execute(
            "SELECT document, added, first_passage, last_passage FROM changes"
            " WHERE collection = ? AND seq > ? ORDER BY seq",
            (collection, after.seq),
        ).fetchall()
        removed = {document for document, added, _, _ in rows if not added}
        return tuple(
            Change(document=document, added=bool(added), first=first, last=last)
            for document, added, first, last in rows
            if not added or document not in removed
        )

    def ranges(self, collection: int) -> tuple[Change, ...]:
        """Every document of a collection as if it had just been added."""
        return tuple(self.ranges_by_id(collection).values())

    def ranges_by_id(self, collection: int) -> dict[str, Change]:
        """The same by document id, in order of key."""
        rows = self._connection.execute(
            "SELECT document_id, key, first_passage, last_passage FROM documents"
            " WHERE collection = ? ORDER BY key",
            (collection,),
        )
        return {
            document_id: Change(document=key, added=True, first=first, last=last)
            for document_id, key, first, last in rows
        }

    def passage_rows(self, ranges: Iterable[Change]) -> Iterator[PassageRow]:
        """The passages of some documents, for full-text indexing."""
        for entry in ranges:
            rows = self._connection.execute(
                "SELECT p.key, p.document, d.title, p.section, p.text FROM passages AS p"
                " JOIN documents AS d ON d.key = p.document"
                " WHERE p.key BETWEEN ? AND ? ORDER BY p.key",
                (entry.first, entry.last),
            )
            for key, document, title, section, text in rows:
                yield PassageRow(
                    key=key,
                    document=document,
                    title=title,
                    section=tuple(json.loads(section)),
                    text=text,
                )

    def vectors(self, ranges: Iterable[Change]) -> Iterator[tuple[int, bytes]]:
        """The vectors of some documents' passages: key, and little-endian float32 bytes."""
        for entry in ranges:
            yield from self._connection.execute(
                "SELECT passage, vector FROM vectors WHERE passage BETWEEN ? AND ?"
                " ORDER BY passage",
                (entry.first, entry.last),
            )

    def passages_by_key(self, keys: Sequence[int]) -> dict[int, tuple[str, bytes]]:
        """Passage id and vector bytes by key; keys that no longer exist are left out."""
        rows = self._connection.execute(
            "SELECT p.key, p.passage_id, v.vector FROM json_each(?) AS wanted"
            " CROSS JOIN passages AS p ON p.key = wanted.value"
            " JOIN vectors AS v ON v.passage = p.key",
            (json.dumps(list(keys)),),
        )
        return {key: (passage_id, vector) for key, passage_id, vector in rows}

    def passage_count(self, collection: int) -> int:
        """How many passages a collection holds."""
        row = self._connection.execute(
            "SELECT coalesce(sum(last_passage - first_passage + 1), 0) FROM documents"
            " WHERE collection = ?",
            (collection,),
        ).fetchone()
        return int(row[0])

    def hits(self, passage_ids: Sequence[str]) -> dict[str, Hit]:
        """Passages with their documents' titles, in the order asked for."""
        rows = self._connection.execute(
            'SELECT p.passage_id, d.document_id, p.ordinal, p.text, p.start, p."end", p.section,'
            " p.page, p.period, c.name, d.title, d.source, d.metadata FROM json_each(?) AS wanted"
            " CROSS JOIN passages AS p ON p.passage_id = wanted.value"
            " JOIN documents AS d ON d.key = p.document"
            " JOIN collections AS c ON c.key = d.collection ORDER BY wanted.key",
            (json.dumps(list(dict.fromkeys(passage_ids))),),
        )
        metadata: dict[str, Metadata] = {}
        hits: dict[str, Hit] = {}
        for *columns, collection, title, source, encoded in rows:
            if encoded not in metadata:
                metadata[encoded] = json.loads(encoded)
            passage = _passage(columns)
            hits[passage.passage_id] = Hit(
                passage=passage,
                rank=len(hits) + 1,
                score=0.0,
                title=title,
                source=source,
                metadata=metadata[encoded],
                collection=collection,
            )
        return hits

    def document(self, document_id: str) -> Document:
        """A document with its text. Raises DocumentNotFound."""
        row = self._connection.execute(
            "SELECT d.document_id, c.name, d.source, d.title, d.metadata, d.fingerprint, d.text"
            " FROM documents AS d JOIN collections AS c ON c.key = d.collection"
            " WHERE d.document_id = ?",
            (document_id,),
        ).fetchone()
        if row is None:
            raise self.absence(document_id)
        return Document(
            document_id=row[0],
            collection=row[1],
            source=row[2],
            title=row[3],
            metadata=json.loads(row[4]),
            fingerprint=row[5],
            text=row[6],
        )

    def absence(self, document_id: str) -> DocumentNotFound:
        """Why there is no such document: it was replaced, was removed, or never was."""
        wanted, seen = document_id, {document_id}
        at: str | None = None
        while True:
            row = self._connection.execute(
                "SELECT at, replacement FROM gone WHERE document_id = ?", (wanted,)
            ).fetchone()
            if row is None:
                break
            at = row[0]
            if row[1] is None or row[1] in seen:
                return DocumentRemoved(f"The document {document_id!r} was removed at {at}.")
            wanted = row[1]
            seen.add(wanted)
        if at is not None:
            return DocumentReplaced(
                f"The document {document_id!r} has changed since: {wanted!r} replaced it at {at}.",
                replacement=wanted,
            )
        return DocumentNotFound(
            f"There is no document {document_id!r}. List those there are with: rag documents list"
        )

    def documents(self, collection: str) -> tuple[DocumentSummary, ...]:
        """A collection's documents in order of source. Raises CollectionNotFound."""
        rows = self._connection.execute(
            "SELECT document_id, source, title, metadata, characters,"
            " last_passage - first_passage + 1 FROM documents"
            " WHERE collection = ? ORDER BY source",
            (self.collection_key(collection),),
        )
        return tuple(
            DocumentSummary(
                document_id=document_id,
                collection=collection,
                source=source,
                title=title,
                metadata=json.loads(metadata),
                characters=characters,
                passages=passages,
            )
            for document_id, source, title, metadata, characters, passages in rows
        )

    def passages(self, document_id: str) -> tuple[Passage, ...]:
        """All passages of a document in order. Raises DocumentNotFound."""
        rows = self._connection.execute(
            'SELECT p.passage_id, d.document_id, p.ordinal, p.text, p.start, p."end", p.section,'
            " p.page, p.period FROM passages AS p JOIN documents AS d ON d.key = p.document"
            " WHERE d.document_id = ? ORDER BY p.ordinal",
            (document_id,),
        ).fetchall()
        if not rows:
            self.document(document_id)
        return tuple(_passage(row) for row in rows)

    def pending(self, *, limit: int) -> tuple[tuple[int, str, int], ...]:
        """Passages that have no vector of the other model yet: key, document's id, ordinal."""
        rows = self._connection.execute(
            "SELECT p.key, d.document_id, p.ordinal FROM passages AS p"
            " JOIN documents AS d ON d.key = p.document WHERE NOT EXISTS"
            " (SELECT 1 FROM pending_vectors WHERE passage = p.key) ORDER BY p.key LIMIT ?",
            (limit,),
        )
        return tuple((key, document_id, ordinal) for key, document_id, ordinal in rows)

    def collections(self) -> tuple[Collection, ...]:
        """All collections in order of name, with their sizes."""
        rows = self._connection.execute(
            "SELECT c.name, count(d.key),"
            " coalesce(sum(d.last_passage - d.first_passage + 1), 0), c.passage_characters"
            " FROM collections AS c LEFT JOIN documents AS d ON d.collection = c.key"
            " GROUP BY c.key ORDER BY c.name"
        )
        return tuple(
            Collection(
                name=name,
                documents=documents,
                passages=passages,
                settings=CollectionSettings(passage_characters=passage_characters),
            )
            for name, documents, passages, passage_characters in rows
        )


def _passage(row: Sequence[Any]) -> Passage:
    passage_id, document_id, ordinal, text, start, end, section, page, period = row
    return Passage(
        passage_id=passage_id,
        document_id=document_id,
        ordinal=ordinal,
        text=text,
        start=start,
        end=end,
        section=tuple(json.loads(section)),
        page=page,
        period=period,
    )
