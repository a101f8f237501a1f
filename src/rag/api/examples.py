"""Examples in the API's description: requests about the sample report, and what they answered."""

import json
from importlib import resources
from typing import Any

from fastapi.openapi.models import Example

__all__ = ["described", "replies", "requests"]

_EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    resources.files("rag.api").joinpath("examples.json").read_text(encoding="utf-8")
)


def requests(name: str) -> dict[str, Example]:
    """Example bodies of an operation, by what they show."""
    bodies: dict[str, Any] = _EXAMPLES[name]["requests"]
    return {summary: Example(summary=summary, value=body) for summary, body in bodies.items()}


def replies(name: str) -> Any:
    """What the operation answered to the first of its example requests."""
    return _EXAMPLES[name]["reply"]


def described(name: str, description: str) -> dict[str, Any]:
    """OpenAPI's description of an operation's reply, plain and where it can be streamed."""
    content: dict[str, Any] = {"application/json": {"example": replies(name)}}
    if "stream" in _EXAMPLES[name]:
        stream = _EXAMPLES[name]["stream"]
        content["text/event-stream"] = {"schema": {"type": "string"}, "example": stream}
    return {"description": description, "content": content}
