"""The document library: files in, documents with passages and vectors out, through one engine."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag import readers
from rag.checks import check_collection, check_metadata, check_settings
from rag.chunking import chunk
from rag.embedders.own import OwnModels
from rag.errors import (
    CollectionNotFound,
    DocumentNotFound,
    InvalidInput,
    MissingDependency,
    PassageNotFound,
    UnreadableDocument,
)
from rag.fingerprints import fingerprint, is_of_file
from rag.folders import Selection, files_of, is_gone, source_of
from rag.metadata import describe
from rag.schema import DEFAULT_COLLECTION, CollectionSettings, Document, FileOutcome
from rag.text import normalise

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.protocols import Embedder, Engine
    from rag.schema import Collection, DocumentSummary, Filters, Metadata, Passage, SourceState

    FloatArray = npt.NDArray[np.float32]

__all__ = ["Library", "embedding_text"]

_BATCH = 256
_MOST_NEIGHBOURS = 20
_DEFAULT_PARSING = readers.ParsingLimits()

Progress = Callable[[FileOutcome, int, int], None]


def embedding_text(document: Document, passage: Passage) -> str:
    """What is embedded for a passage: title, place and heading path, and the passage's text.

    A passage seldom repeats what it is about; its headings and its document's title say it.
    """
    place = document.metadata.get("place")
    context = [document.title]
    if isinstance(place, str) and place not in document.title:
        context.append(place)
    return "\n".join([" ".join([*context, *passage.section]), passage.text])


class Library:
    """Adds, replaces, removes and lists documents of one engine.

    A file that cannot become a document is an outcome, not an error: the rest of a batch goes on.
    Errors of the engine (a lock, a full disk) end the call; what was added by then stays.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        embedder: Embedder,
        passage_characters: int,
        max_file_bytes: int,
        parsing: readers.ParsingLimits = _DEFAULT_PARSING,
        models: OwnModels | None = None,
    ) -> None:
        self._engine = engine
        self._passage_characters = passage_characters
        self._max_file_bytes = max_file_bytes
        self._parsing = parsing
        self._models = models or OwnModels(embedder)

    @property
    def engine(self) -> Engine:
        """Where the documents live."""
        return self._engine

    def add_bytes(
        self,
        data: bytes,
        *,
        name: str,
        collection: str = DEFAULT_COLLECTION,
        metadata: Metadata | None = None,
    ) -> FileOutcome:
        """Add or replace one document given as a file's bytes.

        ``name`` is its source: what a newer version replaces, and whose suffix names the format.
        ``metadata`` overrides what the text says. Raises InvalidInput for a bad collection name or
        metadata, and the engine's errors.
        """
        batch = self._begin(collection, metadata, origin="upload")
        source = normalise(name).strip()
        if not source:
            raise InvalidInput("A document needs a name, such as its file name.")
        return self._add(source, lambda: data, batch)

    def add_paths(
        self,
        paths: Sequence[Path],
        *,
        collection: str = DEFAULT_COLLECTION,
        metadata: Metadata | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> tuple[FileOutcome, ...]:
        """Add or replace files and all readable files in folders, in order of name.

        Folders are walked without hidden files, other formats, and indexes; ``include`` and
        ``exclude`` are patterns for what is below them (see ``rag.folders.Selection``). A file that
        has not changed since it was read is not read again. ``progress`` is called after each file
        with its outcome, how many are done and how many there are. Raises InvalidInput for a bad
        collection name or metadata, and the engine's errors.
        """
        batch = self._begin(collection, metadata, origin="file")
        files = list(files_of(paths, _selection(include, exclude)))
        outcomes = []
        for number, path in enumerate(files, start=1):
            outcome = self._add(source_of(path), partial(self._read_file, path), batch)
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome, number, len(files))
        return tuple(outcomes)

    def vanished(
        self, paths: Sequence[Path], *, collection: str = DEFAULT_COLLECTION
    ) -> Mapping[str, str]:
        """Documents added from files below the folders named that are there no more.

        Document ids by source, in order of source. A folder without any readable file has lost
        none: it is more likely not mounted. Uploads are never among them.
        """
        folders = [
            path for path in paths if path.is_dir() and any(files_of([path], _selection((), ())))
        ]
        try:
            stored = self._engine.sources(collection=collection)
        except CollectionNotFound:
            return {}
        return {
            source: state.document_id
            for source, state in sorted(stored.items())
            if is_of_file(state.fingerprint) and is_gone(source, folders=folders)
        }

    def remove(self, *document_ids: str) -> None:
        """Remove documents and all that derives from them, all of them or none.

        Raises DocumentNotFound.
        """
        self._engine.remove(*document_ids)

    def document(self, document_id: str) -> Document:
        """A document with its text. Raises DocumentNotFound."""
        return self._engine.document(document_id)

    def documents(
        self, collection: str = DEFAULT_COLLECTION, filters: Filters | None = None
    ) -> tuple[DocumentSummary, ...]:
        """A collection's documents in order of source. Raises CollectionNotFound."""
        return self._engine.documents(collection=collection, filters=filters)

    def passages(self, document_id: str) -> tuple[Passage, ...]:
        """A document's passages in order. Raises DocumentNotFound."""
        return self._engine.passages(document_id)

    def around(
        self, passage_id: str, *, neighbours: int
    ) -> tuple[tuple[Passage, ...], Passage, tuple[Passage, ...]]:
        """As many passages before a passage of a document, itself, and as many after it, in order.

        Raises DocumentNotFound, PassageNotFound, InvalidInput.
        """
        if not 0 <= neighbours <= _MOST_NEIGHBOURS:
            message = f"neighbours is {neighbours}. Expected a number from 0 to {_MOST_NEIGHBOURS}."
            raise InvalidInput(message)
        document_id, dash, _ = passage_id.rpartition("-")
        if not dash:
            message = f"There is no passage {passage_id!r}. Expected the passage_id of a search."
            raise PassageNotFound(message)
        passages = self._engine.passages(document_id)
        ids = [each.passage_id for each in passages]
        if passage_id not in ids:
            message = (
                f"There is no passage {passage_id!r}. Those of its document go from {ids[0]!r} to"
                f" {ids[-1]!r}."
            )
            raise PassageNotFound(message)
        place = ids.index(passage_id)
        first, after = max(0, place - neighbours), place + 1
        return passages[first:place], passages[place], passages[after : after + neighbours]

    def collections(self) -> tuple[Collection, ...]:
        """All collections."""
        return self._engine.collections()

    def create_collection(self, name: str, *, settings: CollectionSettings | None = None) -> None:
        """Make an empty collection, with settings of its own where given.

        Raises InvalidInput for a name that cannot be one or is taken; for a model of its own also
        what opening it raises: InvalidSetting, ModelUnavailable, MissingDependency.
        """
        own = settings or CollectionSettings()
        check_collection(name)
        check_settings(own)
        self._models.of(own)
        self._engine.create_collection(name, settings=own)

    def rename_collection(self, name: str, new_name: str) -> None:
        """Give a collection another name. Its documents get other ids, which derive from it.

        Raises CollectionNotFound; InvalidInput for a name that cannot be one or is taken, and for
        the default collection.
        """
        check_collection(new_name)
        self._engine.rename_collection(name, new_name, identify=partial(_document_id, new_name))

    def delete_collection(self, name: str) -> None:
        """Remove a collection with all its documents; the default one stays, empty.

        Raises CollectionNotFound.
        """
        self._engine.delete_collection(name)

    def _begin(
        self, collection: str, metadata: Metadata | None, *, origin: Literal["file", "upload"]
    ) -> _Batch:
        check_collection(collection)
        check_metadata(metadata or {})
        try:
            settings = self._engine.settings_of(collection)
        except CollectionNotFound:
            settings = CollectionSettings()  # writing to it makes it
        return _Batch(
            collection=collection,
            metadata=metadata or {},
            origin=origin,
            passage_characters=settings.passage_characters or self._passage_characters,
            embedder=self._models.of(settings),
        )

    def _add(self, source: str, read: Callable[[], bytes], batch: _Batch) -> FileOutcome:
        stored = self._stored(source, batch)
        try:
            data = read()
            print_of_file = fingerprint(
                data,
                origin=batch.origin,
                metadata=batch.metadata,
                passage_characters=batch.passage_characters,
            )
            if stored is not None and stored.fingerprint == print_of_file:
                return FileOutcome(
                    source=source,
                    status="unchanged",
                    document_id=stored.document_id,
                    passages=stored.passages,
                )
            document, passages = self._prepare(data, source, batch, print_of_file)
        except (UnreadableDocument, MissingDependency) as error:
            return FileOutcome(
                source=source, status="failed", error=str(error), error_code=error.code
            )
        status: Literal["added", "replaced", "unchanged"]
        status = "added" if stored is None else "replaced"
        if stored is not None and self._is_stored(document, passages):
            status = "unchanged"  # and written all the same, for its new fingerprint
        self._engine.write(document, passages, _embedded(document, passages, batch.embedder))
        return FileOutcome(
            source=source,
            status=status,
            document_id=document.document_id,
            passages=len(passages),
        )

    def _stored(self, source: str, batch: _Batch) -> SourceState | None:
        try:
            return self._engine.sources(collection=batch.collection, source=source).get(source)
        except CollectionNotFound:
            return None

    def _prepare(
        self, data: bytes, source: str, batch: _Batch, print_of_file: str
    ) -> tuple[Document, tuple[Passage, ...]]:
        parsed = readers.read(
            data, name=source, max_bytes=self._max_file_bytes, limits=self._parsing
        )
        metadata = describe(parsed, source=source) | dict(batch.metadata)
        document = Document(
            document_id=_document_id(batch.collection, source, parsed.text),
            collection=batch.collection,
            source=source,
            title=str(metadata["title"]),
            text=parsed.text,
            metadata=metadata,
            fingerprint=print_of_file,
        )
        passages = chunk(
            parsed,
            document_id=document.document_id,
            max_characters=batch.passage_characters,
        )
        if not passages:
            raise UnreadableDocument(
                f"{source} holds no text to index: {len(parsed.text)} characters were read, but "
                "no sentence was found among them."
            )
        return document, passages

    def _is_stored(self, document: Document, passages: tuple[Passage, ...]) -> bool:
        # The id stands for source and text; settings and metadata may have changed since.
        try:
            stored = self._engine.document(document.document_id)
            return (
                replace(stored, fingerprint=document.fingerprint) == document
                and self._engine.passages(document.document_id) == passages
            )
        except DocumentNotFound:
            return False

    def _read_file(self, path: Path) -> bytes:
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise UnreadableDocument(f"The folder {path} cannot be listed.")
            # Opening a pipe or a device could wait for ever.
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableDocument(f"{path} is not a regular file.")
            self._check_size(status.st_size, str(path))
            return path.read_bytes()
        except OSError as error:
            raise UnreadableDocument(f"{path} cannot be read: {error.strerror}.") from error

    def _check_size(self, size: int, source: str) -> None:
        if size > self._max_file_bytes:
            raise UnreadableDocument(
                f"{source} has {size / 2**20:.1f} MB; files of up to "
                f"{self._max_file_bytes / 2**20:g} MB are read. Split it, or raise "
                "max_file_megabytes."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What the files of one call share."""

    collection: str
    metadata: Metadata
    origin: Literal["file", "upload"]
    passage_characters: int
    embedder: Embedder


def _embedded(document: Document, passages: Sequence[Passage], embedder: Embedder) -> FloatArray:
    import numpy as np

    texts = [embedding_text(document, passage) for passage in passages]
    return np.concatenate(
        [
            embedder.embed_passages(texts[start : start + _BATCH])
            for start in range(0, len(texts), _BATCH)
        ]
    )


def _selection(include: Sequence[str], exclude: Sequence[str]) -> Selection:
    return Selection(
        suffixes=readers.supported_suffixes(), include=tuple(include), exclude=tuple(exclude)
    )


def _document_id(collection: str, source: str, text: str) -> str:
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    parts = "".join(f"{len(part)}:{part}" for part in (collection, source, text))
    return "d" + hashlib.sha256(parts.encode()).hexdigest()[:16]
