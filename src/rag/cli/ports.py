"""Listening on a port, and who is there when it is taken."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from rag.errors import Unavailable

__all__ = ["address_of", "holder", "listen"]

_LISTENING = "0A"  # the state's number in the kernel's socket table


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, so that nobody else can take it any more.

    Raises Unavailable, saying who holds the port and what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        message = (
            f"The host {host!r} has no address on this machine: {error}. Expected an address of"
            " this machine, such as 127.0.0.1; give one with --host."
        )
        raise Unavailable(message) from error
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":
            # Lets a server that was just stopped start again; on Windows it would steal the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Unavailable(_reason(host, port, error)) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def holder(port: int) -> str | None:
    """The process that listens on a port, as far as this user may know; None where unknown."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        if inodes.isdisjoint(_opened(process)):
            continue
        with contextlib.suppress(OSError):  # it has just ended
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            return f"process {process.name} ({command.decode(errors='replace').strip()[:120]})"
    return None


def _opened(process: Path) -> Iterator[str]:
    """What a process has open; nothing where that is another user's business."""
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # closed since
            yield str(descriptor.readlink())


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue  # no such table on this system
        for row in rows:
            columns = row.split()
            if columns[3] == _LISTENING and int(columns[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{columns[9]}]")
    return inodes


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        who = holder(port)
        by = f" by {who}" if who else ""
        other = port + 1 if port < 65535 else port - 1
        return (
            f"Port {port} on {host} is in use{by}. Stop that program, or choose another port:"
            f" rag serve --port {other}"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"Port {port} on {host} may not be used by this user (ports below 1024 are"
            " reserved). Choose another: rag serve --port 8000"
        )
    return (
        f"Port {port} on {host} cannot be opened: {error.strerror or error}. Expected an address"
        " of this machine, such as 127.0.0.1; give one with --host."
    )
