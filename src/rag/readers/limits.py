"""What reading one file may cost."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ParsingLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsingLimits:
    """Bounds on one file. What goes beyond them is refused, and nothing else suffers."""

    pages: int = 2_000
    """Pages of a PDF file."""
    seconds: int = 60
    """From the moment a parser is given a file."""
    memory_bytes: int = 1024 * 2**20
    """Of the process that parses, the program itself included."""
