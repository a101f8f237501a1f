"""Keeping an index in step with folders: what is new, changed or gone, as it happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["Watch"]

_State = tuple[int, int]


class Watch:
    """Looks at files again and again; tells which have changed and come to rest since.

    A file that is still being written changes from look to look, and is told about once it stays
    as it is. Looking costs one ``stat`` a file.
    """

    def __init__(self, list_files: Callable[[], Sequence[Path]]) -> None:
        self._list_files = list_files
        self._told: Mapping[Path, _State] = self._look()
        self._last = self._told

    def changes(self) -> tuple[tuple[Path, ...], bool]:
        """Files that are new or changed, and whether any is gone."""
        now = self._look()
        settled = {path for path, state in now.items() if self._last.get(path) == state}
        self._last = now
        changed = tuple(sorted(path for path in settled if self._told.get(path) != now[path]))
        gone = not set(self._told) <= set(now)
        self._told = {
            path: now[path] if path in settled else self._told[path]
            for path in now
            if path in settled or path in self._told
        }
        return changed, gone

    def _look(self) -> Mapping[Path, _State]:
        seen: dict[Path, _State] = {}
        for path in self._list_files():
            try:
                status = os.stat(path)  # noqa: PTH116 - once a file and look
            except OSError:
                continue  # gone between listing and looking
            seen[path] = (status.st_size, status.st_mtime_ns)
        return seen
