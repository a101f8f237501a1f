"""The composer with a language model: it writes, and only what the passages support is passed on.

The model sees the passages as data between delimiters that no document can contain. What it writes
is taken a sentence at a time: a sentence needs the number of a passage, and ``support`` must find
in the passages it names the sentences that say so much. These become its quotations; what the
model cites, and not what it says of its citations, is checked. The rest is left out.
"""

from __future__ import annotations

import logging
import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from rag.composers.completions import CompletionFailed
from rag.composers.prompting import NO_ANSWER, messages_for
from rag.composers.reading import SentenceReader
from rag.composers.support import SupportChecker
from rag.notices import notice_of
from rag.schema import DraftSentence
from rag.text import contains_han, fold, language

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from rag.composers.reading import WrittenSentence
    from rag.evidence import TermMatcher
    from rag.notices import Notice, NoticeCode
    from rag.schema import Hit, Question

__all__ = ["ChatComposer", "LanguageModel"]

_logger = logging.getLogger(__name__)

_MOST_AT_ONCE = 16
"""Answers that wait for the model. A model that hangs must not hold all threads of a server."""
_MOST_SENTENCES = 20
_LINK = re.compile(r"://|\]\(|<[a-z!/]", re.I)
"""Addresses and markup are quoted or not at all: some program may follow them."""


class LanguageModel(Protocol):
    """Answers messages, piece by piece. Raises CompletionFailed."""

    def stream(self, messages: Sequence[Mapping[str, str]]) -> Generator[str, None, None]:
        """What the model answers."""
        ...


class ChatComposer:
    """Answers in the words of a language model, each sentence held against its citations."""

    name = "chat"

    def __init__(self, *, model: LanguageModel, matcher: TermMatcher) -> None:
        self._model = model
        self._checker = SupportChecker(matcher)
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def write(
        self, question: Question, hits: Sequence[Hit]
    ) -> Generator[DraftSentence | Notice, None, None]:
        """Sentences as soon as they are verified; see ``protocols.Writer``."""
        chinese = question.language == "zh"
        if not self._free.acquire(blocking=False):
            yield notice_of("llm_busy", chinese=chinese)
            return
        try:
            yield from self._steps(question, hits, chinese=chinese)
        finally:
            self._free.release()

    def _steps(
        self, question: Question, hits: Sequence[Hit], *, chinese: bool
    ) -> Generator[DraftSentence | Notice, None, None]:
        kept: set[str] = set()
        dropped: list[str] = []
        failure: NoticeCode | None = None
        try:
            # Closed here and now when nobody reads on, and with it the connection to the model.
            with closing(self._written(question, hits)) as sentences:
                for written in sentences:
                    drafted = self._supported(written, question, hits)
                    if drafted is None:
                        dropped.append(written.text)
                    elif fold(drafted.text) not in kept:
                        kept.add(fold(drafted.text))
                        yield drafted
                    if len(kept) == _MOST_SENTENCES:
                        break
        except CompletionFailed as error:
            _logger.warning("%s The answer is quoted instead.", error)
            failure = error.notice
        if failure is None and not kept:
            failure = _why_nothing(dropped)
        if failure is not None:
            yield notice_of(failure, chinese=chinese, begun=bool(kept))
        # What only introduces (以下是主要内容：) is no loss.
        elif not all(text.endswith(("：", ":")) for text in dropped):
            yield notice_of("llm_shortened", chinese=chinese)

    def _written(
        self, question: Question, hits: Sequence[Hit]
    ) -> Generator[WrittenSentence, None, None]:
        reader = SentenceReader()
        with closing(self._model.stream(messages_for(question, hits))) as pieces:
            for piece in pieces:
                yield from reader.feed(piece)
        yield from reader.end()

    def _supported(
        self, written: WrittenSentence, question: Question, hits: Sequence[Hit]
    ) -> DraftSentence | None:
        cited = [hits[number - 1] for number in written.cited if 1 <= number <= len(hits)]
        if not cited or not _speaks_like(question, written.text) or _LINK.search(written.text):
            return None
        quotations = self._checker.quotations(written.text, cited, asked=question)
        if not quotations:
            return None
        return DraftSentence(lead="", quotations=quotations, text=written.text)


def _why_nothing(dropped: Sequence[str]) -> NoticeCode:
    if not dropped:
        return "llm_malformed"
    declined = [text.strip(" .。").upper() for text in dropped] == [NO_ANSWER]
    return "llm_declined" if declined else "llm_unsupported"


def _speaks_like(question: Question, text: str) -> bool:
    """Whether a sentence is in the question's language; a name alone is in any."""
    if question.language == "zh":
        return contains_han(text) or sum(map(str.isspace, text)) < 2
    return language(text) != "zh"
