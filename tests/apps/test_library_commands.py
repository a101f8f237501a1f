"""The commands that keep an index: folders in step, collections, another model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rag.cli import main
from tests import format_samples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_EMBEDDER", "ranking-fake")
    monkeypatch.chdir(tmp_path)
    for name in ("docs/a.txt", "docs/b.txt", "docs/drafts/c.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}：合肥市的公园。", encoding="utf-8")
    return tmp_path / "docs"


def shown(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(list(words)) == code
    return capsys.readouterr().out


class TestFolders:
    def test_files_of_all_formats_and_what_became_of_each(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "report.pdf").write_bytes(format_samples.pdf([["合肥市的公园。"]]))
        (folder / "scan.pdf").write_bytes(format_samples.image_pdf(2))
        (folder / "table.csv").write_text("城市,公园\n合肥,二十\n")
        output = shown(capsys, "index", "docs", code=1)

        assert "added      docs/report.pdf  1 passages" in output
        assert "failed     docs/scan.pdf  docs/scan.pdf has no text layer; 2 pages" in output
        assert "5 added, 1 failed" in output

    def test_a_passage_of_a_pdf_names_its_page(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pages = [["合肥市的高铁有五条。"], ["芜湖市的港口有六个。"]]
        (folder / "report.pdf").write_bytes(format_samples.pdf(pages))
        shown(capsys, "index", "docs/report.pdf")

        found = json.loads(shown(capsys, "search", "芜湖市的港口", "--top-k", "1", "--json"))
        assert found["passages"][0]["page"] == 2
        answer = json.loads(shown(capsys, "ask", "芜湖市的港口有几个？", "--json"))
        assert [each["page"] for each in answer["citations"]] == [2]
        assert "docs/report.pdf 11–20 · page 2" in shown(capsys, "ask", "芜湖市的港口有几个？")

    def test_what_is_gone_is_reported_and_removed_when_asked(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shown(capsys, "index", "docs")
        (folder / "a.txt").unlink()
        (folder / "b.txt").write_text("合肥市的新公园。", encoding="utf-8")
        output = shown(capsys, "index", "docs", "--exclude", "drafts")
        assert "vanished   docs/a.txt  its file is gone; --sync removes it" in output
        assert "replaced   docs/b.txt" in output
        assert "docs/drafts" not in output

        reply = json.loads(shown(capsys, "index", "docs", "--json"))
        assert [each["source"] for each in reply["vanished"]] == ["docs/a.txt"]
        reply = json.loads(shown(capsys, "index", "docs", "--sync", "--json"))
        assert [each["source"] for each in reply["removed"]] == ["docs/a.txt"]
        listed = json.loads(shown(capsys, "documents", "list", "--json"))
        assert [each["source"] for each in listed["documents"]] == [
            "docs/b.txt",
            "docs/drafts/c.txt",
        ]

    def test_watching_and_json_exclude_each_other(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["index", "docs", "--watch", "--json"]) == 2
        assert "Choose one of them" in capsys.readouterr().err

    def test_a_watched_folder_is_followed_until_interrupted(self, folder: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag.cli", "index", "docs", "--watch"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        timer = threading.Timer(120, process.kill)
        timer.start()
        try:

            def until(words: str) -> None:
                for output in process.stdout or ():
                    if words in output:
                        return
                pytest.fail(f"no {words}")

            until("Watching for changes")
            (folder / "new.txt").write_text("合肥市的新公园。", encoding="utf-8")
            until("added      docs/new.txt")
            (folder / "a.txt").unlink()
            until("removed    docs/a.txt")
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            assert process.wait() == 0
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


class TestCollections:
    def test_create_fill_rename_delete(self, capsys: pytest.CaptureFixture[str]) -> None:
        output = shown(capsys, "collections", "create", "laws", "--passage-characters", "60")
        assert "laws  0 documents, 0 passages, cut to 60 characters" in output
        shown(capsys, "index", "docs", "--collection", "laws")
        assert "acts  3 documents" in shown(capsys, "collections", "rename", "laws", "acts")
        output = shown(capsys, "search", "公园", "--collection", "acts")
        assert "docs/a.txt" in output
        output = shown(capsys, "collections", "delete", "acts", "--json")
        assert json.loads(output) == {
            "collections": [
                {
                    "name": "default",
                    "documents": 0,
                    "passages": 0,
                    "passage_characters": None,
                    "embedder": None,
                }
            ]
        }
        shown(capsys, "collections", "delete", "acts", code=2)
        shown(capsys, "collections", "create", "default", code=2)

    def test_several_collections_are_searched_as_one(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert folder.is_dir()
        shown(capsys, "index", "docs/a.txt")
        shown(capsys, "index", "docs/b.txt", "--collection", "laws")
        output = shown(capsys, "search", "合肥市的公园", "--collection", "default,laws")
        assert "laws: docs/b.txt 0–" in output
        assert "    docs/a.txt 0–" in output
        found = json.loads(shown(capsys, "search", "公园", "--collection", "*", "--json"))
        assert {each["collection"] for each in found["passages"]} == {"default", "laws"}
        shown(capsys, "search", "公园", "--collection", "default,acts", code=2)

    def test_a_collection_has_an_embedding_model_of_its_own(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert folder.is_dir()
        output = shown(capsys, "collections", "create", "laws", "--embedder", "bundled")
        assert "laws  0 documents, 0 passages, embedded with bundled" in output
        shown(capsys, "index", "docs", "--collection", "laws")
        assert "公园" in shown(capsys, "search", "公园", "--collection", "laws")
        assert "every collection with passages can be searched" in shown(capsys, "doctor")
        shown(capsys, "collections", "create", "acts", "--embedder", "nothing", code=2)
        assert "acts" not in shown(capsys, "collections", "list")


class TestAnotherModel:
    def test_the_index_changes_its_model(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from rag import factory
        from rag.embedders.ranking_fake import RankingFakeEmbedder

        shown(capsys, "index", "docs")
        monkeypatch.setitem(
            factory._EMBEDDERS,
            "small",
            lambda _argument: RankingFakeEmbedder(dimension=32),
        )
        output = shown(capsys, "reembed", "--embedder", "small")
        assert "3 passages are embedded by ranking-fake" in output
        assert "RAG_EMBEDDER=small" in output
        shown(capsys, "search", "公园", code=1)
        monkeypatch.setenv("RAG_EMBEDDER", "small")
        assert "docs/a.txt" in shown(capsys, "search", "公园")
