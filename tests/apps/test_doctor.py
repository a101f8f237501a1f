"""What ``rag doctor`` finds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rag.cli import main
from rag.cli.ports import listen

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
