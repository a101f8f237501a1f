"""``rag eval init``: a first case file, suggested from what is in the library. Light to import."""

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
        "--count", type=_count, default=20, metavar="N", help="how many to suggest at most (20)"
    )
    parser.add_argument(
        "--collection",
        default=DEFAULT_COLLECTION,
        metavar="NAME",
        help=f"collection to suggest from ({DEFAULT_COLLECTION})",
    )


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Write suggestions; 0.

    Raises InvalidInput when the library has nothing to suggest from, Unavailable when the file
    exists or cannot be written, and what opening the library raises.
    """
    from rag.factory import open_application
    from rag_eval.cases import save_cases
    from rag_eval.suggestions import suggest

    with open_application(settings({}), create=False) as application:
        cases = suggest(application.library, count=arguments.count, collection=arguments.collection)
    if not cases:
        message = (
            f"The collection {arguments.collection!r} has no figure and no heading to suggest a"
            " question from. Write the questions by hand, or index documents first."
        )
        raise InvalidInput(message)
    save_cases(arguments.file, cases)
    stdout.write(
        f"{arguments.file}: {len(cases)} suggested cases. Ask as a person would, check the facts,"
        " and add\nquestions that the documents do not answer, about a third: answerable false.\n"
    )
    return 0


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 1000:
        message = f"found {text!r}, expected a number from 1 to 1000"
        raise argparse.ArgumentTypeError(message)
    return number
