"""When does a text hold a fact or a quote? Comparison that forgives typography and nothing else.

Width and case (NFKC, casefold), white space, quotation marks and thousands separators do not
count. Figures do: 8% is not in 5.8%, 5 is not in 15, Ⅱ类 is not in Ⅲ类.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

__all__ = [
    "character_f1",
    "holds_fact",
    "holds_quote",
    "missing_facts",
    "same_words",
    "without_markers",
    "words_within",
]

_QUOTATION_MARKS = re.compile("[\"'“”‘’«»「」『』《》〈〉]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_UNIT = re.compile(r"[0-9]+(?:\.[0-9]+)?|[a-z]+|[^\W\d_]")
_MARKER = re.compile(r"\[\d{1,3}\]")
_SHORTEST_CUT_QUOTE = 8
"""Below this many characters, half a quote says too little to count."""


@lru_cache(maxsize=4096)
def _comparable(text: str) -> str:
    # Separators go before NFKC, which would make a full-width comma of a list look like one.
    text = unicodedata.normalize("NFKC", _THOUSANDS.sub("", text)).casefold()
    return _QUOTATION_MARKS.sub("", text)


@lru_cache(maxsize=4096)
def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", _comparable(text))


@lru_cache(maxsize=4096)
def _pattern(fact: str) -> re.Pattern[str]:
    characters = _squeezed(fact)
    body = r"\s*".join(re.escape(character) for character in characters)
    return re.compile(_before(characters[:1]) + body + _after(characters[-1:]))


def _before(first: str) -> str:
    """A figure does not begin inside a longer one, nor a Latin word inside a longer one."""
    if first.isdecimal():
        return r"(?<!\d)(?<!\d\.)"
    return r"(?<![a-z])" if first.isascii() and first.isalpha() else ""


def _after(last: str) -> str:
    if last.isdecimal():
        return r"(?!\d)(?!\.\d)"
    return r"(?![a-z])" if last.isascii() and last.isalpha() else ""


def without_markers(answer: str) -> str:
    """The answer without citation markers such as ``[1]``."""
    return _MARKER.sub("", answer)


def holds_fact(text: str, fact: str) -> bool:
    """Whether the text contains the fact, as a whole figure or word."""
    return bool(_squeezed(fact)) and _pattern(fact).search(_comparable(text)) is not None


def missing_facts(text: str, expected: Iterable[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The groups of alternatives of which the text holds none."""
    return tuple(
        tuple(group) for group in expected if not any(holds_fact(text, fact) for fact in group)
    )


def holds_quote(passage: str, quote: str) -> bool:
    """Whether a passage contains a quote, or its larger part where the passage was cut.

    The larger part: more than half of a quote of at least 8 characters, as the passage's end or
    its beginning.
    """
    text, wanted = _squeezed(passage), _squeezed(quote)
    if not wanted:
        return False
    if wanted in text:
        return True
    if len(wanted) < _SHORTEST_CUT_QUOTE:
        return False
    return any(
        text.endswith(wanted[:length]) or text.startswith(wanted[-length:])
        for length in range(len(wanted) - 1, len(wanted) // 2, -1)
    )


def same_words(text: str, wanted: str) -> bool:
    """Whether two names are the same, typography aside."""
    return _squeezed(text) == _squeezed(wanted)


def words_within(text: str, wanted: str) -> bool:
    """Whether a heading or a path of headings contains another, typography aside."""
    return _squeezed(wanted) in _squeezed(text)


def character_f1(answer: str, expected: Iterable[Sequence[str]]) -> float:
    """How much of the answer is the expected facts, and of these the answer: harmonic mean.

    As in CMRC 2018 and DRCD: shared units over the units of either side, where a unit is a Chinese
    character, or a whole figure or Latin word. Of a fact's alternatives the nearest one counts.
    """
    given = _units(without_markers(answer))
    wanted: Counter[str] = Counter()
    for group in expected:
        wanted += _units(max(group, key=lambda fact: _overlap(_units(fact), given)))
    shared = (given & wanted).total()
    return 2 * shared / (given.total() + wanted.total()) if shared else 0.0


def _units(text: str) -> Counter[str]:
    return Counter(_UNIT.findall(_comparable(text)))


def _overlap(units: Counter[str], given: Counter[str]) -> float:
    return (units & given).total() / max(units.total(), 1)
