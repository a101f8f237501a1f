"""Case files: JSON lines, or a table with named columns; reading, choosing, writing.

Every problem of a file is found at once and named by file, line and field, with what was found and
what was expected, because a case file is written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from rag.errors import InvalidInput, Unavailable
from rag_eval.case import SPLITS, Case, CaseReader, Evidence, Place, Split, nearest, record_of

__all__ = [
    "SPLITS",
    "Case",
    "Evidence",
    "Place",
    "Selection",
    "Split",
    "case_line",
    "load_cases",
    "save_cases",
    "select_cases",
]

Selection: TypeAlias = Literal["development", "test", "all"]

_TABLES = (".csv", ".tsv", ".xlsx")
_MOST_PROBLEMS_SHOWN = 20


def load_cases(path: Path) -> tuple[Case, ...]:
    """All cases of a file, in order: JSON lines, or a table (.csv, .tsv, .xlsx) of named columns.

    Empty lines are skipped. Raises InvalidInput, which names every problem by line and field (the
    first 20 of many).
    """
    problems: list[str] = []
    cases: list[Case] = []
    lines_by_id: dict[str, int] = {}
    for number, raw in _entries(path, problems):
        reader = CaseReader(f"{path}, line {number}")
        case = reader.case(raw, number=number, default_id=f"{path.stem}-{number:03d}")
        problems += reader.problems
        if case is None:
            continue
        if case.case_id in lines_by_id:
            problems.append(
                f'{path}, line {number}, field "id": found {case.case_id!r}, which line'
                f" {lines_by_id[case.case_id]} has already; expected an id of its own."
            )
        lines_by_id.setdefault(case.case_id, number)
        cases.append(case)
    if problems:
        raise InvalidInput("\n".join(_shortened(problems)))
    if not cases:
        message = (
            f"{path} holds no cases. Expected one JSON object a line, such as"
            ' {"question": "…", "expected": ["…"]}.'
        )
        raise InvalidInput(message)
    return tuple(cases)


def save_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write cases as JSON lines. Raises Unavailable when the file exists or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(case_line(case) for case in cases)
    except FileExistsError as error:
        message = f"{path} exists, and may hold work. Name another file, or move it away."
        raise Unavailable(message) from error
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}. Name another place."
        raise Unavailable(message) from error


def case_line(case: Case) -> str:
    """A case as a line of a case file, line break included."""
    return json.dumps(record_of(case), ensure_ascii=False) + "\n"


def select_cases(
    cases: Iterable[Case], *, split: Selection = "all", tags: Sequence[str] = ()
) -> tuple[Case, ...]:
    """The cases of a split that carry at least one of the tags (any, when none is named).

    Raises InvalidInput for a tag that no case carries, and when nothing is left.
    """
    cases = tuple(cases)
    known = sorted({tag for case in cases for tag in case.tags})
    for tag in tags:
        if tag not in known:
            message = f"No case has the tag {tag!r}.{nearest(tag, known)}."
            raise InvalidInput(message)
    chosen = tuple(
        case
        for case in cases
        if split in ("all", case.split) and (not tags or set(tags) & set(case.tags))
    )
    if not chosen:
        wanted = f"split {split!r}" + (f" with the tags {', '.join(tags)}" if tags else "")
        message = f"None of the {len(cases)} cases is in {wanted}. Choose another split or tag."
        raise InvalidInput(message)
    return chosen


def _entries(path: Path, problems: list[str]) -> Iterator[tuple[int, object]]:
    """Lines that hold something, decoded, with their numbers; what is no JSON is a problem."""
    if path.suffix.lower() in _TABLES:
        from rag_eval.tables import case_rows

        yield from case_rows(path)
        return
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except ValueError as error:
            problems.append(
                f"{path}, line {number}: not JSON ({error}). Expected one object in curly brackets."
            )
            continue
        yield number, raw


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"There is no case file {path}. Expected a file of cases in JSON lines."
        raise InvalidInput(message) from error
    except UnicodeDecodeError as error:
        message = (
            f"{path} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})."
            " Expected JSON lines in UTF-8; save it in that encoding."
        )
        raise InvalidInput(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Expected a file of cases."
        raise InvalidInput(message) from error


def _shortened(problems: Sequence[str]) -> list[str]:
    beyond = len(problems) - _MOST_PROBLEMS_SHOWN
    if beyond <= 0:
        return list(problems)
    return [*problems[:_MOST_PROBLEMS_SHOWN], f"… and {beyond} more problems."]
