"""A process killed at any moment loses nothing it acknowledged and leaves nothing half done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from rag.engines.embedded import EmbeddedEngine
from tests.faults.writer import content
from tests.storage_samples import FAKE, sample

KILLS = int(os.environ.get("FAULT_KILLS", "5"))
ROOT = Path(__file__).parents[2]


def write_until_killed(folder: Path, *, seed: int, after_s: float) -> list[list[str]]:
    """What the killed process said, line by line; only whole lines count."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writer.py")), str(folder), str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )
    assert process.stdout is not None
    first = process.stdout.readline() + process.stdout.readline()
    assert b"done" in first, "the writer did not start"
    timer = threading.Timer(after_s, process.kill)
    timer.start()
    rest = process.stdout.read()
    timer.join()
    process.stdout.close()
    process.wait()
    lines = (first + rest).split(b"\n")[:-1]
    return [line.decode().split() for line in lines]


def test_nothing_acknowledged_is_missing_and_nothing_is_half_done(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    choose = random.Random(7)  # noqa: S311 - a reproducible choice, not a secret
    state: dict[str, int] = {}
    acknowledged = 0
    for seed in range(KILLS):
        said = write_until_killed(folder, seed=seed, after_s=choose.uniform(0.0, 0.6))
        pending: tuple[str, int] | None = None
        for verb, source, number in said:
            if verb == "begin":
                pending = source, int(number)
            else:
                state[source] = int(number)
                pending = None
                acknowledged += 1
        engine = EmbeddedEngine.open(folder, embedder=FAKE.info)
        found = {
            summary.source: engine.passages(summary.document_id)
            for summary in engine.documents(collection="default")
        }
        texts = {source: tuple(p.text for p in passages) for source, passages in found.items()}
        expected = {source: content(source, n) for source, n in state.items() if n}
        if texts != expected:
            # What was under way when the process died may have happened, but then all of it.
            assert pending is not None
            state[pending[0]] = pending[1]
            expected = {source: content(source, n) for source, n in state.items() if n}
        assert texts == expected
        candidates = engine.candidates(
            "合肥市", FAKE.embed_query("合肥市"), collection="default", limit=1_000
        )
        every = {passage.passage_id for passages in found.values() for passage in passages}
        assert {c.passage_id for c in candidates if c.dense is not None} == every
        assert {c.passage_id for c in candidates if c.lexical is not None} == every
        for collection in engine.collections():
            summaries = engine.documents(collection=collection.name)
            assert collection.documents == len(summaries)
            assert [engine.document(each.document_id).source for each in summaries] == [
                each.source for each in summaries
            ]
        engine.close()
    assert acknowledged >= KILLS
    # Folders of interrupted builds go with the next one that is published.
    engine = EmbeddedEngine.open(folder, embedder=FAKE.info)
    for last in range(4):
        engine.write(*sample(f"last-{last}.txt", "合肥市的最后一段"))
    engine.candidates("合肥市", FAKE.embed_query("合肥市"), collection="default", limit=5)
    engine.close()
    for kind in ("vectors", "lexical"):
        folders = [path for path in (folder / kind / "collection-1").iterdir() if path.is_dir()]
        assert len([path for path in folders if path.name.startswith("generation-")]) <= 1
