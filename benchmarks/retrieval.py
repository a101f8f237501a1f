"""How long finding passages takes among 100,000 of them, whole and by stage, on one core.

    python -m benchmarks.retrieval [--index FOLDER] [--passages 100000] [--questions 600]

The library is made of the reports, question sets and statutes beside the project
(``$RAG_SHARED_DATA``, default ``../shared``), in a temporary folder or in the one named, where it
is found again the next time. Questions are asked once each, after 400 others that are not counted,
so that the words of most passages are read for the first time; then once more, when they have been
read, as in a library that is in use. What is asked of it: 10 ms at the median and 25 ms at the 99th
percentile. Besides the time on the clock there is the processor's, which other programs on the
machine change less.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np

from rag import assistant as assistants
from rag.embedders.bundled import BundledEmbedder
from rag.engines.embedded import EmbeddedEngine
from rag.evidence import TermMatcher
from rag.factory import open_application
from rag.lexical import LexicalIndex
from rag.settings import Settings
from rag.vectors import VectorIndex

if TYPE_CHECKING:
    from rag.library import Library

__all__ = ["main"]

SHARED = Path(os.environ.get("RAG_SHARED_DATA") or Path(__file__).parents[2] / "shared")
SETS = ("xquad_zh", "cmrc2018_dev", "drcd_test", "ncp_govqa", "gd_gov_services")
STATUTES = SHARED / "data" / "train" / "plain" / "laws_fulltext.jsonl.gz"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
WARM_UP = 400
TOP_K = 10

STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "understand": ((assistants, "understand"),),
    "list documents": ((EmbeddedEngine, "documents"),),
    "count terms": ((EmbeddedEngine, "document_frequencies"),),
    "embed": ((BundledEmbedder, "embed_query"),),
    "dense leg": ((VectorIndex, "search"),),
    "lexical leg": ((LexicalIndex, "search"), (LexicalIndex, "scores")),
    "both legs, with look-ups": ((EmbeddedEngine, "candidates"),),
    "fetch passages": ((EmbeddedEngine, "hits"),),
    "read closely": ((TermMatcher, "matches"),),
}
"""What is timed, and the functions that it is spent in."""


def main() -> None:
    """Build the library where it is not there yet, ask, and print."""
    if os.environ.get(_ONE_THREAD[0]) != "1":  # before anything that reads it is loaded
        os.environ |= dict.fromkeys(_ONE_THREAD, "1")
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks.retrieval", *sys.argv[1:]])  # noqa: S606
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--index", type=Path, help="where the library is kept for the next time")
    parser.add_argument("--passages", type=int, default=100_000, help="how many passages")
    parser.add_argument("--questions", type=int, default=600, help="how many questions")
    parser.add_argument("--replies", type=Path, help="write the passages found to this file")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.index or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with open_application(Settings(data_dir=folder)) as application:
            _fill(application.library, arguments.passages)
            application.assistant.search("合肥")
        with open_application(Settings(data_dir=folder)) as application:
            summaries = application.library.documents()
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            asked = _questions(arguments.questions + WARM_UP)
            for question in asked[:WARM_UP]:
                application.assistant.search(question, top_k=TOP_K)
            search = partial(application.assistant.search, top_k=TOP_K)
            clock, processor, stages, found = _ask(search, asked[WARM_UP:])
            again, again_processor, _, _ = _ask(search, asked[WARM_UP:])
    passages = sum(summary.passages for summary in summaries)
    print(f"{passages:,} passages of {len(summaries):,} documents, {size / 2**20:,.0f} MB on disk")
    print(f"{len(clock)} questions, peak memory {_peak():,.0f} MB\n")
    print("| ms | median | 99th percentile |\n|---|---|---|")
    _row("**whole retrieval**", clock)
    _row("whole, processor time", processor)
    _row("**whole, asked again**", again)
    _row("whole, asked again, processor time", again_processor)
    for name in STAGES:
        _row(name, stages[name])
    if arguments.replies:
        arguments.replies.write_text(json.dumps(found, ensure_ascii=False, indent=0))


def _fill(library: Library, wanted: int) -> None:
    """Reports, then the sets' passages, then statutes, until there are as many passages."""
    here = sum(summary.passages for summary in library.documents())
    if here >= wanted:
        return
    outcomes = library.add_paths([SHARED / "corpus" / "reports"])
    here = sum(outcome.passages for outcome in outcomes)
    for name, text in _texts():
        if here >= wanted:
            return
        here += library.add_bytes(text.encode(), name=name).passages
    raise SystemExit(f"There are only {here:,} passages below {SHARED}.")


def _texts() -> Iterator[tuple[str, str]]:
    for name in SETS:
        for each in _lines(SHARED / "data" / "eval" / name / "corpus.jsonl"):
            yield f"{each['id']}.txt", f"{each.get('title') or ''}\n\n{each['text']}".strip()
    with gzip.open(STATUTES, "rt", encoding="utf-8") as lines:
        for each in map(json.loads, lines):
            yield each["path"], each["text"]


def _questions(wanted: int) -> list[str]:
    """As many of each set, Chinese and English, evenly drawn and mixed in a fixed order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in ("gwr_facts", *SETS):
        for each in _lines(SHARED / "data" / "eval" / name / "queries.jsonl"):
            groups[f"{name} {each['lang']}"].append(each["text"])
    share = -(-wanted // len(groups))
    chosen = [
        group[int(number * len(group) / share)]
        for number in range(share)
        for group in groups.values()
    ]
    order = np.random.default_rng(1).permutation(len(chosen))
    return [chosen[position] for position in order[:wanted]]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _ask(
    search: Callable[[str], Any], questions: Sequence[str]
) -> tuple[list[float], list[float], dict[str, list[float]], dict[str, list[str]]]:
    """Milliseconds of each question on the clock, of the processor, and of each stage; replies."""
    clock, processor, found = [], [], {}
    stages: dict[str, list[float]] = {name: [] for name in STAGES}
    spent: dict[str, float] = defaultdict(float)
    with ExitStack() as stack:
        for name, functions in STAGES.items():
            for owner, function in functions:
                timed = _timed(getattr(owner, function), name, spent)
                stack.enter_context(mock.patch.object(owner, function, timed))
        for question in questions:
            spent.clear()
            began, began_processor = time.perf_counter(), time.process_time()
            result = search(question)
            processor.append(1000 * (time.process_time() - began_processor))
            clock.append(1000 * (time.perf_counter() - began))
            found[question] = [hit.passage.passage_id for hit in result.hits]
            for name, times in stages.items():
                times.append(1000 * spent[name])
    return clock, processor, stages, found


def _timed(function: Any, name: str, spent: dict[str, float]) -> Any:
    @wraps(function)
    def timed(*given: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return timed


def _row(name: str, times: Sequence[float]) -> None:
    print(f"| {name} | {np.median(times):.2f} | {np.percentile(times, 99):.2f} |")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
