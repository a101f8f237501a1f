"""A language model's reply as it arrives: whole sentences, and the passages each cites; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text import normalise, sentences

__all__ = ["SentenceReader", "WrittenSentence"]

_NUMBERS = r"\d{1,3}(?:\s*[,，、;；\-–]\s*\d{1,3})*"
_MARKER = re.compile(rf"\s*[\[【［]\s*\^?\s*(?P<numbers>{_NUMBERS})\s*[\]】］]")
_UNFINISHED = r"[\[【［][\s\d,，、;；\-–^]*"
_LEADING_MARKERS = re.compile(rf"(?:\s*[\[【［]\s*\^?\s*{_NUMBERS}\s*[\]】］])+[。.]?")
_MARKERS_ONLY = re.compile(
    rf"(?:{_MARKER.pattern.replace('?P<numbers>', '?:')})*\s*(?:{_UNFINISHED})?"
)
_FULL_STOP_AND_MARKERS = re.compile(
    rf"[.!?][\"'”’)]*(?:{_MARKER.pattern.replace('?P<numbers>', '?:')})+(?=\s)"
)
"""Ends a sentence where a marker takes the place of the space that would: 5.8%.[1] It …"""
_RANGE = re.compile(r"(\d+)\s*[\-–]\s*(\d+)")
_BULLET = re.compile(r"^(?:[-*+•·]\s+|#{1,6}\s+|\d{1,2}[.)、]\s*(?=\D)|>\s*)+")
_EMPHASIS = re.compile(r"\*\*|__|`+")
_BRACKETED_NUMBER = re.compile(r"\[(\d+)\]")
_THOUGHT, _THOUGHT_OVER = "<think>", "</think>"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSentence:
    """A sentence of a reply without its markers, and the passages they name, in order."""

    text: str
    cited: tuple[int, ...]
    """Numbers as written, whether or not there are such passages."""


class SentenceReader:
    """Takes a reply piece by piece and gives its sentences as soon as they are whole.

    A sentence is whole once another has begun after its markers, so that the same reply gives the
    same sentences however it is cut into pieces. Thoughts that a model puts before its answer
    (``<think>``) are left out.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._thinking: bool | None = None

    def feed(self, piece: str) -> list[WrittenSentence]:
        """The sentences that this piece completes."""
        self._pending += piece
        if not self._is_thought_over():
            return []
        return self._take(last=False)

    def end(self) -> list[WrittenSentence]:
        """What is left when the reply has come to its end."""
        return self._take(last=True) if self._is_thought_over(last=True) else []

    def _is_thought_over(self, *, last: bool = False) -> bool:
        if self._thinking is None:
            begun = self._pending.lstrip()
            if not last and len(begun) < len(_THOUGHT) and _THOUGHT.startswith(begun):
                return False
            self._thinking = begun.startswith(_THOUGHT)
        if self._thinking:
            _, over, after = self._pending.partition(_THOUGHT_OVER)
            if not over:
                return False
            self._pending, self._thinking = after, False
        return True

    def _take(self, *, last: bool) -> list[WrittenSentence]:
        units = _units(self._pending)
        if not last:
            # Markers of the sentence before may still be on their way.
            while units and _MARKERS_ONLY.fullmatch(self._pending, *units[-1]):
                units.pop()
            units = units[:-1]
        written = []
        position = 0
        for start, end in units:
            sentence = _read(self._pending[start:end])
            position = end
            if sentence is not None:
                written.append(sentence)
        self._pending = self._pending[position:]
        return written


def _units(text: str) -> list[tuple[int, int]]:
    """Sentences, each with the markers after its end."""
    units: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        spans = sentences(text, position)
        if not spans:
            break
        start, end = spans[0]
        stop = _FULL_STOP_AND_MARKERS.search(text, start, end)
        end = stop.end() if stop else end
        markers = _LEADING_MARKERS.match(text, end)
        if markers and "\n" not in text[end : markers.end()]:
            end = markers.end()
        units.append((start, end))
        position = end
    return units


def _read(text: str) -> WrittenSentence | None:
    """A sentence without its markers and without Markdown; None where nothing is said."""
    cited: dict[int, None] = {}
    bare = _EMPHASIS.sub("", normalise(text).replace("\n", " "))
    bare = _BULLET.sub("", bare.strip())
    # Removing one marker may leave another behind: [[1]2].
    while _MARKER.search(bare):
        for match in _MARKER.finditer(bare):
            cited.update(dict.fromkeys(_numbers(match["numbers"])))
        bare = _MARKER.sub("", bare)
    # Longer numbers are no markers, but would look like some: 国发[2023]5号.
    while _BRACKETED_NUMBER.search(bare):
        bare = _BRACKETED_NUMBER.sub(r"〔\1〕", bare)
    if not any(map(str.isalpha, bare)):
        return None
    return WrittenSentence(text=bare.strip(), cited=tuple(cited))


def _numbers(written: str) -> list[int]:
    numbers: list[int] = []
    for part in re.split(r"[,，、;；]", written):
        between = _RANGE.search(part)
        if between:
            first, last = int(between[1]), int(between[2])
            numbers += range(first, min(last, first + 20) + 1)
        else:
            numbers.append(int(part))
    return numbers
