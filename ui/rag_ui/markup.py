"""Text to HTML that shows it literally, and the page's own words in both its languages."""

from __future__ import annotations

__all__ = ["both", "escape", "text"]

# As numbers, characters are data to every reader of the page: HTML, the Markdown and formulas of
# the chat component, its links made of bare addresses, and its marks for translation.
_LITERAL = {
    number: f"&#{number};"
    for number in range(0x21, 0x7F)
    if not chr(number).isalnum() and chr(number) != " "
}
# What HTML does not allow even as a number is shown as what Unicode has for it.
_CONTROLS = {
    number: "\N{REPLACEMENT CHARACTER}"
    for number in (*range(0x20), 0x7F)
    if chr(number) not in "\t\n"
}
_TABLE = str.maketrans({**_LITERAL, **_CONTROLS})


def escape(value: object) -> str:
    """A value as HTML and Markdown that shows its characters and nothing else.

    Line ends become ``<br>``: an empty line would end the HTML inside Markdown.
    """
    return str(value).translate(_TABLE).replace("\n", "<br>")


def both(chinese: str, english: str) -> str:
    """HTML that shows one of two, by the language the reader chose. Both must be HTML already."""
    return f'<span class="zh">{chinese}</span><span class="en">{english}</span>'


def text(key: str, **values: object) -> str:
    """One of the page's own texts as HTML in both languages; values are escaped."""
    from rag_ui.texts import TEXTS

    shown = {name: escape(value) for name, value in values.items()}
    chinese, english = TEXTS[key]
    return both(chinese.format_map(shown), english.format_map(shown))
