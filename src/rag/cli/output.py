"""Writing to the terminal: plain text, colours when somebody looks, JSON for programs."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from rag.errors import RagError

__all__ = [
    "Line",
    "close_quietly",
    "console",
    "line",
    "looks_like_terminal",
    "prepare_streams",
    "show",
    "write",
    "write_error",
    "write_json",
]

_STYLES: Mapping[str, str] = {
    "bad": "bold red",
    "dim": "dim",
    "doubtful": "bold yellow",
    "good": "bold green",
    "plain": "",
    "quote": "bold black on yellow",
    "strong": "bold",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output: pieces of (style, text), indented by so many columns."""

    pieces: tuple[tuple[str, str], ...]
    indent: int = 0

    @property
    def text(self) -> str:
        """The line without colours; quoted words stand between double asterisks."""
        return " " * self.indent + "".join(
            f"**{text}**" if style == "quote" else text for style, text in self.pieces
        )


def line(*pieces: str | tuple[str, str], indent: int = 0) -> Line:
    """A line of plain strings and (style, text) pairs."""
    return Line(
        tuple(("plain", piece) if isinstance(piece, str) else piece for piece in pieces), indent
    )


def prepare_streams() -> None:
    """Make output that a terminal cannot show appear as escapes instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def looks_like_terminal(stream: object) -> bool:
    """Whether a person looks at the stream and colours are welcome."""
    isatty = getattr(stream, "isatty", None)
    return (
        isatty is not None
        and isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def console(*, stderr: bool = False) -> Console:
    """A rich console that changes nothing about the text it is given."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def show(lines: Sequence[Line]) -> None:
    """Print lines, coloured and wrapped to its width on a terminal, plain elsewhere."""
    if not looks_like_terminal(sys.stdout):
        for each in lines:
            write(each.text)
        return
    from rich.padding import Padding
    from rich.text import Text

    terminal = console()
    for each in lines:
        text = Text.assemble(*((piece, _STYLES[style]) for style, piece in each.pieces))
        terminal.print(Padding(text, (0, 0, 0, each.indent)) if each.indent else text)


def write(text: str = "") -> None:
    """Print one line to standard output."""
    print(text)


def write_json(value: object) -> None:
    """Print a value as JSON, in characters that the terminal can show."""
    import json

    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(value, ensure_ascii=encoding != "utf8", indent=2))


def write_error(error: RagError, *, as_json: bool) -> None:
    """Say on standard error what went wrong; to a program that wants JSON, on both."""
    if as_json:
        write_json({"error": {"code": error.code, "message": str(error)}})
    print(f"rag: {error}", file=sys.stderr)


def close_quietly() -> None:
    """Let the interpreter flush into nothing, after the reader of standard output has left."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
