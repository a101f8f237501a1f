"""Step 2: the pairs. Raw texts and the tokeniser to arrays of tokens, one file per source.

A source is queries, passages (each distinct one once) and pairs: which query belongs to which
passage, and which span of the passage is left out for this pair.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from rag.composers.quoting import units
from training.asked import asked
from training.cloze import ClozeMaker, windows
from training.judging import is_held_out
from training.material import CACHE, parallel_reports, read, report_texts

__all__ = ["Recipe", "Source", "main"]

SEED = 20240101
LONGEST_QUERY = 64
LONGEST_PASSAGE = 224

_CLAUSE = re.compile(r"[,;:，；：]")
_BRACKETS = re.compile(r"\([^)]*\)")
_NO_GLOSS = ("CL:", "old variant", "see ", "variant of")


class Source:
    """Collects the tokens of one source."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Start from nothing."""
        self._tokenizer = tokenizer
        self._queries: list[list[int]] = []
        self._passages: dict[tuple[int, ...], int] = {}
        self._pairs: list[tuple[int, int, int, int]] = []

    def add(self, query: list[int], passage: list[int], cut: tuple[int, int] = (0, 0)) -> None:
        """Add a pair; a cut must leave something of the passage."""
        query, passage = query[:LONGEST_QUERY], passage[:LONGEST_PASSAGE]
        cut = (min(cut[0], len(passage)), min(cut[1], len(passage)))
        if not query or len(passage) - (cut[1] - cut[0]) < 1:
            return
        index = self._passages.setdefault(tuple(passage), len(self._passages))
        self._pairs.append((len(self._queries), index, *cut))
        self._queries.append(query)

    def add_texts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Tokenise and add pairs of texts."""
        kept = [(query, passage) for query, passage in pairs if query.strip() and passage.strip()]
        queries = self._tokenizer.encode_batch_fast([query for query, _ in kept])
        passages = self._tokenizer.encode_batch_fast([passage for _, passage in kept])
        for query, passage in zip(queries, passages, strict=True):
            self.add(query.ids, passage.ids)

    def save(self, path: Path) -> tuple[int, int]:
        """Write the arrays; return how many pairs and passages there are."""
        arrays: dict[str, Any] = {"pairs": np.array(self._pairs, dtype=np.int32)}
        for name, rows in (("query", self._queries), ("passage", list(self._passages))):
            lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
            arrays[f"{name}_offsets"] = np.concatenate(([0], np.cumsum(lengths)))
            flat = (token for row in rows for token in row)
            arrays[f"{name}_tokens"] = np.fromiter(flat, dtype=np.int32, count=int(lengths.sum()))
        np.savez(path, **arrays)
        return len(self._pairs), len(self._passages)


class Recipe:
    """All sources, each a method that fills one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Read the dictionary for the synthetic queries."""
        self._tokenizer = tokenizer
        self._chance = random.Random(SEED)
        self._cloze = ClozeMaker(tokenizer, chance=self._chance)

    def sources(self) -> Iterator[tuple[str, Source]]:
        """Make every source in turn."""
        makers: dict[str, Callable[[Source], None]] = {
            "news": self._news,
            "broadcasts": self._broadcasts,
            "reports": self._reports,
            "reports_en": self._reports_en,
            "laws": self._laws,
            "wiki": self._wiki,
            "headlines": self._headlines,
            "questions": self._questions,
            "government": self._government,
            "policies": self._policies,
            "sentences": self._sentences,
            "contexts": self._contexts,
            "dictionary": self._dictionary,
            "tatoeba": self._tatoeba,
            "insurance": self._insurance,
            "languages": self.languages,
            "similar": self._similar,
            "written": self._written,
        }
        for name, fill in makers.items():
            source = Source(self._tokenizer)
            fill(source)
            yield name, source

    def _add_cloze(
        self,
        source: Source,
        parts: Iterable[tuple[str, str]],
        *,
        count: int,
        english: bool = False,
    ) -> None:
        """Queries from passages that carry a heading (or none) before the text."""
        pending = list(parts)
        headings = self._tokenizer.encode_batch_fast([heading for heading, _ in pending])
        texts = self._tokenizer.encode_batch_fast([text for _, text in pending])
        for heading, text in zip(headings, texts, strict=True):
            with_heading = bool(heading.ids) and self._chance.random() < 0.7
            head = heading.ids[:32] if with_heading else []
            passage = (head + text.ids)[:LONGEST_PASSAGE]
            made = self._cloze.queries(passage, count=count, start=len(head), english=english)
            for query in made:
                # Questions often name the document: its place and year, or the law.
                named = bool(head) and self._chance.random() < 0.4
                tokens = head + query.tokens if named else query.tokens
                source.add(tokens, passage, (query.cut_start, query.cut_end))

    def _windows(
        self, texts: Iterable[tuple[str, str]], *, most: int, english: bool = False
    ) -> Iterator[tuple[str, str]]:
        for heading, text in texts:
            for part in windows(text, chance=self._chance, english=english)[:most]:
                yield heading, part

    def _news(self, source: Source) -> None:
        texts = (("", record["text"]) for record in read("plain/crud_news_2023"))
        self._add_cloze(source, self._windows(texts, most=4), count=4)

    def _broadcasts(self, source: Source) -> None:
        records = read("plain/xinwenlianbo")
        texts = ((record["title"], record["text"]) for record in records)
        self._add_cloze(source, self._windows(texts, most=8), count=4)

    def _reports(self, source: Source) -> None:
        self._add_cloze(source, self._windows(report_texts("reports"), most=400), count=16)

    def _reports_en(self, source: Source) -> None:
        texts = self._windows(report_texts("reports_en"), most=400, english=True)
        self._add_cloze(source, texts, count=8, english=True)

    def _laws(self, source: Source) -> None:
        records = (record for record in read("laws_articles") if len(record["text"]) >= 40)
        parts = ((record["law"], record["text"][:400]) for record in records)
        self._add_cloze(source, parts, count=2)

    def _wiki(self, source: Source) -> None:
        texts = dict.fromkeys(record["a"] for record in read("qa_mrc_zh"))
        self._add_cloze(source, (("", text[:500]) for text in texts), count=16)

    def _headlines(self, source: Source) -> None:
        for name in ("qa_title_xinwenlianbo", "qa_title_crud_noisy"):
            source.add_texts((record["q"], record["a"][:500]) for record in read(name))

    def _questions(self, source: Source) -> None:
        source.add_texts((record["q"], record["a"][:600]) for record in read("qa_mrc_zh"))

    def _government(self, source: Source) -> None:
        source.add_texts((record["q"], record["a"][:500]) for record in read("qa_ncp_gov"))

    def _policies(self, source: Source) -> None:
        for record in read("qa_policies_entitle_zhdoc"):
            parts = windows(record["a"], chance=self._chance)[:4]
            source.add_texts((record["q"], part) for part in parts)

    def _sentences(self, source: Source) -> None:
        records = parallel_reports(held_out=False)
        source.add_texts((record["en"], record["zh"]) for record in records)
        source.add_texts((record["zh"], record["en"]) for record in records)

    def _contexts(self, source: Source) -> None:
        """English sentences and clauses to the Chinese passage around them, and back."""
        years: dict[str, list[dict[str, str]]] = defaultdict(list)
        for record in parallel_reports(held_out=False):
            years[record["src"]].append(record)
        for records in years.values():
            for first in range(0, len(records), 3):
                block = records[first : first + 3]
                chinese = "".join(record["zh"] for record in block)
                english = " ".join(record["en"] for record in block)
                pairs = []
                for record in block:
                    pairs += [(record["en"], chinese), (record["zh"], english)]
                    clauses = [each for each in _CLAUSE.split(record["en"]) if len(each) >= 25]
                    pairs += [(clause, chinese) for clause in clauses]
                source.add_texts(pairs)

    def _dictionary(self, source: Source) -> None:
        pairs = []
        for record in read("dict_cedict_zh_en"):
            glosses = [gloss for gloss in record["en"] if not gloss.startswith(_NO_GLOSS)]
            if not glosses:
                continue
            pairs.append(("; ".join(glosses[:4]), record["zh"]))
            short = [_BRACKETS.sub("", gloss).strip() or gloss for gloss in glosses[:3]]
            pairs += [(gloss, record["zh"]) for gloss in short]
            if len(short) > 1:
                pairs.append((short[0], short[1]))
        source.add_texts(pairs)

    def _tatoeba(self, source: Source) -> None:
        records = list(read("parallel_tatoeba_zh_en"))
        source.add_texts((record["en"], record["zh"]) for record in records)

    def _insurance(self, source: Source) -> None:
        records = read("parallel_insuranceqa_questions_zh_en")
        source.add_texts((record["en"], record["zh"]) for record in records)

    def languages(self, source: Source) -> None:
        """112 languages to English, and to Chinese where both translate one English sentence."""
        records = list(read("parallel_tatoeba112_xx_en"))
        chinese: dict[str, str] = {}
        for record in read("parallel_tatoeba_zh_en"):
            chinese.setdefault(record["en"], record["zh"])
        for record in records:
            if record["lang"] == "cmn":
                chinese.setdefault(record["en"], record["text"])
        pairs = [(record["text"], record["en"]) for record in records]
        pairs += [
            (record["text"], chinese[record["en"]])
            for record in records
            if record["en"] in chinese and record["lang"] != "cmn"
        ]
        source.add_texts(pairs)

    def _similar(self, source: Source) -> None:
        for name in ("pairs_stsb_zh", "pairs_stsb_en"):
            close = (record for record in read(name) if record["score"] >= 4)
            source.add_texts((record["s1"], record["s2"]) for record in close)

    def _written(self, source: Source) -> None:
        """Questions to the passages they were written about, and to the sentences that answer."""
        chance = random.Random(SEED)
        pairs = []
        for each in asked():
            if not each.answers or is_held_out(each.title):
                continue
            titled = f"{each.title} {each.passage}"
            pairs.append((each.question, titled if chance.random() < 0.7 else each.passage))
            for start, end in units(each.passage):
                sentence = each.passage[start:end]
                if any(answer in sentence for answer in each.answers):
                    titled = f"{each.title} {sentence}"
                    pairs.append((each.question, titled if chance.random() < 0.3 else sentence))
                    break
        source.add_texts(pairs)


def main() -> None:
    """Write ``arrays/<source>.npz`` to the cache folder."""
    folder = CACHE / "arrays"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.npz"):
        old.unlink()
    tokenizer = Tokenizer.from_file(str(CACHE / "tokenizer.json"))
    for name, source in Recipe(tokenizer).sources():
        pairs, passages = source.save(folder / f"{name}.npz")
        print(f"{name:12} {pairs:9,} pairs, {passages:9,} passages", flush=True)


if __name__ == "__main__":
    main()
