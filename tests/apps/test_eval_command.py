from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.errors import InvalidInput, Unavailable
from rag_eval.command import add_arguments, evaluate
from tests.evaluation_samples import WrittenTarget, a_reply

if TYPE_CHECKING:
    from rag_eval.targets import Reply

GROWTH: dict[str, object] = {
    "id": "growth",
    "question": "2023年地区生产总值增长多少？",
    "expected": ["5.8%"],
    "evidence": ["地区生产总值增长5.8%"],
    "tags": ["number", "economy"],
}
NOTHING: dict[str, object] = {
    "id": "nothing",
    "question": "2022年增长多少？",
    "answerable": False,
    "tags": ["unanswerable"],
    "split": "test",
}
GROWTH_QUESTION = "2023年地区生产总值增长多少？"
NOTHING_QUESTION = "2022年增长多少？"
REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="other_year")
RIGHT = {GROWTH_QUESTION: a_reply(), NOTHING_QUESTION: REFUSAL}
WRONG = {GROWTH_QUESTION: REFUSAL, NOTHING_QUESTION: REFUSAL}


class _Runner:
    """Runs the command on a case file in a folder, with replies that are written down."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = WrittenTarget({})
        self.opened = 0
        self.write(GROWTH, NOTHING)

    def write(self, *cases: dict[str, object]) -> None:
        lines = [json.dumps(case, ensure_ascii=False) + "\n" for case in cases]
        (self.folder / "cases.jsonl").write_text("".join(lines), encoding="utf-8")

    def __call__(self, *words: str, replies: dict[str, Reply] = RIGHT) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        self.target = WrittenTarget(replies)
        output = io.StringIO()

        def open_target() -> WrittenTarget:
            self.opened += 1
            return self.target

        arguments = parser.parse_args([str(self.folder / "cases.jsonl"), *words])
        return evaluate(arguments, open_target=open_target, stdout=output), output.getvalue()


@pytest.fixture
def command(tmp_path: Path) -> _Runner:
    return _Runner(tmp_path)


class TestRun:
    def test_all_right(self, command: _Runner) -> None:
        code, output = command()
        assert code == 0
        assert "2 cases, 1 answerable" in output
        assert "2 of 2 cases passed\n" in output
        assert command.target.closed

    def test_a_failed_case_is_a_figure_and_not_an_error(self, command: _Runner) -> None:
        code, output = command(replies=WRONG)
        assert code == 0
        assert "1 of 2 cases passed (--failures lists the others and why)" in output
        assert "growth (number, economy)" not in output

    def test_failures_are_listed_on_demand(self, command: _Runner) -> None:
        _, output = command("--failures", replies=WRONG)
        assert "growth (number, economy): 2023年地区生产总值增长多少？" in output
        assert "refused (other_year), but the documents hold the answer" in output

    def test_a_must_pass_case_that_fails(self, command: _Runner) -> None:
        command.write({**GROWTH, "must_pass": True}, NOTHING)
        code, output = command(replies=WRONG)
        assert code == 1
        assert "MUST PASS, failed: growth" in output

    def test_only_a_split_or_some_tags(self, command: _Runner) -> None:
        command("--split", "test")
        assert {asked[0] for asked in command.target.asked} == {NOTHING_QUESTION}
        command("--tags", "economy")
        assert {asked[0] for asked in command.target.asked} == {GROWTH_QUESTION}
        command("--tags", "economy,unanswerable", "--tags", "number")
        assert len({asked[0] for asked in command.target.asked}) == 2

    def test_collection_and_number_of_passages(self, command: _Runner) -> None:
        command("--collection", "mine", "--top-k", "3")
        assert {asked[1:] for asked in command.target.asked} == {("mine", 3)}

    @pytest.mark.parametrize("number", ["0", "51", "five"])
    def test_a_number_of_passages_that_cannot_be(
        self, command: _Runner, number: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            command("--top-k", number)
        assert f"found '{number}', expected a number from 1 to 50" in capsys.readouterr().err

    def test_json(self, command: _Runner) -> None:
        code, output = command("--json", replies=WRONG)
        record = json.loads(output)
        assert (code, record["cases"], record["passed"]) == (0, 2, 1)
        assert record["metrics"]["correctness"]["value"] == 0
        assert record["outcomes"][0]["refusal_code"] == "other_year"

    def test_bad_cases_are_found_before_anything_is_opened(self, command: _Runner) -> None:
        command.write({"question": "?"})
        with pytest.raises(InvalidInput, match='line 1, field "expected"'):
            command()
        assert command.opened == 0

    def test_the_target_is_closed_when_asking_fails(
        self, command: _Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def ask(*_: object, **__: object) -> None:
            raise Unavailable("The disk is full.")

        monkeypatch.setattr(WrittenTarget, "ask", ask)
        with pytest.raises(Unavailable, match="The disk is full"):
            command()
        assert command.target.closed


class TestProgress:
    @pytest.mark.parametrize("looked_at", [True, False], ids=["terminal", "no terminal"])
    def test_a_bar_is_shown_to_whoever_looks(
        self, command: _Runner, monkeypatch: pytest.MonkeyPatch, looked_at: bool
    ) -> None:
        stderr = io.StringIO()
        monkeypatch.setattr(stderr, "isatty", lambda: looked_at)
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        code, output = command(replies=WRONG)
        assert code == 0
        assert ("asking" in stderr.getvalue()) == looked_at
        assert ("1 failed" in stderr.getvalue()) == looked_at
        assert "asking" not in output


class TestBaseline:
    def test_made_and_held_against(self, command: _Runner, tmp_path: Path) -> None:
        file = str(tmp_path / "baseline.json")
        assert command("--baseline", file, "--update-baseline")[0] == 0
        code, output = command("--baseline", file)
        assert code == 0
        assert "no case came out differently" in output
        code, output = command("--baseline", file, replies=WRONG)
        assert code == 1
        assert "WORSE growth" in output
        assert "WORSE than the baseline allows: passed, correctness" in output

    def test_updating_accepts_what_is_worse_and_keeps_tolerances(
        self, command: _Runner, tmp_path: Path
    ) -> None:
        path = tmp_path / "baseline.json"
        command("--baseline", str(path), "--update-baseline")
        edited = json.loads(path.read_text(encoding="utf-8"))
        edited["tolerances"] = {"correctness": 0.125}
        path.write_text(json.dumps(edited), encoding="utf-8")
        code, output = command("--baseline", str(path), "--update-baseline", replies=WRONG)
        assert code == 0
        assert "WORSE growth" in output
        assert json.loads(path.read_text(encoding="utf-8"))["tolerances"] == {"correctness": 0.125}
        assert command("--baseline", str(path), replies=WRONG)[0] == 0

    def test_a_run_never_writes_a_baseline_unasked(self, command: _Runner, tmp_path: Path) -> None:
        path = tmp_path / "baseline.json"
        with pytest.raises(InvalidInput, match="There is no baseline"):
            command("--baseline", str(path))
        assert not path.exists()
        assert command.opened == 0

    def test_one_half_against_the_baseline_of_both(self, command: _Runner, tmp_path: Path) -> None:
        file = str(tmp_path / "baseline.json")
        command("--baseline", file, "--update-baseline")
        code, output = command("--baseline", file, "--split", "test", replies=WRONG)
        assert code == 0
        assert "over 1 cases; 1 of the baseline not run" in output

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--update-baseline"], "--update-baseline needs --baseline FILE"),
            (["--baseline", "b", "--update-baseline", "--split", "test"], "would drop the other"),
            (["--baseline", "b", "--update-baseline", "--tags", "number"], "would drop the other"),
        ],
    )
    def test_an_update_that_would_lose_cases(
        self, command: _Runner, words: list[str], message: str
    ) -> None:
        with pytest.raises(InvalidInput, match=message):
            command(*words)


class TestReports:
    def test_junit_and_markdown_are_written_even_when_the_gate_closes(
        self, command: _Runner, tmp_path: Path
    ) -> None:
        command.write({**GROWTH, "must_pass": True}, NOTHING)
        junit, markdown, html = (tmp_path / name for name in ("j.xml", "s.md", "r.html"))
        files = ["--junit", str(junit), "--markdown", str(markdown), "--html", str(html)]
        code, _ = command(*files, replies=WRONG)
        assert code == 1
        assert 'failures="1"' in junit.read_text(encoding="utf-8")
        assert "Must pass, but failed:" in markdown.read_text(encoding="utf-8")
        assert "Must pass, but failed:" in html.read_text(encoding="utf-8")

    def test_a_report_that_cannot_be_written(self, command: _Runner, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match=r"no/junit\.xml cannot be written"):
            command("--junit", str(tmp_path / "no" / "junit.xml"))


def test_the_command_is_light_to_import() -> None:
    heavy = "{'numpy', 'faiss', 'torch', 'model2vec', 'rich', 'tantivy', 'pydantic', 'xml.etree'}"
    code = f"import rag_eval.command, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
