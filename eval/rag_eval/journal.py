"""Replies kept while a run goes on, so that one that was interrupted can be taken up.

JSON lines: first what is asked, then a reply a line. Replies are judged anew when they are read, so
that only the asking is saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rag.errors import InvalidInput, Unavailable
from rag_eval.targets import FoundPassage, QuotedSpan, Reply

if TYPE_CHECKING:
    from rag_eval.case import Case

__all__ = ["Journal"]


class Journal:
    """The replies of a run that has not come to its end."""

    def __init__(self, path: Path, file: TextIO, kept: Mapping[tuple[str, str], Reply]) -> None:
        self._path = path
        self._file = file
        self._kept = kept

    @classmethod
    def open(cls, path: Path, *, asked: Mapping[str, str | int]) -> Journal:
        """Begin a journal, or take up the one in the file. ``asked`` says of whom, and how.

        Raises InvalidInput when the file is of another run or is no journal, Unavailable when it
        cannot be written.
        """
        try:
            lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
            # A line that was being written when the run ended is not there to be read.
            whole = lines[:-1]
            kept = _read(path, whole, asked=asked) if whole else {}
            file = path.open("w", encoding="utf-8")
            file.writelines(f"{line}\n" for line in whole or [json.dumps(dict(asked))])
            file.flush()
        except (OSError, UnicodeDecodeError) as error:
            message = f"{path} cannot keep the replies: {error}. Name another file for --resume."
            raise Unavailable(message) from error
        return cls(path, file, kept)

    @property
    def taken_up(self) -> int:
        """How many replies were there already."""
        return len(self._kept)

    def reply(self, case: Case) -> Reply | None:
        """The reply that an earlier run got for the case."""
        return self._kept.get((case.case_id, case.digest))

    def keep(self, case: Case, reply: Reply) -> None:
        """Keep a reply."""
        record = {"id": case.case_id, "digest": case.digest, "reply": asdict(reply)}
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self, *, finished: bool) -> None:
        """Close the file; a run that is finished needs it no longer."""
        self._file.close()
        if finished:
            self._path.unlink(missing_ok=True)


def _read(
    path: Path, lines: list[str], *, asked: Mapping[str, str | int]
) -> dict[tuple[str, str], Reply]:
    try:
        begun_with, *records = (json.loads(line) for line in lines)
        kept = {(each["id"], each["digest"]): _reply(each["reply"]) for each in records}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is no record of a run: {error}. Name another file for --resume."
        raise InvalidInput(message) from error
    if begun_with != dict(asked):
        message = (
            f"{path} was begun with {begun_with}, this run asks {dict(asked)}. Remove it to begin"
            " anew, or run the same command again."
        )
        raise InvalidInput(message)
    return kept


def _reply(raw: dict[str, Any]) -> Reply:
    citations = tuple(QuotedSpan(**each) for each in raw.pop("citations"))
    passages = tuple(
        FoundPassage(**{**each, "section": tuple(each["section"])}) for each in raw.pop("passages")
    )
    return Reply(**raw, citations=citations, passages=passages)
