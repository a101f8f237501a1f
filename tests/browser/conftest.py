"""The product in a real browser: one server a session, mounted as the command line mounts it."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rag.schema import StreamEvent
from tests.conftest import SAMPLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from rag.assistant import Assistant
    from rag.factory import Application
    from rag.settings import Settings

_FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
_PATIENCE = 30_000
"""Milliseconds to wait for what will come: machines that run tests are busy."""
SLOW = "请慢慢地说"
BROKEN = "请出错"
HOSTILE = (
    "河马酒店的门票价格是九十九元 <img src=x onerror=alert(2)> **粗体** [链接](javascript:alert(3))"
    " ![图](http://other.example/x.png) &lt;b&gt; $E=mc^2$ $$x^2$$ ${document.title='x'} `code`"
    ' {{value}} \\n <b>b</b> http://other.example www.other.example __i18n__{"key":"x"} [7]'
)
"""A sentence of a document that tries all that a page could mistake for its own."""
HOSTILE_TITLE = "河马酒店 <script>document.title='x'</script>"


class MoodyAssistant:
    """The product's assistant, but for two questions: one that takes long, one that breaks it."""

    def __init__(self, assistant: Assistant, judged: list[tuple[int, str, str]]) -> None:
        self._assistant = assistant
        self._judged = judged

    @property
    def composers(self) -> tuple[str, ...]:
        return self._assistant.composers

    def give_feedback(self, answer_id: str, *, rating: int, comment: str = "") -> None:
        self._assistant.give_feedback(answer_id, rating=rating, comment=comment)
        asked = self._assistant.asked(answer_id)
        self._judged.append((rating, asked.question if asked else "", comment))

    def stream(self, question: str, **arguments: Any) -> Iterator[StreamEvent]:
        if question == BROKEN:
            raise RuntimeError("The test asked for this error.")
        if question == SLOW:
            return self._slowly()
        return self._assistant.stream(question, **arguments)

    def filter_values(self, **arguments: Any) -> Any:
        return self._assistant.filter_values(**arguments)

    def _slowly(self) -> Iterator[StreamEvent]:
        yield StreamEvent(kind="delta", text="这是第一段")
        while True:
            time.sleep(0.05)
            yield StreamEvent(kind="delta", text="。")


@pytest.fixture(scope="session")
def judged() -> list[tuple[int, str, str]]:
    """The judgements that reached the assistant: rating, question and comment."""
    return []


@contextmanager
def page_served(
    settings: Settings, assistant_of: Callable[[Application], Any]
) -> Iterator[tuple[str, Application]]:
    """Where the page is served as the command line serves it, over an index of its own."""
    import uvicorn

    from rag.api.app import create_app
    from rag.factory import open_application
    from rag_ui.page import mount

    with open_application(settings) as application, socket.socket() as listener:
        assistant = assistant_of(application)
        app = create_app(settings, application=application)

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets=sockets)
                mount(app, assistant=lambda: assistant, library=lambda: application.library)

        listener.bind(("127.0.0.1", 0))
        server = Server(
            uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", application
        finally:
            server.should_exit = True
            thread.join(timeout=20)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def address(
    tmp_path_factory: pytest.TempPathFactory,
    sample_embedder: str,
    judged: list[tuple[int, str, str]],
) -> Iterator[str]:
    """Where the product is served, over the sample report and a hostile document."""
    from rag.settings import Settings

    folder = tmp_path_factory.mktemp("browser") / "index"
    settings = Settings(data_dir=folder, embedder=sample_embedder)

    def moody(application: Application) -> MoodyAssistant:
        return MoodyAssistant(application.assistant, judged)

    with page_served(settings, moody) as (where, application):
        application.library.add_paths([SAMPLE])
        application.library.add_bytes(
            f"# {HOSTILE_TITLE}\n\n{HOSTILE}。\n".encode(), name="hostile.md"
        )
        yield where


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Any]:
    """A function that opens the page. Whatever the console complains of fails the test."""
    problems: list[str] = []
    contexts = []

    def open_page(
        *,
        width: int = 1440,
        height: int = 900,
        locale: str = "zh-CN",
        scheme: str = "light",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: (
                problems.append(f"{message.type}: {message.text}")
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((address, "data:", "blob:"))
                else problems.append(f"request: {asked.url}")
            ),
        )
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(address)
        page.wait_for_selector("#rag-conversation .welcome")
        page.wait_for_selector("#rag-question textarea[aria-label]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def ask() -> Callable[[Page, str], None]:
    """A function that asks and waits until the reply is complete."""

    def ask_and_wait(page: Page, question: str) -> None:
        replies = page.locator("#rag-conversation :is(.facts, .refusal)")
        before = replies.count()
        page.fill("#rag-question textarea", question)
        page.press("#rag-question textarea", "Enter")
        replies.nth(before).wait_for()
        page.wait_for_selector("#rag-question .submit-button")

    return ask_and_wait


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str, bytes], str]:
    """A function that writes a file to be uploaded."""

    def write(name: str, data: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)

    return write
