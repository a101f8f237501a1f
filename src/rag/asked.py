"""What was asked, written down: as text for the catalog, and the last question of ``rag ask``."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from rag.errors import NotFound
from rag.schema import Asked, Turn

__all__ = ["decode_asked", "encode_asked", "keep_last_question", "last_question"]

_NAME = "last-question.json"


def encode_asked(asked: Asked) -> str:
    """As JSON."""
    return json.dumps(asdict(asked), ensure_ascii=False, sort_keys=True)


def decode_asked(encoded: str) -> Asked:
    """From JSON. Raises ValueError, TypeError or KeyError for anything else."""
    raw = json.loads(encoded)
    return Asked(
        **{
            **raw,
            "history": tuple(Turn(**turn) for turn in raw["history"]),
            "cited": tuple((document, start, end) for document, start, end in raw["cited"]),
        }
    )


def keep_last_question(folder: Path, asked: Asked) -> None:
    """Write the question down in the index folder; a folder that cannot be written to has none."""
    unfinished = folder / f".{_NAME}.{os.getpid()}"
    with contextlib.suppress(OSError):
        unfinished.write_text(encode_asked(asked), encoding="utf-8")
        unfinished.replace(folder / _NAME)


def last_question(folder: Path) -> Asked:
    """The question that was asked last. Raises NotFound when none was, or it cannot be read."""
    try:
        return decode_asked((folder / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f'No question was asked of the index in {folder} yet. Ask one: rag ask "…"'
        raise NotFound(message) from error
