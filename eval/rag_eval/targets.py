"""What is evaluated: a library in this process, or any server that speaks the HTTP contract.

Both give the same plain ``Reply``, so that metrics know nothing of where it came from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Protocol, Self, TypeVar
from urllib.parse import quote, urlsplit

from rag.errors import CollectionNotFound, DocumentNotFound, InvalidInput, RagError, Unavailable
from rag.schema import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rag.factory import Application
    from rag.schema import Answer, Document, Filters, Turn
    from rag_eval.cases import Case

__all__ = ["FoundPassage", "HttpTarget", "LibraryTarget", "QuotedSpan", "Reply", "Target"]

_Value = TypeVar("_Value", str, int, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPassage:
    """A passage of a reply; its place in the reply is its rank."""

    passage_id: str
    document_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedSpan:
    """A citation of a reply: it claims that ``text[start:end] == quote`` of its document."""

    marker: int
    document_id: str
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one question. ``passages`` come best first."""

    answered: bool
    answer: str
    confidence: float
    refusal_code: str = ""
    rewritten: str = ""
    citations: tuple[QuotedSpan, ...] = ()
    passages: tuple[FoundPassage, ...] = ()
    milliseconds: float = field(default=0.0, compare=False)
    """From question to reply, as the asker sees it."""


class Target(Protocol):
    """Something that answers questions and shows the documents it quotes."""

    @property
    def description(self) -> str:
        """What is being measured, for a person: a folder or an address."""
        ...

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        """Ask a case's question. Raises RagError."""
        ...

    def document_text(self, document_id: str) -> str:
        """The stored text of a document. Raises DocumentNotFound."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...


class _Asks(Protocol):
    """The part of ``rag.assistant.Assistant`` that is measured."""

    def ask(
        self,
        question: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        filters: Filters | None = None,
        history: Sequence[Turn] = (),
        top_k: int = 5,
    ) -> Answer: ...


class LibraryTarget:
    """A library in this process."""

    def __init__(
        self,
        *,
        assistant: _Asks,
        document: Callable[[str], Document],
        description: str = "library",
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._assistant = assistant
        self._document = document
        self._description = description
        self._close = close

    @classmethod
    def of(cls, application: Application) -> Self:
        """The target that an opened application is; closing the one closes the other."""
        return cls(
            assistant=application.assistant,
            document=application.library.document,
            description=(
                f"the index in {application.settings.data_dir} ({application.embedder.info.name})"
            ),
            close=application.close,
        )

    @property
    def description(self) -> str:
        """The index folder and the embedding model."""
        return self._description

    def ask(self, case: Case, *, collection: str, top_k: int) -> Reply:
        """Ask the assistant. Raises what ``Assistant.ask`` raises."""
        started = time.perf_counter()
        answer = self._assistant.ask(
            case.question,
            collection=collection,
            filters=case.filters or None,
            history=case.history,
            top_k=top_k,
        )
        milliseconds = 1000 * (time.perf_counter() - started)
        return Reply(
            answered=answer.answered,
            answer=answer.answer,
            confidence=answer.confidence,
            refusal_code=answer.refusal.code if answer.refusal else "",
            rewritten=answer.rewritten,
            citations=tuple(
                QuotedSpan(
                    marker=citation.marker,
                    document_id=citation.document_id,
                    quote=citation.quote,
                    start=citation.start,
                    end=citation.end,
                )
                for citation in answer.citations
            ),
            passages=tuple(
                FoundPassage(
                    passage_id=hit.passage.passage_id,
                    document_id=hit.passage.document_id,
                    text=hit.passage.text,
                )
                for hit in answer.hits
            ),
            milliseconds=milliseconds,
        )

    def document_text(self, document_id: str) -> str:
        """The stored text of a document. Raises DocumentNotFound."""
        return self._document(document_id).text

    def close(self) -> None:
        """Close the application that this target was made of."""
        self._close()


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

    def number(self, name: str) -> float:
        value = self._value.get(name)
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
            )
            for item in reader.items("passages")
        ),
        milliseconds=milliseconds,
    )
