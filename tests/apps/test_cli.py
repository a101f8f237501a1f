"""The command line as people and programs use it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag import __version__
from rag.api import documents_wire, wire
from rag.cli import main, passages, replies, search_command
from rag.cli.output import line
from rag.retrieval import RANKING_WEIGHTS
from rag.schema import FileOutcome

if TYPE_CHECKING:
    from rag.factory import Application

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "corpus" / "hefei-2024.txt"
QUESTION = "合肥市2023年地区生产总值增长了多少？"
HEAVY = ("fastapi", "gradio", "pandas", "pydantic", "sentence_transformers", "sklearn", "torch")


pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def own_index(tmp_path: Path) -> Path:
    """A new index of one small document, to be written to."""
    (tmp_path / "notes.md").write_text(
        "# 会议纪要\n\n## 经费\n\n项目经费为三百万元。经费由市财政承担。\n", encoding="utf-8"
    )
    assert main(["index", "notes.md"]) == 0
    return tmp_path / "index"


def _output(words: list[str], *, environment: dict[str, str]) -> str:
    return subprocess.run(
        [sys.executable, "-m", "rag.cli", *words],
        capture_output=True,
        encoding="latin-1",
        env={**os.environ, **environment},
        check=True,
    ).stdout


class TestUsage:
    def test_help_names_every_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["--help"])
        shown = capsys.readouterr().out
        for command in ("ask", "doctor", "documents", "eval", "index", "search", "serve"):
            assert re.search(rf"^    {command}\b", shown, re.MULTILINE)

    @pytest.mark.parametrize("command", ["ask", "doctor", "documents", "index", "search", "serve"])
    def test_every_command_has_help(self, command: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert f"rag {command}" in capsys.readouterr().out

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["--version"])
        assert capsys.readouterr().out == f"rag {__version__}\n"

    @pytest.mark.parametrize("words", [[], ["serv"], ["ask"], ["search", "x", "--top-k", "many"]])
    def test_wrong_usage_is_code_2(
        self, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            main(words)
        assert "usage: rag" in capsys.readouterr().err

    def test_a_mistyped_setting_is_code_2(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("RAG_EMBEDER", "bundled")
        assert main(["ask", "x"]) == 2
        assert "Did you mean 'RAG_EMBEDDER'" in capsys.readouterr().err

    def test_help_imports_nothing_that_is_not_needed(self) -> None:
        script = (
            "import sys\n"
            "from rag.cli import main\n"
            "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
            "print(*sorted(sys.modules))"
        )
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        loaded = set(result.stdout.splitlines()[-1].split())
        assert loaded.isdisjoint({*HEAVY, "numpy", "rich", "sqlite3", "tomllib", "rag.factory"})

    def test_an_argument_that_is_not_text_is_refused(self) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "rag.cli", "ask", b"\xff\xfe"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 2
        assert "not valid text" in result.stderr


class TestIndex:
    def test_summary_of_each_file_and_nothing_new_the_second_time(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a.txt").write_text("合肥市常住人口增加。", encoding="utf-8")
        assert main(["index", "a.txt"]) == 0
        assert re.search(r"^added +a\.txt  1 passages$", capsys.readouterr().out, re.MULTILINE)
        assert main(["index", "."]) == 0
        shown = capsys.readouterr().out
        assert re.search(r"^unchanged +a\.txt", shown, re.MULTILINE)
        assert "1 unchanged; 1 passages in collection 'default'" in shown

    def test_good_files_of_a_batch_are_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "batch"
        folder.mkdir()
        (folder / "empty.txt").write_bytes(b"")
        (folder / "good.txt").write_text("巢湖水质稳定达标。", encoding="utf-8")
        (folder / "picture.txt").write_bytes(bytes(range(256)) * 40)
        assert main(["index", "batch", "absent.txt", "--json"]) == 1
        results = json.loads(capsys.readouterr().out)["results"]
        assert {each["source"]: each["status"] for each in results} == {
            "batch/empty.txt": "failed",
            "batch/good.txt": "added",
            "batch/picture.txt": "failed",
            "absent.txt": "failed",
        }
        failed = [each["error"] for each in results if each["status"] == "failed"]
        assert all(error["code"] == "unreadable_document" and error["message"] for error in failed)
        assert main(["documents", "list", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)["documents"]
        assert [each["source"] for each in listed] == ["batch/good.txt"]

    def test_a_folder_without_readable_files_says_what_is_read(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "nothing").mkdir()
        assert main(["index", "nothing"]) == 2
        assert re.search(r"No file to index in nothing\. .*\.txt", capsys.readouterr().err)

    def test_a_mistyped_path_makes_no_index(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["index", "corpsu"]) == 2
        assert "There is no corpsu. Expected files or folders" in capsys.readouterr().err
        assert not (tmp_path / "index").exists()

    def test_a_progress_bar_for_people(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "a.txt").write_text("合肥市常住人口增加。", encoding="utf-8")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
        assert main(["index", "a.txt"]) == 0
        shown = capsys.readouterr().err
        assert "indexing" in shown
        assert "passages/s" in shown


class TestAsk:
    def test_the_answer_comes_with_its_quotation_place_and_offsets(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["ask", QUESTION, "--data-dir", str(sample_index)]) == 0
        shown = capsys.readouterr().out
        assert "[1]" in shown.splitlines()[0]
        assert "5.8%" in shown
        assert re.search(r"^\[1\] .*合肥.* › ", shown, re.MULTILINE)
        assert re.search(r"^    .*\*\*.+\*\*", shown, re.MULTILINE)
        assert re.search(r"hefei-2024\.txt \d+–\d+$", shown, re.MULTILINE)

    def test_json_is_the_reply_of_the_api_and_every_quotation_is_exact(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["ask", QUESTION, "--data-dir", str(sample_index), "--json"]) == 0
        reply = json.loads(capsys.readouterr().out)
        assert reply["answered"] is True
        assert reply["refusal"] is None
        assert reply["citations"]
        document_id = reply["citations"][0]["document_id"]
        show = ["documents", "show", document_id, "--data-dir", str(sample_index), "--json"]
        assert main(show) == 0
        text = json.loads(capsys.readouterr().out)["text"]
        for citation in reply["citations"]:
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        for passage in reply["passages"]:
            assert text[passage["start"] : passage["end"]] == passage["text"]

    def test_a_refusal_is_code_3_with_a_reason_and_the_nearest_passages(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        question = "上海市2021年的地铁票价是多少？"
        assert main(["ask", question, "--data-dir", str(sample_index)]) == 3
        shown = capsys.readouterr().out
        assert "Nearest passages" in shown
        assert re.search(r"^1\. .* score ", shown, re.MULTILINE)
        assert main(["ask", question, "--data-dir", str(sample_index), "--json"]) == 3
        reply = json.loads(capsys.readouterr().out)
        assert reply["answered"] is False
        assert reply["refusal"]["code"] in {"other_place", "other_year"}
        assert reply["citations"] == []

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["  "], "question is empty"),
            (["长" * 4001], "4,001 characters; at most 4,000"),
            (["x", "--top-k", "0"], "top_k is 0"),
            (["x", "--composer", "poet"], "no composer 'poet'"),
            (["x", "--collection", "absent"], "absent"),
            (["x", "--filter", "year"], "Expected KEY=VALUE"),
            (["x", "--filter", "year=soon"], "Expected a whole number"),
            (["x", "--filter", "colour=red"], "Unknown filter 'colour'"),
            (["x", "--filter", "year=1", "--filter", "year=2"], "twice"),
        ],
        ids=lambda value: " ".join(value)[:24] if isinstance(value, list) else "",
    )
    def test_wrong_input_is_code_2_and_says_why(
        self,
        sample_index: Path,
        words: list[str],
        message: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert main(["ask", *words, "--data-dir", str(sample_index), "--json"]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        error = json.loads(captured.out)["error"]
        assert message in error["message"]
        assert error["code"] in {"invalid_input", "collection_not_found"}

    def test_a_missing_index_is_code_1_and_names_the_command(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for command in ("ask", "search"):
            assert main([command, "什么？"]) == 1
            assert "rag index PATH" in capsys.readouterr().err
        assert not (tmp_path / "index").exists(), "asking makes no index"

    def test_it_loads_no_heavy_library(self, sample_index: Path) -> None:
        script = (
            "import sys\n"
            "from rag.cli import main\n"
            f"code = main(['ask', {QUESTION!r}, '--data-dir', {str(sample_index)!r}])\n"
            f"print('LOADED', *sorted(set(sys.modules) & set({HEAVY!r})))\n"
            "sys.exit(code)"
        )
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        assert result.stdout.splitlines()[-1] == "LOADED"

    def test_colours_for_people_mark_the_quotation(
        self,
        sample_index: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        assert main(["ask", QUESTION, "--data-dir", str(sample_index)]) == 0
        shown = capsys.readouterr().out
        assert re.search(r"\x1b\[1;30;43m[^\x1b]*\d", shown)
        assert "**" not in shown


class TestSearch:
    def test_explain_shows_understanding_and_signals(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["search", QUESTION, "--top-k", "2", "--explain", "--data-dir", str(sample_index)]
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("2 passages for ")
        assert "  asks for: number" in shown
        assert "  years: 2023" in shown
        made_of = re.findall(
            r"^ +([+-][\d.]+)  (\w+) +(-?[\d.]+) × (-?[\d.]+)  ", shown, re.MULTILINE
        )
        first = made_of[: len(RANKING_WEIGHTS)]
        assert {name for _, name, _, _ in first} == set(RANKING_WEIGHTS)
        for added, name, value, weight in first:
            assert float(weight) == RANKING_WEIGHTS[name]
            assert float(added) == pytest.approx(float(value) * float(weight), abs=2e-3)
            assert passages.SIGNALS[name] in shown
        # What counts most stands first, and all of it together is the score.
        assert [abs(float(added)) for added, *_ in first] == sorted(
            (abs(float(added)) for added, *_ in first), reverse=True
        )
        score = re.search(r"score ([\d.]+)", shown)
        assert score is not None
        assert float(score[1]) == pytest.approx(sum(float(a) for a, *_ in first), abs=5e-3)

    def test_explain_tells_what_documents_write_for_words_of_the_question(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        question = "What did the 2024 report of Hefei say of metro lines last year?"
        assert main(["search", question, "--explain", "--data-dir", str(sample_index)]) == 0
        shown = capsys.readouterr().out
        assert re.search(r"^  written in documents as: .*metro → .*轨道交通", shown, re.MULTILINE)
        assert "  years: the year before the document's" in shown

    def test_explain_knows_every_signal(
        self,
        sample_index: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        base = ["search", QUESTION, "--explain", "--data-dir", str(sample_index)]
        monkeypatch.setenv("RAG_RERANKER", "shared-words")
        assert main(base) == 0
        shown = capsys.readouterr().out
        assert f"× 1.00  {passages.SIGNALS['reranker']}" in shown
        monkeypatch.setenv("RAG_RERANKER", "none")
        monkeypatch.setenv("RAG_RETRIEVAL", "lexical")
        assert main(base) == 0
        shown = capsys.readouterr().out
        assert f"× 1.00  {passages.SIGNALS['lexical']}" in shown
        assert f"× 0.00  {passages.SIGNALS['coverage']}" in shown

    def test_filters_narrow_the_search(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        base = ["search", "生产总值", "--data-dir", str(sample_index), "--json"]
        assert main([*base, "--filter", "place=合肥市"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["passages"]
        assert found["filters"]["place"] == "合肥市"
        assert main([*base, "--filter", "year=1999"]) == 0
        assert json.loads(capsys.readouterr().out)["passages"] == []
        assert main([*base[:-1], "--filter", "year=1999"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith("0 passages for 生产总值 · year=1999")
        assert "What filters may name: rag documents metadata" in shown


class TestDocuments:
    def test_list_show_remove(self, own_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert own_index.is_dir()
        capsys.readouterr()
        assert main(["documents", "list", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)["documents"]
        assert listed["source"] == "notes.md"
        assert main(["documents", "list"]) == 0
        assert listed["document_id"] in capsys.readouterr().out
        assert main(["documents", "show", listed["document_id"]]) == 0
        shown = capsys.readouterr().out
        assert "项目经费为三百万元。" in shown
        assert "    source: notes.md" in shown
        assert main(["documents", "remove", listed["document_id"]]) == 0
        capsys.readouterr()
        assert main(["documents", "list", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["documents"] == []
        assert main(["ask", "项目经费是多少？", "--json"]) == 3
        assert json.loads(capsys.readouterr().out)["refusal"]["code"] == "no_documents"

    @pytest.mark.parametrize(
        "words_and_message",
        [
            (["show", "d0000000000000000"], "d0000000000000000"),
            (["remove", "d0000000000000000"], "d0000000000000000"),
            (["passage", "d0000000000000000-1"], "d0000000000000000"),
            (["passage", "nonsense"], "no passage 'nonsense'"),
            (["passage", "nonsense", "--neighbours", "21"], "neighbours is 21"),
            (["metadata", "--collection", "nowhere"], "nowhere"),
        ],
        ids=lambda value: " ".join(value[0]),
    )
    def test_what_is_not_there_is_code_2(
        self,
        own_index: Path,
        words_and_message: tuple[list[str], str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        words, message = words_and_message
        assert own_index.is_dir()
        assert main(["documents", *words]) == 2
        assert message in capsys.readouterr().err

    def test_what_filters_may_name(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["documents", "metadata", "--data-dir", str(sample_index)]
        assert main(words) == 0
        shown = capsys.readouterr().out
        assert re.search(r"^place$", shown, re.MULTILINE)
        assert re.search(r"^    place=合肥市  1 document$", shown, re.MULTILINE)
        # As they stand there, they are filters.
        asked = ["search", "保障性住房", "--data-dir", str(sample_index), "--json"]
        for each in re.findall(r"^    (\S+=\S+)", shown, re.MULTILINE):
            asked += ["--filter", each]
        assert main(asked) == 0
        assert json.loads(capsys.readouterr().out)["passages"]

    def test_documents_without_metadata_offer_no_filters(
        self, own_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert own_index.is_dir()
        capsys.readouterr()
        assert main(["documents", "metadata"]) == 0
        assert "No document here has metadata" in capsys.readouterr().out

    def test_a_passage_among_its_neighbours(
        self, sample_index: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = ["--data-dir", str(sample_index)]
        assert main(["search", "保障性住房3000套", "--top-k", "1", "--json", *data]) == 0
        (found,) = json.loads(capsys.readouterr().out)["passages"]
        assert main(["documents", "passage", found["passage_id"], *data]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 6
        assert lines[2].startswith(found["passage_id"])
        assert lines[2].endswith(f"{found['start']}–{found['end']}")
        assert "保障性住房3000套" in lines[3]
        assert main(["documents", "passage", found["passage_id"], "--neighbours", "0", *data]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2


class TestReplies:
    """``--json`` prints what the HTTP API replies, to the last field."""

    @pytest.mark.parametrize("explain", [False, True], ids=["plain", "explained"])
    @pytest.mark.parametrize(
        "question", [QUESTION, "上海市2021年的地铁票价是多少？"], ids=["answered", "refused"]
    )
    def test_answers_and_results(
        self, sample_application: Application, question: str, *, explain: bool
    ) -> None:
        answer = sample_application.assistant.ask(question)
        reply = wire.AskReply.of(answer, explain=explain).model_dump(mode="json")
        assert replies.answer_reply(answer, explain=explain) == reply
        result = sample_application.assistant.search(question)
        found = wire.SearchReply.of(result, explain=explain).model_dump(mode="json")
        assert replies.search_reply(result, explain=explain) == found

    def test_documents(self, sample_application: Application) -> None:
        summaries = sample_application.library.documents()
        reply = documents_wire.DocumentsReply(
            collection="default",
            total=len(summaries),
            documents=[documents_wire.DocumentSummary.of(summary) for summary in summaries],
        )
        listed = replies.listing_reply(summaries, collection="default")
        assert listed == reply.model_dump(mode="json")
        (summary,) = summaries
        document = sample_application.library.document(summary.document_id)
        shown = replies.document_reply(document, passages=summary.passages)
        expected = documents_wire.DocumentSummary.of(summary).model_dump(mode="json")
        assert shown == {**expected, "text": document.text}

    def test_metadata_and_passages(self, sample_application: Application) -> None:
        values = sample_application.assistant.filter_values()
        reply = documents_wire.MetadataReply.of("default", values).model_dump(mode="json")
        assert replies.metadata_reply(values, collection="default") == reply
        (summary,) = sample_application.library.documents()
        around = sample_application.library.around(f"{summary.document_id}-3", neighbours=2)
        expected = documents_wire.PassageReply.of(*around).model_dump(mode="json")
        assert replies.passage_reply(*around) == expected

    def test_outcomes(self) -> None:
        outcomes = [
            FileOutcome(source="a.txt", status="added", document_id="d1", passages=3),
            FileOutcome(source="b.txt", status="failed", error="empty", error_code="unreadable"),
        ]
        reply = documents_wire.UploadReply(
            collection="default",
            kept=1,
            failed=1,
            results=[documents_wire.FileResult.of(outcome) for outcome in outcomes],
        )
        shown = replies.outcomes_reply(outcomes, collection="default")
        assert shown == reply.model_dump(mode="json")


class TestOutput:
    def test_a_terminal_that_is_not_utf8_gets_escapes_and_json_stays_json(
        self, sample_index: Path
    ) -> None:
        latin = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1", "PYTHONCOERCECLOCALE": "0"}
        words = ["search", "合肥", "--top-k", "1", "--data-dir", str(sample_index)]
        # The words reach the child as UTF-8 bytes, which only a UTF-8 locale reads.
        environment = {**latin, "LC_ALL": "C.UTF-8"}
        assert r"\u5408\u80a5" in _output(words, environment=environment)
        reply = json.loads(_output([*words, "--json"], environment=environment))
        assert reply["query"] == "合肥"

    def test_a_reader_that_leaves_early_is_no_error(self, sample_index: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag.cli", "search", "合肥", "--data-dir", str(sample_index)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        assert process.wait(timeout=60) == 141
        assert errors == b""

    def test_an_interruption_is_code_130_without_a_traceback(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(_: object) -> int:
            raise KeyboardInterrupt

        monkeypatch.setattr(search_command, "run", interrupted)
        assert main(["search", "x"]) == 130
        assert capsys.readouterr().err == ""

    def test_quotations_are_marked_without_colours_too(self) -> None:
        assert line("前", ("quote", "引文"), "后", indent=2).text == "  前**引文**后"


class TestEval:
    def test_the_runner_is_a_command_and_measures_the_sample(
        self, sample_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="0"):
            main(["eval", "--help"])
        assert "compare" in capsys.readouterr().out
        with pytest.raises(SystemExit, match="0"):
            main(["eval", "run", "--help"])
        assert "--data-dir" in capsys.readouterr().out
        cases = (PROJECT / "eval" / "data" / "hefei-2024.jsonl").read_text(encoding="utf-8")
        few = tmp_path / "few.jsonl"
        few.write_text("\n".join(cases.splitlines()[:3]) + "\n", encoding="utf-8")
        assert main(["eval", str(few), "--data-dir", str(sample_index)]) == 0
        assert "hit@1" in capsys.readouterr().out

    def test_a_missing_index_names_the_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", str(PROJECT / "eval" / "data" / "hefei-2024.jsonl")]) == 1
        assert "rag index PATH" in capsys.readouterr().err
