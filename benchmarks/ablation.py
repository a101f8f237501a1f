"""What each mechanism of retrieval contributes: hit@1 and hit@5 without it, on several sets.

One library per set; every line switches one mechanism off and asks all answerable questions again.
Sets that need documents from outside the project (``RAG_SHARED_DATA``, default ``../shared``) are
left out where those are missing.

Usage: python -m benchmarks.ablation        (3 minutes)
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from rag.evidence import TermMatcher, matching
from rag.factory import open_application
from rag.questions import understand
from rag.retrieval import RANKING_WEIGHTS, Retriever
from rag.settings import Settings
from rag.text import fold
from rag_eval.cases import load_cases

if TYPE_CHECKING:
    from rag.library import Library
    from rag.protocols import Embedder
    from rag.schema import Question, Turn

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("RAG_SHARED_DATA") or PROJECT.parent / "shared")
CASES = PROJECT / "eval" / "data"

MECHANISMS = (
    "everything",
    "without the dense leg's score",
    "without the lexical leg's score",
    "without coverage",
    "without near words in coverage",
    "without the glossary",
    "without places and years of documents",
    "without review and plan, and years of passages",
    "without the loss of what repeats its title",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and stretches of text of which a right passage holds one."""

    question: str
    evidence: Sequence[str]
    history: Sequence[Turn] = ()


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions about documents; ``texts`` are documents that are no files."""

    name: str
    questions: list[Asked]
    paths: Sequence[Path] = ()
    texts: Sequence[tuple[str, str]] = ()


def question_sets() -> Iterator[QuestionSet]:
    """All sets whose documents are there."""
    yield _cases("hefei-2024", [PROJECT / "corpus" / "hefei-2024.txt"])
    reports = SHARED / "corpus" / "reports"
    if reports.is_dir():
        yield _cases("reports-natural", [reports])
    for name in ("xquad_zh", "drcd_test"):
        folder = SHARED / "data" / "eval" / name
        if folder.is_dir():
            yield _public(folder)
    yield _cases("pages", [CASES / "documents" / "pages"])
    yield _cases("port-of-ellsmouth-2022", [CASES / "documents" / "port-of-ellsmouth-2022.txt"])
    yield _cases("library-handbook", [CASES / "documents" / "library-handbook.md"])


def _cases(name: str, paths: Sequence[Path]) -> QuestionSet:
    asked = [
        Asked(case.question, case.evidence, case.history)
        for case in load_cases(CASES / f"{name}.jsonl")
        if case.answerable
    ]
    return QuestionSet(name, asked, paths=paths)


def _public(folder: Path, most: int = 400) -> QuestionSet:
    corpus = {each["id"]: each["text"] for each in _lines(folder / "corpus.jsonl")}
    right: dict[str, list[str]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        query, passage, *_ = line.split("\t")
        if passage in corpus:
            right.setdefault(query, []).append(corpus[passage])
    queries = [each for each in _lines(folder / "queries.jsonl") if each["id"] in right]
    step = max(1, len(queries) // most)
    asked = [Asked(each["text"], right[each["id"]]) for each in queries[::step]]
    return QuestionSet(folder.name, asked, texts=list(corpus.items()))


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@contextmanager
def _without(mechanism: str) -> Iterator[bool]:
    """The product without a mechanism; gives whether documents' metadata are to be left aside."""
    weights = dict(RANKING_WEIGHTS)
    patches = []
    if "dense leg" in mechanism:
        weights["dense"] = 0.0
    elif "lexical leg" in mechanism:
        weights["lexical"] = 0.0
    elif mechanism == "without coverage":
        weights["coverage"] = 0.0
    elif "review and plan" in mechanism:
        weights |= {"period": 0.0, "year": 0.0}
    elif "repeats its title" in mechanism:
        weights["echo"] = 0.0
    elif "near words" in mechanism:
        patches += [
            mock.patch.object(matching, name, 0.0) for name in ("_SOFT_CEILING", "_KINDRED")
        ]
    patches.append(mock.patch("rag.retrieval.RANKING_WEIGHTS", weights))
    for patch in patches:
        patch.start()
    try:
        yield "places and years" in mechanism
    finally:
        for patch in patches:
            patch.stop()


def hits(
    questions: QuestionSet, library: Library, embedder: Embedder, mechanism: str
) -> tuple[float, float]:
    """hit@1 and hit@5."""
    matcher = TermMatcher(embedder)
    documents = library.documents()
    known = sorted({str(d.metadata["place"]) for d in documents if "place" in d.metadata})
    first = five = 0
    with _without(mechanism) as everywhere:
        retriever = Retriever(engine=library.engine, embedder=embedder, matcher=matcher)
        for asked in questions.questions:
            question: Question = understand(
                asked.question, history=asked.history, known_places=known
            )
            if "glossary" in mechanism:
                question = replace(question, alternatives={})
            found = retriever.retrieve(
                question, collection="default", filters={}, limit=5, exact=everywhere
            )
            right = [
                any(_bare(quote) in _bare(hit.passage.text) for quote in asked.evidence)
                or any(_bare(hit.passage.text) in _bare(quote) for quote in asked.evidence)
                for hit in found.hits
            ]
            first += any(right[:1])
            five += any(right)
    return first / len(questions.questions), five / len(questions.questions)


def _bare(text: str) -> str:
    return re.sub(r"\s", "", fold(text))


def main() -> None:
    """Measure and print a table in Markdown."""
    columns: dict[str, list[tuple[float, float]]] = {}
    for questions in question_sets():
        with (
            tempfile.TemporaryDirectory() as folder,
            open_application(Settings(data_dir=Path(folder) / "index")) as application,
        ):
            library = application.library
            library.add_paths(questions.paths)
            for name, text in questions.texts:
                library.add_bytes(text.encode(), name=f"{name}.txt")
            columns[f"{questions.name} ({len(questions.questions)})"] = [
                hits(questions, library, application.embedder, mechanism)
                for mechanism in MECHANISMS
            ]
    print("| hit@1 / hit@5 | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for row, mechanism in enumerate(MECHANISMS):
        cells = [f"{one:.3f} / {five:.3f}" for one, five in (c[row] for c in columns.values())]
        print(f"| {mechanism} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
