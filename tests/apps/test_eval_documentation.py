"""What docs/evaluation.md shows is what happens."""

from __future__ import annotations

import argparse
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli import main
from rag.cli.eval_command import ACTIONS
from rag_eval.cases import load_cases
from rag_eval.outcomes import METRICS
from rag_eval.tables import COLUMNS

if TYPE_CHECKING:
    import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "evaluation.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, flags=re.M | re.S)
    return [textwrap.dedent(body) for _, body in found]


def test_the_cases_can_be_read(tmp_path: Path) -> None:
    twenty, everything = _blocks("jsonl")
    path = tmp_path / "questions.jsonl"
    path.write_text(twenty, encoding="utf-8")
    assert [case.answerable for case in load_cases(path)] == [True, True, True, False]
    path.write_text(everything, encoding="utf-8")
    (case,) = load_cases(path)
    assert (case.case_id, case.must_pass, len(case.history)) == ("growth-next", True, 2)


def test_every_metric_and_every_option_is_described() -> None:
    for name in METRICS:
        assert f"`{name}`" in PAGE, name
    for name, (module, _) in ACTIONS.items():
        parser = argparse.ArgumentParser(add_help=False)
        import_module(f"rag_eval.{module}").add_arguments(parser)
        assert f"`rag eval {name}" in PAGE or name == "run", name
        for option in re.findall(r"--[a-z-]+", parser.format_help()):
            assert option in PAGE, (name, option)


def test_the_python_example_runs(
    sample_index: Path,
    sample_embedder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "questions.jsonl").write_text(_blocks("jsonl")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    (code,) = _blocks("python")
    exec(compile(code, "docs/evaluation.md", "exec"), {})  # noqa: S102 (the page's own example)
    assert capsys.readouterr().out.startswith("Measure(value=")


def test_every_column_is_described() -> None:
    for field, names in COLUMNS.items():
        assert f"| `{field}` | {', '.join(f'`{name}`' for name in names)} |" in PAGE


def test_the_walk_through_runs(
    sample_index: Path,
    sample_embedder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    (table,) = _blocks("csv")
    (tmp_path / "questions.csv").write_text(table, encoding="utf-8")
    commands = re.findall(r"`rag (eval questions\.csv[^`]*)`", PAGE)
    assert len(commands) == 3
    for command in commands:
        assert main(command.split()) == 0, command
    assert "no case came out differently" in capsys.readouterr().out
    assert "<title>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    (conversion,) = re.findall(r"`rag (eval import questions\.csv [^`]*)`", PAGE)
    assert main(conversion.split()) == 0
    cases = load_cases(tmp_path / "questions.jsonl")
    assert [case.answerable for case in cases] == [True, True, True, False]
    assert cases[1].expected == (("儿童",), ("创伤",), ("中医",))
    assert cases[2].expected == (("2024年1月16日", "January 16 2024"),)


def test_the_other_commands_run(
    sample_index: Path,
    sample_embedder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    monkeypatch.setenv("RAG_EMBEDDER", sample_embedder)
    (tmp_path / "questions.jsonl").write_text(_blocks("jsonl")[0], encoding="utf-8")
    commands = re.findall(r"`rag (eval (?:questions\.jsonl|compare)[^`]*)`", PAGE)
    assert len(commands) == 2
    assert (
        main([*["eval", "questions.jsonl", "--baseline", "baseline.json", "--update-baseline"]])
        == 0
    )
    for command in commands:
        assert main(command.split()) == 0, command
    capsys.readouterr()
    broken = _blocks("jsonl")[0].replace("expected", "expcted", 1)
    (tmp_path / "questions.jsonl").write_text(broken, encoding="utf-8")
    assert main(["eval", "questions.jsonl"]) == 2
    assert "field \"expcted\": found an unknown field. Did you mean 'expected'?" in (
        capsys.readouterr().err
    )
