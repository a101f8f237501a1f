"""Which files of folders are documents to be, and what they are called."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rag.catalog import CATALOG_NAME
from rag.text import normalise

__all__ = ["Selection", "files_of", "is_gone", "source_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which files below a folder are wanted. Files that are named themselves always are.

    Patterns are those of a shell (``*.pdf``, ``drafts/*``) and are compared with a file's name and
    with its path below the folder; ``*`` matches ``/`` too.
    """

    suffixes: frozenset[str]
    include: tuple[str, ...] = ()
    """Only these, where there are any."""
    exclude: tuple[str, ...] = ()

    def wants(self, path: Path, *, root: Path) -> bool:
        """Whether a file below ``root`` is to be a document."""
        return (
            path.suffix.lower() in self.suffixes
            and (not self.include or _matches(path, root, self.include))
            and not _matches(path, root, self.exclude)
        )

    def enters(self, folder: Path, *, root: Path) -> bool:
        """Whether a folder below ``root`` is to be looked into."""
        return not _matches(folder, root, self.exclude)


def source_of(path: Path) -> str:
    """What a file's document is called: its path, from the working directory if it is below it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
    try:
        return normalise(absolute.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return normalise(absolute.as_posix())


def files_of(paths: Sequence[Path], selection: Selection) -> Iterator[Path]:
    """The files named, and those wanted below the folders named; each once.

    A folder that cannot be listed is among them: reading it says what is wrong with it.
    """
    seen: set[str] = set()
    for path in paths:
        folder = path.is_dir()
        for file in _walk(path, path, selection, ()) if folder else (path,):
            absolute = os.path.abspath(file)  # noqa: PTH100 - as in source_of
            if absolute not in seen:
                seen.add(absolute)
                yield file


def _walk(
    folder: Path, root: Path, selection: Selection, above: tuple[Path, ...]
) -> Iterator[Path]:
    above = (*above, folder.resolve())
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    # An index is not a document.
    if any(entry.name == CATALOG_NAME for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not selection.enters(entry, root=root):
                continue
            target = entry.resolve()
            # A link into the folder leads to what is walked anyway, or round for ever.
            if entry.is_symlink() and (target.is_relative_to(root.resolve()) or target in above):
                continue
            yield from _walk(entry, root, selection, above)
        elif selection.wants(entry, root=root):
            yield entry


def is_gone(source: str, *, folders: Sequence[Path]) -> bool:
    """Whether a source names a file below one of the folders that is there no more.

    What cannot be looked at is not gone: its folder's permissions may have changed.
    """
    absolute = os.path.abspath(source)  # noqa: PTH100 - as in source_of
    below = any(
        PurePosixPath(absolute).is_relative_to(os.path.abspath(folder))  # noqa: PTH100 - likewise
        for folder in folders
    )
    if not below:
        return False
    try:
        os.lstat(absolute)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _matches(path: Path, root: Path, patterns: Sequence[str]) -> bool:
    relative = path.relative_to(root).as_posix()
    return any(
        fnmatch.fnmatchcase(relative, pattern) or fnmatch.fnmatchcase(path.name, pattern)
        for pattern in patterns
    )
