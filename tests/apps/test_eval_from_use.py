"""Case files from a library, from the last question, and from feedback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.cli import main
from rag.factory import Application, open_application
from rag.settings import Settings
from rag_eval.cases import load_cases
from tests.api_samples import client_of

REPORT = """合肥市2024年政府工作报告

一、2023年工作回顾

全市研发投入强度达到3.91%，新增国际友城4个。实体化运作G60科创走廊。

二、2024年工作安排

（一）全力建设宜居城市

新建城市绿道177公里，深入推进“1155”工程。
"""
NOTES = "# Garden notes\n\n## Watering\n\nThe tomatoes need about 12 litres a day in July.\n"


@pytest.fixture
def library(workplace: Path) -> Path:
    (workplace / "report.txt").write_text(REPORT, encoding="utf-8")
    (workplace / "notes.md").write_text(NOTES, encoding="utf-8")
    assert main(["index", "report.txt", "notes.md"]) == 0
    return workplace


@pytest.fixture
def application(library: Path, sample_embedder: str) -> Iterator[Application]:
    settings = Settings(data_dir=library / "index", embedder=sample_embedder)
    with open_application(settings, create=False) as opened:
        yield opened


@pytest.mark.usefixtures("library")
class TestInit:
    def test_figures_and_headings_are_suggested(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "init", "q.jsonl"]) == 0
        assert "Ask as a person would" in capsys.readouterr().out
        cases = load_cases(Path("q.jsonl"))
        by_question = {case.question: case for case in cases}
        assert by_question["全市研发投入强度达到多少？"].expected == (("3.91%",),)
        assert by_question["新建城市绿道多少公里？"].evidence == ("新建城市绿道177公里",)
        assert "关于“全力建设宜居城市”，文件说了什么？" in by_question
        watering = by_question["The tomatoes need about how many litres a day in July?"]
        assert watering.expected == (("12",),)
        assert str(watering.evidence[0]) in NOTES
        assert all("suggested" in case.tags and case.note for case in cases)
        assert not any("G" in question or "“多少" in question for question in by_question)
        assert [case.case_id for case in cases] == sorted(case.case_id for case in cases)

    def test_it_is_the_same_each_time_and_no_more_than_asked_for(self) -> None:
        for name in ("one.jsonl", "two.jsonl"):
            assert main(["eval", "init", name, "--count", "3"]) == 0
        assert len(load_cases(Path("one.jsonl"))) == 3
        assert Path("one.jsonl").read_bytes() == Path("two.jsonl").read_bytes()

    def test_the_suggestions_can_be_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "init", "q.jsonl"]) == 0
        capsys.readouterr()
        assert main(["eval", "q.jsonl", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["metrics"]["hit@5"]["value"] == 1

    def test_work_is_not_overwritten(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("q.jsonl").write_text("work", encoding="utf-8")
        assert main(["eval", "init", "q.jsonl"]) == 1
        assert "exists, and may hold work" in capsys.readouterr().err
        with pytest.raises(SystemExit, match="2"):
            main(["eval", "init", "q.jsonl", "--count", "0"])


@pytest.mark.usefixtures("library")
class TestAdd:
    def test_an_answer_becomes_its_evidence(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["ask", "2023年研发投入强度是多少？"]) == 0
        assert main(["eval", "add", "q.jsonl", "--expected", "3.91%|百分之3.91"]) == 0
        (case,) = load_cases(Path("q.jsonl"))
        assert case.question == "2023年研发投入强度是多少？"
        assert case.expected == (("3.91%", "百分之3.91"),)
        assert any("3.91%" in str(each) for each in case.evidence)
        assert main(["eval", "add", "q.jsonl"]) == 2
        assert "q.jsonl, line 1, asks this already" in capsys.readouterr().err

    def test_a_wrong_answer_is_no_evidence(self) -> None:
        main(["ask", "2023年研发投入强度是多少？"])
        Path("q.jsonl").write_text('{"question": "a?", "expected": ["b"]}', encoding="utf-8")
        assert main(["eval", "add", "q.jsonl", "--expected", "四成"]) == 0
        _, case = load_cases(Path("q.jsonl"))
        assert (case.case_id, case.expected, case.evidence) == ("q-002", (("四成",),), ())

    def test_a_refusal_must_be_called_right_or_wrong(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["ask", "南京市2023年人口是多少？"]) == 3
        assert main(["eval", "add", "q.jsonl"]) == 2
        assert "was refused. If that is right add --unanswerable" in capsys.readouterr().err
        assert main(["eval", "add", "q.jsonl", "--unanswerable", "--expected", "x"]) == 2
        assert main(["eval", "add", "q.jsonl", "--unanswerable"]) == 0
        (case,) = load_cases(Path("q.jsonl"))
        assert not case.answerable

    def test_nothing_was_asked(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "add", "q.jsonl"]) == 2
        assert "No question was asked of the index in index yet" in capsys.readouterr().err


def _judge(client: Any, question: str, rating: int, **more: Any) -> str:
    reply = client.post("/v1/ask", json={"question": question, **more.pop("asking", {})}).json()
    judged = {"answer_id": reply["id"], "rating": rating, **more}
    assert client.post("/v1/feedback", json=judged).status_code == 201
    return str(reply["id"])


class TestFeedback:
    def test_judgements_become_cases(
        self, application: Application, capsys: pytest.CaptureFixture[str]
    ) -> None:
        client = client_of(application)
        history = [
            {"role": "user", "content": "2023年研发投入强度是多少？"},
            {"role": "assistant", "content": "「全市研发投入强度达到3.91%」"},
        ]
        good = _judge(client, "新增国际友城多少个？", -1)
        assert _judge(client, "新增国际友城多少个？", 1, comment="准确") == good
        bad = _judge(client, "那绿道呢？", -1, comment="应为177公里", asking={"history": history})
        _judge(client, "南京市2023年人口是多少？", 1)
        client.post("/v1/feedback", json={"answer_id": "afrombefore", "rating": 1})
        application.close()
        capsys.readouterr()

        assert main(["eval", "from-feedback", "q.jsonl"]) == 0
        output = capsys.readouterr().out
        assert "1 judgements are of answers whose question is not known" in output
        records = [json.loads(line) for line in Path("q.jsonl").read_text("utf-8").splitlines()]
        by_id = {record["id"]: record for record in records}
        right = by_id[f"feedback-{good}"]
        assert (len(records), right["tags"]) == (3, ["feedback", "good"])
        assert "新增国际友城4个" in right["evidence"][0]
        assert right["note"].endswith("judged good: 准确")
        wrong = by_id[f"feedback-{bad}"]
        assert wrong["history"] == history[:1]
        assert wrong["note"].endswith("应为177公里")
        assert "evidence" not in wrong
        assert "expected facts, or answerable false, in line" in output
        refused = next(r for r in records if r["question"] == "南京市2023年人口是多少？")
        assert refused["answerable"] is False

    def test_no_words_of_documents_are_kept(self, application: Application, library: Path) -> None:
        _judge(client_of(application), "新增国际友城多少个？", 1)
        for summary in application.library.documents():
            application.library.remove(summary.document_id)
        application.close()
        catalog = (library / "index" / "catalog.sqlite3").read_bytes()
        assert "新增国际友城4个".encode() not in catalog
        assert main(["eval", "from-feedback", "q.jsonl"]) == 0

    def test_no_feedback(self, library: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert library.exists()
        assert main(["eval", "from-feedback", "q.jsonl"]) == 2
        assert "No judged answer of the collection 'default' is known" in capsys.readouterr().err
        assert not Path("q.jsonl").exists()
