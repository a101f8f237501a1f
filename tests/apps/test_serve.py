"""The server as a process: its port, its door, its page, its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI

from rag.cli import main, serve_command
from rag.cli.entrance import Entrance
from rag.cli.ports import address_of, holder, listen
from rag.errors import Unavailable

if TYPE_CHECKING:
    from rag.factory import Application

pytestmark = pytest.mark.usefixtures("workplace")

QUESTION = "合肥市2023年地区生产总值增长了多少？"


class TestPorts:
    def test_a_taken_port_names_its_holder_and_another_port(self) -> None:
        with listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            with pytest.raises(Unavailable, match=rf"Port {port} .* rag serve --port {port + 1}"):
                listen("127.0.0.1", port)
            if Path("/proc/net/tcp").exists():
                assert f"process {os.getpid()} " in str(holder(port))

    def test_a_host_of_another_machine_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(Unavailable, match="Expected an address of this machine"):
            listen("192.0.2.1", 0)

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(Unavailable, match=r"'nowhere\.invalid' has no address on this machine"):
            listen("nowhere.invalid", 0)

    def test_the_address_is_one_that_a_browser_opens(self) -> None:
        with socket.socket() as listener:
            listener.bind(("0.0.0.0", 0))  # noqa: S104 - what is tested
            port = listener.getsockname()[1]
            assert address_of(listener) == f"http://127.0.0.1:{port}"


class TestServe:
    def test_a_taken_port_is_code_1_before_anything_is_loaded(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with listen("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            assert main(["serve", "--port", str(port)]) == 1
        assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
    def test_it_prints_the_address_answers_at_once_and_stops_in_good_order(
        self, sample_index: Path, tmp_path: Path, stop: signal.Signals
    ) -> None:
        shutil.copytree(sample_index, tmp_path / "index")
        errors = tmp_path / "errors.txt"
        with (
            errors.open("wb") as error_file,
            subprocess.Popen(
                [sys.executable, "-m", "rag.cli", "serve", "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=error_file,
                text=True,
            ) as process,
        ):
            try:
                assert process.stdout is not None
                first = process.stdout.readline()
                found = re.search(r"http://127\.0\.0\.1:(\d+)", first)
                assert found, first + errors.read_text(encoding="utf-8")
                with closing(HTTPConnection("127.0.0.1", int(found[1]), timeout=30)) as connection:
                    assert _ask(connection)["answered"] is True
                    page = _page(connection)
                assert "<html" in page, page + errors.read_text(encoding="utf-8")
                assert "正在启动" not in page
                assert "无法启动" not in page, errors.read_text(encoding="utf-8")
                process.send_signal(stop)
                output = process.stdout.read()
                assert process.wait(timeout=60) == 0
            finally:
                process.kill()
        assert "Stopped." in output
        assert errors.read_bytes() == b""


def _ask(connection: HTTPConnection) -> dict[str, object]:
    body = json.dumps({"question": QUESTION})
    connection.request("POST", "/v1/ask", body, {"content-type": "application/json"})
    reply = json.loads(connection.getresponse().read())
    assert isinstance(reply, dict)
    return reply


def _page(connection: HTTPConnection) -> str:
    """The page, once it is no longer starting."""
    shown = ""
    for _ in range(1000):
        connection.request("GET", "/")
        response = connection.getresponse()
        shown = response.read().decode()
        if response.status == 200 or "正在启动" not in shown:
            break
        time.sleep(0.1)
    return shown


class TestPage:
    """The page is mounted on a server that answers already, and ends with it."""

    def test_what_the_page_begins_is_begun_and_ended_and_the_api_not_begun_twice(
        self, monkeypatch: pytest.MonkeyPatch, sample_application: Application
    ) -> None:
        happened: list[str] = []

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            happened.append("api begins")
            yield
            happened.append("api ends")

        def mount(app: FastAPI, *, assistant: object, library: object) -> FastAPI:
            assert callable(assistant)
            assert callable(library)
            outer = app.router.lifespan_context

            @asynccontextmanager
            async def with_page(app: FastAPI) -> AsyncIterator[None]:
                async with outer(app):
                    happened.append("page begins")
                    try:
                        yield
                    finally:
                        happened.append("page ends")

            app.router.lifespan_context = with_page
            return app

        page = ModuleType("rag_ui.page")
        page.mount = mount  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "gradio", ModuleType("gradio"))
        monkeypatch.setitem(sys.modules, "rag_ui.page", page)
        app = FastAPI(lifespan=lifespan)
        entrance = Entrance(app)

        async def serve() -> None:
            async with app.router.lifespan_context(app):
                keeping = asyncio.create_task(
                    serve_command._keep_page(app, sample_application, entrance)
                )
                while entrance.page == "starting":
                    await asyncio.sleep(0.01)
                happened.append("answering")
                keeping.cancel()
                await asyncio.wait([keeping])

        asyncio.run(serve())
        assert entrance.page == "ready"
        expected = ["api begins", "page begins", "answering", "page ends", "api ends"]
        assert happened == expected

    def test_a_page_that_cannot_be_loaded_leaves_the_api_alone(
        self,
        monkeypatch: pytest.MonkeyPatch,
        sample_application: Application,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setitem(sys.modules, "gradio", None)
        app = FastAPI()
        entrance = Entrance(app)
        asyncio.run(serve_command._keep_page(app, sample_application, entrance))
        assert entrance.page == "failed"
        assert "The chat page could not be started: ModuleNotFoundError" in capsys.readouterr().err


class TestEntrance:
    def test_it_covers_the_page_only_until_it_is_there(self) -> None:
        import anyio

        passed: list[str] = []

        async def application(scope: object, receive: object, send: object) -> None:  # noqa: ARG001
            assert isinstance(scope, dict)
            passed.append(scope["path"])

        sent: list[dict[str, object]] = []

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            sent.append(message)

        async def receive() -> dict[str, object]:
            return {"type": "http.request"}

        entrance = Entrance(application)

        def get(path: str, method: str = "GET") -> None:
            sent.clear()
            anyio.run(entrance, {"type": "http", "path": path, "method": method}, receive, send)

        get("/")
        assert sent[0]["status"] == 503
        assert b'http-equiv="refresh"' in bytes(str(sent[1]["body"]), "utf-8")
        get("/", "HEAD")
        assert sent[1]["body"] == b""
        get("/v1/ask", "POST")
        assert passed == ["/v1/ask"]
        entrance.fail()
        get("/")
        assert sent[0]["status"] == 503
        assert b"rag doctor" in bytes(str(sent[1]["body"]), "utf-8")
        entrance.open()
        get("/")
        assert passed == ["/v1/ask", "/"]
        assert entrance.page == "ready"
