"""``rag serve``: the chat page, the HTTP API and its documentation, in one process."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING

from rag.cli.entrance import Entrance
from rag.cli.options import add_settings, settings_of, text
from rag.cli.output import write
from rag.cli.ports import address_of, listen
from rag.errors import Unavailable

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from rag.factory import Application
    from rag.settings import Settings

__all__ = ["add_arguments", "run"]

_GRACE_SECONDS = 5
"""How long answers that are under way may take when the server is stopped."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--host", type=text, help="address to listen on (RAG_HOST; 127.0.0.1: this machine only)"
    )
    parser.add_argument("--port", type=int, help="port to listen on (RAG_PORT; 8000)")
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    settings = settings_of(arguments, overrides={"host": arguments.host, "port": arguments.port})
    _stay_quiet(settings)
    with listen(settings.host, settings.port) as listener:
        from rag.factory import open_application

        with open_application(settings) as application:
            _serve(settings, application, listener)
    return 0


def _stay_quiet(settings: Settings) -> None:
    """Keep every library from calling home, before any of them is imported."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DO_NOT_TRACK"] = "1"
    if not settings.embedder.startswith("sentence-transformers"):
        # A model named by the user may have to be fetched once; nothing else ever is.
        os.environ["HF_HUB_OFFLINE"] = "1"


def _serve(settings: Settings, application: Application, listener: socket.socket) -> None:
    import uvicorn

    from rag.api.app import create_app

    app = create_app(settings, application=application)
    entrance = Entrance(app)
    address = address_of(listener)

    class Server(uvicorn.Server):
        page: asyncio.Task[None] | None = None

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                _announce(application, address)
                self.page = asyncio.create_task(_keep_page(app, application, entrance))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await super().shutdown(sockets=sockets)
            if self.page is not None:
                self.page.cancel()
                await asyncio.wait([self.page])

    server = Server(
        uvicorn.Config(
            entrance,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    # The server stops in good order at either signal, then raises it again: caught here, so that
    # the indexes are saved.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)
    if not server.started:
        message = "The server could not be started; the lines above say why. Run: rag doctor"
        raise Unavailable(message)
    write("Stopped.")


def _announce(application: Application, address: str) -> None:
    from rag.api.security import is_loopback

    settings = application.settings
    write(f"Chat page      {address}")
    write(f"API reference  {address}/docs")
    if not is_loopback(settings.host):
        write(f"Note: listening on {settings.host}: others on the network can reach it.")
    if not any(collection.documents for collection in application.library.collections()):
        write(f"Note: there are no documents in {settings.data_dir} yet. Add some: rag index PATH")
    write("Stop with Ctrl-C.")
    sys.stdout.flush()


async def _keep_page(app: FastAPI, application: Application, entrance: Entrance) -> None:
    """Mount the chat page as soon as its libraries are loaded, and keep it until cancelled."""
    try:
        await _load_page()
        from rag_ui.page import mount

        # Mounting adds what the page does when a server starts and stops to what the API does,
        # which has begun long ago. Taken alone, it can begin now.
        app.router.lifespan_context = _nothing_to_begin
        mount(app, assistant=lambda: application.assistant, library=lambda: application.library)
    except (AttributeError, ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        entrance.fail()
        print(
            f"rag: The chat page could not be started: {type(error).__name__}: {error}. The API"
            " works. Run: rag doctor",
            file=sys.stderr,
            flush=True,
        )
        return
    async with app.router.lifespan_context(app):
        entrance.open()
        await asyncio.Event().wait()


@asynccontextmanager
async def _nothing_to_begin(_app: FastAPI) -> AsyncIterator[None]:
    yield


async def _load_page() -> None:
    """Import the page's libraries, which takes seconds, in a thread that keeps no process alive."""
    loop = asyncio.get_running_loop()
    loaded = loop.create_future()

    def settle(error: ImportError | OSError | None) -> None:
        if loaded.cancelled():
            return
        if error is None:
            loaded.set_result(None)
        else:
            loaded.set_exception(error)

    def load() -> None:
        failure = None
        try:
            import_module("gradio")
            import_module("rag_ui.page")
        except (ImportError, OSError) as error:
            failure = error
        with suppress(RuntimeError):  # the server has been stopped meanwhile
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=load, name="chat page", daemon=True).start()
    await loaded
