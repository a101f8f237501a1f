"""Asks a language model over HTTP, as OpenAI's chat completions do, and reads its stream.

Everything that can go wrong becomes a ``CompletionFailed`` with the code of a notice. No message
holds what the server said: servers repeat keys in their errors.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rag.errors import InvalidSetting, RagError

if TYPE_CHECKING:
    import httpx2

    from rag.notices import NoticeCode

__all__ = ["ChatModel", "CompletionFailed"]

_SEED = 20240116
_CONNECT_SECONDS = 10.0
_MOST_BYTES = 2_000_000
"""Of a reply: each word comes in some hundred bytes of JSON."""
_MOST_CHARACTERS = 20_000
"""Of what the model writes, its thoughts included."""

_HTTP_BUSY = 429
_HTTP_TIMEOUTS = frozenset({408, 504})
_HTTP_UNDERSTOOD_OTHERWISE = frozenset({400, 422})
_HTTP_NO_SUCH_PATH = frozenset({404, 405, 501})
_HTTP_ADVICE = {
    401: "Set RAG_LLM_API_KEY to a key that it takes.",
    403: "Set RAG_LLM_API_KEY to a key that may use this model.",
    404: "Compare RAG_LLM_MODEL and RAG_LLM_BASE_URL with what it offers.",
}


class CompletionFailed(RagError):
    """The language model did not say what it was asked for, or not to its end."""

    code = "unavailable"

    def __init__(self, notice: NoticeCode, message: str) -> None:
        super().__init__(message)
        self.notice: NoticeCode = notice


class ChatModel:
    """One model of an OpenAI-compatible server: Ollama, vLLM, llama.cpp or a cloud's."""

    def __init__(self, *, base_url: str, model: str, api_key: str, timeout_seconds: float) -> None:
        """``base_url`` ends before ``/chat/completions``. Raises InvalidSetting."""
        if not (api_key.isascii() and api_key.isprintable()):
            message = (
                "llm_api_key holds characters that no key has. Expected one line of ASCII; set"
                " RAG_LLM_API_KEY."
            )
            raise InvalidSetting(message)
        self._base_url = _checked_base_url(base_url)
        self._model = model
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds

    def __repr__(self) -> str:
        return f"ChatModel(base_url={self._base_url!r}, model={self._model!r})"

    @property
    def name(self) -> str:
        """Its name on its server."""
        return self._model

    @property
    def base_url(self) -> str:
        """Where its server is; no secret is part of it."""
        return self._base_url

    def stream(self, messages: Sequence[Mapping[str, str]]) -> Generator[str, None, None]:
        """What the model answers, piece by piece. Raises CompletionFailed."""
        deadline = time.monotonic() + self._timeout_seconds
        steady = {"temperature": 0, "seed": _SEED}
        try:
            yield from self._stream({**self._body(messages), **steady}, deadline)
        except _NotUnderstood:
            # Some models take no temperature but their own: refused at once, asked at once.
            yield from self._stream(self._body(messages), deadline)

    def names(self) -> tuple[str, ...] | None:
        """The models that its server offers; None if it does not say. Raises CompletionFailed."""
        import httpx2

        address = f"{self._base_url}/models"
        with self._client() as client:
            try:
                reply = client.get(address, headers=self._headers(), timeout=_CONNECT_SECONDS)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise _failed(error) from None
        if reply.status_code in _HTTP_NO_SUCH_PATH:
            return None
        _check_status(reply.status_code)
        try:
            return tuple(str(each["id"]) for each in reply.json()["data"])
        except (ValueError, KeyError, TypeError):
            message = "The language model's server sent no list of models that can be read."
            raise CompletionFailed("llm_malformed", message) from None

    def _body(self, messages: Sequence[Mapping[str, str]]) -> dict[str, object]:
        return {
            "model": self._model,
            "messages": [dict(message) for message in messages],
            "stream": True,
        }

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _client(self) -> httpx2.Client:
        import httpx2

        connect = min(_CONNECT_SECONDS, self._timeout_seconds)
        timeout = httpx2.Timeout(self._timeout_seconds, connect=connect)
        try:
            # A proxy between this program and its own machine is never meant.
            return httpx2.Client(timeout=timeout, trust_env=not _is_here(self._base_url))
        except (OSError, ValueError) as error:  # the environment's proxy or certificates
            raise _failed(error) from None

    def _stream(self, body: Mapping[str, object], deadline: float) -> Iterator[str]:
        import httpx2

        address = f"{self._base_url}/chat/completions"
        try:
            with (
                self._client() as client,
                client.stream("POST", address, json=body, headers=self._headers()) as reply,
            ):
                _check_status(reply.status_code)
                chunks = _bounded(reply.iter_bytes(), deadline)
                if reply.headers.get("content-type", "").startswith("application/json"):
                    yield _whole(b"".join(chunks))
                else:
                    yield from _pieces(_lines(chunks))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _failed(error) from None


class _NotUnderstood(CompletionFailed):
    """The server refuses the request as it is, before it answers anything."""


def _check_status(status: int) -> None:
    if status == _HTTP_BUSY:
        raise CompletionFailed("llm_busy", "The language model's server is busy (status 429).")
    if status in _HTTP_TIMEOUTS:
        message = f"The language model's server ran out of time (status {status})."
        raise CompletionFailed("llm_timeout", message)
    if status in _HTTP_UNDERSTOOD_OTHERWISE:
        message = f"The language model's server refuses the request (status {status})."
        raise _NotUnderstood("llm_error", message)
    if status != 200:
        advice = _HTTP_ADVICE.get(status, "Expected 200; its own log may say more.")
        message = f"The language model's server answered with status {status}. {advice}"
        raise CompletionFailed("llm_error", message)


def _failed(error: Exception) -> CompletionFailed:
    """What an error of the connection means. Its own words are left out: they may hold anything."""
    import httpx2

    kind = type(error).__name__
    unreachable = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.InvalidURL,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
        OSError,
        ValueError,
    )
    if isinstance(error, unreachable):
        message = f"The language model's server cannot be reached ({kind})."
        return CompletionFailed("llm_unreachable", message)
    if isinstance(error, httpx2.TimeoutException):
        return CompletionFailed("llm_timeout", f"The language model is too slow ({kind}).")
    return CompletionFailed("llm_interrupted", f"The language model's reply broke off ({kind}).")


def _bounded(chunks: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    """The chunks, until there are too many or time is up: a trickle never ends by itself."""
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if time.monotonic() > deadline:
            raise CompletionFailed("llm_timeout", "The language model is too slow.")
        if received > _MOST_BYTES:
            raise CompletionFailed("llm_interrupted", "The language model's reply does not end.")
        yield chunk


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a stream whose every chunk is counted: a client that gives whole events only would
    not notice a server that sends nothing but comments, for ever.
    """
    pending = b""
    for chunk in chunks:
        *whole, pending = (pending + chunk).split(b"\n")
        yield from whole
    yield pending


def _pieces(lines: Iterator[bytes]) -> Iterator[str]:
    """The words of a stream of server-sent events. Raises CompletionFailed unless it ends well."""
    written = 0
    ended = False
    for line in lines:
        if not line.startswith(b"data:"):
            continue  # an empty line, a comment that keeps the connection open, an event's name
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            return
        choice = _choice(data)
        text = _text(choice.get("delta"))
        written += len(text)
        if written > _MOST_CHARACTERS:
            raise CompletionFailed("llm_interrupted", "The language model's reply does not end.")
        if text:
            yield text
        ended = _is_last(choice) or ended
    if not ended:
        raise CompletionFailed("llm_interrupted", "The language model's reply broke off.")


def _whole(data: bytes) -> str:
    """The words of a reply in one piece, of servers that do not stream."""
    choice = _choice(data)
    _is_last(choice)
    return _text(choice.get("message"))


def _choice(data: bytes) -> Mapping[str, Any]:
    """The one choice of an event or a reply; nothing of an event that only counts tokens."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise CompletionFailed("llm_malformed", "The reply holds data that is no JSON.") from None
    if not isinstance(event, dict):
        raise CompletionFailed("llm_malformed", "The reply holds an event that is no object.")
    if event.get("error"):
        raise CompletionFailed("llm_error", "The language model's server reports an error.")
    choices = event.get("choices")
    if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
        raise CompletionFailed("llm_malformed", "The reply holds an event without choices.")
    return choices[0] if choices else {}


def _text(message: object) -> str:
    """The words of a message; "" where it has none, as one that only calls a tool."""
    content = message.get("content") if isinstance(message, dict) else message
    if content is None:
        return ""
    if isinstance(message, dict) and isinstance(content, str):
        return content
    raise CompletionFailed("llm_malformed", "The reply holds a message that is no text.")


def _is_last(choice: Mapping[str, Any]) -> bool:
    reason = choice.get("finish_reason")
    if reason in {"length", "content_filter"}:
        raise CompletionFailed("llm_interrupted", f"The language model stopped early ({reason}).")
    return reason is not None


def _checked_base_url(base_url: str) -> str:
    """The address without a slash at its end. Raises InvalidSetting, which never shows a secret."""
    advice = "Expected an address such as http://127.0.0.1:11434/v1; set RAG_LLM_BASE_URL."
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise InvalidSetting(f"llm_base_url is not an address. {advice}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise InvalidSetting(f"llm_base_url is not an http address. {advice}")
    if parts.username or parts.password or parts.query or parts.fragment:
        message = (
            "llm_base_url holds more than an address (a password, a query or a fragment)."
            " Expected the address alone; set RAG_LLM_API_KEY to the key."
        )
        raise InvalidSetting(message)
    return base_url.strip().rstrip("/")


def _is_here(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
