"""Checks of what the program works on: settings, disk, port, and the index."""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.findings import Finding, fine, problem, warning
from rag.cli.ports import holder, listen
from rag.errors import IndexMissing, RagError, Unavailable

if TYPE_CHECKING:
    from rag.embedders.own import OwnModels
    from rag.protocols import Engine
    from rag.settings import Settings

__all__ = ["surroundings_findings"]

_LITTLE_SPACE, _TOO_LITTLE_SPACE = 2**30, 100 * 2**20
_DOCUMENTS_READ = 1_000
_MODELS_NAMED = 10


def surroundings_findings(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """The findings about language model, disk, port and index, one at a time as they are made."""
    yield from _language_model(settings)
    yield _disk(settings.data_dir)
    yield _port(settings.host, settings.port)
    if repair:
        yield _repaired(settings.data_dir)
    yield from _index(settings)


def _language_model(settings: Settings) -> Iterator[Finding]:
    from rag.composers.completions import CompletionFailed
    from rag.factory import open_language_model

    try:
        model = open_language_model(settings)
    except RagError as error:
        yield problem("llm", str(error))
        return
    if model is None:
        return
    where = f"{model.name} at {model.base_url}"
    try:
        offered = model.names()
    except CompletionFailed as error:
        advice = "Until it works, answers are quotations and say so."
        yield problem("llm", f"{where}: {error}", advice=advice)
        return
    # Ollama completes a name without a tag by itself.
    if offered is None or {model.name, f"{model.name}:latest"} & set(offered):
        yield fine("llm", where if offered else f"{where}, which does not say what it offers")
        return
    some = ", ".join(offered[:_MODELS_NAMED]) + ", …" * (len(offered) > _MODELS_NAMED)
    yield problem(
        "llm",
        f"{where}, which offers {some or 'no model'}",
        advice="Set RAG_LLM_MODEL to a name that it offers, or make it offer this one.",
    )


def _disk(folder: Path) -> Finding:
    existing = next(
        each for each in (folder.absolute(), *folder.absolute().parents) if each.exists()
    )
    try:
        if not existing.is_dir():
            raise NotADirectoryError(20, "it is not a folder", str(existing))
        free = shutil.disk_usage(existing).free
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return problem(
            "disk",
            f"{existing} cannot be written to: {error.strerror or error}",
            advice="Change its permissions, or choose another folder with RAG_DATA_DIR.",
        )
    found = f"{free / 2**30:.1f} GB free at {existing}, writable"
    if free < _TOO_LITTLE_SPACE:
        return problem("disk", found, advice="Free some space: documents cannot be stored safely.")
    if free < _LITTLE_SPACE:
        return warning("disk", found, advice="Free some space before indexing much.")
    return fine("disk", found)


def _port(host: str, port: int) -> Finding:
    try:
        listen(host, port).close()
    except Unavailable as error:
        if _is_ours(host, port):
            who = holder(port)
            return fine("port", f"{host}:{port} is served by this program" + f", {who}" * bool(who))
        return warning("port", str(error), advice="Needed for rag serve only.")
    return fine("port", f"{host}:{port} is free")


def _is_ours(host: str, port: int) -> bool:
    """Whether the API of this program answers there."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/openapi.json")
        response = connection.getresponse()
        described = json.loads(response.read(2**20))
        return response.status == 200 and "/v1/ask" in described.get("paths", {})
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        connection.close()


def _repaired(folder: Path) -> Finding:
    """Check the catalog and make its indexes anew; the search that follows makes the others."""
    from rag.catalog import Catalog
    from rag.catalog import repair as repair_catalog
    from rag.engines.indexes import remove_indexes

    try:
        wrong = repair_catalog(folder)
        if wrong:
            return problem(
                "repair",
                f"the catalog in {folder} is damaged: {'; '.join(wrong)}",
                advice="Put a backup in its place: rag restore FILE. Without one, move the folder"
                " away and index the documents again.",
            )
        catalog = Catalog.open(folder, create=False)
        try:
            with catalog.snapshot() as snapshot:
                keys = snapshot.collection_keys()
        finally:
            catalog.close()
    except IndexMissing as error:
        return warning("repair", str(error))
    except RagError as error:
        return problem("repair", str(error))
    for key in keys:
        remove_indexes(folder, key)
    return fine("repair", f"the catalog is whole; {len(keys)} collections are indexed anew")


def _index(settings: Settings) -> Iterator[Finding]:
    from rag.embedders.own import OwnModels
    from rag.factory import open_embedder, open_engine, open_reranker

    try:
        embedder = open_embedder(settings.embedder)
        yield fine("embedder", f"{embedder.info.name}, {embedder.info.dimension} dimensions")
    except RagError as error:
        yield problem("embedder", str(error))
        return
    try:
        reranker = open_reranker(settings.reranker)
        if reranker is not None:
            reranker.scores("合肥", ["合肥市"])
            yield fine("reranker", f"{settings.reranker} loads and scores")
    except RagError as error:
        yield problem("reranker", str(error))
        return
    models = OwnModels(embedder, open_model=open_embedder)
    try:
        engine = open_engine(settings, models=models, create=False)
    except IndexMissing as error:
        yield warning("index", str(error))
        return
    except RagError as error:
        yield problem("index", str(error))
        return
    try:
        yield from _contents(engine, models, folder=settings.data_dir)
    except RagError as error:
        yield problem("index", str(error))
    finally:
        engine.close()


def _contents(engine: Engine, models: OwnModels, *, folder: Path) -> Iterator[Finding]:
    collections = engine.collections()
    counts = "; ".join(
        f"{each.name}: {each.documents:,} documents, {each.passages:,} passages"
        for each in collections
    )
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    yield fine("index", f"{folder.absolute()}, {size / 2**20:.1f} MB; {counts}")
    if not any(each.passages for each in collections):
        return

    read, misplaced = 0, []
    for collection in collections:
        for summary in engine.documents(collection=collection.name)[: _DOCUMENTS_READ - read]:
            document = engine.document(summary.document_id)
            read += 1
            misplaced += [
                passage.passage_id
                for passage in engine.passages(summary.document_id)
                if document.text[passage.start : passage.end] != passage.text
            ]
    if misplaced:
        found = f"{len(misplaced)} passages are not where they say, such as {misplaced[0]}"
        yield problem("passages", found, advice="Remove these documents and index them again.")
    else:
        yield fine("passages", f"all passages of {read:,} documents are where they say")

    # A search makes the derived indexes catch up, or be rebuilt where they are damaged.
    empty = []
    for each in collections:
        vector = models.of(engine.settings_of(each.name)).embed_query("2024")
        if each.passages and not engine.candidates("2024", vector, collection=each.name, limit=1):
            empty.append(each.name)
    if empty:
        found = f"no passage is found in {', '.join(empty)}"
        yield problem("search", found, advice="Move the index away and index the documents again.")
    else:
        yield fine("search", "every collection with passages can be searched")
