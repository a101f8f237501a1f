"""``rag eval from-feedback``: judgements of answers as cases. Light to import."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import InvalidInput
from rag.schema import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from rag.settings import Settings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="case file to write")
    parser.add_argument(
        "--collection",
        default=DEFAULT_COLLECTION,
        metavar="NAME",
        help=f"collection that was asked ({DEFAULT_COLLECTION})",
    )


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Write the cases; 0.

    Raises InvalidInput when there is no feedback with a question, Unavailable when the file exists
    or cannot be written, and what opening the library raises.
    """
    from rag.factory import open_application
    from rag_eval.cases import save_cases
    from rag_eval.from_use import cases_of_feedback

    with open_application(settings({}), create=False) as application:
        judgements = application.library.engine.feedback()
        cases = cases_of_feedback(
            judgements, document=application.library.document, collection=arguments.collection
        )
    unknown = sum(each.asked is None for each in judgements)
    if not cases:
        message = (
            f"No judged answer of the collection {arguments.collection!r} is known with its"
            f" question ({len(judgements)} judgements, {unknown} of answers no longer known)."
            " Judge answers on the chat page or with POST /v1/feedback."
        )
        raise InvalidInput(message)
    save_cases(arguments.file, cases)
    stdout.write(f"{arguments.file}: {len(cases)} cases from {len(judgements)} judgements\n")
    empty = [
        number
        for number, case in enumerate(cases, start=1)
        if case.answerable and not case.expected and not case.evidence
    ]
    if empty:
        lines = ", ".join(map(str, empty))
        stdout.write(
            f"Of bad answers nobody has said what is right. Add expected facts, or answerable"
            f" false, in line {lines}.\n"
        )
    if unknown:
        stdout.write(f"{unknown} judgements are of answers whose question is not known.\n")
    return 0
