"""Text to HTML that shows it literally, whatever it holds."""

from __future__ import annotations

__all__ = ["both", "escape"]

# As numbers, characters are data to every reader of the page: HTML, the Markdown and formulas of
# the chat component, its links made of bare addresses, and its marks for translation.
_LITERAL = {number: f"&#{number};" for number in range(0x21, 0x7F) if not chr(number).isalnum()}
# What HTML does not allow even as a number is shown as the character that stands for such.
_CONTROLS = {
    number: "\N{REPLACEMENT CHARACTER}"
    for number in (*range(0x20), 0x7F)
    if chr(number) not in "\t\n"
}
_TABLE = str.maketrans({**_LITERAL, **_CONTROLS, "\n": "<br>"})


def escape(value: object) -> str:
    """A value as HTML and Markdown that shows its characters and nothing else.

    Line ends become ``<br>``: an empty line would end the HTML inside Markdown.
    """
    return str(value).translate(_TABLE)


def both(chinese: str, english: str) -> str:
    """HTML of which a style sheet shows one, by the language chosen. Both must be HTML already."""
    return f'<span class="zh">{chinese}</span><span class="en">{english}</span>'
