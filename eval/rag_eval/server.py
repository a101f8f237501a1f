"""A server as the thing that is evaluated: any that speaks the HTTP contract."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import quote, urlsplit

from rag.errors import CollectionNotFound, DocumentNotFound, InvalidInput, RagError, Unavailable
from rag_eval.targets import FoundPassage, QuotedSpan, Reply

if TYPE_CHECKING:
    from types import TracebackType

    from rag_eval.case import Case

__all__ = ["HttpTarget"]

_Value = TypeVar("_Value", str, int, bool)


class HttpTarget:
    """A server by its address, over one connection that is kept open.

    Raises InvalidInput for an address that is none, Unavailable when the server cannot be reached
    or replies with something other than the contract.
    """

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InvalidInput(f"{url!r} is no address: {error}. {_ADDRESS_EXPECTED}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise InvalidInput(f"{url!r} is no address of a server. {_ADDRESS_EXPECTED}")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._url = url.rstrip("/")
        self._prefix = parts.path.rstrip("/")
        self._connection = kind(host, port, timeout=timeout)

    @property
    def description(self) -> str:
        """The server's address."""
        return self._url

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        """POST /v1/ask. Raises InvalidInput for a question that the server rejects."""
        body: dict[str, object] = {
            "question": case.question,
            "collection": collection,
            "top_k": top_k,
        }
        if case.filters:
            body["filters"] = dict(case.filters)
        if case.history:
            body["history"] = [
                {"role": turn.role, "content": turn.content} for turn in case.history
            ]
        started = time.perf_counter()
        content = self._exchange("POST", "/v1/ask", body)
        milliseconds = 1000 * (time.perf_counter() - started)
        return _reply(_Reader(content, f"{self._url}/v1/ask", "reply"), milliseconds)

    def document_text(self, document_id: str) -> str:
        """GET /v1/documents/{id}. Raises DocumentNotFound."""
        path = f"/v1/documents/{quote(document_id, safe='')}"
        return _Reader(self._exchange("GET", path), f"{self._url}{path}", "reply").get("text", str)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _exchange(self, method: str, path: str, body: object = None) -> object:
        encoded = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Accept": "application/json"}
        if encoded is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, self._prefix + path, body=encoded, headers=headers)
            response = self._connection.getresponse()
            status, raw = response.status, response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            reason = str(error) or type(error).__name__
            message = (
                f"{self._url} cannot be asked: {reason}. Expected a running server; start it with"
                " rag serve, or correct --url."
            )
            raise Unavailable(message) from error
        try:
            content = json.loads(raw)
        except ValueError as error:
            message = (
                f"{method} {self._url}{path} replied with status {status} and no JSON. Expected a"
                " server that speaks the HTTP contract under /v1; check --url."
            )
            raise Unavailable(message) from error
        if status >= 400:
            raise _problem(status, content, f"{method} {self._url}{path}")
        return content


_ADDRESS_EXPECTED = "Expected one such as http://127.0.0.1:8000."

_PROBLEM_ERRORS: Mapping[str, type[RagError]] = {
    "collection_not_found": CollectionNotFound,
    "document_not_found": DocumentNotFound,
}


def _problem(status: int, content: object, request: str) -> RagError:
    """The error that a problem+json reply stands for."""
    fields = content if isinstance(content, dict) else {}
    detail = str(fields.get("detail") or fields.get("title") or "no reason given")
    message = f"{request} replied with status {status}: {detail}"
    if status == 404:
        document = "/v1/documents/" in request
        fallback = DocumentNotFound if document else CollectionNotFound
        return _PROBLEM_ERRORS.get(str(fields.get("code")), fallback)(message)
    return InvalidInput(message) if status in (400, 413, 422) else Unavailable(message)


class _Reader:
    """Takes typed values out of a decoded reply, or says which one is not as agreed."""

    def __init__(self, value: object, request: str, place: str) -> None:
        self._request = request
        self._place = place
        if not isinstance(value, dict):
            raise self._wrong(place, value, "an object")
        self._value: Mapping[str, object] = value

    def get(self, name: str, kind: type[_Value]) -> _Value:
        value = self._value.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self._wrong(f"{self._place}.{name}", value, f"a value of type {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        """A text that may be missing."""
        return self.get(name, str) if self._value.get(name) is not None else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts that may be missing."""
        value = self._value.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(f"{self._place}.{name}", value, "a list of texts")
        return tuple(value)

    def number(self, name: str, *, default: float | None = None) -> float:
        value = self._value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(f"{self._place}.{name}", value, "a number")
        return float(value)

    def inner(self, name: str) -> _Reader | None:
        value = self._value.get(name)
        return None if value is None else _Reader(value, self._request, f"{self._place}.{name}")

    def items(self, name: str) -> tuple[_Reader, ...]:
        value = self._value.get(name)
        if not isinstance(value, list):
            raise self._wrong(f"{self._place}.{name}", value, "a list")
        return tuple(
            _Reader(item, self._request, f"{self._place}.{name}[{position}]")
            for position, item in enumerate(value)
        )

    def _wrong(self, place: str, found: object, expected: str) -> Unavailable:
        shown = "nothing" if found is None else json.dumps(found, ensure_ascii=False)[:60]
        return Unavailable(
            f"{self._request}: {place} is {shown}, expected {expected}. The server does not keep"
            " the HTTP contract; evaluate a version that does."
        )


def _reply(reader: _Reader, milliseconds: float) -> Reply:
    refusal = reader.inner("refusal")
    return Reply(
        answered=reader.get("answered", bool),
        answer=reader.get("answer", str),
        confidence=reader.number("confidence"),
        refusal_code=refusal.get("code", str) if refusal else "",
        rewritten=reader.get("rewritten", str),
        citations=tuple(
            QuotedSpan(
                marker=item.get("marker", int),
                document_id=item.get("document_id", str),
                quote=item.get("quote", str),
                start=item.get("start", int),
                end=item.get("end", int),
            )
            for item in reader.items("citations")
        ),
        passages=tuple(
            FoundPassage(
                passage_id=item.get("passage_id", str),
                document_id=item.get("document_id", str),
                text=item.get("text", str),
                title=item.text("title"),
                source=item.text("source"),
                section=item.texts("section"),
                start=int(item.number("start", default=0)),
                score=item.number("score", default=0.0),
            )
            for item in reader.items("passages")
        ),
        milliseconds=milliseconds,
    )
