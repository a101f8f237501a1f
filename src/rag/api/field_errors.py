"""What is wrong with a request's fields: each found, expected, and named as the sender named it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, Field

__all__ = ["FieldError", "field_errors"]

_SHOWN_CHARACTERS = 80
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "an object",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "an array",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_type": "a text",
}
_KINDS = {"str", "int", "constrained-str", "constrained-int"}
_PLACES = {"body": "The body", "query": "The query", "path": "The path"}


class FieldError(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(description="Path of the field, such as `history.0.role`; empty for all.")
    message: str = Field(description="What was found, what was expected.")


def field_errors(
    found: Sequence[Mapping[str, Any]], endpoint: Callable[..., object]
) -> list[FieldError]:
    """One error a field, from those of a validation for ``endpoint``.

    A field that may be of several kinds has one error a kind, which become one here.
    """
    by_field: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for each in found:
        by_field.setdefault(_path(each), []).append(each)
    return [
        FieldError(
            field=".".join(str(part) for part in path[1:]),
            message=_message(path, errors, endpoint),
        )
        for path, errors in by_field.items()
    ]


def _path(error: Mapping[str, Any]) -> tuple[object, ...]:
    """The error's place without the names of kinds that pydantic adds where several may be."""
    path = list(error["loc"])
    if len(path) > 2 and path[-1] in _KINDS:
        path.pop()
    return tuple(part for part in path if not (isinstance(part, str) and part.endswith("]")))


def _message(
    path: tuple[object, ...],
    errors: Sequence[Mapping[str, Any]],
    endpoint: Callable[..., object],
) -> str:
    field = ".".join(str(part) for part in path[1:])
    name = field or _PLACES.get(str(path[0]), str(path[0]))
    # Of the kinds that a field may have, the one that was sent is what the sender meant.
    error = next((each for each in errors if each["type"] not in _EXPECTED), errors[0])
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        return f"Unknown field {field!r}. {_known_fields(path, endpoint)}"
    if kind == "missing":
        return f"{name} is missing." if field else "The body is empty. Expected a JSON object."
    if "UploadFile" in error["msg"]:
        return f"{name} is a text field. Expected a file: a part with a file name."
    if kind == "text_not_unicode":
        return f"{name} {error['msg']}"
    if kind in _EXPECTED:
        expected = dict.fromkeys(_EXPECTED[each["type"]] for each in errors)
        return f"{name} is {_shown(value)}. Expected {' or '.join(expected)}."
    return f"{name} is {_shown(value)}. {error['msg'].replace('Input should', 'It should')}."


def _known_fields(path: tuple[object, ...], endpoint: Callable[..., object]) -> str:
    hints = get_type_hints(endpoint)
    hints.pop("return", None)
    known = [
        name
        for hint in hints.values()
        for kind in (hint, *get_args(hint))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
        for name in kind.model_fields
    ]
    if len(path) != 2 or not known:
        return "Leave it out."
    near = difflib.get_close_matches(str(path[1]), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Expected some of: {', '.join(known)}."


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if not isinstance(value, str | int | float | bool | None):
        return f"of type {type(value).__name__}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
