"""A conversation as the page keeps it: turns that grow while their answers arrive."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from rag.errors import RagError
from rag.schema import Turn

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.schema import Answer, Filters, Hit

__all__ = ["ChatTurn", "TurnState", "answering", "other_composer", "shown_hits"]

TurnState = Literal["waiting", "done", "stopped", "problem", "broken"]

_log = logging.getLogger(__name__)

_MOST_TURNS = 60
"""Older turns leave the page: all of them travel to the browser with each step of an answer."""
_HISTORY_TURNS = 6
_NEAREST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTurn:
    """One question and what has come of it so far."""

    number: int
    """Unique in its conversation; what links in the page refer to."""
    question: str
    exact: bool = False
    """The question was searched as typed, at the reader's wish."""
    filters: Filters = field(default_factory=dict)
    """What the documents searched were restricted to, at the reader's wish."""
    composers: tuple[str, ...] = ()
    """What can write answers."""
    partial: str = ""
    """What has arrived of the answer."""
    answer: Answer | None = None
    problem: str = ""
    """Why the question could not be asked at all."""
    state: TurnState = "waiting"


def answering(
    assistant: Assistant,
    turns: tuple[ChatTurn, ...],
    question: str,
    *,
    filters: Filters | None = None,
    exact: bool = False,
    composer: str | None = None,
) -> Iterator[tuple[ChatTurn, ...]]:
    """The conversation with one more turn, again and again until its answer is complete."""
    earlier = turns[-(_MOST_TURNS - 1) :]
    number = earlier[-1].number + 1 if earlier else 1
    turn = ChatTurn(
        number=number,
        question=question,
        exact=exact,
        filters=filters or {},
        composers=assistant.composers,
    )
    yield (*earlier, turn)
    try:
        events = assistant.stream(
            question,
            filters=turn.filters,
            history=_history(earlier),
            composer=composer,
            exact=exact,
        )
        for event in events:
            if event.kind == "delta":
                turn = replace(turn, partial=turn.partial + event.text)
                yield (*earlier, turn)
            elif event.kind == "done":
                turn = replace(turn, answer=event.answer, state="done")
    except RagError as error:
        turn = replace(turn, problem=str(error), state="problem")
    except Exception:  # noqa: BLE001 - the reader is told, and can go on; the log has the reason
        _log.exception("A question could not be answered.")
        turn = replace(turn, state="broken")
    yield (*earlier, turn)


def other_composer(turn: ChatTurn) -> str | None:
    """What else could have written a turn's answer; None where there is no choice."""
    if turn.answer is None or not turn.answer.answered:
        return None
    others = [name for name in turn.composers if name != turn.answer.composer]
    return others[0] if others else None


def shown_hits(answer: Answer) -> tuple[Hit, ...]:
    """The passages that the page shows with an answer: with a refusal, the nearest few."""
    return answer.hits if answer.answered else answer.hits[:_NEAREST_SHOWN]


def _history(turns: tuple[ChatTurn, ...]) -> list[Turn]:
    history = []
    for turn in turns[-_HISTORY_TURNS:]:
        if turn.answer is not None:
            history.append(Turn(role="user", content=turn.question))
            history.append(Turn(role="assistant", content=turn.answer.answer))
    return history
