"""The fixed parts of the page: header, tabs of the side panel, what the browser is given."""

from __future__ import annotations

import json
from pathlib import Path

from rag_ui.texts import TEXTS, TITLE, say

__all__ = ["FAVICON", "HEADER_EVENTS", "LONGEST_COMMENT", "add_files", "head", "header", "tabs"]

_FOLDER = Path(__file__).parent
_TEXTS_FOR_SCRIPT = (
    "add_files",
    "conversation",
    "copied",
    "documents",
    "evidence",
    "judged",
    "placeholder",
    "question",
    "send",
    "stop",
)

LONGEST_COMMENT = 4_000
"""Characters of what a reader may write about an answer."""

FAVICON = _FOLDER / "favicon.svg"

HEADER_EVENTS = """
element.setAttribute("role", "banner");
ragPage.connect("header", trigger); // "again" "documents" "exact" "judge" "remove" "restart"
"""
"""What runs when the header appears. The names in it are the events it can raise."""

_ICON = (
    '<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor"'
    ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    "{paths}</svg>"
)
_ICONS = {
    "quoted": '<path d="M6 15V5h6M18 9v10h-6"/>',
    "documents": '<path d="M7 3h7l5 5v13H7z"/><path d="M14 3v5h5M10 13h6M10 17h6"/>',
    "new": '<path d="M12 5v14M5 12h14"/>',
    "theme": '<circle cx="12" cy="12" r="8.5"/><path d="M12 3.5a8.5 8.5 0 0 1 0 17z"'
    ' fill="currentColor"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
}


def header() -> str:
    """Name of the page and its buttons."""
    switch = '<span class="zh">EN</span><span class="en">中文</span>'
    return (
        f'<div class="bar"><div class="brand"><span class="seal">{_icon("quoted")}</span>'
        f"<h1>{say('brand')}</h1><p>{say('tagline')}</p></div><nav>"
        f'<button type="button" data-side="documents">{_icon("documents")}'
        f'<span class="word">{say("documents")}</span></button>'
        f'<button type="button" class="new">{_icon("new")}'
        f'<span class="word">{say("new_conversation")}</span></button>'
        f'<button type="button" class="language"><span aria-hidden="true">{switch}</span>'
        f'<span class="unseen">{say("language")}</span></button>'
        f'<button type="button" class="theme">{_icon("theme")}'
        f'<span class="unseen">{say("theme")}</span></button></nav></div>'
        '<div id="rag-status" class="unseen" role="status" aria-live="polite"></div>'
        f"{_comment()}"
    )


def _comment() -> str:
    """What asks why an answer is bad; the judgement itself is kept without it too."""
    return (
        '<dialog id="rag-comment" aria-labelledby="rag-comment-label"><form method="dialog">'
        f'<label id="rag-comment-label" for="rag-comment-text">{say("what_is_wrong")}</label>'
        f'<textarea id="rag-comment-text" rows="3" maxlength="{LONGEST_COMMENT}"></textarea>'
        f'<div><button type="submit" class="skip">{say("skip")}</button>'
        f'<button type="submit" class="tell">{say("tell")}</button></div></form></dialog>'
    )


def tabs() -> str:
    """What the side panel shows: evidence or documents."""
    return (
        '<div class="tabs"><div role="tablist">'
        '<button type="button" role="tab" data-side="evidence" aria-selected="true"'
        f' aria-controls="rag-evidence">{say("evidence")}</button>'
        '<button type="button" role="tab" data-side="documents" aria-selected="false"'
        f' aria-controls="rag-documents">{say("documents")}</button></div>'
        f'<button type="button" class="close">{_icon("close")}'
        f'<span class="unseen">{say("close")}</span></button></div>'
    )


def add_files(suffixes: frozenset[str]) -> str:
    """The button that adds files, and which can be added."""
    hint = say("add_hint", {"suffixes": ", ".join(sorted(suffixes))})
    return (
        '<div class="adding"><button type="button" class="add"'
        f' data-accept="{",".join(sorted(suffixes))}">{_icon("new")}'
        f'{say("add_files")}</button><p class="hint">{hint}</p>'
        f'<p class="hint busy" role="status">{say("reading_files")}</p></div>'
    )


def head() -> str:
    """The page's style and its script, with the texts it needs.

    The framework would rewrite the selectors of a style sheet given to it by its own way.
    """
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    texts = {key: TEXTS[key] for key in _TEXTS_FOR_SCRIPT} | {"title": TITLE}
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    return (
        f"<style>{style}</style><script>window.ragTexts = {json.dumps(texts)};\n{script}</script>"
    )


def _icon(name: str) -> str:
    return _ICON.format(paths=_ICONS[name])
