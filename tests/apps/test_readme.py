"""README shows what the commands print: every example is run, and the run compared.

After a change that alters an answer, UPDATE_README=1 writes the new output into README.md.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from rag.cli import main

PROJECT = Path(__file__).resolve().parents[2]
README = PROJECT / "README.md"

_BLOCK = re.compile(r"```console\n(?P<body>.*?)```", re.S)
_COMMAND = re.compile(r"^\$ rag (?P<words>(?:ask|eval) .*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.M)
# Times and the figures of latency change from run to run.
_TIMES = re.compile(r"[\d.]+ ms|^latency.*$", re.M)


@pytest.fixture(autouse=True)
def _sample(sample_index: Path, sample_embedder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    monkeypatch.setenv("COLUMNS", "100")


def test_readme_shows_what_the_commands_print(
    sample_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = README.read_text(encoding="utf-8")

    def rerun(match: re.Match[str]) -> str:
        main(shlex.split(match["words"]))
        printed = capsys.readouterr().out.rstrip().replace(str(sample_index), "index")
        return f"$ rag {match['words']}\n{printed}\n\n"

    def refresh(block: re.Match[str]) -> str:
        return f"```console\n{_COMMAND.sub(rerun, block['body']).rstrip()}\n```"

    fresh = _BLOCK.sub(refresh, text)
    if os.environ.get("UPDATE_README"):
        README.write_text(fresh, encoding="utf-8")
        text = fresh
    shown, printed = (_TIMES.sub("…", version).split() for version in (text, fresh))
    assert shown == printed, "README.md is out of date: run UPDATE_README=1 pytest " + __file__
