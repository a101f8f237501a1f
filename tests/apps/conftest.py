"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_embedder: str) -> Path:
    """A working directory of its own, and the setting that names the sample index's model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    return tmp_path
