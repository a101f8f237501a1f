"""``rag eval import``: question sets of other tools as a case file. Light to import."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import InvalidInput

if TYPE_CHECKING:
    from rag.settings import Settings

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="SQuAD, CMRC or DRCD (.json), a BEIR folder, or a table (.csv, .tsv, .xlsx)",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="case file to write")
    parser.add_argument(
        "--documents",
        type=Path,
        metavar="DIR",
        help="folder to write the set's documents into, for rag index",
    )


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],  # noqa: ARG001 (what every action takes)
    stdout: TextIO,
) -> int:
    """Write the case file, and the documents where a folder is named; 0.

    Raises InvalidInput for a set that cannot be read, Unavailable for files that cannot be written.
    """
    from rag_eval.cases import save_cases
    from rag_eval.public_sets import read_set, write_documents

    found = read_set(arguments.source)
    if arguments.documents is not None and not found.documents:
        message = f"{arguments.source} holds questions only. Leave out --documents."
        raise InvalidInput(message)
    save_cases(arguments.file, found.cases)
    unanswerable = sum(not case.answerable for case in found.cases)
    stdout.write(f"{arguments.file}: {len(found.cases)} cases, {unanswerable} unanswerable\n")
    if arguments.documents is not None:
        write_documents(found.documents, arguments.documents)
        stdout.write(f"{arguments.documents}: {len(found.documents)} documents\n")
    elif found.documents:
        stdout.write(
            f"The set has {len(found.documents)} documents: --documents DIR writes them as well.\n"
        )
    return 0
