"""``rag eval add``: the question that ``rag ask`` was asked last, as a case. Light to import."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag_eval.case import Case

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="case file to append to; made when there is none"
    )
    parser.add_argument(
        "--expected",
        action="append",
        default=[],
        metavar="FACT",
        help="a fact that a right answer holds, alternatives separated by |; repeatable",
    )
    parser.add_argument(
        "--unanswerable", action="store_true", help="the documents hold no answer: refuse it"
    )


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Append the case; 0.

    What an answer quoted is its evidence where it holds the expected facts. Raises NotFound when
    nothing was asked yet; InvalidInput when the case is in the file, or nothing says what a right
    answer is; Unavailable when the file cannot be written.
    """
    from rag.asked import last_question
    from rag.factory import open_application
    from rag_eval.cases import case_line, load_cases
    from rag_eval.from_use import case_of

    chosen = settings({})
    asked = last_question(chosen.data_dir)
    known = load_cases(arguments.file) if arguments.file.exists() else ()
    case_id = f"{arguments.file.stem}-{len(known) + 1:03d}"
    with open_application(chosen, create=False) as application:
        case = case_of(asked, document=application.library.document, case_id=case_id)
    case = _as_told(case, arguments)
    for each in known:
        if (each.question, each.filters) == (case.question, case.filters) and not each.history:
            message = f"{arguments.file}, line {each.line}, asks this already: {case.question}"
            raise InvalidInput(message)
    try:
        ends_open = bool(known) and not arguments.file.read_bytes().endswith(b"\n")
        with arguments.file.open("a", encoding="utf-8") as file:
            file.write("\n" * ends_open + case_line(case))
    except OSError as error:
        message = f"{arguments.file} cannot be written: {error.strerror}. Name another place."
        raise Unavailable(message) from error
    stdout.write(f"{arguments.file}: added {case_line(case)}")
    return 0


def _as_told(case: Case, arguments: argparse.Namespace) -> Case:
    """The case as the person says it should be, or as it came when they say nothing."""
    from rag_eval.matching import missing_facts

    groups = (tuple(map(str.strip, each.split("|"))) for each in arguments.expected)
    expected = tuple(tuple(filter(None, group)) for group in groups)
    if arguments.unanswerable:
        if expected:
            message = "--unanswerable and --expected contradict each other. Leave one out."
            raise InvalidInput(message)
        return replace(case, answerable=False, evidence=())
    if not case.answerable and not expected:
        message = (
            f"{case.question!r} was refused. If that is right add --unanswerable; if it is not,"
            " --expected FACT."
        )
        raise InvalidInput(message)
    holds = not missing_facts("\n".join(map(str, case.evidence)), expected)
    return replace(
        case, answerable=True, expected=expected, evidence=case.evidence if holds else ()
    )
