"""The text index: exact removal, one moment at a time, weights of its fields."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from rag import lexical
from rag.catalog import PassageRow
from rag.lexical import LexicalIndex
from rag.text import terms

if TYPE_CHECKING:
    import pytest


def row(
    key: int, text: str, *, document: int = 1, title: str = "报告", section: tuple[str, ...] = ()
) -> PassageRow:
    return PassageRow(key=key, document=document, title=title, section=section, text=text)


def publish(
    root: Path,
    *rows: PassageRow,
    base: LexicalIndex | None = None,
    removed: tuple[int, ...] = (),
) -> LexicalIndex:
    return LexicalIndex.publish(root, base=base, added=rows, removed=removed, facts={"seq": 1})


def test_removed_documents_leave_the_index_itself(tmp_path: Path) -> None:
    first = publish(tmp_path, row(1, "合肥高铁"), row(2, "合肥机场", document=2))
    second = publish(tmp_path, row(3, "合肥港口", document=3), base=first, removed=(1,))
    assert (first.size, second.size) == (2, 2)
    assert sorted(second.search(terms("合肥"), limit=9)) == [2, 3]
    assert second.document_frequencies(["合肥", "高铁"]) == {"合肥": 2, "高铁": 0}
    # A search that began in the older index goes on undisturbed.
    assert sorted(first.search(terms("合肥"), limit=9)) == [1, 2]


def test_what_is_published_is_loaded(tmp_path: Path) -> None:
    index = publish(tmp_path, row(1, "合肥高铁"), row(2, "合肥机场"))
    loaded = LexicalIndex.load(tmp_path)
    assert loaded is not None
    assert loaded[1]["seq"] == 1
    assert loaded[0].search(terms("高铁"), limit=5) == index.search(terms("高铁"), limit=5)


def test_an_index_in_memory_scores_like_a_published_one(tmp_path: Path) -> None:
    rows = [row(n, f"合肥第{n}条，全市{'高铁' * (n % 4)}", section=("安排",)) for n in range(1, 60)]
    published = publish(tmp_path, *rows)
    in_memory = LexicalIndex.in_memory(rows)
    for query in ("高铁", "合肥 安排", "第7条"):
        words = terms(query)
        assert in_memory.search(words, limit=60) == published.search(words, limit=60)


def test_headings_and_title_count_and_headings_less_than_text() -> None:
    index = LexicalIndex.in_memory(
        [
            row(1, "城市更新 任务", section=("安排",), title="报告"),
            row(2, "任务", section=("城市更新 安排",), title="报告"),
            row(3, "任务", section=("安排",), title="城市更新 报告"),
            row(4, "任务", section=("安排",), title="报告"),
        ]
    )
    scores = index.search(terms("任务 城市更新"), limit=4)
    assert scores[1] > scores[2] > scores[4]
    assert scores[3] > scores[4]


def test_all_that_tie_with_the_last_are_returned() -> None:
    index = LexicalIndex.in_memory([row(n, "合肥高铁") for n in range(1, 201)])
    assert len(index.search(["高铁"], limit=3)) == 200


def test_a_search_restricted_to_documents_or_passages() -> None:
    index = LexicalIndex.in_memory([row(n, "合肥高铁", document=n % 5) for n in range(1, 101)])
    assert set(index.search(["高铁"], limit=50, documents=[2])) == set(range(2, 101, 5))
    assert index.search(["高铁"], limit=50, documents=[]) == {}
    others = index.search(["高铁"], limit=100, without=[1, 3, 4, 5, 0])
    assert others == index.search(["高铁"], limit=100, documents=[2])
    assert set(index.scores(["高铁"], keys=[3, 4, 999])) == {3, 4}
    assert index.scores(["机场"], keys=[3, 4]) == {}
    assert index.scores(["高铁"], keys=[]) == {}


def test_repeating_a_word_in_the_query_changes_nothing() -> None:
    index = LexicalIndex.in_memory([row(1, "合肥高铁"), row(2, "合肥机场")])
    assert index.search(["高铁", "高铁"], limit=2) == index.search(["高铁"], limit=2)


def test_words_that_no_passage_holds_find_nothing() -> None:
    index = LexicalIndex.in_memory([row(1, "合肥高铁")])
    assert index.search(["zzz"], limit=5) == {}
    assert index.search([], limit=5) == {}
    assert LexicalIndex.in_memory([]).search(["高铁"], limit=5) == {}


def test_terms_with_white_space_stay_one_term(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "terms", lambda text: [text])
    index = LexicalIndex.in_memory([row(1, "new york"), row(2, "new")])
    assert list(index.search(["new york"], limit=5)) == [1]
    assert list(index.search(["new"], limit=5)) == [2]


def test_other_index_terms_make_it_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, row(1, "合肥"))
    monkeypatch.setattr(lexical, "TERMS_VERSION", "another")
    with caplog.at_level(logging.INFO):
        assert LexicalIndex.load(tmp_path) is None
    assert "other index terms" in caplog.text
