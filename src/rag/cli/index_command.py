"""``rag index``: add files and folders, and keep the index in step with them."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.options import add_collection, add_json, add_settings, settings_of, text
from rag.cli.output import Line, line, looks_like_terminal, show, write, write_error, write_json
from rag.cli.progress import bar
from rag.cli.replies import outcomes_reply
from rag.errors import IndexLocked, InvalidInput, Unavailable

if TYPE_CHECKING:
    from rag.library import Library
    from rag.schema import FileOutcome

__all__ = ["add_arguments", "run"]

_STYLES = {
    "added": "good",
    "replaced": "good",
    "unchanged": "dim",
    "failed": "bad",
    "removed": "good",
    "vanished": "doubtful",
}
_LOOK_SECONDS = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    add_collection(parser)
    for name, purpose in (
        ("include", "of folders, only files like this"),
        ("exclude", "of folders, no files and folders like this"),
    ):
        parser.add_argument(
            f"--{name}",
            action="append",
            type=text,
            default=[],
            metavar="PATTERN",
            help=f"{purpose}, such as '*.pdf' or 'drafts/*'; repeatable",
        )
    parser.add_argument(
        "--sync",
        action="store_true",
        help="also remove documents whose files below the folders are there no more",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="then stay, and follow what is added, changed and removed, until Ctrl-C",
    )
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Index the paths; 1 when some file failed, after all the others were kept."""
    settings = settings_of(arguments)
    given = ", ".join(map(str, arguments.paths))
    if not any(path.exists() for path in arguments.paths):
        message = f"There is no {given}. Expected files or folders to index; check the names."
        raise InvalidInput(message)
    if arguments.watch and arguments.json:
        message = "--watch does not end by itself, and --json prints one reply. Choose one of them."
        raise InvalidInput(message)
    from rag.factory import open_application

    with open_application(settings) as application:
        library = application.library
        outcomes, vanished = _index(library, arguments, arguments.paths)
        if not outcomes:
            from rag.readers import supported_suffixes

            message = (
                f"No file to index in {given}. Expected files ending in"
                f" {', '.join(sorted(supported_suffixes()))}."
            )
            raise InvalidInput(message)
        failed = any(outcome.status == "failed" for outcome in outcomes)
        if arguments.watch:
            failed = False
            with suppress(KeyboardInterrupt):
                _watch(library, arguments)
    if arguments.json:
        reply = outcomes_reply(outcomes, collection=arguments.collection)
        gone = [{"source": s, "document_id": i} for s, i in vanished.items()]
        write_json({**reply, "removed" if arguments.sync else "vanished": gone})
    return 1 if failed else 0


def _index(
    library: Library, arguments: argparse.Namespace, paths: Sequence[Path]
) -> tuple[tuple[FileOutcome, ...], Mapping[str, str]]:
    """Index files, deal with those that are gone, and say what came of it."""
    started = time.perf_counter()
    passages = 0
    with bar("indexing", shown=looks_like_terminal(sys.stderr), unit="files") as advance:

        def progress(outcome: FileOutcome, done: int, total: int) -> None:
            nonlocal passages
            passages += outcome.passages
            if advance is not None:
                rate = passages / max(time.perf_counter() - started, 1e-9)
                advance(done, total, more=f", {rate:,.0f} passages/s")

        outcomes = library.add_paths(
            paths,
            collection=arguments.collection,
            include=arguments.include,
            exclude=arguments.exclude,
            progress=progress,
        )
    vanished = library.vanished(arguments.paths, collection=arguments.collection)
    removes = arguments.sync or arguments.watch
    if removes and vanished:
        library.remove(*vanished.values())
    if not arguments.json:
        lines = _lines(outcomes, vanished, removed=removes)
        if outcomes:
            seconds = time.perf_counter() - started
            lines.append(_summary(outcomes, seconds=seconds, collection=arguments.collection))
        show(lines)
        sys.stdout.flush()
    return outcomes, vanished


def _watch(library: Library, arguments: argparse.Namespace) -> None:
    from rag.cli.watching import Watch
    from rag.folders import Selection, files_of
    from rag.readers import supported_suffixes

    selection = Selection(
        suffixes=supported_suffixes(),
        include=tuple(arguments.include),
        exclude=tuple(arguments.exclude),
    )
    watch = Watch(lambda: [p for p in files_of(arguments.paths, selection) if p.is_file()])
    write("Watching for changes. Stop with Ctrl-C.")
    sys.stdout.flush()
    waiting: set[Path] = set()
    lost = False
    while True:
        time.sleep(_LOOK_SECONDS)
        changed, gone = watch.changes()
        waiting, lost = waiting | set(changed), lost or gone
        if not waiting and not lost:
            continue
        try:
            _index(library, arguments, sorted(path for path in waiting if path.is_file()))
        except (IndexLocked, Unavailable) as error:
            write_error(error, as_json=False)  # and try again at the next look
        else:
            waiting, lost = set(), False


def _lines(
    outcomes: Sequence[FileOutcome], vanished: Mapping[str, str], *, removed: bool
) -> list[Line]:
    lines = []
    for outcome in outcomes:
        detail = outcome.error if outcome.error else f"{outcome.passages} passages"
        status = (_STYLES[outcome.status], f"{outcome.status:<9}")
        lines.append(line(status, f"  {outcome.source}  ", ("dim", detail)))
    for source in vanished:
        word = "removed" if removed else "vanished"
        detail = "its file is gone" if removed else "its file is gone; --sync removes it"
        lines.append(line((_STYLES[word], f"{word:<9}"), f"  {source}  ", ("dim", detail)))
    return lines


def _summary(outcomes: Sequence[FileOutcome], *, seconds: float, collection: str) -> Line:
    counts = Counter[str](outcome.status for outcome in outcomes)
    summary = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])
    passages = sum(outcome.passages for outcome in outcomes)
    return line(
        ("strong", summary),
        f"; {passages:,} passages in collection {collection!r}, {seconds:.1f} s",
    )
