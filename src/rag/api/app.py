"""The HTTP application: routes, errors, limits and their description in OpenAPI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from rag.api import collections, documents, examples, native, openai, problems, reference, service
from rag.api.opening import Opening
from rag.api.security import Guard
from rag.factory import Application
from rag.settings import Settings

__all__ = ["create_app"]

_DESCRIPTION = """\
Questions are answered with verbatim quotations of the documents and their exact places, or with a
refusal that says why.

Offsets count Unicode code points in the document's text: `document.text[start:end] == quote`.

Errors are `application/problem+json` (RFC 9457): go by `code`, show `detail`. Besides those listed
with each operation, any request may be refused with 403 `cross_origin` (a web page of another
origin sent it) or 421 `unknown_host` (a server for this machine only was called by another name).
"""
_TAGS = [
    {"name": "questions", "description": "Search, ask, and judge an answer."},
    {"name": "documents", "description": "What answers are made from."},
    {"name": "openai", "description": "For clients made for OpenAI's API."},
    {"name": "service", "description": "For what watches over the server."},
]


class _Api(FastAPI):
    """FastAPI, with a description of what is really sent."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI description, made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            problems.describe(described)
            examples.describe(described)
        return super().openapi()


def create_app(settings: Settings, *, application: Application | None = None) -> FastAPI:
    """The API over an application, or over one that it opens itself as its lifespan begins.

    An application that is given stays its owner's to close. One that cannot be opened does not
    keep the server from starting: ``/readyz`` and every request then say what is wrong.
    """
    opening = Opening(settings, application=application)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        opening.start()
        try:
            yield
        finally:
            await opening.close()

    app = _Api(
        title="Question answering with verified quotations",
        description=_DESCRIPTION,
        version=metadata.version("rag-quotes"),
        openapi_tags=_TAGS,
        docs_url=None,  # its pages load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    app.state.opening = opening
    problems.install(app)
    reference.install(app)
    for module in (native, documents, collections, openai, service):
        app.include_router(module.router)
    service.install_unknown_path(app)
    app.add_middleware(Guard, settings=settings)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
