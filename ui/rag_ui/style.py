"""Fonts that need no download, and the files with the page's looks and behaviour."""

from __future__ import annotations

from importlib import resources

__all__ = ["FONTS", "MONO_FONTS", "READ_TONGUE", "SAVE_TONGUE", "TOGGLE_THEME", "asset"]

FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "sans-serif",
)
MONO_FONTS = ("ui-monospace", "Consolas", "monospace")

READ_TONGUE = "() => localStorage.getItem('rag-tongue') || navigator.language || 'zh'"
SAVE_TONGUE = "(choice) => { localStorage.setItem('rag-tongue', choice); }"
TOGGLE_THEME = "() => { document.body.classList.toggle('dark'); }"


def asset(name: str) -> str:
    """The text of ``page.css`` or ``page.js``."""
    return resources.files("rag_ui").joinpath(name).read_text(encoding="utf-8")
