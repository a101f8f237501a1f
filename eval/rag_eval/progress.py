"""Progress on standard error, and reports into files: what all actions do alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from rag.errors import Unavailable

__all__ = ["Advance", "progress_bar", "write_file"]

Advance: TypeAlias = Callable[[bool, int, int], None]
"""Called with whether the last one failed, how many are done, and how many there are."""


def write_file(path: Path, text: str) -> None:
    """Write a report. Raises Unavailable when that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}. Name another place."
        raise Unavailable(message) from error


@contextmanager
def progress_bar(words: str) -> Iterator[Advance]:
    """A progress bar, when somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn(words),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, failed=0)
        failed = 0

        def advance(one_failed: bool, done: int, total: int) -> None:
            nonlocal failed
            failed += one_failed
            bar.update(task, completed=done, total=total, failed=failed)

        yield advance
