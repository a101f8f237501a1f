"""Answers as the chat shows them: Markdown in which nothing but the citation chips is markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag_ui.evidence import chip_id
from rag_ui.wording import words

if TYPE_CHECKING:
    from rag.schema import Answer
    from rag_ui.wording import Tongue

__all__ = ["answer_markdown", "literal"]

_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")
_MARKER = re.compile(r"\[(\d+)\]")
_SURE = 0.8


def literal(text: str) -> str:
    """Markdown that shows ``text`` as it is: every ASCII punctuation mark escaped.

    Line ends become hard breaks; nothing in a document or a question can act as markup.
    """
    escaped = _SPECIAL.sub(lambda match: "\\" + match.group(), text)
    return re.sub(r"[ \t]*\n[ \t]*", "  \n", escaped)


def answer_markdown(text: str, answer: Answer | None, *, turn: int, tongue: Tongue) -> str:
    """The words of an answer, streamed so far, with its markers as links to the evidence.

    ``answer`` is None while it streams; only markers that it cites become links.
    """
    cited = {citation.marker for citation in answer.citations} if answer else set()
    parts: list[str] = []
    position = 0
    for match in _MARKER.finditer(text):
        marker = int(match[1])
        if marker in cited:
            parts.append(literal(text[position : match.start()]))
            parts.append(f"[{marker}](#{chip_id(turn, marker)})")
            position = match.end()
    parts.append(literal(text[position:]))
    shown = "".join(parts)
    if answer is None:
        return shown
    if not answer.answered:
        return f"**{literal(words(tongue, 'refused'))}**  \n{shown}"
    support = words(tongue, "sure" if answer.confidence >= _SURE else "fair")
    lines = [shown, f"*{literal(support)} · {answer.timings.total:.0f} ms*"]
    if answer.rewritten != answer.question:
        understood = words(tongue, "rewritten").format(question=answer.rewritten)
        lines.insert(0, f"*{literal(understood)}*")
    return "\n\n".join(lines)
