"""A case: a question with what a right answer holds, and how its fields are read and written.

Every problem is found at once and named by place and field, with what was found and what was
expected, because cases are written by hand.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from rag.schema import Filters, Language, Turn
from rag.text import language

__all__ = [
    "SPLITS",
    "Case",
    "CaseReader",
    "Evidence",
    "Place",
    "Split",
    "nearest",
    "record_of",
    "shown",
]

Split: TypeAlias = Literal["development", "test"]

SPLITS: tuple[Split, ...] = ("development", "test")

_LANGUAGES = ("zh", "en", "other")
_ROLES = ("user", "assistant")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Evidence by its place: a document, by its source, file name or title, and a section of it.

    An empty section is the whole document.
    """

    document: str
    section: str = ""

    def __str__(self) -> str:
        return f"{self.document} › {self.section}" if self.section else self.document


Evidence: TypeAlias = str | Place
"""A verbatim quote, or a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question and what is known about its answer.

    ``expected`` holds groups of alternatives: a right answer contains at least one alternative of
    every group. ``evidence`` holds verbatim quotes of the documents, or places in them; a passage
    that contains one of them holds the answer. Both are empty when ``answerable`` is False.
    """

    case_id: str
    question: str
    language: Language
    answerable: bool
    expected: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    tags: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    filters: Filters = field(default_factory=dict)
    split: Split = "development"
    must_pass: bool = False
    note: str = ""
    line: int = 0
    """Where it stands in its file, counted from 1."""

    @property
    def digest(self) -> str:
        """12 hex digits over all that decides the outcome: another question is another digest."""
        content = [
            self.question,
            self.answerable,
            self.expected,
            [e if isinstance(e, str) else [e.document, e.section] for e in self.evidence],
            [(turn.role, turn.content) for turn in self.history],
            sorted(self.filters.items()),
        ]
        encoded = json.dumps(content, ensure_ascii=False).encode()
        return hashlib.sha256(encoded).hexdigest()[:12]


def record_of(case: Case) -> dict[str, object]:
    """The case as a line of a case file says it, without what is left out there."""
    evidence = [
        each
        if isinstance(each, str)
        else {"document": each.document} | ({"section": each.section} if each.section else {})
        for each in case.evidence
    ]
    record: dict[str, object] = {
        "id": case.case_id,
        "question": case.question,
        "language": case.language,
        "answerable": case.answerable,
        "expected": [group[0] if len(group) == 1 else list(group) for group in case.expected],
        "evidence": evidence,
        "tags": list(case.tags),
        "history": [{"role": turn.role, "content": turn.content} for turn in case.history],
        "filters": dict(case.filters),
        "split": case.split,
        "must_pass": case.must_pass,
        "note": case.note,
    }
    always = ("id", "question", "language", "answerable", "split")
    return {name: value for name, value in record.items() if value or name in always}


class CaseReader:
    """Reads one case, collecting problems instead of stopping at the first."""

    def __init__(self, place: str) -> None:
        self.problems: list[str] = []
        self._place = place

    def case(self, raw: object, *, number: int, default_id: str) -> Case | None:
        """The case that a decoded JSON object describes; None when there are problems."""
        if not isinstance(raw, dict):
            self.problems.append(
                f"{self._place}: found {shown(raw)}, expected one object in curly brackets."
            )
            return None
        for name in raw:
            if name not in _FIELDS:
                self._problem(name, f"an unknown field.{nearest(name, _FIELDS)}")
        question = self._text(raw, "question", required=True)
        expected = self._groups(raw)
        evidence = self._evidence(raw)
        answerable = self._flag(raw, "answerable", default=True)
        if not answerable:
            for name, values in (("expected", expected), ("evidence", evidence)):
                if values:
                    self._problem(name, "facts on a case with answerable false; expected none")
        elif not expected and not evidence and not self.problems:
            self._problem("expected", "nothing; expected facts or evidence, or answerable false")
        case = Case(
            case_id=self._text(raw, "id") or default_id,
            question=question,
            language=cast("Language", self._choice(raw, "language", _LANGUAGES))
            or language(question),
            answerable=answerable,
            expected=expected,
            evidence=evidence,
            tags=self._texts(raw, "tags"),
            history=self._history(raw),
            filters=self._filters(raw),
            split=cast("Split", self._choice(raw, "split", SPLITS)) or "development",
            must_pass=self._flag(raw, "must_pass", default=False),
            note=self._text(raw, "note"),
            line=number,
        )
        return None if self.problems else case

    def _problem(self, name: str, text: str) -> None:
        self.problems.append(f'{self._place}, field "{name}": found {text}.')

    def _text(self, raw: Mapping[str, object], name: str, *, required: bool = False) -> str:
        value = raw.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.strip():
            found = "nothing" if value is None else shown(value)
            self._problem(name, f"{found}; expected a text that is not empty")
            return ""
        return value

    def _flag(self, raw: Mapping[str, object], name: str, *, default: bool) -> bool:
        value = raw.get(name, default)
        if not isinstance(value, bool):
            self._problem(name, f"{shown(value)}; expected true or false")
            return default
        return value

    def _choice(self, raw: Mapping[str, object], name: str, choices: Sequence[str]) -> str:
        value = raw.get(name, "")
        if value != "" and value not in choices:
            self._problem(name, f"{shown(value)}; expected one of {', '.join(choices)}")
            return ""
        return str(value)

    def _list(self, raw: Mapping[str, object], name: str, of: str) -> Iterator[tuple[str, object]]:
        value = raw.get(name, [])
        if not isinstance(value, list):
            self._problem(name, f"{shown(value)}; expected a list of {of}")
            return
        for position, item in enumerate(value):
            yield f"{name}[{position}]", item

    def _texts(self, raw: Mapping[str, object], name: str) -> tuple[str, ...]:
        texts = []
        for place, item in self._list(raw, name, "texts"):
            if isinstance(item, str) and item.strip():
                texts.append(item)
            else:
                self._problem(place, f"{shown(item)}; expected a text that is not empty")
        return tuple(texts)

    def _groups(self, raw: Mapping[str, object]) -> tuple[tuple[str, ...], ...]:
        groups = []
        for place, item in self._list(raw, "expected", "facts, each a text or alternatives"):
            alternatives = [item] if isinstance(item, str) else item
            if (
                not isinstance(alternatives, list)
                or not alternatives
                or not all(isinstance(each, str) and each.strip() for each in alternatives)
            ):
                self._problem(place, f"{shown(item)}; expected a text or a list of alternatives")
            else:
                groups.append(tuple(alternatives))
        return tuple(groups)

    def _evidence(self, raw: Mapping[str, object]) -> tuple[Evidence, ...]:
        evidence: list[Evidence] = []
        for place, item in self._list(raw, "evidence", "quotes and places"):
            if isinstance(item, str) and item.strip():
                evidence.append(item)
            elif (
                isinstance(item, dict)
                and {"document"} <= set(item) <= {"document", "section"}
                and all(isinstance(each, str) and each.strip() for each in item.values())
            ):
                evidence.append(Place(**item))
            else:
                self._problem(
                    place,
                    f'{shown(item)}; expected a quote, or {{"document": "…", "section": "…"}}',
                )
        return tuple(evidence)

    def _history(self, raw: Mapping[str, object]) -> tuple[Turn, ...]:
        turns = []
        for place, item in self._list(raw, "history", "turns"):
            if (
                isinstance(item, dict)
                and set(item) == {"role", "content"}
                and item["role"] in _ROLES
                and isinstance(item["content"], str)
            ):
                turns.append(Turn(role=item["role"], content=item["content"]))
            else:
                self._problem(
                    place,
                    f'{shown(item)}; expected {{"role": "user" or "assistant", "content": "…"}}',
                )
        return tuple(turns)

    def _filters(self, raw: Mapping[str, object]) -> Filters:
        value = raw.get("filters", {})
        if not isinstance(value, dict):
            self._problem("filters", f"{shown(value)}; expected an object of names and values")
            return {}
        for key, wanted in value.items():
            if isinstance(wanted, bool) or not isinstance(wanted, str | int):
                self._problem(
                    f"filters.{key}", f"{shown(wanted)}; expected a text or a whole number"
                )
        return value


_FIELDS = (
    *("id", "question", "language", "answerable", "expected", "evidence", "tags", "history"),
    *("filters", "split", "must_pass", "note"),
)


def shown(value: object) -> str:
    """A JSON value as a message names it, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def nearest(name: str, known: Sequence[str]) -> str:
    """What was perhaps meant by an unknown name, and all that are known."""
    near = difflib.get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"{meant} Known: {', '.join(known)}"
