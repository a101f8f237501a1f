"""What a question asks for: language, kind of answer, years, period, places, content words."""

from rag.questions.beside import words_beside
from rag.questions.dialogue import carry_over
from rag.questions.parts import split_question
from rag.questions.places import bare_name, english_name, find_places, names_place, province_of
from rag.questions.romanisation import with_written_names
from rag.questions.understanding import understand

__all__ = [
    "bare_name",
    "carry_over",
    "english_name",
    "find_places",
    "names_place",
    "province_of",
    "split_question",
    "understand",
    "with_written_names",
    "words_beside",
]
