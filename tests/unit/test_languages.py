"""Questions in languages other than Chinese and English: which language, and what they ask."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from rag.questions import split_question, understand
from rag.questions.languages import gloss_of, spoken_language
from rag.schema import Turn
from rag.text import fold, language


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("市長は誰ですか", "ja"),
        ("2023年国内総生産成長率は", "ja"),
        ("시장은 누구입니까?", "ko"),
        ("Qui est le maire ?", "fr"),
        ("Wer ist der Bürgermeister?", "de"),
        ("Wie viele Patente wurden erteilt?", "de"),
        ("¿Quién es el alcalde?", "es"),
        ("Quantas patentes foram concedidas?", "pt"),
        ("Chi è il sindaco?", "it"),
        ("Кто мэр города?", "ru"),
        ("Hoeveel inwoners heeft de stad?", "nl"),
        ("Kaç hastane var?", "tr"),
        ("Có bao nhiêu bệnh viện?", "vi"),
        ("Berapa jumlah rumah sakit?", "id"),
        ("كم عدد المستشفيات؟", "ar"),
        ("Πόσα νοσοκομεία υπάρχουν;", "el"),
        ("कितने अस्पताल हैं?", "hi"),
        ("Câte spitale sunt?", "ro"),
        ("มีโรงพยาบาลกี่แห่ง", "th"),
        ("市长是谁", ""),
        ("“の”是什么意思？", ""),
        ("合肥GDP", ""),
        ("Who won the Prix de Rome?", ""),
        ("What is the Piazza della Signoria?", ""),
        ("GDP Hefei 2023", ""),
    ],
)
def test_language_of_a_question(question: str, code: str) -> None:
    assert spoken_language(question) == code
    if code:
        assert understand(question).language == "other"


def test_kana_decide_but_in_chinese_sentences() -> None:
    assert language("2023年国内総生産成長率は") == "other"
    assert language("“の”是什么意思？") == "zh"


def test_a_chinese_name_leaves_an_english_question_english() -> None:
    assert language("How deep did the robot 鳐鱼三号 of the lab dive?") == "en"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Combien de brevets ?", "number"),
        ("Wie hoch ist die Quote?", "number"),
        ("¿Cuál es el objetivo de crecimiento?", "number"),
        ("失業率は何パーセントですか", "number"),
        ("병원은 몇 개입니까?", "number"),
        ("Сколько больниц в городе?", "number"),
        ("Quando foi construída a ponte?", "date"),
        ("В каком году построили мост?", "date"),
        ("橋はいつ建設されましたか", "date"),
        ("Chi è il sindaco?", "name"),
        ("시장은 누구입니까?", "name"),
        ("Quelles sont les priorités ?", "list"),
        ("¿Por qué se cerró el puente?", "description"),
        ("Πότε χτίστηκε η γέφυρα;", "date"),
        ("महापौर कौन है?", "name"),
        ("2023 में कितनी नौकरियां पैदा हुईं?", "number"),
        ("De ce s-a închis podul?", "description"),
        ("Care este lungimea podului?", "number"),
        ("สะพานสร้างเมื่อไร", "date"),
        ("สะพานยาวกี่เมตร", "number"),
        ("Ist die Brücke geschlossen?", "yes_no"),
        ("図書館は開いていますか", "yes_no"),
    ],
)
def test_kind_of_answer(question: str, kind: str) -> None:
    assert understand(question).kind == kind


@pytest.mark.parametrize(
    ("question", "relative", "period"),
    [
        ("Combien de voitures l'année dernière ?", (-1,), None),
        ("Wie viele Autos wurden letztes Jahr gebaut?", (-1,), "review"),
        ("昨年の生産台数は何台でしたか", (-1,), "review"),
        ("작년 생산량은 몇 대입니까?", (-1,), None),
        ("Сколько машин в прошлом году?", (-1,), None),
        ("¿Cuál es la meta para el próximo año?", (1,), "plan"),
        ("올해 목표는 얼마입니까?", (0,), "plan"),
        ("Qual è l'obiettivo per quest'anno?", (0,), "plan"),
    ],
)
def test_years_and_aims(question: str, relative: tuple[int, ...], period: str | None) -> None:
    understood = understand(question)
    assert understood.relative_years == relative
    assert understood.period == period


def test_years_keep_what_is_written_to_them() -> None:
    assert understand("2024년 목표는 얼마입니까?").years == (2024,)
    assert understand("Какова цель на 2024 год?").years == (2024,)


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("¿Cuántos hospitales hay en Hefei?", ("hospital", "hefei")),
        ("Qu'est-ce que l'économie ?", ("economy",)),
        ("Wie viele Brücken gibt es hier?", ("bridge",)),
        ("青梧大学の図書館はどこですか", ("青梧", "大学", "图书馆")),
        ("박물관에서 도서관까지", ("museum", "library")),
    ],
)
def test_function_words_are_no_content(question: str, terms: tuple[str, ...]) -> None:
    assert understand(question).terms == terms


def test_the_words_of_the_question_stand_beside_the_english_ones() -> None:
    assert understand("Qui est le maire ?").alternatives["mayor"] == ("maire", "市长")
    # As a Japanese document writes it, and as a Chinese one does.
    library = understand("図書館は何時に閉まりますか")
    assert "图书馆" in library.terms
    assert library.alternatives["图书馆"][0] == fold("図書館")


def test_german_nouns_that_are_known_are_no_names() -> None:
    assert understand("Wie viele Brücken hat die Stadt Birkental?").names == ("birkental",)


def test_a_follow_up_inherits_from_a_question_in_the_same_language() -> None:
    before = [Turn(role="user", content="Combien d'hôpitaux en 2023 ?")]
    understood = understand("Et en 2024 ?", history=before)
    assert understood.years == (2024,)
    assert "hospital" in understood.terms


@pytest.mark.parametrize(
    "text", ["bonjour", "Danke!", "¡Hola!", "こんにちは", "안녕하세요", "спасибо", "¿Quién eres?"]
)
def test_greetings_are_small_talk(text: str) -> None:
    assert understand(text).small_talk


def test_exact_questions_are_searched_as_they_are() -> None:
    assert understand("Qui est le maire ?", exact=True).gloss == ""


def test_questions_in_other_languages_are_not_taken_apart() -> None:
    assert split_question("誰が、どこで、何を建設しましたか？") == ()


def test_unknown_words_stay_as_they_are() -> None:
    gloss = gloss_of("Combien coûte le Marigold ?", "fr")
    assert gloss.text == "how much is a Marigold ?"
    assert gloss.unknown == {"marigold"}


def test_every_line_of_the_table_can_be_read() -> None:
    table = resources.files("rag.questions").joinpath("languages.tsv").read_text(encoding="utf-8")
    lines = [line for line in table.splitlines() if not line.startswith("#")]
    codes = ["ja", "ko", "fr", "de", "es", "pt", "it", "ru", "nl", "tr", "vi", "id", "ar"]
    codes += ["el", "hi", "ro", "th"]
    for english, *cells in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
        assert english
        for cell in cells:
            code, words = cell.split("=", 1)
            assert code in codes
            assert all(word.strip(" *") for word in words.split("|")), cell
