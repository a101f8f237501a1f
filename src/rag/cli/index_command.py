"""``rag index``: add files and folders."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.options import add_collection, add_json, add_settings, settings_of
from rag.cli.output import line, looks_like_terminal, show, write_json
from rag.cli.replies import outcomes_reply
from rag.errors import InvalidInput

if TYPE_CHECKING:
    from rag.schema import FileOutcome

__all__ = ["add_arguments", "run"]

_STYLES = {"added": "good", "replaced": "good", "unchanged": "dim", "failed": "bad"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
    add_collection(parser)
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Index the paths; 1 when some file failed, after all the others were kept."""
    settings = settings_of(arguments)
    given = ", ".join(map(str, arguments.paths))
    if not any(path.exists() for path in arguments.paths):
        message = f"There is no {given}. Expected files or folders to index; check the names."
        raise InvalidInput(message)
    from rag.factory import open_application

    started = time.perf_counter()
    with open_application(settings) as application, _progress() as progress:
        outcomes = application.library.add_paths(
            arguments.paths, collection=arguments.collection, progress=progress
        )
    if not outcomes:
        from rag.readers import supported_suffixes

        message = (
            f"No file to index in {given}. Expected files ending in"
            f" {', '.join(sorted(supported_suffixes()))}."
        )
        raise InvalidInput(message)
    if arguments.json:
        write_json(outcomes_reply(outcomes, collection=arguments.collection))
    else:
        _report(outcomes, seconds=time.perf_counter() - started, collection=arguments.collection)
    return 1 if any(outcome.status == "failed" for outcome in outcomes) else 0


def _report(outcomes: Sequence[FileOutcome], *, seconds: float, collection: str) -> None:
    lines = []
    for outcome in outcomes:
        detail = outcome.error if outcome.error else f"{outcome.passages} passages"
        status = (_STYLES[outcome.status], f"{outcome.status:<9}")
        lines.append(line(status, f"  {outcome.source}  ", ("dim", detail)))
    counts = Counter[str](outcome.status for outcome in outcomes)
    summary = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])
    passages = sum(outcome.passages for outcome in outcomes)
    lines.append(
        line(
            ("strong", summary),
            f"; {passages:,} passages in collection {collection!r}, {seconds:.1f} s",
        )
    )
    show(lines)


@contextmanager
def _progress() -> Iterator[Callable[[FileOutcome, int, int], None] | None]:
    """A progress bar with a rate on standard error, when somebody looks at it."""
    if not looks_like_terminal(sys.stderr):
        yield None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from rag.cli.output import console

    started = time.perf_counter()
    passages = 0
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("indexing", total=None, rate="")

        def advance(outcome: FileOutcome, done: int, total: int) -> None:
            nonlocal passages
            passages += outcome.passages
            seconds = max(time.perf_counter() - started, 1e-9)
            rate = f"{done / seconds:.1f} files/s, {passages / seconds:,.0f} passages/s"
            bar.update(task, completed=done, total=total, rate=rate)

        yield advance
