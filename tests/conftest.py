"""What every test shares: no network, no settings from outside, the sample report indexed once."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE = PROJECT / "corpus" / "hefei-2024.txt"

# Settings of the person who runs the tests are not the tests'. Child processes inherit the rest.
for _name in [name for name in os.environ if name.startswith("RAG_")]:
    del os.environ[_name]
os.environ.update(
    DO_NOT_TRACK="1",
    GRADIO_ANALYTICS_ENABLED="False",
    HF_HUB_DISABLE_TELEMETRY="1",
    HF_HUB_OFFLINE="1",
    PYTHONUTF8="1",
)

_LOCAL_HOSTS = {"::1", "localhost", "", None}
_attempts: list[str] = []
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_getaddrinfo = socket.getaddrinfo


class NetworkBlocked(RuntimeError):
    """A test tried to reach the network."""


def _check(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in _LOCAL_HOSTS and not str(name).startswith("127."):
        _attempts.append(str(name))
        raise NetworkBlocked(f"Tests cannot reach the network, but one tried to reach {name!r}.")


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple):  # anything else is a socket file of this machine
        _check(address[0])
    _connect(self, address)


def _guarded_connect_ex(self: socket.socket, address: Any) -> int:
    if isinstance(address, tuple):
        _check(address[0])
    return _connect_ex(self, address)


def _guarded_getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
    if not _is_number(host):  # numbers are understood without asking anybody
        _check(host)
    return _getaddrinfo(host, *arguments, **named)


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded_connect)
        patch.setattr(socket.socket, "connect_ex", _guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", _guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def _no_attempt_to_reach_the_network() -> Iterator[None]:
    """An attempt fails the test even where the code under test swallows the error."""
    yield
    attempts, _attempts[:] = list(_attempts), []
    assert not attempts, f"tried to reach {attempts}"


@pytest.fixture(scope="session")
def sample_embedder() -> str:
    """The setting that names the model of the sample index."""
    return "bundled"


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory: pytest.TempPathFactory, sample_embedder: str) -> Path:
    """The folder of an index that holds the sample report. Not to be written to."""
    from rag.factory import open_application
    from rag.settings import Settings

    folder = tmp_path_factory.mktemp("sample") / "index"
    with open_application(Settings(data_dir=folder, embedder=sample_embedder)) as application:
        (outcome,) = application.library.add_paths([SAMPLE])
    assert outcome.status == "added", outcome.error
    return folder


@pytest.fixture(scope="session")
def sample_application(sample_index: Path, sample_embedder: str) -> Iterator[Any]:
    """The product, opened on the sample index. Not to be written to."""
    from rag.factory import open_application
    from rag.settings import Settings

    settings = Settings(data_dir=sample_index, embedder=sample_embedder)
    with open_application(settings, create=False) as application:
        yield application
