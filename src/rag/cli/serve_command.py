"""``rag serve``: the chat page, the HTTP API and its documentation, in one process."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
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
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                _announce(application, address)
                _mount_page_when_loaded(app, application, entrance)

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


def _mount_page_when_loaded(app: FastAPI, application: Application, entrance: Entrance) -> None:
    """Load the page's libraries beside the server, then mount the page between two requests.

    Loading takes seconds and happens in a thread that does not hold up the process's end. Mounting
    belongs into the event loop, where the page starts the tasks of its queue.
    """
    loop = asyncio.get_running_loop()

    def load() -> None:
        try:
            import_module("gradio")
            import_module("rag_ui.page")
        except (ImportError, OSError) as error:
            step = partial(_give_up, entrance, error)
        else:
            step = partial(_mount_page, app, application, entrance)
        with suppress(RuntimeError):  # the server has been stopped meanwhile
            loop.call_soon_threadsafe(step)

    threading.Thread(target=load, name="chat page", daemon=True).start()


def _mount_page(app: FastAPI, application: Application, entrance: Entrance) -> None:
    from rag_ui.page import mount

    try:
        mount(app, assistant=lambda: application.assistant, library=lambda: application.library)
    except (AttributeError, ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        _give_up(entrance, error)
    else:
        entrance.open()


def _give_up(entrance: Entrance, error: Exception) -> None:
    entrance.fail()
    print(
        f"rag: The chat page could not be started: {type(error).__name__}: {error}. The API works."
        " Run: rag doctor",
        file=sys.stderr,
        flush=True,
    )
