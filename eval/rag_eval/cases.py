"""The case file: questions with what a right answer holds, one JSON object a line.

Every problem of a file is found at once and named by file, line and field, with what was found and
what was expected, because a case file is written by hand.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, cast

from rag.errors import InvalidInput
from rag.schema import Filters, Language, Turn
from rag.text import language

__all__ = ["SPLITS", "Case", "Selection", "Split", "load_cases", "select_cases"]

Split: TypeAlias = Literal["development", "test"]
Selection: TypeAlias = Literal["development", "test", "all"]

SPLITS: tuple[Split, ...] = ("development", "test")

_LANGUAGES = ("zh", "en", "other")
_ROLES = ("user", "assistant")
_MOST_PROBLEMS_SHOWN = 20
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question and what is known about its answer.

    ``expected`` holds groups of alternatives: a right answer contains at least one alternative of
    every group. ``evidence`` holds verbatim quotes of the documents; a passage that contains one
    of them holds the answer. Both are empty when ``answerable`` is False.
    """

    case_id: str
    question: str
    language: Language
    answerable: bool
    expected: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[str, ...] = ()
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
            self.evidence,
            [(turn.role, turn.content) for turn in self.history],
            sorted(self.filters.items()),
        ]
        encoded = json.dumps(content, ensure_ascii=False).encode()
        return hashlib.sha256(encoded).hexdigest()[:12]


def load_cases(path: Path) -> tuple[Case, ...]:
    """All cases of a file, in order. Empty lines are skipped.

    Raises InvalidInput, which names every problem by line and field (the first 20 of many).
    """
    text = _read(path)
    problems: list[str] = []
    cases: list[Case] = []
    lines_by_id: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        reader = _CaseReader(f"{path}, line {number}")
        case = reader.case(line, number=number, default_id=f"{path.stem}-{number:03d}")
        problems += reader.problems
        if case is None:
            continue
        if case.case_id in lines_by_id:
            problems.append(
                f'{path}, line {number}, field "id": found {case.case_id!r}, which line'
                f" {lines_by_id[case.case_id]} has already; expected an id of its own."
            )
        lines_by_id.setdefault(case.case_id, number)
        cases.append(case)
    if problems:
        raise InvalidInput("\n".join(_shortened(problems)))
    if not cases:
        message = (
            f"{path} holds no cases. Expected one JSON object a line, such as"
            ' {"question": "…", "expected": ["…"]}.'
        )
        raise InvalidInput(message)
    return tuple(cases)


def select_cases(
    cases: Iterable[Case], *, split: Selection = "all", tags: Sequence[str] = ()
) -> tuple[Case, ...]:
    """The cases of a split that carry at least one of the tags (any, when none is named).

    Raises InvalidInput for a tag that no case carries, and when nothing is left.
    """
    cases = tuple(cases)
    known = sorted({tag for case in cases for tag in case.tags})
    for tag in tags:
        if tag not in known:
            message = f"No case has the tag {tag!r}.{_nearest(tag, known)}."
            raise InvalidInput(message)
    chosen = tuple(
        case
        for case in cases
        if split in ("all", case.split) and (not tags or set(tags) & set(case.tags))
    )
    if not chosen:
        wanted = f"split {split!r}" + (f" with the tags {', '.join(tags)}" if tags else "")
        message = f"None of the {len(cases)} cases is in {wanted}. Choose another split or tag."
        raise InvalidInput(message)
    return chosen


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        message = f"There is no case file {path}. Expected a file of cases in JSON lines."
        raise InvalidInput(message) from error
    except UnicodeDecodeError as error:
        message = (
            f"{path} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x})."
            " Expected JSON lines in UTF-8; save it in that encoding."
        )
        raise InvalidInput(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Expected a file of cases."
        raise InvalidInput(message) from error


class _CaseReader:
    """Reads one line, collecting problems instead of stopping at the first."""

    def __init__(self, place: str) -> None:
        self.problems: list[str] = []
        self._place = place

    def case(self, line: str, *, number: int, default_id: str) -> Case | None:
        raw = self._object(line)
        if raw is None:
            return None
        for name in raw:
            if name not in _FIELDS:
                self._problem(name, f"an unknown field.{_nearest(name, _FIELDS)}")
        question = self._text(raw, "question", required=True)
        expected = self._groups(raw)
        evidence = self._texts(raw, "evidence")
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

    def _object(self, line: str) -> Mapping[str, object] | None:
        try:
            raw = json.loads(line)
        except ValueError as error:
            self.problems.append(
                f"{self._place}: not JSON ({error}). Expected one object in curly brackets."
            )
            return None
        if not isinstance(raw, dict):
            self.problems.append(
                f"{self._place}: found {_shown(raw)}, expected one object in curly brackets."
            )
            return None
        return raw

    def _text(self, raw: Mapping[str, object], name: str, *, required: bool = False) -> str:
        value = raw.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.strip():
            found = "nothing" if value is None else _shown(value)
            self._problem(name, f"{found}; expected a text that is not empty")
            return ""
        return value

    def _flag(self, raw: Mapping[str, object], name: str, *, default: bool) -> bool:
        value = raw.get(name, default)
        if not isinstance(value, bool):
            self._problem(name, f"{_shown(value)}; expected true or false")
            return default
        return value

    def _choice(self, raw: Mapping[str, object], name: str, choices: Sequence[str]) -> str:
        value = raw.get(name, "")
        if value != "" and value not in choices:
            self._problem(name, f"{_shown(value)}; expected one of {', '.join(choices)}")
            return ""
        return str(value)

    def _list(self, raw: Mapping[str, object], name: str, of: str) -> Iterator[tuple[str, object]]:
        value = raw.get(name, [])
        if not isinstance(value, list):
            self._problem(name, f"{_shown(value)}; expected a list of {of}")
            return
        for position, item in enumerate(value):
            yield f"{name}[{position}]", item

    def _texts(self, raw: Mapping[str, object], name: str) -> tuple[str, ...]:
        texts = []
        for place, item in self._list(raw, name, "texts"):
            if isinstance(item, str) and item.strip():
                texts.append(item)
            else:
                self._problem(place, f"{_shown(item)}; expected a text that is not empty")
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
                self._problem(place, f"{_shown(item)}; expected a text or a list of alternatives")
            else:
                groups.append(tuple(alternatives))
        return tuple(groups)

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
                    f'{_shown(item)}; expected {{"role": "user" or "assistant", "content": "…"}}',
                )
        return tuple(turns)

    def _filters(self, raw: Mapping[str, object]) -> Filters:
        value = raw.get("filters", {})
        if not isinstance(value, dict):
            self._problem("filters", f"{_shown(value)}; expected an object of names and values")
            return {}
        for key, wanted in value.items():
            if isinstance(wanted, bool) or not isinstance(wanted, str | int):
                self._problem(
                    f"filters.{key}", f"{_shown(wanted)}; expected a text or a whole number"
                )
        return value


_FIELDS = (
    *("id", "question", "language", "answerable", "expected", "evidence", "tags", "history"),
    *("filters", "split", "must_pass", "note"),
)


def _shown(value: object) -> str:
    """A JSON value as a message names it, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"{meant} Known: {', '.join(known)}"


def _shortened(problems: Sequence[str]) -> list[str]:
    beyond = len(problems) - _MOST_PROBLEMS_SHOWN
    if beyond <= 0:
        return list(problems)
    return [*problems[:_MOST_PROBLEMS_SHOWN], f"… and {beyond} more problems."]
