"""An index as the first version of the program wrote it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from rag.catalog import CATALOG_NAME
from rag.vectors import encode_vectors
from tests.storage_samples import FAKE, sample

__all__ = ["SOURCES", "write_index"]

SOURCES = {"a.txt": ("合肥市的高铁", "芜湖市的港口"), "b.txt": ("新能源汽车产量",)}

_TABLES = """
CREATE TABLE collections (key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL DEFAULT 0, stamp TEXT NOT NULL DEFAULT '', embedder TEXT);
CREATE TABLE documents (key INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL UNIQUE,
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    source TEXT NOT NULL, title TEXT NOT NULL, metadata TEXT NOT NULL, characters INTEGER NOT NULL,
    first_passage INTEGER NOT NULL, last_passage INTEGER NOT NULL, text TEXT NOT NULL,
    UNIQUE (collection, source));
CREATE TABLE passages (key INTEGER PRIMARY KEY AUTOINCREMENT, passage_id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
    period TEXT, section TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (document, ordinal));
CREATE TABLE vectors (passage INTEGER PRIMARY KEY REFERENCES passages(key) ON DELETE CASCADE,
    vector BLOB NOT NULL);
CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, stamp TEXT NOT NULL,
    collection INTEGER NOT NULL, document INTEGER NOT NULL, added INTEGER NOT NULL,
    first_passage INTEGER NOT NULL, last_passage INTEGER NOT NULL);
CREATE INDEX changes_by_collection ON changes (collection, seq);
CREATE TABLE feedback (key INTEGER PRIMARY KEY AUTOINCREMENT, created TEXT NOT NULL,
    answer_id TEXT NOT NULL, rating INTEGER NOT NULL, comment TEXT NOT NULL);
PRAGMA application_id = 0x52414751;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


def write_index(folder: Path) -> None:
    """Make an index of schema 1 that holds ``SOURCES``."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / CATALOG_NAME)) as connection:
        connection.executescript(_TABLES)
        embedder = json.dumps(asdict(FAKE.info), sort_keys=True, separators=(",", ":"))
        connection.execute(
            "INSERT INTO collections (name, seq, stamp, embedder) VALUES ('default', 2, 's2', ?)",
            (embedder,),
        )
        key = 1
        for number, (source, paragraphs) in enumerate(SOURCES.items(), start=1):
            document, passages, vectors = sample(source, *paragraphs)
            last = key + len(passages) - 1
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    document.document_id,
                    source,
                    document.title,
                    json.dumps(dict(document.metadata), ensure_ascii=False, separators=(",", ":")),
                    len(document.text),
                    key,
                    last,
                    document.text,
                ),
            )
            connection.execute(
                "INSERT INTO changes VALUES (?, ?, 1, ?, 1, ?, ?)",
                (number, f"s{number}", number, key, last),
            )
            for passage, vector in zip(passages, encode_vectors(vectors), strict=True):
                connection.execute(
                    "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, '[]', ?)",
                    (
                        key,
                        passage.passage_id,
                        number,
                        passage.ordinal,
                        passage.start,
                        passage.end,
                        passage.text,
                    ),
                )
                connection.execute("INSERT INTO vectors VALUES (?, ?)", (key, vector))
                key += 1
        connection.commit()
