"""A conversation as messages of the chat component: HTML in which all text is literal.

Links whose address begins with ``#`` are the page's own; ``page.js`` acts on them. They carry the
number of their turn, so that an old answer keeps pointing at its own evidence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypedDict

from rag.notices import notice_of
from rag.text import language
from rag_ui.conversation import other_composer, shown_hits
from rag_ui.markup import both, escape
from rag_ui.texts import plain, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rag.schema import Answer, Citation
    from rag_ui.conversation import ChatTurn

__all__ = ["Message", "messages", "reply_as_text"]

_MARKER = re.compile(r"\[(\d{1,3})\]")
_QUOTED_AND_MARKED = re.compile(r"(?<=」)( ?)\[(\d{1,3})\]")
_LAST_OF_ITS_LINE = re.compile(r"( ?)\[(\d{1,3})\](?=(?: ?\[\d{1,3}\])*\s*$)", re.M)
_UNFINISHED_MARKER = re.compile(r" ?\[\d*$")
_LEAD = re.compile(r"^[^「\n]{1,120}?[：:] ?(?=「)", re.M)
_CONFIDENT = 0.8
_FAIRLY_CONFIDENT = 0.65
_BEGINNING = 32
_QUESTION_SHOWN = 1_000


class Message(TypedDict):
    """A message as Gradio's chat component takes it."""

    role: Literal["user", "assistant"]
    content: str


def messages(turns: Sequence[ChatTurn]) -> list[Message]:
    """Two messages a turn, the reader's and the reply."""
    shown: list[Message] = []
    for turn in turns:
        shown.append({"role": "user", "content": _question(turn)})
        shown.append({"role": "assistant", "content": _reply(turn)})
    return shown


def reply_as_text(answer: Answer) -> str:
    """An answer and its citations as plain text, to be pasted elsewhere."""
    lines = [answer.answer]
    for citation in answer.citations:
        path = " › ".join([citation.title, *citation.section])
        chinese, english = plain("place", {"start": citation.start, "end": citation.end})
        place = chinese if language(answer.question) == "zh" else english
        lines.append(f"[{citation.marker}] {path} ({citation.source}, {place}): {citation.quote}")
    return "\n".join(lines)


def _question(turn: ChatTurn) -> str:
    note = f'<span class="note">{say("exact_question")}</span>' if turn.exact else ""
    if turn.filters:
        only = escape(" · ".join(str(value) for value in turn.filters.values()))
        note += f'<span class="note">{only}</span>'
    asked = turn.question
    if len(asked) > _QUESTION_SHOWN:
        asked = asked[:_QUESTION_SHOWN] + "…"
    return f'<div class="question">{escape(asked)}{note}</div>'


def _reply(turn: ChatTurn) -> str:
    if turn.state == "problem":
        return _calm("problem", _words(turn.problem))
    if turn.state == "broken":
        return _calm("problem", say("broken"))
    if turn.answer is None:
        arrived = _unverified(turn)
        waiting = turn.state == "waiting"
        if waiting and not arrived:
            return f'<div class="answer waiting">{say("searching")}</div>'
        note = "" if waiting else f'<div class="facts">{say("stopped")}</div>'
        body = f'<div class="words">{arrived}</div>' if arrived else ""
        return f'<div class="answer">{body}{note}</div>'
    if turn.answer.answered:
        return (
            f'<div class="answer">{_rewritten(turn)}<div class="words">'
            f"{_verified(turn.answer, turn.number)}</div>{_notice(turn.answer)}{_facts(turn)}</div>"
        )
    judge = f'<div class="facts">{_judge(turn)}</div>'
    below = _rewritten(turn) + _nearest(turn) + judge
    return _calm("no_answer", _words(turn.answer.answer), below=below)


def _calm(key: str, body: str, *, below: str = "") -> str:
    return (
        f'<div class="refusal"><div class="verdict">{say(key)}</div>'
        f'<div class="words">{body}</div>{below}</div>'
    )


def _words(text: str) -> str:
    script = "" if language(text) == "zh" else ' class="latin"'
    return f"<span{script}>{escape(text)}</span>"


def _rewritten(turn: ChatTurn) -> str:
    answer = turn.answer
    if answer is None or turn.exact or answer.rewritten.strip() == answer.question.strip():
        return ""
    searched = say("rewritten", {"rewritten": answer.rewritten})
    return (
        f'<div class="rewritten">{searched}'
        f'<a href="#exact-{turn.number}">{say("search_exactly")}</a></div>'
    )


def _verified(answer: Answer, number: int) -> str:
    """The answer with a link for each marker that stands for a citation.

    What looks like a marker inside a quotation is the document's own.
    """
    cited = {citation.marker for citation in answer.citations}
    quoted = _quoted(answer.answer, answer.citations)

    def is_marker(match: re.Match[str]) -> bool:
        inside = any(start <= match.start() < end for start, end in quoted)
        return int(match.group(1)) in cited and not inside

    marks = [match for match in _MARKER.finditer(answer.answer) if is_marker(match)]
    return _linked(answer.answer, [(m.start(), m.end(), m.group(1)) for m in marks], number)


def _unverified(turn: ChatTurn) -> str:
    """What has arrived so far; a marker is shown once it is whole."""
    arrived = _UNFINISHED_MARKER.sub("", turn.partial)
    marks = []
    position = 0
    for line in arrived.split("\n"):
        # Quotations are marked at their end, other words at the end of the line.
        marker = _QUOTED_AND_MARKED if "「" in line else _LAST_OF_ITS_LINE
        marks += [
            (position + match.start(2) - 1, position + match.end(), match.group(2))
            for match in marker.finditer(line)
        ]
        position += len(line) + 1
    return _linked(arrived, marks, turn.number)


def _quoted(text: str, citations: Iterable[Citation]) -> list[tuple[int, int]]:
    spans = []
    for citation in citations:
        start = text.find(citation.quote)
        while start >= 0:
            spans.append((start, start + len(citation.quote)))
            start = text.find(citation.quote, start + 1)
    return spans


def _linked(text: str, marks: Sequence[tuple[int, int, str]], number: int) -> str:
    parts = []
    position = 0
    for start, end, marker in marks:
        before = text[position:start].rstrip(" ")
        # The last character stays with the number, which would else begin a line alone.
        parts.append(_lined(before[:-1]))
        parts.append(f'<span class="kept">{escape(before[-1:])}{_chip(number, marker)}</span>')
        position = end
    parts.append(_lined(text[position:]))
    return "".join(parts)


def _lined(text: str) -> str:
    """Text with what introduces a quotation told apart from it."""
    parts = []
    position = 0
    for match in _LEAD.finditer(text):
        parts.append(escape(text[position : match.start()]))
        parts.append(f'<span class="lead">{escape(match.group())}</span>')
        position = match.end()
    parts.append(escape(text[position:]))
    return "".join(parts)


def _chip(number: int, marker: str) -> str:
    chinese, english = plain("show_quotation", {"marker": marker})
    title = f"{chinese} · {english}"
    return f'<a class="chip" href="#quotation-{number}-{marker}" title="{title}">{marker}</a>'


def _nearest(turn: ChatTurn) -> str:
    if turn.answer is None or not shown_hits(turn.answer):
        return ""
    items = [
        f'<li><a href="#passage-{turn.number}-{hit.rank}">{escape(_beginning(hit.passage.text))}'
        "</a></li>"
        for hit in shown_hits(turn.answer)
    ]
    return f'<div class="nearest">{say("nearest")}<ul>{"".join(items)}</ul></div>'


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BEGINNING else line[:_BEGINNING] + "…"


def _notice(answer: Answer) -> str:
    """That a language model failed, and what the reader sees instead; or what has no answer."""
    if answer.notice is None:
        return ""
    notice, begun = answer.notice, answer.composer != "extractive"
    chinese, english = (
        escape(notice_of(notice.code, chinese=each, begun=begun, about=notice.about).message)
        for each in (True, False)
    )
    return f'<div class="notice" role="note">{both(chinese, english)}</div>'


def _again(turn: ChatTurn) -> str:
    """A link that asks again and has the answer written otherwise, where there is a choice."""
    other = other_composer(turn)
    if other is None:
        return ""
    return f'<a class="again" href="#again-{turn.number}">{say(f"again_{other}")}</a>'


def _facts(turn: ChatTurn) -> str:
    answer = turn.answer
    if answer is None:
        return ""
    if answer.confidence >= _CONFIDENT:
        confidence = "confidence_high"
    elif answer.confidence >= _FAIRLY_CONFIDENT:
        confidence = "confidence_medium"
    else:
        confidence = "confidence_low"
    took = say("took", {"milliseconds": max(1, round(answer.timings.total))})
    copy = f'<a class="copy" href="#copy-{turn.number}"><span class="do">{say("copy")}</span></a>'
    return (
        f'<div class="facts"><span>{say(confidence)}</span><span>{took}</span>{_again(turn)}{copy}'
        f"{_judge(turn)}</div>"
    )


def _judge(turn: ChatTurn) -> str:
    """Links that judge an answer or a refusal."""
    good, bad = (
        f'<a class="judge" href="#{kind}-{turn.number}">{say(kind)}</a>' for kind in ("good", "bad")
    )
    return f'<span class="judging">{good}{bad}</span>'
