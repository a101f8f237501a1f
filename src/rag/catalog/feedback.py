"""Judgements of answers in the catalog, and what was asked."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from rag.asked import decode_asked, encode_asked
from rag.schema import Feedback

if TYPE_CHECKING:
    from rag.schema import Asked

__all__ = ["keep_asked", "read_feedback"]

# Made when first needed: catalogs of earlier versions have none, and need none to be read.
_TABLE = """
CREATE TABLE IF NOT EXISTS judged_answers (
    answer_id TEXT PRIMARY KEY,
    asked TEXT NOT NULL
)
"""


def keep_asked(connection: sqlite3.Connection, answer_id: str, asked: Asked) -> None:
    """Keep what a judged answer answered. To be called in a transaction."""
    connection.execute(_TABLE)
    connection.execute(
        "INSERT OR REPLACE INTO judged_answers (answer_id, asked) VALUES (?, ?)",
        (answer_id, encode_asked(asked)),
    )


def read_feedback(connection: sqlite3.Connection) -> tuple[Feedback, ...]:
    """All judgements, in the order in which they came."""
    there = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'judged_answers'"
    ).fetchone()
    known = dict(connection.execute("SELECT answer_id, asked FROM judged_answers")) if there else {}
    rows = connection.execute(
        "SELECT created, answer_id, rating, comment FROM feedback ORDER BY key"
    )
    return tuple(
        Feedback(
            created=created,
            answer_id=answer_id,
            rating=rating,
            comment=comment,
            asked=decode_asked(known[answer_id]) if answer_id in known else None,
        )
        for created, answer_id, rating, comment in rows
    )
