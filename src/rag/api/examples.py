"""Examples in the API's description: requests about the sample report, and what they answered."""

import json
from importlib import resources
from typing import Any

from fastapi.openapi.models import Example

__all__ = ["describe", "described", "requests"]

_EXAMPLES: dict[str, dict[str, Any]] = json.loads(
    resources.files("rag.api").joinpath("examples.json").read_text(encoding="utf-8")
)

# As the framework itself describes events, with the word that OpenAPI 3.2 has for it.
_EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}


def requests(name: str) -> dict[str, Example]:
    """Example bodies of an operation, by what they show."""
    bodies: dict[str, Any] = _EXAMPLES[name]["requests"]
    return {summary: Example(summary=summary, value=body) for summary, body in bodies.items()}


def described(name: str, description: str) -> dict[str, Any]:
    """OpenAPI's description of an operation's reply, streamed too where it can be."""
    response: dict[str, Any] = {"description": description}
    if "stream" in _EXAMPLES[name]:
        stream = {"itemSchema": _EVENT, "example": _EXAMPLES[name]["stream"]}
        response["content"] = {"text/event-stream": stream}
    return response


def describe(description: dict[str, Any]) -> None:
    """Put into an OpenAPI description what each operation answered to its first example.

    Done to the finished description: the framework leaves out what is null in an example.
    """
    for path in description["paths"].values():
        for operation in path.values():
            if operation["operationId"] in _EXAMPLES:
                reply = _EXAMPLES[operation["operationId"]]["reply"]
                status = next(each for each in ("200", "201") if each in operation["responses"])
                operation["responses"][status]["content"]["application/json"]["example"] = reply
