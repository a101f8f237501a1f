"""``rag eval bench`` and ``rag eval import``: public sets, from their files to figures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rag.cli import main

TEXTS = {
    "hefei": "合肥是安徽省的省会，全市常住人口超过985万人。",
    "wuhu": "芜湖位于长江岸边，2023年汽车产量达到120万辆。",
    "huangshan": "黄山市以旅游业闻名，全年接待游客8000万人次。",
}
QUERIES: list[dict[str, Any]] = [
    {"id": "q1", "text": "芜湖2023年汽车产量是多少？", "answers": ["120万辆"], "answerable": True},
    {"id": "q2", "text": "黄山市全年接待游客多少人次？", "answers": ["8000万"], "answerable": True},
    {"id": "q3", "text": "宣城的市长是谁？", "answers": [], "answerable": False},
]
JUDGED = "query-id\tcorpus-id\tscore\nq1\twuhu\t1\nq2\thuangshan\t1\n"


@pytest.fixture
def data(workplace: Path) -> Path:
    folder = workplace / "sets" / "cities"
    folder.mkdir(parents=True)
    corpus = [{"id": key, "title": "", "text": text} for key, text in TEXTS.items()]
    for name, entries in (("corpus", corpus), ("queries", QUERIES)):
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "qrels.tsv").write_text(JUDGED, encoding="utf-8")
    return folder.parent


def _bench(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["eval", "bench", "cities", "--data", "sets", "--json", *words]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


@pytest.mark.usefixtures("data")
class TestBench:
    def test_the_library_is_built_once_and_kept(
        self, workplace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = _bench(capsys)
        assert (record["cases"], record["top_k"]) == (3, 10)
        assert record["metrics"]["hit@1"]["value"] == 1
        assert record["metrics"]["recall@10"]["cases"] == 2
        catalog = workplace / "index" / "bench" / "cities" / "index" / "catalog.sqlite3"
        inode = catalog.stat().st_ino
        assert _bench(capsys)["metrics"] == record["metrics"]
        assert catalog.stat().st_ino == inode
        assert not (workplace / "index" / "catalog.sqlite3").exists(), "no part of the own index"

    def test_another_corpus_is_another_library(
        self, data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert _bench(capsys)["metrics"]["hit@10"]["value"] == 1
        path = data / "cities" / "corpus.jsonl"
        path.write_text(
            path.read_text(encoding="utf-8").replace("120万辆", "十二万艘"), encoding="utf-8"
        )
        record = _bench(capsys)
        texts = {each["id"]: each["answer"] for each in record["outcomes"]}
        assert "120万辆" not in texts["q1"]

    def test_an_interrupted_build_is_taken_up(
        self, workplace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        figures = _bench(capsys)["metrics"]
        cache = workplace / "index" / "bench" / "cities"
        stamp = json.loads((cache / "set.json").read_text(encoding="utf-8"))
        (cache / "set.json").write_text(json.dumps({**stamp, "built": False}), encoding="utf-8")
        assert _bench(capsys)["metrics"] == figures
        assert json.loads((cache / "set.json").read_text(encoding="utf-8"))["built"] is True

    def test_it_is_held_against_a_baseline(self, capsys: pytest.CaptureFixture[str]) -> None:
        _bench(capsys, "--baseline", "cities.json", "--update-baseline")
        assert _bench(capsys, "--baseline", "cities.json")["comparison"]["compared"] == 3

    def test_a_set_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["eval", "bench", "towns", "--data", "sets"]) == 2
        assert "sets/towns has no relevance judgements" in capsys.readouterr().err


class TestImport:
    def test_a_folder_becomes_cases_and_documents(
        self, data: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["import", str(data / "cities"), "cities.jsonl", "--documents", "cities"]
        assert main(["eval", *words]) == 0
        assert "cities.jsonl: 3 cases, 1 unanswerable" in capsys.readouterr().out
        assert main(["index", "cities"]) == 0
        capsys.readouterr()
        assert main(["eval", "cities.jsonl", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["metrics"]["hit@1"]["value"] == 1
        shutil.rmtree("index")

    def test_a_table_becomes_cases(
        self, workplace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (workplace / "q.csv").write_text("问题,答案\n增长多少？,5.8%\n", encoding="utf-8")
        assert main(["eval", "import", "q.csv", "q.jsonl"]) == 0
        line = json.loads((workplace / "q.jsonl").read_text(encoding="utf-8"))
        assert (line["question"], line["expected"]) == ("增长多少？", ["5.8%"])
        assert main(["eval", "import", "q.csv", "r.jsonl", "--documents", "d"]) == 2
        assert "holds questions only" in capsys.readouterr().err


def test_an_interrupted_run_is_taken_up(
    workplace: Path,
    sample_index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from rag_eval.targets import LibraryTarget

    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    cases = [{"question": f"合肥第{number}季度如何？", "answerable": False} for number in range(4)]
    lines = [json.dumps(case, ensure_ascii=False) + "\n" for case in cases]
    (workplace / "q.jsonl").write_text("".join(lines), encoding="utf-8")
    ask = LibraryTarget.ask
    asked: list[str] = []

    def interrupted(self: LibraryTarget, case: Any, **options: Any) -> Any:
        asked.append(case.question)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return ask(self, case, **options)

    monkeypatch.setattr(LibraryTarget, "ask", interrupted)
    assert main(["eval", "q.jsonl", "--resume", "run.part"]) == 130
    assert Path("run.part").exists()
    assert main(["eval", "q.jsonl", "--resume", "run.part"]) == 0
    assert asked[4:] == ["合肥第2季度如何？"] * 2 + ["合肥第3季度如何？"]
    assert not Path("run.part").exists()
    assert "4 cases" in capsys.readouterr().out
