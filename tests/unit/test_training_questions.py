"""The questions written for training name passages that are there, and answers in them."""

from __future__ import annotations

import pytest

from training.asked import asked, passages_of
from training.material import SHARED


def test_answers_stand_in_their_passages() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the training material is not there: no folder {SHARED}")
    questions = asked()
    lost = [(q.question, a) for q in questions for a in q.answers if a not in q.passage]
    assert lost == []
    near_misses = sum(not q.answers for q in questions)
    assert len(questions) > 3_000
    assert 0.2 < near_misses / len(questions) < 0.4


def test_long_lines_are_cut_at_sentences_and_short_ones_joined() -> None:
    long_line = "一二三四五。" * 5
    assert passages_of(f"甲乙。\n丙丁。\n{long_line}", 6, 12) == [
        "甲乙。\n丙丁。",
        "一二三四五。一二三四五。",
        "一二三四五。一二三四五。",
        "一二三四五。",
    ]
