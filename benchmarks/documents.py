"""How fast documents come and go, and how much memory that takes.

    python benchmarks/documents.py [--reports 120] [--small 1000]

Uses the reports below ``$RAG_SHARED_DATA/corpus/reports`` (default ``../shared``). Each figure is
of one run in a process of its own, on an index that begins empty. What is asked of it: 120 reports
in less than 15 s from text to the first answer, 1,000 small documents deleted in less than 2 s, and
memory that does not grow with the number of files.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.factory import Application

__all__ = ["main"]

_QUESTION = "2024年地区生产总值增长目标是多少？"


def main() -> None:
    """Run every measurement in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=120, help="how many reports")
    parser.add_argument("--small", type=int, default=1_000, help="how many small documents")
    parser.add_argument("--only", choices=sorted(_MEASUREMENTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        _run(_MEASUREMENTS[arguments.only], arguments)
        return
    for name in _MEASUREMENTS:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", name], check=True)


def _run(
    measure: Callable[[Application, Path, argparse.Namespace], None], arguments: argparse.Namespace
) -> None:
    from rag.factory import open_application
    from rag.settings import Settings

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with open_application(Settings(data_dir=folder / "index")) as application:
            measure(application, folder, arguments)


def _say(what: str, seconds: float, more: str = "") -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<46} {seconds:8.2f} s   peak {peak:6.0f} MB   {more}", flush=True)


def _reports(arguments: argparse.Namespace) -> list[Path]:
    shared = Path(os.environ.get("RAG_SHARED_DATA", "../shared"))
    return sorted((shared / "corpus" / "reports").glob("*.txt"))[: arguments.reports]


def _index_reports(application: Application, _folder: Path, arguments: argparse.Namespace) -> None:
    files = _reports(arguments)
    started = time.perf_counter()
    outcomes = application.library.add_paths(files)
    indexed = time.perf_counter()
    characters = sum(each.characters for each in application.library.documents())
    passages = sum(outcome.passages for outcome in outcomes)
    size = f"{characters / 1e6:.1f} M characters, {passages:,} passages"
    _say(f"{len(files)} reports, durable", indexed - started, size)
    application.assistant.ask(_QUESTION)
    _say(f"{len(files)} reports, to the first answer", time.perf_counter() - started)

    started = time.perf_counter()
    application.library.add_paths(files)
    _say(f"{len(files)} reports again, unchanged", time.perf_counter() - started)

    started = time.perf_counter()
    for file in files:
        changed = file.read_bytes() + "\n新增的一句话。\n".encode()
        application.library.add_bytes(changed, name=str(file))
        application.assistant.search(_QUESTION)
    each = 1000 * (time.perf_counter() - started) / max(1, len(files))
    _say(
        f"{len(files)} reports added or replaced one by one",
        time.perf_counter() - started,
        f"{each:.0f} ms each, a search after each included",
    )


def _delete_small(application: Application, _folder: Path, arguments: argparse.Namespace) -> None:
    for how in ("one by one", "at once"):
        ids = []
        started = time.perf_counter()
        for number in range(arguments.small):
            text = f"第{number}号文件。本市计划建设公园{number}个。\n"
            outcome = application.library.add_bytes(text.encode(), name=f"{number}.txt")
            ids.append(outcome.document_id or "")
        _say(f"{arguments.small} small documents added", time.perf_counter() - started)
        application.assistant.search("公园")
        started = time.perf_counter()
        if how == "at once":
            application.library.remove(*ids)
        else:
            for document_id in ids:
                application.library.remove(document_id)
        left = application.assistant.search("公园").hits
        _say(
            f"{arguments.small} small documents deleted {how}",
            time.perf_counter() - started,
            f"{len(left)} passages found afterwards",
        )


def _memory(application: Application, folder: Path, arguments: argparse.Namespace) -> None:
    """Ten times as many files must not take ten times the memory."""
    for factor in (1, 10):
        source = folder / f"files-{factor}"
        source.mkdir()
        for number in range(factor * arguments.small // 2):
            (source / f"{number}.txt").write_text(f"第{number}号文件。公园{number}个。" * 50)
        started = time.perf_counter()
        outcomes = application.library.add_paths([source])
        _say(f"a folder of {len(outcomes):,} files", time.perf_counter() - started)


_MEASUREMENTS = {"deletion": _delete_small, "memory": _memory, "reports": _index_reports}


if __name__ == "__main__":
    main()
