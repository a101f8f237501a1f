"""What words of other languages mean: the tables, and how questions are read with them."""

from __future__ import annotations

import pytest

from rag.questions.lexicon import (
    CHINESE,
    LANGUAGES,
    forms_of,
    in_chinese,
    read_words,
    whole_words,
)
from rag.text import contains_han


@pytest.mark.parametrize("language", [CHINESE, *LANGUAGES])
def test_tables_are_whole(language: str) -> None:
    forms = forms_of(language)
    assert len(forms) > 5000
    assert {"when", "city", "china", "population"} <= forms.keys()
    for headword, each in forms.items():
        assert headword == " ".join(headword.lower().split())
        assert headword.isascii()
        assert all(form == form.strip() != "" for form in each), headword
        assert len(each) == len(set(each)), headword


def test_chinese_is_chinese() -> None:
    forms = forms_of(CHINESE)
    assert sum(any(map(contains_han, each)) for each in forms.values()) > 0.98 * len(forms)


@pytest.mark.parametrize(
    ("language", "text", "headwords"),
    [
        ("es", "las bibliotecas de Francia", ["library", "france"]),
        ("ru", "население городов", ["population", "city"]),
        ("de", "die Bevölkerung der Stadt", ["population", "city"]),
        ("el", "ο πληθυσμός της πόλης", ["population", "city"]),
        ("tr", "nüfus ve kütüphane", ["population", "library"]),
        ("ar", "عدد السكان في المدينة", ["population", "city"]),
        ("hi", "शहर की जनसंख्या", ["city", "population"]),
        ("th", "ประชากรของเมือง", ["population", "city"]),
        ("vi", "dân số của thành phố", ["population", "city"]),
        ("ja", "スペインのイスラム教", ["spain", "islam"]),
    ],
)
def test_words_are_read_in_any_form(language: str, text: str, headwords: list[str]) -> None:
    pieces = list(read_words(text, language))
    assert "".join(piece for piece, _ in pieces) == text
    known = [headword for _, headword in pieces]
    assert [each for each in known if each in headwords] == headwords


def test_what_no_table_knows_stays() -> None:
    assert list(filter(any, read_words("Xqzvwk?", "fr"))) == [("Xqzvwk", ""), ("?", "")]


def test_forms_that_share_their_beginning_are_one_word() -> None:
    assert list(whole_words("ru", ["вторжение", "вторжения", "нашествие"])) == [
        "вторжени",
        "нашествие",
    ]
    assert list(whole_words("vi", ["thành phố"])) == ["thành", "phố"]


def test_chinese_for_an_english_word() -> None:
    assert "城市" in in_chinese("cities", rare=False)
    assert in_chinese("cities", rare=True) == ()
    assert "叶绿体" in in_chinese("chloroplasts", rare=False)
    assert in_chinese("xqzvwk", rare=False) == ()
