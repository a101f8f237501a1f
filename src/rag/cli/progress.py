"""Progress bars on standard error, for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]


@contextmanager
def bar(what: str, *, shown: bool, unit: str = "passages") -> Iterator[Callable[..., None] | None]:
    """Shows how much is done, the rate and the time that remains; None when nobody looks.

    Call it with how many are done and how many there are; ``more`` adds to the rate that is shown.
    """
    if not shown:
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
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    ) as shown_bar:
        task = shown_bar.add_task(what, total=None, rate="")

        def advance(done: int, total: int, *, more: str = "") -> None:
            seconds = max(time.perf_counter() - started, 1e-9)
            rate = f"{done / seconds:,.1f} {unit}/s{more}"
            shown_bar.update(task, completed=done, total=total, rate=rate)

        yield advance
