"""Verification drops whatever is not verbatim; confidence rises with evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import Verifier, confidence
from rag.schema import DraftSentence, Hit, Passage, Quotation

TEXT = "标题\n全社会研发投入强度3.91%、居万亿城市第7位。新增百亿产值工业企业6户。"
PASSAGE = Passage(
    passage_id="d1-0", document_id="d1", ordinal=0, text=TEXT[3:], start=3, end=len(TEXT)
)
HIT = Hit(passage=PASSAGE, rank=1, score=1.0, title="报告", source="a.txt", metadata={})


def _quotation(start: int, end: int, text: str | None = None, passage: str = "d1-0") -> Quotation:
    return Quotation(
        passage_id=passage,
        document_id="d1",
        start=start,
        end=end,
        text=TEXT[start:end] if text is None else text,
    )


def _verify(*quotations: Quotation) -> tuple[str, int]:
    verifier = Verifier(hits=[HIT], text_of=lambda _: TEXT, language="zh")
    lines = [verifier.rendered(DraftSentence(lead="", quotations=(q,))) for q in quotations]
    answer, citations = "\n".join(filter(None, lines)), verifier.citations
    for citation in citations:
        assert TEXT[citation.start : citation.end] == citation.quote
        assert f"「{citation.quote}」[{citation.marker}]" in answer
    return answer, len(citations)


def test_a_verbatim_quotation_is_cited() -> None:
    assert _verify(_quotation(3, 15)) == ("「全社会研发投入强度3.9」[1]", 1)


@pytest.mark.parametrize(
    "bad",
    [
        _quotation(3, 15, text="全社会研发投入强度4.0"),
        _quotation(0, 5),
        _quotation(3, 3),
        _quotation(20, 400, text=TEXT[20:400]),
        _quotation(3, 15, passage="d1-9"),
    ],
    ids=["other words", "outside the passage", "empty", "past the end", "unknown passage"],
)
def test_what_is_not_verbatim_is_dropped(bad: Quotation) -> None:
    assert _verify(bad) == ("", 0)
    answer, count = _verify(bad, _quotation(3, 15))
    assert (answer, count) == ("「全社会研发投入强度3.9」[1]", 1)


def test_the_same_words_twice_share_a_marker() -> None:
    answer, count = _verify(_quotation(3, 15), _quotation(3, 15))
    assert count == 1
    assert answer.count("[1]") == 2


def _said(text: str, *quotations: Quotation) -> str:
    verifier = Verifier(hits=[HIT], text_of=lambda _: TEXT, language="en")
    line = verifier.rendered(DraftSentence(lead="", quotations=quotations, text=text))
    assert bool(line) == bool(verifier.citations)
    return line


def test_words_of_their_own_stand_with_all_their_quotations_or_not_at_all() -> None:
    good, other = _quotation(3, 15), _quotation(16, 20)
    assert _said("Words.", good) == "Words. [1]"
    assert _said("Words.", good, other) == "Words. [1][2]"
    assert _said("Words.", good, good) == "Words. [1]"
    assert _said("Words.", good, _quotation(3, 15, text="别的话")) == ""
    assert _said("Words.") == ""
    assert _said("Words [7].", good) == ""


@given(
    st.lists(
        st.tuples(st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(["", "x", None])),
        max_size=6,
    )
)
def test_whatever_is_drafted_only_verbatim_text_leaves(
    spans: list[tuple[int, int, str | None]],
) -> None:
    _verify(*(_quotation(start, end, text) for start, end, text in spans))


@pytest.mark.parametrize("language", ["zh", "en", "other"])
def test_more_coverage_never_lowers_confidence(language: str) -> None:
    signals = {"coverage": 0.2, "dense": 0.4, "lacks": 0.0}
    low = confidence(signals, language=language)  # type: ignore[arg-type] # parametrised literal
    high = confidence({**signals, "coverage": 0.9}, language=language)  # type: ignore[arg-type] # likewise
    assert 0.0 <= low < high <= 1.0


def test_no_evidence_is_no_confidence() -> None:
    assert confidence({}, language="zh") == 0.0
