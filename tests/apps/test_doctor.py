"""What ``rag doctor`` finds."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from rag.cli import main
from rag.cli.ports import listen
from rag.judges.bundled import judge_folder

pytestmark = pytest.mark.usefixtures("workplace")


class TestDoctor:
    def test_everything_is_checked_and_fine(
        self,
        sample_index: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("RAG_PORT", "0")
        code = main(["doctor", "--json", "--data-dir", str(sample_index)])
        report = json.loads(capsys.readouterr().out)
        by_name = {each["check"]: each for each in report["checks"]}
        expected = (
            "python packages files imports torch model settings disk port embedder index passages"
            " search"
        )
        assert list(by_name) == expected.split()
        assert [each for each in report["checks"] if each["status"] == "fail"] == []
        assert code == 0
        assert report["healthy"] is True
        assert "1 documents" in by_name["index"]["found"]
        assert by_name["model"]["found"].count("complete") == 2

    def test_a_damaged_judge_fails(
        self,
        sample_index: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        copy = Path(shutil.copytree(judge_folder(), tmp_path / "judge"))
        data = bytearray((copy / "model.safetensors").read_bytes())
        data[-1] ^= 1
        (copy / "model.safetensors").write_bytes(data)
        monkeypatch.setattr("rag.judges.bundled.judge_folder", lambda: copy)
        monkeypatch.setenv("RAG_PORT", "0")
        assert main(["doctor", "--json", "--data-dir", str(sample_index)]) == 1
        report = json.loads(capsys.readouterr().out)
        failed = [each for each in report["checks"] if each["status"] == "fail"]
        assert [each["check"] for each in failed] == ["model"]
        assert "model.safetensors is damaged" in failed[0]["found"]

    def test_an_index_of_another_model_fails_and_says_what_to_do(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "a.txt").write_text("合肥市常住人口增加。", encoding="utf-8")
        monkeypatch.setenv("RAG_EMBEDDER", "ranking-fake")
        assert main(["index", "a.txt"]) == 0
        capsys.readouterr()
        monkeypatch.setenv("RAG_EMBEDDER", "bundled")
        assert main(["doctor"]) == 1
        shown = capsys.readouterr().out
        assert re.search(r"^FAIL  (index|embedder) ", shown, re.MULTILINE)
        assert "RAG_EMBEDDER" in shown

    def test_a_wrong_setting_is_a_finding(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("RAG_PORT", "eighty")
        assert main(["doctor"]) == 1
        shown = capsys.readouterr().out
        assert re.search(r"^FAIL  settings +RAG_PORT is 'eighty'", shown, re.MULTILINE)

    def test_a_port_that_is_taken_is_a_warning_with_a_name(
        self,
        sample_index: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with listen("127.0.0.1", 0) as listener:
            monkeypatch.setenv("RAG_PORT", str(listener.getsockname()[1]))
            main(["doctor", "--json", "--data-dir", str(sample_index)])
        report = json.loads(capsys.readouterr().out)
        (port,) = [each for each in report["checks"] if each["check"] == "port"]
        assert port["status"] == "warn"
        assert "is in use" in port["found"]
