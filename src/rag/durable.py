"""Files that survive crashes: locks between processes, and verified folders published at once.

A *generation* is a folder of derived data that never changes once published. ``CURRENT`` names the
generation in use together with the hash of its manifest; the manifest lists every file with its
size and hash. A reader therefore sees an old generation or a new one, whole, and can tell a damaged
one from a good one without parsing it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

__all__ = [
    "FileLock",
    "Generation",
    "Unusable",
    "Workshop",
    "current_folder",
    "load_generation",
    "publish_generation",
]

_logger = logging.getLogger(__name__)

_CURRENT = "CURRENT"
_MANIFEST = "manifest.json"
_PREFIX = "generation-"
_BUILDING = "building-"
_LOCK = ".lock"
_FORMAT = 1
_POLL_SECONDS = 0.02


class FileLock:
    """An exclusive lock between processes, and between threads that open it separately.

    The operating system drops it when the holder dies. The file tells who held it last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, *, timeout_s: float) -> bool:
        """Take the lock, waiting at most ``timeout_s``. Raises OSError if the file cannot be."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + timeout_s
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return False
            time.sleep(_POLL_SECONDS)
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # a full disk must not forbid removing documents
            since = time.strftime("%Y-%m-%d %H:%M:%S")
            holder = f"process {os.getpid()} on {socket.gethostname()[:120]}, since {since}"
            os.lseek(descriptor, _HOLDER_OFFSET, os.SEEK_SET)
            # As long as any before it: cutting the file would wait for the disk.
            os.write(descriptor, holder.encode().ljust(_HOLDER_BYTES))
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            _unlock(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str:
        """Who holds the lock, in words."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return "another process"
        return data.lstrip(b"\0").decode("utf-8", "replace").strip() or "another process"


# The first byte is what msvcrt locks, and a locked byte cannot be read on Windows.
_HOLDER_OFFSET = 1
_HOLDER_BYTES = 240

if os.name == "nt":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A published, verified folder. ``facts`` is what its publisher recorded about it."""

    folder: Path
    facts: Mapping[str, Any]


class Unusable(Exception):
    """A generation that cannot be used; says why. Never leaves ``load_generation``."""


_Read = TypeVar("_Read")


class Workshop:
    """A private folder under ``root`` to build a generation in; removed unless published.

    It stays locked while its process lives, so that others can tell leftovers of a crash.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.folder = root / f"{_BUILDING}{os.getpid()}-{secrets.token_hex(4)}"
        self.folder.mkdir()
        self._lock = FileLock(self.folder / _LOCK)
        self._lock.acquire(timeout_s=0)

    def adopt(self, generation: Path) -> None:
        """Take over a generation's files, by hard link where the file system can."""
        for name in _file_names(generation):
            target = self.folder / name
            # Files that are rewritten in place must be copies: a link would change the original.
            if name.startswith(".") or name.endswith(".json"):
                shutil.copyfile(generation / name, target)
                continue
            try:
                os.link(generation / name, target)
            except OSError:
                shutil.copyfile(generation / name, target)

    def close(self, *, keep: bool = False) -> None:
        """Unlock, and remove the folder unless it is to be kept."""
        self._lock.release()
        if keep:
            (self.folder / _LOCK).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def current_folder(root: Path) -> Path | None:
    """The folder of the published generation, not verified."""
    pointer = _read_pointer(root)
    return None if pointer is None else root / pointer[0]


def load_generation(root: Path, read: Callable[[Generation], _Read | None]) -> _Read | None:
    """What ``read`` makes of the published generation under ``root``, once that is verified.

    None when there is none, it is damaged, or ``read`` gives None or raises Unusable. Damage is
    logged, never raised: derived data can be built again.
    """
    for _ in range(5):
        pointer = _read_pointer(root)
        if pointer is None:
            return None
        try:
            return read(_verify(root / pointer[0], manifest_hash=pointer[1]))
        except Unusable as error:
            # Another process may have published meanwhile and removed what was being read.
            if _read_pointer(root) == pointer:
                _logger.warning("%s; it will be rebuilt", error)
                return None
    return None


def publish_generation(workshop: Workshop, facts: Mapping[str, Any]) -> Path:
    """Make the workshop's folder the current generation, durably, and remove older ones.

    Returns the folder under its new name. The workshop is closed by this. Raises OSError when the
    disk refuses; then the previous generation stays current.
    """
    previous = _read_pointer(workshop.root)
    known = {} if previous is None else _known_hashes(workshop.root / previous[0])
    files = {}
    for name in _file_names(workshop.folder):
        path = workshop.folder / name
        status = path.stat()
        # A hard link to a file of the previous generation is the same file: on disk, and hashed.
        digest = known.get((name, status.st_ino, status.st_size))
        if digest is None:
            _sync(path)
            digest = _hash(path)
        files[name] = {"bytes": status.st_size, "sha256": digest}
    manifest = json.dumps(
        {"format": _FORMAT, "files": files, "facts": dict(facts)}, ensure_ascii=False, indent=1
    ).encode()
    _write_durably(workshop.folder / _MANIFEST, manifest)
    folder = workshop.root / (_PREFIX + workshop.folder.name.removeprefix(_BUILDING))
    lock = FileLock(workshop.root / _LOCK)
    if not lock.acquire(timeout_s=10):
        workshop.close()
        raise TimeoutError(f"{workshop.root} is locked by {lock.holder()}")
    try:
        workshop.close(keep=True)
        workshop.folder.rename(folder)
        pointer = f"{folder.name} {hashlib.sha256(manifest).hexdigest()}\n"
        temporary = workshop.root / f"{_CURRENT}.new"
        _write_durably(temporary, pointer.encode())
        temporary.replace(workshop.root / _CURRENT)
        _sync(workshop.root)
        _remove_leftovers(workshop.root, keep=folder.name)
    finally:
        lock.release()
    return folder


def _read_pointer(root: Path) -> tuple[str, str] | None:
    try:
        words = (root / _CURRENT).read_text("ascii").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        _logger.warning("%s cannot be read (%s); it will be rebuilt", root / _CURRENT, error)
        return None
    if len(words) != 2 or not words[0].startswith(_PREFIX) or "/" in words[0] or "\\" in words[0]:
        _logger.warning("%s is damaged; it will be rebuilt", root / _CURRENT)
        return None
    return words[0], words[1]


def _verify(folder: Path, *, manifest_hash: str) -> Generation:
    """Raises Unusable."""
    try:
        data = (folder / _MANIFEST).read_bytes()
        if hashlib.sha256(data).hexdigest() != manifest_hash:
            raise Unusable(f"{folder / _MANIFEST} is damaged")
        manifest = json.loads(data)
        if manifest["format"] != _FORMAT:
            raise Unusable(f"{folder} has format {manifest['format']}, not {_FORMAT}")
        for name, expected in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != expected["bytes"] or _hash(path) != expected["sha256"]:
                raise Unusable(f"{path} is damaged")
    except OSError as error:
        raise Unusable(f"{folder} is incomplete ({error})") from error
    return Generation(folder=folder, facts=MappingProxyType(manifest["facts"]))


def _known_hashes(folder: Path) -> dict[tuple[str, int, int], str]:
    try:
        files = json.loads((folder / _MANIFEST).read_bytes())["files"]
        return {
            (name, (folder / name).stat().st_ino, entry["bytes"]): entry["sha256"]
            for name, entry in files.items()
        }
    except (OSError, ValueError, KeyError):
        return {}


def _remove_leftovers(root: Path, *, keep: str) -> None:
    for path in root.iterdir():
        if path.name == keep or not path.is_dir():
            continue
        if path.name.startswith(_PREFIX):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith(_BUILDING):
            lock = FileLock(path / _LOCK)
            with contextlib.suppress(OSError):
                if lock.acquire(timeout_s=0):
                    lock.release()
                    shutil.rmtree(path, ignore_errors=True)


def _file_names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        # Locks belong to whoever works here now, not to the data.
        if path.is_file() and path.name != _MANIFEST and not path.name.endswith(_LOCK):
            yield path.name


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows has no descriptor for a folder
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
