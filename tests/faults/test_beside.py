"""Several threads and several processes on one folder: old or new, never mixed, never an error."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rag.engines.embedded import EmbeddedEngine
from rag.errors import Unavailable
from rag.factory import open_application
from rag.settings import Settings
from tests.api_samples import client_of
from tests.storage_samples import FAKE, sample

ROOT = Path(__file__).parents[2]

WRITE_ONE = """
import sys
from pathlib import Path
from rag.engines.embedded import EmbeddedEngine
from tests.storage_samples import FAKE, sample
engine = EmbeddedEngine.open(Path(sys.argv[1]), embedder=FAKE.info)
for source, text in zip(sys.argv[2::2], sys.argv[3::2]):
    engine.write(*sample(source, text))
engine.close()
"""


def found(engine: EmbeddedEngine) -> set[str]:
    candidates = engine.candidates(
        "合肥市", FAKE.embed_query("合肥市"), collection="default", limit=50
    )
    hits = engine.hits([candidate.passage_id for candidate in candidates])
    return {hit.passage.text for hit in hits.values()}


def test_what_another_process_writes_is_found_at_once(tmp_path: Path) -> None:
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    engine.write(*sample("a.txt", "合肥市旧文"))
    assert found(engine) == {"合肥市旧文"}
    subprocess.run(
        [sys.executable, "-c", WRITE_ONE, tmp_path, "a.txt", "合肥市新文", "b.txt", "合肥市又一篇"],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    assert found(engine) == {"合肥市新文", "合肥市又一篇"}
    assert engine.collections()[0].documents == 2
    engine.write(*sample("c.txt", "合肥市第三篇"))
    assert found(engine) == {"合肥市新文", "合肥市又一篇", "合肥市第三篇"}
    engine.close()


def test_what_rag_index_adds_beside_a_running_server_is_answered_at_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "index", embedder="ranking-fake")
    report = tmp_path / "report.txt"
    command = [sys.executable, "-m", "rag.cli", "index", str(report)]
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "RAG_DATA_DIR": str(settings.data_dir),
        "RAG_EMBEDDER": "ranking-fake",
    }
    with open_application(settings) as application:
        client = client_of(application)

        def texts() -> set[str]:
            reply = client.post("/v1/search", json={"query": "合肥市的公园", "top_k": 50})
            assert reply.is_success, reply.text
            return {passage["text"] for passage in reply.json()["passages"]}

        assert texts() == set()
        for version in ("合肥市有旧公园十个。", "合肥市有新公园二十个。"):
            report.write_text(version, encoding="utf-8")
            subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
            assert texts() == {version}
        report.unlink()
        other = tmp_path / "other.txt"
        other.write_text("芜湖市有港口。", encoding="utf-8")
        command[-1:] = [str(tmp_path), "--sync"]
        subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
        assert texts() == {"芜湖市有港口。"}


def test_work_that_another_process_has_done_is_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    engine.write(*sample("a.txt", "合肥市旧文"))
    assert found(engine) == {"合肥市旧文"}
    beside = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    beside.write(*sample("b.txt", "合肥市新文"))
    assert found(beside) == {"合肥市旧文", "合肥市新文"}
    monkeypatch.delattr("rag.lexical.LexicalIndex.publish")
    assert found(engine) == {"合肥市旧文", "合肥市新文"}
    engine.close()
    beside.close()


def test_searches_while_writing_see_whole_documents_of_one_moment(tmp_path: Path) -> None:
    writer = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    beside = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    versions = [sample("a.txt", f"合肥市第{n}版上", f"合肥市第{n}版下") for n in range(25)]
    allowed = [{passage.passage_id for passage in passages} for _, passages, _ in versions]
    writer.write(*versions[0])
    query = FAKE.embed_query("合肥市")
    stop = threading.Event()
    wrong: list[object] = []
    searches = 0

    def search(engine: EmbeddedEngine) -> None:
        nonlocal searches
        while not stop.is_set():
            try:
                candidates = engine.candidates("合肥市", query, collection="default", limit=9)
            except Exception as error:  # noqa: BLE001 - any error at all is what is looked for
                wrong.append(error)
                return
            ids = {candidate.passage_id for candidate in candidates}
            if ids not in allowed or any(c.lexical is None for c in candidates):
                wrong.append(candidates)
            searches += 1

    threads = [
        threading.Thread(target=search, args=(engine,)) for engine in (writer, writer, beside)
    ]
    for thread in threads:
        thread.start()
    for version in versions[1:]:
        before = searches
        writer.write(*version)
        while searches < before + 2 and not wrong:
            stop.wait(0.001)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert searches >= 48
    writer.close()
    beside.close()


def test_a_closed_engine_says_so_and_closes_once(tmp_path: Path) -> None:
    engine = EmbeddedEngine.open(tmp_path, embedder=FAKE.info)
    engine.write(*sample("a.txt", "合肥市"))
    engine.close()
    engine.close()
    with pytest.raises(Unavailable, match="has been closed"):
        found(engine)
    with pytest.raises(Unavailable, match="has been closed"):
        engine.write(*sample("b.txt", "合肥市"))
