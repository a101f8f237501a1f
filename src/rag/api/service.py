"""Is the server alive, is it ready; and what to say at a path under /v1 that there is not."""

from http import HTTPMethod
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from rag.api import examples
from rag.api.opening import Opening, opening_of
from rag.api.problems import Problem, responses
from rag.api.wire import Reply
from rag.factory import Application

__all__ = ["HealthReply", "ReadyReply", "install_unknown_path", "router"]

_UNKNOWN = "unknown path"

router = APIRouter(tags=["service"])


class HealthReply(Reply):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadyReply(Reply):
    """The index and the model are loaded."""

    status: Literal["ready"] = "ready"
    model: str
    documents: int
    passages: int


@router.get("/healthz", summary="Is the process alive")
async def health() -> HealthReply:
    """Answers as soon as the server listens, whatever the state of index and model."""
    return HealthReply()


@router.get(
    "/readyz",
    summary="Can it answer questions",
    responses={
        200: examples.described("ready", "It can."),
        503: {**responses(503)[503], "description": "It cannot, or not yet; `detail` says why."},
    },
)
async def ready(opening: Annotated[Opening, Depends(opening_of)]) -> ReadyReply:
    """Ready once the index and the model are loaded; until then, what is missing."""
    if opening.state == "opening":
        detail = "The index and the model are still being loaded. Try again in a second."
        raise Problem(503, code="not_ready", detail=detail, headers={"retry-after": "1"})
    application = await opening.application()
    return await run_in_threadpool(_inspect, application)


def _inspect(application: Application) -> ReadyReply:
    collections = application.library.collections()
    return ReadyReply(
        model=application.embedder.info.name,
        documents=sum(collection.documents for collection in collections),
        passages=sum(collection.passages for collection in collections),
    )


def install_unknown_path(app: FastAPI) -> None:
    """Answer for all paths under /v1 that there are not; to be called after all others.

    A page mounted at ``/`` would answer for them otherwise.
    """
    methods = [method.value for method in HTTPMethod]
    app.router.add_route(
        "/v1/{path:path}", _unknown, methods=methods, name=_UNKNOWN, include_in_schema=False
    )


def _unknown(request: Request) -> Response:
    """There is no such path, or not with this method."""
    allowed = [method.value for method in HTTPMethod if _is_served(request, method)]
    if allowed:
        raise HTTPException(405, headers={"allow": ", ".join(sorted(allowed))})
    raise HTTPException(404)


def _is_served(request: Request, method: HTTPMethod) -> bool:
    scope = {**request.scope, "method": method.value, "path_params": {}}
    return any(
        route.matches(scope)[0] is Match.FULL
        for route in request.app.router.routes
        # Neither this route nor a page mounted at / serves a path of the API.
        if not isinstance(route, Mount) and getattr(route, "name", None) != _UNKNOWN
    )
