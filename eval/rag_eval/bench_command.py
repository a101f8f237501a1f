"""``rag eval bench``: a public question set, asked of a library built from it. Light to import."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import Unavailable
from rag_eval.command import add_passages, add_reports, evaluate
from rag_eval.progress import progress_bar

if TYPE_CHECKING:
    from rag.factory import Application
    from rag.schema import FileOutcome
    from rag.settings import Settings
    from rag_eval.public_sets import PublicSet
    from rag_eval.targets import Target

__all__ = ["add_arguments", "run"]

_STAMP = "set.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "name",
        metavar="NAME",
        help="folder with corpus.jsonl, queries.jsonl and qrels.tsv (or qrels/test.tsv)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where that folder is (the working directory)",
    )
    add_passages(parser, default=10)
    add_reports(parser)


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Build the set's library where there is none yet, ask its questions; the exit code.

    The library is kept in ``bench/`` of the index folder, and made anew when the set, the model or
    the length of passages is another. Raises InvalidInput for a set that cannot be read,
    Unavailable when documents cannot be stored, and what opening and asking raises.
    """
    from rag_eval.public_sets import read_folder

    folder = arguments.data / arguments.name
    found = read_folder(folder)
    cache = settings({}).data_dir / "bench" / folder.resolve().name
    chosen = settings({"data_dir": str(cache / "index")})

    def open_target() -> Target:
        from rag.factory import open_application
        from rag_eval.targets import LibraryTarget

        stamp = _stamp(chosen, found)
        if not _is_built(cache, stamp):
            shutil.rmtree(cache, ignore_errors=True)
        application = open_application(chosen)
        try:
            if _read_stamp(cache) != {**stamp, "built": True}:
                _build(application, found, cache, stamp)
        except BaseException:
            application.close()
            raise
        return LibraryTarget.of(application)

    arguments.file = folder
    return evaluate(arguments, cases=found.cases, open_target=open_target, stdout=stdout)


def _stamp(settings: Settings, found: PublicSet) -> dict[str, object]:
    """What decides what is in the library."""
    from rag import __version__

    digest = hashlib.sha256()
    for document in found.documents:
        digest.update(f"{document.name}\0{document.text}\0".encode())
    return {
        "documents": digest.hexdigest(),
        "embedder": settings.embedder,
        "passage_characters": settings.passage_characters,
        "version": __version__,
    }


def _is_built(cache: Path, stamp: Mapping[str, object]) -> bool:
    """Whether the library, finished or not, is of this set and these settings."""
    return {**_read_stamp(cache), "built": None} == {**stamp, "built": None}


def _read_stamp(cache: Path) -> dict[str, object]:
    try:
        stamp = json.loads((cache / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _build(
    application: Application, found: PublicSet, cache: Path, stamp: Mapping[str, object]
) -> None:
    """Index the documents. What an interrupted build has stored is not stored again."""
    from rag_eval.public_sets import write_documents

    documents = cache / "documents"
    write_documents(found.documents, documents)
    (cache / _STAMP).write_text(json.dumps({**stamp, "built": False}), encoding="utf-8")
    with progress_bar("indexing") as advance:

        def progress(outcome: FileOutcome, done: int, total: int) -> None:
            advance(outcome.status == "failed", done, total)

        outcomes = application.library.add_paths([documents], progress=progress)
    # A text without a sentence cannot be found, which is the set's own affair; but not any?
    if all(outcome.status == "failed" for outcome in outcomes):
        message = f"None of the {len(outcomes)} documents was indexed: {outcomes[0].error}"
        raise Unavailable(message)
    (cache / _STAMP).write_text(json.dumps({**stamp, "built": True}), encoding="utf-8")
    shutil.rmtree(documents)
