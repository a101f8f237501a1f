"""The command line: ``rag COMMAND …``. Each command is a module, imported when it is called.

Exit codes: 0 done; 1 the operation failed; 2 the input or usage was wrong; 3 ``rag ask`` found no
answer in the documents; 130 interrupted; 141 whoever read the output stopped reading.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from rag import __version__
from rag.cli.output import close_quietly, prepare_streams, write_error
from rag.errors import InvalidInput, NotFound, RagError

__all__ = ["main"]

EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_COMMANDS: Mapping[str, str] = {
    "ask": "answer a question with verbatim quotations from the documents",
    "backup": "copy the whole index to one file, while others use it",
    "collections": "list, create, rename and delete collections",
    "doctor": "check the installation, the model, the index, the disk and the port",
    "documents": "list, show and remove documents",
    "eval": "measure answers against questions whose answers are known",
    "index": "add files and folders to the index",
    "reembed": "change the embedding model of an index, which answers meanwhile",
    "restore": "put a backup in the place of the index",
    "search": "find the passages that bear on a query",
    "serve": "serve the chat page and the HTTP API",
}


class _Command(Protocol):
    """What every module of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Carry it out; the exit code."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Usage errors leave through SystemExit, as argparse does."""
    words = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    arguments: argparse.Namespace | None = None
    try:
        name = words[0] if words and words[0] in _COMMANDS else None
        command = _load(name) if name else None
        if name == "eval":
            from rag.cli.eval_command import spelled_out

            words = spelled_out(words)
        arguments = _parser(name, command).parse_args(words)
        code = command.run(arguments) if command else EXIT_WRONG_INPUT
        sys.stdout.flush()
    except RagError as error:
        write_error(error, as_json=bool(getattr(arguments, "json", False)))
        wrong_input = isinstance(error, InvalidInput | NotFound)
        return EXIT_WRONG_INPUT if wrong_input else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        close_quietly()
        return EXIT_BROKEN_PIPE
    return code


def _load(name: str) -> _Command:
    return cast("_Command", import_module(f"rag.cli.{name}_command"))


def _parser(name: str | None, command: _Command | None) -> argparse.ArgumentParser:
    """All commands by name; the arguments of the one that is called."""
    parser = argparse.ArgumentParser(
        prog="rag",
        description="Question answering over your documents in which every answer is a verified"
        " quotation.",
        epilog="rag COMMAND --help tells more. Settings: rag.toml and RAG_* variables.",
    )
    parser.add_argument("--version", action="version", version=f"rag {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for each, purpose in _COMMANDS.items():
        subparser = commands.add_parser(
            each, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
        )
        if command is not None and each == name:
            command.add_arguments(subparser)
    return parser
