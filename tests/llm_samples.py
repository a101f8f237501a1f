"""A language model's server for tests: real HTTP on this machine, and it does as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

MODEL = "small-model"
KEY = "sk-secret-0123456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """All messages, one after the other."""
        return "\n".join(message["content"] for message in self.body["messages"])


class ModelServer(ThreadingHTTPServer):
    """Answers every request by ``script``; what came is in ``received``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: Script = says("")
        self.models: Script = offers(MODEL)
        """What it does when asked what it offers."""
        self.received: list[Received] = []
        self.closing = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no error here."""


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        received = Received(path=self.path, headers=dict(self.headers), body=body)
        self.server.received.append(received)
        self.close_connection = True
        self.server.script(self)

    def do_GET(self) -> None:
        self.server.received.append(Received(path=self.path, headers=dict(self.headers), body={}))
        self.close_connection = True
        self.server.models(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def begin(self, code: int, content_type: str, headers: Mapping[str, str]) -> None:
        """Status and headers; the body ends with the connection."""
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def break_off(self) -> None:
        """End the connection in the middle, so that whoever reads is told."""
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


Script: TypeAlias = Callable[[_Handler], None]


def event(content: str | None, **choice: Any) -> bytes:
    """An event of a stream with some words."""
    delta = {} if content is None else {"content": content}
    chunk = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None, **choice}],
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


DONE = event(None, finish_reason="stop") + b"data: [DONE]\n\n"


def pieces_of(text: str, *, size: int = 3) -> Iterator[str]:
    """A text as a model would send it."""
    return (text[start : start + size] for start in range(0, len(text), size))


def says(text: str, *, size: int = 3) -> Script:
    """A well-behaved reply."""
    return streams([*(event(piece) for piece in pieces_of(text, size=size)), DONE])


def streams(
    chunks: Iterable[bytes],
    *,
    breaks_off: bool = False,
    content_type: str = "text/event-stream; charset=utf-8",
) -> Script:
    """These bytes, then the end, or the connection lost."""

    def script(handler: _Handler) -> None:
        # With a length that is never reached, an end too early is an end too early.
        headers = {"Content-Length": "1000000"} if breaks_off else {}
        handler.begin(200, content_type, headers)
        for chunk in chunks:
            handler.write(chunk)
        if breaks_off:
            handler.break_off()

    return script


def sends(body: object, *, content_type: str = "application/json") -> Script:
    """A reply in one piece: JSON, or text as it is."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def script(handler: _Handler) -> None:
        handler.begin(200, content_type, {"Content-Length": str(len(data))})
        handler.write(data)

    return script


def offers(*names: str) -> Script:
    """A list of models."""
    return sends({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def completes(text: str | None, *, finish_reason: str = "stop") -> Script:
    """What a server says that does not stream."""
    message = {"role": "assistant", "content": text}
    return sends({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]})


def status(code: int, **headers: str) -> Script:
    """An error, which repeats the key as some servers do."""
    body = json.dumps({"error": {"message": f"Refused, key {KEY}", "code": code}}).encode()

    def script(handler: _Handler) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.begin(code, "application/json", {"Content-Length": str(len(body)), **named})
        handler.write(body)

    return script


def silent(handler: _Handler) -> None:
    """No answer at all, until the server ends."""
    handler.server.closing.wait()


def goes_silent(text: str) -> Script:
    """Some words, and then nothing more until the server ends."""

    def script(handler: _Handler) -> None:
        handler.begin(200, "text/event-stream", {})
        handler.write(event(text))
        handler.server.closing.wait()

    return script


def only_comments(handler: _Handler) -> None:
    """A connection kept open by comments, for ever."""
    handler.begin(200, "text/event-stream", {})
    while not handler.server.closing.wait(0.01):
        handler.write(b": still here\n\n")


def one_after_the_other(*scripts: Script) -> Script:
    """Each script for one request, the last for all that follow."""
    left = list(scripts)

    def script(handler: _Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return script


@dataclass
class Gate:
    """A stream that waits in the middle until the test has seen what came before."""

    before: str
    after: str
    opened: threading.Event = field(default_factory=threading.Event)
    passed: bool = False

    def __call__(self, handler: _Handler) -> None:
        handler.begin(200, "text/event-stream", {})
        handler.write(event(self.before))
        self.passed = self.opened.wait(30)
        handler.write(event(self.after) + DONE)


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server on a free port."""
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def refused_address() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"
