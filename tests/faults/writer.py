"""A process that writes until it is killed, saying what it is about to do and what is done.

Run as: python writer.py FOLDER SEED. Each line on standard output is ``begin|done SOURCE NUMBER``;
number 0 means removed.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from rag import vectors
from rag.engines import indexes
from rag.engines.embedded import EmbeddedEngine
from tests.storage_samples import FAKE, sample


def content(source: str, number: int) -> tuple[str, ...]:
    """The paragraphs of a source's version, telling which version they belong to."""
    return tuple(f"来源{source} 版本{number} 第{part}段 合肥市" for part in range(1 + number % 4))


def say(verb: str, source: str, number: int) -> None:
    """Tell the parent at once."""
    sys.stdout.write(f"{verb} {source} {number}\n")
    sys.stdout.flush()


def main() -> None:
    """Write, replace, remove, search, compact and reopen, for ever."""
    # So little is enough to rebuild, to consolidate and to save an index.
    indexes._DEAD_MINIMUM = 3
    vectors._TAIL_MINIMUM = 3
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    choose = random.Random(seed)  # noqa: S311 - a reproducible choice, not a secret
    engine = EmbeddedEngine.open(folder, embedder=FAKE.info)
    stored = {s.source: s.document_id for s in engine.documents(collection="default")}
    query = FAKE.embed_query("合肥市")
    for number in range(1, 1_000_000):
        source = f"{choose.randrange(6)}.txt"
        version = seed * 1_000_000 + number
        if source in stored and choose.random() < 0.3:
            say("begin", source, 0)
            engine.remove(stored.pop(source))
            say("done", source, 0)
        else:
            entry = sample(source, *content(source, version))
            say("begin", source, version)
            engine.write(*entry)
            say("done", source, version)
            stored[source] = entry[0].document_id
        if choose.random() < 0.5:
            engine.candidates("合肥市", query, collection="default", limit=5)
        if choose.random() < 0.2:
            for part in range(3):
                engine.write(*sample(f"{part}.txt", "合肥市的草稿", collection="drafts"))
            engine.delete_collection("drafts")
        if choose.random() < 0.1:
            engine.close()
            engine = EmbeddedEngine.open(folder, embedder=FAKE.info)


if __name__ == "__main__":
    main()
