"""The application behind the API: given, or opened while the server already answers."""

import asyncio
from typing import Annotated, Literal

from fastapi import Depends, Request

from rag.errors import RagError, Unavailable
from rag.factory import Application, open_application
from rag.settings import Settings

__all__ = ["Opened", "Opening", "opening_of"]


class Opening:
    """Opens the index and the model in the background; requests that need them wait.

    An application that was given is its owner's to close.
    """

    def __init__(self, settings: Settings, *, application: Application | None) -> None:
        self._settings = settings
        self._given = application
        self._task: asyncio.Task[Application] | None = None
        self._warming: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open, or warm up what was given. Needs a running event loop."""
        if self._given is None:
            self._task = asyncio.create_task(asyncio.to_thread(_open, self._settings))
        else:
            self._warming = asyncio.create_task(asyncio.to_thread(_warm_up, self._given))

    async def close(self) -> None:
        """Wait for what is under way, and close what was opened here."""
        if self._warming is not None:
            await self._warming
        if self._task is None:
            return
        try:
            application = await self._task
        except RagError:
            return  # each request that needed the application was told
        await asyncio.to_thread(application.close)

    @property
    def state(self) -> Literal["opening", "open", "failed"]:
        """How far it is."""
        if self._given is not None:
            return "open"
        if self._task is None or not self._task.done():
            return "opening"
        return "failed" if self._task.exception() is not None else "open"

    async def application(self) -> Application:
        """The application, once it is open. Raises what opening it raised."""
        if self._given is not None:
            return self._given
        if self._task is None:
            message = "The server has not started: its index and its model are not open yet."
            raise Unavailable(message)
        # One request that is broken off must not end the opening for all.
        return await asyncio.shield(self._task)


def _open(settings: Settings) -> Application:
    application = open_application(settings)
    _warm_up(application)
    return application


def _warm_up(application: Application) -> None:
    """Ask once, so that dictionaries and models are loaded before the first person asks."""
    try:
        application.assistant.ask("2024")
    except RagError:
        return  # whoever asks next is told


def opening_of(request: Request) -> Opening:
    """The opening of the application that a request came to."""
    opening = request.app.state.opening
    if not isinstance(opening, Opening):
        message = f"app.state.opening is {type(opening).__name__}; create_app() sets an Opening."
        raise TypeError(message)
    return opening


async def _opened(opening: Annotated[Opening, Depends(opening_of)]) -> Application:
    return await opening.application()


Opened = Annotated[Application, Depends(_opened)]
"""A parameter of an endpoint: the application, once it is open."""
