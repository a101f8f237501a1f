"""Questions that were written for training, with the passages that they were written about.

``questions.jsonl`` holds them: what people, analysts and journalists would ask, in Chinese and in
English, of passages of reports, news, laws and policies. A quarter are near misses, which their
passage does not answer. They name the passage by its source and its number there; the texts stay
where they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from training.material import SHARED, read

__all__ = ["Asked", "asked", "measuring_titles", "passages_of", "source_text", "sources"]

_QUESTIONS = Path(__file__).with_name("questions.jsonl")
_PAGES = Path(__file__).with_name("pages.jsonl")
_MEASURING = slice(250, 334)
"""Pages that only measure: whole documents whose facts compete."""
_LENGTHS = {"reports_en": (350, 1100)}
_LENGTH = (180, 650)
"""Characters a passage has at least, and as a rule at most."""
_SUBJECT = re.compile(r"\W*\w{0,16}")
_SENTENCE = re.compile(r"[^。！？]+[。！？]?")
_ENGLISH_SENTENCE = re.compile(r"[^.!?]+[.!?]?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the passage it was written about, and the stretches of it that answer."""

    question: str
    title: str
    passage: str
    answers: tuple[str, ...]
    """None at all for a near miss."""


def asked() -> list[Asked]:
    """All questions; their passages are read from the training material."""
    found = []
    for record in _records_of_questions():
        source, _, number = record["passage"].rpartition(":")
        title, passages = _passages(source)
        answers = tuple(record["answers"])
        found.append(Asked(record["question"], title, passages[int(number)], answers))
    return found


def sources() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Of each question the source that it was written about, itself, and what answers."""
    for record in _records_of_questions():
        source, _, _ = record["passage"].rpartition(":")
        yield source, record["question"], tuple(record["answers"])


def _records_of_questions() -> list[Any]:
    return [json.loads(line) for line in _QUESTIONS.read_text(encoding="utf-8").splitlines()]


@cache
def _passages(source: str) -> tuple[str, list[str]]:
    title, text = source_text(source)
    folder = source.rpartition("/")[0]
    if folder == "pages":
        return title, [text]
    return title, passages_of(text, *_LENGTHS.get(folder, _LENGTH))


@cache
def source_text(source: str) -> tuple[str, str]:
    """The title and the whole text that a source names: ``reports/湖南省-2026``, ``pages/12``."""
    folder, _, name = source.rpartition("/")
    if folder == "pages":
        page = _pages()[int(name)]
        return page["title"], page["text"]
    if folder.startswith("reports"):
        return name, (SHARED / "corpus" / folder / f"{name}.txt").read_text(encoding="utf-8")
    record = _records(folder)[int(name)]
    text = record.get("text") or record["a"]
    if folder == "qa_mrc_zh":  # an article without its title: what it begins with is its subject
        begins = _SUBJECT.match(text)
        title = begins[0] if begins else ""
    else:
        title = record.get("title") or Path(record.get("path", "")).stem or record.get("q", "")
    return title or f"新闻{name}", text


@cache
def _pages() -> list[dict[str, str]]:
    """Pages that were invented for training: of universities, services, shops, encyclopaedias."""
    lines = _PAGES.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def measuring_titles() -> frozenset[str]:
    """Titles of the pages that nothing is learned from."""
    return frozenset(page["title"] for page in _pages()[_MEASURING])


@cache
def _records(name: str) -> list[dict[str, str]]:
    return list(read(name))


def passages_of(text: str, least: int, most: int) -> list[str]:
    """Whole lines of a text joined, or whole sentences of long lines, to passages."""
    found: list[str] = []
    current = ""

    def close() -> None:
        nonlocal current
        if len(current) >= least:
            found.append(current)
        current = ""

    for line in filter(None, map(str.strip, text.split("\n"))):
        if len(line) > most:
            close()
            for sentence in (_SENTENCE if "。" in line else _ENGLISH_SENTENCE).findall(line):
                if len(current) + len(sentence) > most and len(current) >= least:
                    close()
                current += sentence
            close()
        elif len(current) + len(line) > most:
            close()
            current = line
        else:
            current = f"{current}\n{line}" if current else line
    close()
    return found
