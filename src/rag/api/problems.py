"""Every error as ``application/problem+json`` (RFC 9457): one shape, one table, no surprises.

``type`` is ``about:blank`` and ``title`` the status's own phrase; ``code`` tells problems apart. On
the OpenAI-compatible paths the body also carries ``error`` in the shape that their clients show.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rag.api.field_errors import FieldError, field_errors
from rag.api.headers import headers_for
from rag.errors import (
    DocumentReplaced,
    IndexLocked,
    IndexProblem,
    InvalidInput,
    InvalidSetting,
    MissingDependency,
    ModelUnavailable,
    NotFound,
    RagError,
    Unavailable,
    UnreadableDocument,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

__all__ = [
    "OPENAI_PATHS",
    "Problem",
    "ProblemReply",
    "describe",
    "install",
    "problem_of",
    "problem_response",
    "responses",
]

_logger = logging.getLogger("rag.api")

OPENAI_PATHS = frozenset({"/v1/chat/completions", "/v1/embeddings", "/v1/models"})

_STATUSES: Mapping[type[RagError], int] = {
    InvalidInput: 422,
    NotFound: 404,
    UnreadableDocument: 422,
    # What follows is the server's to mend, not the client's; the detail says how.
    InvalidSetting: 503,
    IndexProblem: 503,
    ModelUnavailable: 503,
    MissingDependency: 503,
    Unavailable: 503,
    RagError: 500,
}
_CODES = {
    400: "malformed_request",
    404: "unknown_path",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
}
_RETRY = {"retry-after": "1"}
_SHOWN_ERRORS = 3
_MAX_ERRORS = 50


class ProblemReply(BaseModel):
    """An error (RFC 9457). Programs go by `code`; `detail` is for people."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What was found, what was expected, what to do.")
    code: str = Field(description="Stable name of the error.")
    errors: list[FieldError] | None = Field(None, description="One entry a field that is wrong.")
    replacement: str | None = Field(
        None, description="Of a document that has changed: the id of its present version."
    )
    id: str | None = Field(None, description="Of an unexpected error: the same id is in the log.")


class Problem(Exception):
    """An error that the HTTP edge itself finds, or one that it adds something to."""

    def __init__(
        self,
        status: int,
        *,
        code: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def body(self, path: str) -> dict[str, object]:
        """The members of the reply to a request for ``path``."""
        members: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.errors:
            members["errors"] = [error.model_dump() for error in self.errors]
        members |= self.members
        if path in OPENAI_PATHS:
            members["error"] = {
                "message": self.detail,
                "type": "invalid_request_error" if self.status < 500 else "server_error",
                "param": self.errors[0].field if self.errors else None,
                "code": self.code,
            }
        return members


def problem_response(problem: Problem, *, path: str) -> Response:
    """The reply that states a problem."""
    text = json.dumps(problem.body(path), ensure_ascii=False)
    # A lone surrogate, sent as \ud800, is echoed the same way: as bytes it does not exist.
    return Response(
        text.encode("utf-8", "backslashreplace"),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**headers_for(path), **problem.headers},
    )


def problem_of(error: RagError) -> Problem:
    """The problem that an error of the product is over HTTP."""
    status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    if status >= 500:
        _logger.error("%s: %s", error.code, error)
    headers = _RETRY if isinstance(error, IndexLocked) else {}
    members = {"replacement": error.replacement} if isinstance(error, DocumentReplaced) else None
    return Problem(status, code=error.code, detail=str(error), headers=headers, members=members)


def install(app: FastAPI) -> None:
    """Let every error of the application be answered as a problem."""
    app.exception_handler(Problem)(_on_problem)
    app.exception_handler(RagError)(_on_rag_error)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(Exception)(_on_unexpected)


async def _on_problem(request: Request, error: Problem) -> Response:
    return problem_response(error, path=request.url.path)


async def _on_rag_error(request: Request, error: RagError) -> Response:
    return problem_response(problem_of(error), path=request.url.path)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    status = error.status_code
    details = {
        400: _malformed(error.detail),
        404: f"There is nothing at {request.url.path}. The paths there are: /docs.",
        405: f"{request.method} is not possible at {request.url.path}. See /docs.",
        413: "The request is larger than the server accepts. Send less at once, or raise"
        " max_request_megabytes on the server.",
    }
    problem = Problem(
        status,
        code=_CODES.get(status, "error"),
        detail=details.get(status, error.detail),
        headers=error.headers,
    )
    return problem_response(problem, path=request.url.path)


def _malformed(found: str) -> str:
    if found == "There was an error parsing the body":
        return (
            "The request's body cannot be read: it is not JSON in UTF-8, or nested too deeply."
            " Expected one JSON object; see /docs for its fields."
        )
    return (
        f"The request cannot be read: {found} Expected multipart/form-data with one part a file,"
        " as `curl -F files=@report.txt` sends it."
    )


async def _on_unexpected(request: Request, error: Exception) -> Response:
    identifier = uuid.uuid4().hex[:12]
    _logger.error(
        "unexpected error %s at %s %s", identifier, request.method, request.url.path, exc_info=error
    )
    problem = Problem(
        500,
        code="unexpected_error",
        detail=f"The server failed at this request. Its log says more under {identifier}.",
        members={"id": identifier},
    )
    return problem_response(problem, path=request.url.path)


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        reason = found[0]["ctx"]["error"]
        position = found[0]["loc"][-1]
        problem = Problem(
            400,
            code="malformed_json",
            detail=f"The body is not JSON: {reason} at character {position}. Expected one JSON"
            " object in UTF-8.",
        )
    elif _is_foreign_body(request, found):
        content_type = request.headers.get("content-type", "")
        problem = Problem(
            415,
            code="unsupported_media_type",
            detail=f"The body's Content-Type is {content_type[:80]!r}. Expected application/json.",
        )
    else:
        errors = field_errors(found, request.scope["endpoint"])
        problem = Problem(
            422,
            code="invalid_request",
            detail=" ".join(each.message for each in errors[:_SHOWN_ERRORS]),
            errors=errors[:_MAX_ERRORS],
        )
    return problem_response(problem, path=request.url.path)


def _is_foreign_body(request: Request, found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a body was sent under a type that is not read, rather than being wrong in itself."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    is_json = content_type.startswith("application/") and content_type.endswith(("/json", "+json"))
    return not is_json and any(
        tuple(each["loc"]) == ("body",) and isinstance(each.get("input"), bytes) for each in found
    )


_DESCRIPTIONS: Mapping[int, tuple[str, str, str]] = {
    400: (
        "The body cannot be parsed.",
        "malformed_json",
        "The body is not JSON: Expecting value at character 13. Expected one JSON object in UTF-8.",
    ),
    404: (
        "What the request names does not exist.",
        "collection_not_found",
        "There is no collection 'reports'. Collections: default.",
    ),
    413: (
        "The request is too large.",
        "request_too_large",
        "The request has 28.6 MB; 8 MB are accepted here. Send less at once.",
    ),
    415: (
        "The body has a Content-Type that is not read here.",
        "unsupported_media_type",
        "The body's Content-Type is 'text/plain'. Expected application/json.",
    ),
    422: (
        "A field has a value that cannot be used.",
        "invalid_request",
        "Unknown field 'topk'. Did you mean 'top_k'?",
    ),
    429: (
        "Too many requests are under way; come again after `Retry-After` seconds.",
        "too_many_requests",
        "64 requests are under way, as many as are accepted at once. Try again in a second.",
    ),
    503: (
        "The index or the model cannot be used, or not yet.",
        "index_mismatch",
        "The index in index was made by the model minilm (384 dimensions), not by bundled (256).",
    ),
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems that an operation can answer with."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        description, code, detail = _DESCRIPTIONS[status]
        example = Problem(status, code=code, detail=detail).body("")
        described[status] = {
            "description": description,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ProblemReply"},
                    "example": example,
                }
            },
        }
    return described


def describe(description: dict[str, Any]) -> None:
    """Put the shape of problems into an OpenAPI description, instead of the framework's errors."""
    schemas = description["components"]["schemas"]
    schema = ProblemReply.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs")
    schemas["ProblemReply"] = schema
    for operation in (each for path in description["paths"].values() for each in path.values()):
        # Added where only the path has a parameter, and every text is one that it may have.
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            del operation["responses"]["422"]
    del schemas["HTTPValidationError"], schemas["ValidationError"]
