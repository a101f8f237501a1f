"""The questions written for training name passages that are there, and answers in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.asked import asked, passages_of
from training.judging import is_held_out
from training.material import SHARED
from training.offered import LABELLED, offered


def test_answers_stand_in_their_passages() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the training material is not there: no folder {SHARED}")
    questions = asked()
    lost = [(q.question, a) for q in questions for a in q.answers if a not in q.passage]
    assert lost == []
    near_misses = sum(not q.answers for q in questions)
    assert len(questions) > 3_000
    assert 0.2 < near_misses / len(questions) < 0.4


def test_labelled_sentences_stand_in_documents_that_may_be_learned_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the training material is not there: no folder {SHARED}")
    nothing_more = tmp_path / "offered.jsonl"
    monkeypatch.setattr("training.offered.OFFERED", nothing_more)
    assert offered() == []
    nothing_more.touch()
    choices = offered()
    assert len(choices) == len(LABELLED.read_text(encoding="utf-8").splitlines()) > 900
    assert not [choice.title for choice in choices if is_held_out(choice.title)]
    for choice in choices:
        for reading in (*choice.right, *choice.wrong):
            assert any(map(str.isalnum, reading.sentence)), choice.question
        assert not set(choice.right) & set(choice.wrong), choice.question
    answered = sum(bool(choice.right) for choice in choices) / len(choices)
    assert 0.3 < answered < 0.6


def test_long_lines_are_cut_at_sentences_and_short_ones_joined() -> None:
    long_line = "一二三四五。" * 5
    assert passages_of(f"甲乙。\n丙丁。\n{long_line}", 6, 12) == [
        "甲乙。\n丙丁。",
        "一二三四五。一二三四五。",
        "一二三四五。一二三四五。",
        "一二三四五。",
    ]
