"""The door of the server: the API answers at once, the chat page as soon as it is mounted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal, TypeAlias

__all__ = ["Entrance"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{refresh}
<title>{title}</title>
<style>
body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 20vh auto; max-width: 30rem;
       padding: 0 1rem; text-align: center; color-scheme: light dark; }}
</style>
</head>
<body><h1>{title}</h1>{body}</body>
</html>
"""
_STARTING = _PAGE.format(
    refresh='<meta http-equiv="refresh" content="1">',
    title="正在启动 · Starting",
    body="<p>聊天页面正在加载，马上就好。</p><p>The chat page is loading and opens by itself.</p>",
).encode()
_FAILED = _PAGE.format(
    refresh="",
    title="聊天页面无法启动 · No chat page",
    body="<p>接口可用：<a href='/docs'>/docs</a>。请运行 rag doctor 查看原因。</p>"
    "<p>The API works: <a href='/docs'>/docs</a>. Run <code>rag doctor</code> to see why the page"
    " does not.</p>",
).encode()


class Entrance:
    """An ASGI application around the API that covers ``/`` until the chat page is there.

    A page whose libraries take seconds to import must not keep the API waiting, and a reader who
    comes early sees a page that reloads itself. Status 503 tells a program to come again.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._page: Literal["starting", "ready", "failed"] = "starting"

    def open(self) -> None:
        """The page is mounted."""
        self._page = "ready"

    def fail(self) -> None:
        """The page could not be mounted."""
        self._page = "failed"

    @property
    def page(self) -> Literal["starting", "ready", "failed"]:
        """What became of the chat page."""
        return self._page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer ``/`` while there is no page; pass everything else on."""
        covered = (
            self._page != "ready"
            and scope["type"] == "http"
            and scope["path"] == "/"
            and scope["method"] in {"GET", "HEAD"}
        )
        if not covered:
            await self._application(scope, receive, send)
            return
        body = _STARTING if self._page == "starting" else _FAILED
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
            (b"retry-after", b"1"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        content = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": content})
