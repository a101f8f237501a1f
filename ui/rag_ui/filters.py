"""The filter box: a place and a year that questions keep to, where the library has several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from rag_ui.texts import plain

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.schema import MetadataValue

__all__ = ["boxes", "chosen", "offered"]

_KEYS = ("place", "year")
_ANY = ""


def boxes() -> list[gr.Dropdown]:
    """A box for the place and one for the year, hidden until there is something to choose."""
    return [
        gr.Dropdown(
            [_ANY],
            container=False,
            elem_id=f"rag-filter-{key}",
            label=" · ".join(plain(f"filter_{key}")),
            min_width=0,
            show_label=False,
            value=_ANY,
            visible=False,
        )
        for key in _KEYS
    ]


def offered(assistant: Assistant, *values: str) -> tuple[Any, ...]:
    """The boxes with what the library has now; a value that is there no more is given up."""
    found = assistant.filter_values()
    updates = []
    for key, value in zip(_KEYS, values, strict=True):
        names = [str(name) for name in found.get(key, {})]
        every = " · ".join(plain(f"any_{key}"))
        updates.append(
            gr.Dropdown(
                choices=[(every, _ANY), *((name, name) for name in names)],
                value=value if value in names else _ANY,
                visible=len(names) > 1,
            )
        )
    return tuple(updates)


def chosen(place: str, year: str) -> dict[str, MetadataValue]:
    """What is in the boxes, as filters."""
    filters: dict[str, MetadataValue] = {}
    if place:
        filters["place"] = place
    if year:
        filters["year"] = int(year)
    return filters
