"""The gate: answers about the sample report are no worse than the baseline in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli import main

if TYPE_CHECKING:
    import pytest

PROJECT = Path(__file__).resolve().parents[2]


def test_answers_are_no_worse_than_the_baseline(
    sample_index: Path,
    sample_embedder: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    code = main(
        [
            "eval",
            str(PROJECT / "eval/data/hefei-2024.jsonl"),
            "--baseline",
            str(PROJECT / "eval/baselines/hefei-2024.json"),
        ]
    )
    assert code == 0, capsys.readouterr().out
