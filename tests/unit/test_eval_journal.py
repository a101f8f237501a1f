"""A run that breaks off is taken up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.errors import InvalidInput, Unavailable
from rag_eval.journal import Journal
from rag_eval.runner import run_cases
from tests.evaluation_samples import WrittenTarget, a_case, a_reply

if TYPE_CHECKING:
    from rag_eval.targets import Reply

ASKED: dict[str, str | int] = {"target": "the index", "top_k": 5}
CASES = [a_case(f"case-{number}", question=f"第{number}问？") for number in range(4)]
REPLY = replace(
    a_reply(),
    passages=tuple(
        replace(passage, section=("一", "（二）"), title="报告", score=0.5, signals={"dense": 0.5})
        for passage in a_reply().passages
    ),
)


class _Failing(WrittenTarget):
    """Breaks off at one question, once."""

    def ask(self, case: object, *, collection: str, top_k: int) -> Reply:
        reply = super().ask(case, collection=collection, top_k=top_k)  # type: ignore[arg-type]
        if self.asked[-1][0] == "第2问？":
            raise Unavailable("The server is gone.")
        return reply


def _target(kind: type[WrittenTarget] = WrittenTarget) -> WrittenTarget:
    return kind({case.question: REPLY for case in CASES})


def _broken_off(path: Path) -> None:
    journal = Journal.open(path, asked=ASKED)
    with pytest.raises(Unavailable, match="The server is gone"):
        run_cases(CASES, _target(_Failing), journal=journal)
    journal.close(finished=False)


def test_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "run.part"
    _broken_off(path)
    journal = Journal.open(path, asked=ASKED)
    assert journal.taken_up == 2
    target = _target()
    outcomes = run_cases(CASES, target, journal=journal)
    assert {asked[0] for asked in target.asked} == {"第2问？", "第3问？"}
    whole = run_cases(CASES, _target())
    assert outcomes == whole
    assert outcomes[0].reply is not None
    assert outcomes[0].reply.passages[0].signals == {"dense": 0.5}
    journal.close(finished=True)
    assert not path.exists()


def test_a_line_that_was_being_written_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "run.part"
    _broken_off(path)
    path.write_bytes(path.read_bytes()[:-20])
    journal = Journal.open(path, asked=ASKED)
    assert journal.taken_up == 1
    assert run_cases(CASES, _target(), journal=journal) == run_cases(CASES, _target())
    journal.close(finished=False)
    journal = Journal.open(path, asked=ASKED)
    assert journal.taken_up == 4
    journal.close(finished=True)


def test_a_reworded_question_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "run.part"
    _broken_off(path)
    journal = Journal.open(path, asked=ASKED)
    reworded = replace(CASES[0], question="又问？")
    assert journal.reply(reworded) is None
    assert journal.reply(CASES[0]) == REPLY
    journal.close(finished=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"target": "another", "top_k": 5}\n', "was begun with .*another.* Remove it"),
        ("my notes\n", "is no record of a run"),
        ('{"target": "the index", "top_k": 5}\n{"id": 1}\n', "is no record of a run"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "run.part"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        Journal.open(path, asked=ASKED)
    assert path.read_text(encoding="utf-8") == content


def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot keep the replies"):
        Journal.open(tmp_path / "no" / "run.part", asked=ASKED)
