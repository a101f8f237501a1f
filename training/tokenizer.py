"""Step 1: the tokeniser. Raw texts to ``tokenizer.json``.

A unigram model over three kinds of pieces: Chinese words with their counts from a word segmenter,
subwords of every other script from SentencePiece, and single characters. Bytes catch the rest.
Normalisation is one compiled table inside the file, so every library that reads it agrees.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from training.material import CACHE, fold, news_texts, parallel_reports, read, report_texts

__all__ = ["main"]

PIECES = 96_000
SUBWORDS = 30_000
WHOLE_WORDS = 8_000
LONGEST_WORD = 7
BYTE_SCORE = -25.0

# Up to four digits stay whole (years), longer numbers part at thousands as 12,673 does, and the
# decimals are a unit of their own: 5|.8 and 8|.5 differ, 12673 and 12,673 agree. Every sign stands
# alone; white space separates and is dropped.
NUMBERS = r"(?<!\d)\d{1,4}(?!\d)|\d{1,3}(?=(?:\d{3})+(?!\d))|(?<=\d)\.\d+|\d{1,3}"
PRE_TOKENS = NUMBERS + r"|[^\s\d\p{P}]+|[^\s]"

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")
_NUMBER = re.compile(NUMBERS)
_WORD = re.compile("(?:(?![\u3400-\u4dbf\u4e00-\u9fff])[^\\W\\d_])+")
_TITLE = re.compile("[A-Z][a-z]+")


class Counts:
    """How often Chinese words, numbers, words of other scripts, and characters occur."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.chinese: Counter[str] = Counter()
        self.other: Counter[str] = Counter()
        self.characters: Counter[str] = Counter()
        self.dictionary: set[str] = set()

    def add(self, text: str, *, weight: int = 1) -> None:
        """Count a text ``weight`` times."""
        import rjieba

        text = fold(text)
        self.characters.update(text)
        for run in _HAN.findall(text):
            for word in rjieba.cut(run):
                if 1 < len(word) <= LONGEST_WORD:
                    self.chinese[word] += weight
        for number in _NUMBER.findall(text):
            if len(number) <= 4:
                self.chinese[number] += weight
        for word in _WORD.findall(text):
            self.other[word] += weight


def count_everything() -> Counts:
    """Count the training texts; in-domain and multilingual ones weigh more than their size."""
    counts = Counts()
    for position, text in enumerate(news_texts()):
        if position % 2 == 0:  # half is enough for counts
            counts.add(text[:3000])
    for position, record in enumerate(read("laws_articles")):
        if position % 4 == 0:
            counts.add(record["text"][:2000])
    for folder in ("reports", "reports_en"):
        for _, text in report_texts(folder):
            counts.add(text, weight=3)
    for record in parallel_reports(held_out=False):
        counts.add(record["zh"], weight=3)
        counts.add(record["en"], weight=3)
    for record in read("dict_cedict_zh_en"):
        glosses = " ".join(record["en"])
        counts.add(glosses, weight=2)
        word = fold(record["zh"])
        counts.dictionary.add(word)
        if 1 < len(word) <= 4 and _HAN.fullmatch(word):
            counts.chinese[word] += 4
        for name in _TITLE.findall(glosses):  # names of places and people stay whole
            counts.other[fold(name)] += 40
    for name in ("parallel_tatoeba_zh_en", "parallel_insuranceqa_questions_zh_en"):
        for record in read(name):
            counts.add(record["zh"])
            counts.add(record["en"])
    for record in read("parallel_tatoeba112_xx_en"):
        counts.add(record["text"], weight=2)
        counts.add(record["en"])
    for name in ("qa_mrc_zh", "qa_ncp_gov"):
        for record in read(name):
            counts.add(record["q"], weight=2)
            counts.add(record["a"][:2000])
    return counts


def subwords(words: Counter[str], *, folder: Path) -> dict[str, float]:
    """Subword pieces and their log-probabilities among the words of scripts other than Han."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    source = folder / "words.tsv"
    kept = ((word, count) for word, count in words.most_common(400_000) if len(word) <= 30)
    lines = (f"{word}\t{count}\n" for word, count in sorted(kept))
    source.write_text("".join(lines), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(source),
        input_format="tsv",
        model_prefix=str(folder / "subwords"),
        model_type="unigram",
        vocab_size=SUBWORDS,
        hard_vocab_limit=False,
        character_coverage=0.9998,
        max_sentencepiece_length=16,
        seed_sentencepiece_size=400_000,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        num_threads=2,
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((folder / "subwords.model").read_bytes())
    return {
        piece.piece: piece.score
        for piece in model.pieces
        if piece.type == sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL
        and piece.piece.strip("\u2581")
    }


def normalisation_table(*, folder: Path) -> bytes:
    """The compiled table of all foldings of one character, and of letters with one mark."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    rules: dict[str, str] = {}
    for code in range(0x20, 0x30000):
        character = chr(code)
        if unicodedata.category(character) in {"Cs", "Cn", "Co"}:
            continue
        folded = fold(character)
        if folded != character:
            rules[character] = folded
        parts = unicodedata.normalize("NFD", character)
        if 1 < len(parts) <= 4 and parts != folded:
            rules[parts] = folded
    lines = sorted(
        " ".join(f"{ord(each):X}" for each in old)
        + "\t"
        + " ".join(f"{ord(each):X}" for each in new)
        + "\n"
        for old, new in rules.items()
    )
    table, tiny = folder / "rules.tsv", folder / "tiny.txt"
    table.write_text("".join(lines), encoding="utf-8")
    tiny.write_text("a b c d\n" * 100, encoding="utf-8")
    # SentencePiece compiles the table as part of training; the tiny model itself is thrown away.
    sentencepiece.SentencePieceTrainer.train(
        input=str(tiny),
        model_prefix=str(folder / "tiny"),
        vocab_size=8,
        hard_vocab_limit=False,
        normalization_rule_tsv=str(table),
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((folder / "tiny.model").read_bytes())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def _always_covered() -> Iterator[str]:
    for first, last in ((0x21, 0x250), (0x370, 0x530), (0x3040, 0x3100), (0x2010, 0x2070)):
        yield from map(chr, range(first, last))
    yield from map(chr, range(0x1F300, 0x1F650))
    for high in range(0xB0, 0xF8):  # every character of GB 2312
        for low in range(0xA1, 0xFF):
            yield bytes((high, low)).decode("gb2312", "ignore")


def _always_whole() -> Iterator[str]:
    yield from map(str, range(1000))
    yield from map(str, range(1900, 2051))
    yield from (f".{tenth}" for tenth in range(10))
    yield from (f".{hundredth:02}" for hundredth in range(100))


def _by_count(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def vocabulary(counts: Counts, *, other: dict[str, float]) -> list[tuple[str, float]]:
    """Pieces with scores, the unknown piece and the 256 bytes first."""
    others, chinese = sum(counts.other.values()), sum(counts.chinese.values())
    total = others + chinese
    pieces = {piece: score + math.log(others / total) for piece, score in other.items()}
    single = {character for character in counts.characters if fold(character) == character}
    single.update(each for each in _always_covered() if each and fold(each) == each)
    for character in sorted(single):
        if character.isspace() or unicodedata.category(character)[0] == "C":
            continue
        # Most occurrences of a Chinese character are inside words, which count for themselves.
        share = 0.05 if _HAN.match(character) else 0.2
        score = math.log(max(0.5, share * counts.characters[character]) / total)
        pieces[character] = max(pieces.get(character, -99.0), score)
    for number in _always_whole():
        pieces.setdefault(number, math.log(max(1, counts.chinese[number]) / total))
    for word, count in _by_count(counts.other)[:WHOLE_WORDS]:
        pieces[word] = max(pieces.get(word, -99.0), math.log(count / total))
    print(f"{len(other):,} subwords; {len(pieces):,} pieces with characters, numbers and words")
    for word, count in _by_count(counts.chinese):
        if len(pieces) >= PIECES - 257:
            break
        # A segmenter's long words hide the words in them (汽车产量); a dictionary's are words.
        if len(word) <= 2 or word in counts.dictionary or (len(word) == 3 and count >= 100):
            pieces.setdefault(word, math.log(count / total))
    head = [("<unk>", 0.0)] + [(f"<0x{byte:02X}>", BYTE_SCORE) for byte in range(256)]
    return head + sorted(pieces.items(), key=lambda item: (-item[1], item[0]))


def main() -> None:
    """Write ``tokenizer.json`` to the cache folder."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    folder = CACHE / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    counts = count_everything()
    print(f"{len(counts.chinese):,} Chinese words and numbers, {len(counts.other):,} other words")
    pieces = vocabulary(counts, other=subwords(counts.other, folder=folder))
    tokenizer = Tokenizer(models.Unigram(pieces, 0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Precompiled(normalisation_table(folder=folder))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PRE_TOKENS), "removed", invert=True)
    tokenizer.save(str(CACHE / "tokenizer.json"))
    print(f"{tokenizer.get_vocab_size():,} pieces")
    for text in (
        "新能源汽車產量74万辆，增長5.8%，2023年",
        "How many did Hefei produce?",
        "Ⅲ类🙂𠮷",
    ):
        print(" | ".join(tokenizer.encode(text).tokens))


if __name__ == "__main__":
    main()
