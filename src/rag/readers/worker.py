"""Parsing in another process, which may hang, crash or eat memory without harm to this one.

A parser of a foreign format is a large program fed with anything. It runs in a process of its own
with bounded memory and time; what goes wrong there costs that file. A process serves one file after
another, so that a folder of files does not pay for starting it each time.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, cast

from rag.errors import MissingDependency, UnreadableDocument
from rag.readers.limits import ParsingLimits
from rag.schema import Block, ParsedDocument

if TYPE_CHECKING:
    from rag.schema import BlockKind

__all__ = ["parse_apart", "serve"]

_FILES = 200
"""A process is replaced after so many files: some parsers keep a little of each."""

_IDLE = 2
_START_SECONDS = 60
"""What a new process may take to say that it is there, on a machine under load."""

_MISSING = "missing_dependency"


class _Worker:
    """A process that parses."""

    def __init__(self, limits: ParsingLimits) -> None:
        self.limits = limits
        self.files = 0
        # -P: a module in the working directory must not stand in for one of the program's.
        self._process = subprocess.Popen(  # noqa: S603 - this Python, and this program
            [sys.executable, "-P", "-m", "rag.readers.worker", str(limits.memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the program, which then ends this
        )
        self._timed_out = False

    def parse(self, kind: str, data: bytes, *, name: str) -> ParsedDocument:
        """Raises UnreadableDocument, MissingDependency; then the process may be gone."""
        self.files += 1
        if self.files == 1:
            self._exchange({}, b"", seconds=_START_SECONDS, name=name)
        request = {
            "kind": kind,
            "name": name,
            "bytes": len(data),
            "pages": self.limits.pages,
            "seconds": self.limits.seconds,
        }
        reply = self._exchange(request, data, seconds=self.limits.seconds, name=name)
        if "error" in reply:
            failure = MissingDependency if reply["code"] == _MISSING else UnreadableDocument
            raise failure(reply["error"])
        return _document(reply)

    @property
    def alive(self) -> bool:
        """Whether the next file can be given to it."""
        return self._process.poll() is None and self.files < _FILES and not self._timed_out

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # it died with a file half given
                    stream.close()

    def _exchange(
        self, request: dict[str, Any], data: bytes, *, seconds: int, name: str
    ) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        timer = threading.Timer(seconds, self._stop)
        timer.daemon = True
        timer.start()
        try:
            _send(cast("IO[bytes]", stdin), request, data)
            return _receive(cast("IO[bytes]", stdout))
        except (BrokenPipeError, EOFError) as error:
            raise UnreadableDocument(self._failure(name)) from error
        finally:
            timer.cancel()

    def _stop(self) -> None:
        self._timed_out = True
        self._process.kill()

    def _failure(self, name: str) -> str:
        code = self._process.wait()
        if self._timed_out or -code in {signal.SIGALRM, signal.SIGXCPU}:
            return (
                f"{name} took longer than {self.limits.seconds} s to read and was given up. Split"
                " it, convert it, or raise max_parse_seconds."
            )
        ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return (
            f"{name} could not be read: the program that reads this format broke down over it"
            f" ({ended}). The file may be damaged, or need more than"
            f" {self.limits.memory_bytes // 2**20} MB (max_parse_megabytes). Open and save it"
            " again, or convert it."
        )


class _Pool:
    """Workers that wait for the next file."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def parse(self, kind: str, data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
        worker = self._take(limits)
        try:
            return worker.parse(kind, data, name=name)
        finally:
            self._give_back(worker)

    def _take(self, limits: ParsingLimits) -> _Worker:
        with self._lock:
            for position in reversed(range(len(self._idle))):
                if self._idle[position].limits == limits:
                    found = self._idle.pop(position)
                    if found.alive:
                        return found
                    found.close()
                    break
        return _Worker(limits)

    def _give_back(self, worker: _Worker) -> None:
        spare = worker
        with self._lock:
            if worker.alive:
                self._idle.append(worker)
                if len(self._idle) <= _IDLE:
                    return
                spare = self._idle.pop(0)
        spare.close()

    def close(self) -> None:
        """End all that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


_pool = _Pool()
atexit.register(_pool.close)


def parse_apart(kind: str, data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Parse a file of a format (a module beside this one that has ``parse``) in another process.

    Raises UnreadableDocument, also when the parser hangs, breaks down or eats memory, and
    MissingDependency.
    """
    return _pool.parse(kind, data, name=name, limits=limits)


def serve(requests: IO[bytes], replies: IO[bytes], *, memory_bytes: int) -> None:
    """Parse what comes until the other side leaves. The worker's own side."""
    _bound_memory(memory_bytes)
    while True:
        try:
            request = _receive(requests)
        except EOFError:
            return
        if not request:
            _send(replies, {"ready": True}, b"")
            continue
        data = requests.read(request["bytes"])
        # Should the other side be gone when time is up, nobody else would end this.
        _alarm(request["seconds"] + 5)
        limits = ParsingLimits(pages=request["pages"])
        _send(replies, _reply(request["kind"], data, name=request["name"], limits=limits), b"")
        _alarm(0)


def _reply(kind: str, data: bytes, *, name: str, limits: ParsingLimits) -> dict[str, Any]:
    try:
        parse: Callable[..., ParsedDocument] = import_module(f"rag.readers.{kind}").parse
        parsed = parse(data, name=name, limits=limits)
    except UnreadableDocument as error:
        return {"error": str(error), "code": error.code}
    except ImportError as error:
        message = (
            f"{name} needs the package {error.name}, which is missing. Install it: make install"
        )
        return {"error": message, "code": _MISSING}
    except MemoryError:
        message = (
            f"{name} needs more memory than its parser may have. Split it, or raise"
            " max_parse_megabytes."
        )
        return {"error": message, "code": UnreadableDocument.code}
    except RecursionError:
        message = f"{name} is nested more deeply than any document is. Convert it and add that."
        return {"error": message, "code": UnreadableDocument.code}
    return {
        "text": parsed.text,
        "blocks": [[b.start, b.end, b.kind, b.level, b.page] for b in parsed.blocks],
        "metadata": dict(parsed.metadata),
    }


def _document(reply: dict[str, Any]) -> ParsedDocument:
    return ParsedDocument(
        text=reply["text"],
        blocks=tuple(
            Block(start=start, end=end, kind=cast("BlockKind", kind), level=level, page=page)
            for start, end, kind, level, page in reply["blocks"]
        ),
        metadata=reply["metadata"],
    )


def _send(stream: IO[bytes], message: dict[str, Any], data: bytes) -> None:
    encoded = json.dumps(message).encode()
    stream.write(f"{len(encoded)}\n".encode() + encoded + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> dict[str, Any]:
    """Raises EOFError when the other side is gone."""
    length = stream.readline()
    if not length.endswith(b"\n"):
        raise EOFError
    size = int(length)
    encoded = stream.read(size)
    if len(encoded) < size:
        raise EOFError
    return cast("dict[str, Any]", json.loads(encoded))


def _bound_memory(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows has no such bound; time is bounded there too
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    # Whatever a parser prints must not get between the replies.
    output = sys.stdout.buffer
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, output, memory_bytes=int(sys.argv[1]))
