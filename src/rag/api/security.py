"""What every request passes first: its host, its origin, its size, and how many there are.

A server on this machine is reachable by every web page its user opens. Two checks keep such pages
out: a ``Host`` that is not this machine's own name is refused (a page that had its own name point
to 127.0.0.1), and so is a request that changes something and comes from another origin.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from rag.api.headers import headers_for
from rag.api.problems import Problem, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rag.settings import Settings

__all__ = ["MAX_JSON_BYTES", "MAX_REQUESTS", "MAX_UPLOADS", "Guard", "is_loopback"]

MAX_JSON_BYTES = 8 * 2**20
"""Largest JSON body; only uploads may be larger. Parsing it holds up everything else."""
MAX_REQUESTS = 64
"""Requests to the API that may be under way at once."""
MAX_UPLOADS = 4
"""Uploads among them: each is held in memory while it is read."""

_UPLOAD_PATH = "/v1/documents"
_CHANGING = frozenset({"DELETE", "PATCH", "POST", "PUT"})


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine, and only this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that refuses what should not get in, and marks all that goes out."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._local_only = is_loopback(settings.host)
        self._limits = {
            "upload": settings.max_request_bytes,
            "api": min(MAX_JSON_BYTES, settings.max_request_bytes),
            "page": settings.max_request_bytes,
        }
        self._limited = {
            kind: RequestBodyLimitMiddleware(app, max_body_size=limit)
            for kind, limit in self._limits.items()
        }
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with limits and headers."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(path).items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check_sender(scope)
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
                return
            kind = _kind(scope)
            self._check_size(scope, kind)
            self._check_load(kind)
        except Problem as problem:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
                return
            await problem_response(problem, path=path)(scope, receive, send)
            return
        self._under_way[kind] += 1
        try:
            await self._limited[kind](scope, receive, send_with_headers)
        finally:
            self._under_way[kind] -= 1

    def _check_sender(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._local_only and host and not is_loopback(_name_of(host)):
            detail = (
                f"The request is for the host {host[:80]!r}, but this server is for this machine"
                " only. Open it as http://localhost or http://127.0.0.1; to serve others as well,"
                " start it with another RAG_HOST."
            )
            raise Problem(421, code="unknown_host", detail=detail)
        if scope["type"] == "http" and scope["method"] not in _CHANGING:
            return
        site = headers.get("sec-fetch-site")
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == host
        if not (own if site is None else site in {"none", "same-origin"}):
            detail = (
                f"A web page of another origin ({(origin or 'unknown')[:80]}) sent this request,"
                " which would change something here or cost work. Only pages of this server may;"
                " programs that are no browsers send no Origin."
            )
            raise Problem(403, code="cross_origin", detail=detail)

    def _check_size(self, scope: Scope, kind: str) -> None:
        limit = self._limits[kind]
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            detail = (
                f"The request has {_megabytes(int(length))} MB; {_megabytes(limit)} MB are accepted"
                " here. Send less at once"
                + (", or raise max_request_megabytes on the server." if kind != "api" else ".")
            )
            raise Problem(413, code="request_too_large", detail=detail)

    def _check_load(self, kind: str) -> None:
        if kind == "page":
            return
        under_way = self._under_way["api"] + self._under_way["upload"]
        if kind == "upload" and self._under_way["upload"] >= MAX_UPLOADS:
            count, what = MAX_UPLOADS, "uploads"
        elif under_way >= MAX_REQUESTS:
            count, what = MAX_REQUESTS, "requests"
        else:
            return
        detail = (
            f"{count} {what} are under way, as many as are accepted at once. Try again in a second."
        )
        raise Problem(429, code="too_many_requests", detail=detail, headers={"retry-after": "1"})


def _kind(scope: Scope) -> str:
    if not scope["path"].startswith("/v1/"):
        return "page"
    is_upload = scope["path"] == _UPLOAD_PATH and scope["method"] == "POST"
    return "upload" if is_upload else "api"


def _name_of(host: str) -> str:
    """The name or address in a Host header, without the port."""
    if host.startswith("["):
        return host.partition("]")[0][1:]
    return host.partition(":")[0]


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f}".removesuffix(".0")
