"""How far the confidence of an answer can be believed: of answers given at 0.8, are 0.8 right?

Every question is answered whatever the confidence, but where a place, a year or small talk is the
reason to refuse, which no confidence decides. An answer to a question that has none is wrong.
The cases of ``eval/data`` are asked, test halves included; those about the 120 reports only where
these are there (``RAG_SHARED_DATA``, default ``../shared``).

Usage: python -m benchmarks.calibration        (2 minutes)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unittest import mock

from benchmarks.ablation import CASES, PROJECT, SHARED
from rag.factory import open_application
from rag.settings import Settings
from rag_eval.cases import load_cases
from rag_eval.runner import run_cases
from rag_eval.targets import LibraryTarget

BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BAR_LENGTH = 20


def sets() -> Iterator[tuple[str, Path]]:
    """Case files, each with the documents that it asks about."""
    for name in ("hefei-2024", "hefei-2024-second"):
        yield name, PROJECT / "corpus" / "hefei-2024.txt"
    if (SHARED / "corpus" / "reports").is_dir():
        for name in ("reports-natural", "reports-second", "reports-citizens"):
            yield name, SHARED / "corpus" / "reports"
    yield "pages", CASES / "documents" / "pages"
    yield "port-of-ellsmouth-2022", CASES / "documents" / "port-of-ellsmouth-2022.txt"
    yield "library-handbook", CASES / "documents" / "library-handbook.md"


def judged(name: str, documents: Path) -> list[tuple[float, bool]]:
    """Confidence and rightness of each answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_application(Settings(data_dir=Path(folder) / "index")) as application,
        mock.patch("rag.refusals.ANSWER_BAR", 0.0),
    ):
        application.library.add_paths([documents])
        outcomes = run_cases(load_cases(CASES / f"{name}.jsonl"), LibraryTarget.of(application))
        return [
            (outcome.reply.confidence, outcome.values["answer_precision"] == 1.0)
            for outcome in outcomes
            if outcome.reply is not None and outcome.reply.answered
        ]


def main() -> None:
    """Ask everything and print the diagram as a table in Markdown."""
    answers = [answer for name, documents in sets() for answer in judged(name, documents)]
    print("| confidence | answers | mean confidence | right | |\n|---|---|---|---|---|")
    expected_error = 0.0
    for least, most in pairwise(BINS):
        inside = [a for a in answers if least <= a[0] < most or (most == 1.0 and a[0] == 1.0)]
        if not inside:
            continue
        mean = sum(confidence for confidence, _ in inside) / len(inside)
        right = sum(is_right for _, is_right in inside) / len(inside)
        expected_error += abs(mean - right) * len(inside) / len(answers)
        drawn = "█" * round(right * BAR_LENGTH)
        print(f"| {least:.1f}–{most:.1f} | {len(inside)} | {mean:.2f} | {right:.2f} | {drawn} |")
    brier = sum((c - is_right) ** 2 for c, is_right in answers) / len(answers)
    print(f"\n{len(answers)} answers; expected calibration error {expected_error:.3f},"
          f" Brier score {brier:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
