"""What is said once the evidence is there, in the steps it is streamed in.

A composer's quotations say it themselves, or a writer puts it into words. Either way each sentence
passes ``grounding.Verifier`` before it is sent, and the steps end in the whole ``Answer``.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.grounding import ANSWER_BAR
from rag.notices import Notice, notice_of
from rag.refusals import refusal_for
from rag.schema import Answer, StreamEvent, Timings

if TYPE_CHECKING:
    from rag.grounding import Verifier
    from rag.protocols import Writer
    from rag.retrieval import Retrieval
    from rag.schema import Citation, Draft, Filters, Hit, Refusal, Turn

__all__ = ["Clock", "Prepared", "reply_steps"]

_STREAM_PIECE = 12
_QUOTING = "extractive"
"""What a reply says has composed it where the writer has said nothing that holds."""
_MOST_PASSAGES_WRITTEN_FROM = 12
"""Some four thousand characters: a language model of one's own reads little more at a time."""


class Clock:
    """Milliseconds spent in each stage; a stage may come again."""

    def __init__(self) -> None:
        self._marked = time.perf_counter()
        self._spent = dict.fromkeys(("understand", "retrieve", "compose", "verify"), 0.0)

    def mark(self, stage: str) -> None:
        """What was done since the last mark belongs to ``stage``."""
        now = time.perf_counter()
        self._spent[stage] += 1000 * (now - self._marked)
        self._marked = now

    def timings(self) -> Timings:
        """What each stage took."""
        return Timings(**self._spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A question with its evidence, and whether that is enough: all that precedes the words."""

    retrieval: Retrieval
    draft: Draft
    confidence: float
    refusal: Refusal | None
    composer: str
    collection: str
    filters: Filters
    history: tuple[Turn, ...]
    top_k: int
    clock: Clock
    """It has marked all up to here."""


def reply_steps(
    prepared: Prepared, *, verifier: Verifier, writer: Writer | None
) -> Generator[StreamEvent, None, None]:
    """The passages, the words, the citations, and the whole answer.

    ``writer`` is None where the draft's quotations speak for themselves; a refusal needs none.
    """
    if prepared.refusal is None and writer is not None:
        yield from _written(prepared, verifier, writer)
        return
    lines: list[str] = []
    notice: Notice | None = None
    if prepared.refusal is None:
        lines += filter(None, map(verifier.rendered, prepared.draft.sentences))
        if parts := prepared.draft.unanswered:
            chinese = prepared.retrieval.question.language == "zh"
            notice = notice_of("part_unanswered", chinese=chinese, about=parts)
    prepared.clock.mark("verify")
    answer = _answer(prepared, lines, verifier.citations, notice=notice)
    yield StreamEvent(kind="passages", hits=answer.hits)
    yield from _deltas(answer.answer)
    yield from _ending(answer)


def _written(
    prepared: Prepared, verifier: Verifier, writer: Writer
) -> Generator[StreamEvent, None, None]:
    """An answer by a writer, which sees the passages of the reply and no others.

    What has been said cannot be taken back: where the writer breaks off, quotations follow.
    """
    question, draft = prepared.retrieval.question, prepared.draft
    quoted = {q.passage_id for sentence in draft.sentences for q in sentence.quotations}
    hits = _shown(prepared, quoted)
    yield StreamEvent(kind="passages", hits=hits)
    lines: list[str] = []
    notice: Notice | None = None
    with closing(writer.write(question, hits[:_MOST_PASSAGES_WRITTEN_FROM])) as written:
        for step in written:
            if isinstance(step, Notice):
                notice = step
            elif line := verifier.rendered(step):
                yield from _deltas("\n" * bool(lines) + line)
                lines.append(line)
    composer = prepared.composer if lines else _QUOTING
    if not lines and (notice is None or notice.code == "llm_shortened"):
        notice = notice_of("llm_unsupported", chinese=question.language == "zh")
    if notice is not None and notice.code != "llm_shortened":
        for line in filter(None, map(verifier.rendered, draft.sentences)):
            yield from _deltas("\n" * bool(lines) + line)
            lines.append(line)
    prepared.clock.mark("compose")
    answer = _answer(
        prepared, lines, verifier.citations, hits=hits, composer=composer, notice=notice
    )
    if not lines:
        yield from _deltas(answer.answer)
    yield from _ending(answer)


def _answer(
    prepared: Prepared,
    lines: Sequence[str],
    citations: tuple[Citation, ...],
    *,
    hits: tuple[Hit, ...] | None = None,
    composer: str | None = None,
    notice: Notice | None = None,
) -> Answer:
    """The whole answer; a refusal where nothing is cited."""
    question, refusal = prepared.retrieval.question, prepared.refusal
    confidence = prepared.confidence
    if refusal is None and not citations:
        refusal = refusal_for(prepared.retrieval, prepared.draft, 0.0)
    if refusal is not None:
        notice, confidence = None, min(confidence, ANSWER_BAR)
    text = "\n".join(lines)
    _check_markers(text, citations, refused=refusal is not None)
    composer = composer or prepared.composer
    if hits is None:
        hits = _shown(prepared, {citation.passage_id for citation in citations})
    content = json.dumps(
        [
            question.text,
            question.rewritten,
            composer,
            text,
            refusal.code if refusal else "",
            [hit.passage.passage_id for hit in hits],
        ],
        ensure_ascii=False,
    )
    return Answer(
        answer_id="a" + hashlib.sha256(content.encode()).hexdigest()[:16],
        question=question.text,
        rewritten=question.rewritten,
        answer=refusal.message if refusal else text,
        answered=refusal is None,
        refusal=refusal,
        confidence=confidence,
        citations=citations,
        hits=hits,
        composer=composer,
        filters={**prepared.retrieval.scope.applied, **prepared.filters},
        timings=prepared.clock.timings(),
        notice=notice,
    )


def _check_markers(text: str, citations: Sequence[Citation], *, refused: bool) -> None:
    """Assert what ``grounding.Verifier`` sees to, should this or that ever be changed."""
    markers = [citation.marker for citation in citations]
    assert not (refused and citations), "a refusal cites"  # noqa: S101 - see above
    assert markers == list(range(1, len(markers) + 1)), f"markers are {markers}"  # noqa: S101 - see above
    assert all(f"[{marker}]" in text for marker in markers), "a citation has no marker"  # noqa: S101 - see above


def _shown(prepared: Prepared, quoted: set[str]) -> tuple[Hit, ...]:
    """The passages of a reply: the best ones, and all that it quotes."""
    return tuple(
        hit
        for hit in prepared.retrieval.hits
        if hit.rank <= prepared.top_k or hit.passage.passage_id in quoted
    )


def _deltas(text: str) -> Iterator[StreamEvent]:
    """The events that bring a text."""
    for position in range(0, len(text), _STREAM_PIECE):
        yield StreamEvent(kind="delta", text=text[position : position + _STREAM_PIECE])


def _ending(answer: Answer) -> Iterator[StreamEvent]:
    """The events after the last words."""
    yield StreamEvent(kind="citations", citations=answer.citations)
    yield StreamEvent(kind="done", answer=answer)
