"""Fits the weights of ``grounding.CONFIDENCE_WEIGHTS`` anew and prints them, with what they do.

Every question is asked twice: of all passages, and of all but those that hold its answer; then
every answer is wrong. What is learned is when the drafted answer holds the known one. The printed
weights are rounded into ``src/rag/grounding.py`` by hand; docs/refusal.md says what was changed
since, and why.

Usage: python -m training.calibrate [QUESTIONS]      (default 300 of each kind; 2 minutes)
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from rag.composers.extractive import ExtractiveComposer
from rag.factory import Application, open_application
from rag.questions import understand
from rag.retrieval import Retriever
from rag.settings import Settings
from rag.text import fold
from rag_eval.cases import load_cases
from training.material import HELD_OUT_YEARS, PROJECT, read

SIGNALS = (
    "coverage",
    "nouns",
    "dense",
    "passage_dense",
    "lacks",
    "wrong_year",
    "unheld",
)
_PARAGRAPHS = 400
_SEED = 3
_FUNCTION_WORDS = frozenset(
    {
        "a",
        "all",
        "also",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "by",
        "for",
        "from",
        "has",
        "have",
        "in",
        "is",
        "it",
        "its",
        "more",
        "must",
        "of",
        "on",
        "or",
        "our",
        "should",
        "that",
        "the",
        "their",
        "this",
        "to",
        "was",
        "we",
        "were",
        "which",
        "will",
        "with",
    }
)


@dataclass(frozen=True, slots=True)
class Example:
    """A question, the source of the document that answers it, and words of the answer."""

    question: str
    source: str
    answer: str


@dataclass(frozen=True, slots=True)
class Observation:
    """The signals of a drafted answer, and whether it was right."""

    signals: Sequence[float]
    right: bool


def main() -> None:
    """Build two libraries, ask, fit, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    development = list(_development())
    for language, paragraphs, examples in (("zh", *_chinese()), ("en", *_english())):
        random.Random(_SEED).shuffle(examples)
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(data_dir=Path(folder) / "index")
            with open_application(settings) as application:
                for source, text in paragraphs:
                    application.library.add_bytes(text.encode(), name=source)
                observed = list(_observe(application, examples[:count]))
        own = [observation for spoken, observation in development if spoken == language]
        _fit(language, observed, own)


def _chinese() -> tuple[list[tuple[str, str]], list[Example]]:
    """Questions about Wikipedia paragraphs, with the span that answers."""
    records = list(read("qa_mrc_zh"))
    texts = list(dict.fromkeys(record["a"] for record in records))[:_PARAGRAPHS]
    sources = {text: f"{number}.txt" for number, text in enumerate(texts)}
    examples = [
        Example(record["q"], sources[record["a"]], record["answer"])
        for record in records
        if record["a"] in sources
    ]
    return [(source, text) for text, source in sources.items()], examples


def _english() -> tuple[list[tuple[str, str]], list[Example]]:
    """Keywords of English report sentences, to be found in their Chinese originals."""
    chance = random.Random(_SEED)
    years = {"gwr2018", "gwr2019", "gwr2020"} - set(HELD_OUT_YEARS)
    pairs = [record for record in read("parallel_gwr_zh_en") if record["src"] in years]
    groups = [pairs[start : start + 4] for start in range(0, len(pairs), 4)][:_PARAGRAPHS]
    paragraphs = []
    examples = []
    for number, group in enumerate(groups):
        source = f"{number}.txt"
        paragraphs.append((source, "".join(pair["zh"].rstrip("。") + "。" for pair in group)))
        for pair in group:
            told = [
                word
                for word in re.findall(r"[A-Za-z0-9.%'-]+", pair["en"])
                if word.lower() not in _FUNCTION_WORDS
            ]
            if len(told) < 6 or len(pair["zh"]) < 12:
                continue
            size = chance.randint(3, 9)
            start = chance.randrange(max(1, len(told) - size))
            question = f"What about {' '.join(told[start : start + size])}?"
            examples.append(Example(question, source, pair["zh"][:12].rstrip("。，")))
    return paragraphs, examples


def _observe(application: Application, examples: Sequence[Example]) -> Iterator[Observation]:
    retriever, composer = _parts(application)
    for example in examples:
        found = retriever.retrieve(
            understand(example.question), collection="default", filters={}, limit=12
        )
        others = [hit for hit in found.hits if hit.source != example.source]
        for hits in (found.hits, others):
            draft = composer.compose(found.question, hits)
            quoted = "".join(q.text for s in draft.sentences for q in s.quotations)
            right = hits is not others and fold(example.answer) in fold(quoted)
            if right or hits is others:
                yield Observation([draft.signals.get(name, 0.0) for name in SIGNALS], right)


def _development() -> Iterator[tuple[str, Observation]]:
    """The development half of the questions about the sample report."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "index")
        with open_application(settings) as application:
            application.library.add_paths([PROJECT / "corpus" / "hefei-2024.txt"])
            retriever, composer = _parts(application)
            for case in load_cases(PROJECT / "eval" / "data" / "hefei-2024.jsonl"):
                if case.split != "development":
                    continue
                question = understand(case.question, history=case.history, known_places=["合肥市"])
                found = retriever.retrieve(question, collection="default", filters={}, limit=8)
                if question.small_talk or found.scope.missing_places or found.scope.missing_years:
                    continue
                draft = composer.compose(found.question, found.hits)
                told = fold("".join(q.text for s in draft.sentences for q in s.quotations))
                right = case.answerable and all(
                    any(fold(fact) in told for fact in group) for group in case.expected
                )
                if right or not case.answerable:
                    signals = [draft.signals.get(name, 0.0) for name in SIGNALS]
                    spoken = "zh" if question.language == "zh" else "en"
                    yield spoken, Observation(signals, right)


def _parts(application: Application) -> tuple[Retriever, ExtractiveComposer]:
    from rag.evidence import TermMatcher

    engine, embedder = application.library.engine, application.embedder
    matcher = TermMatcher(embedder)
    return (
        Retriever(engine=engine, embedder=embedder, matcher=matcher),
        ExtractiveComposer(embedder=embedder, matcher=matcher, passages_of=engine.passages),
    )


def _fit(language: str, observed: Sequence[Observation], own: Sequence[Observation]) -> None:
    """The material and the questions about the sample count alike, whatever their number."""
    rows = np.array([o.signals for o in (*observed, *own)])
    right = np.array([o.right for o in (*observed, *own)])
    weight = np.concatenate(
        [np.ones(len(observed)), np.full(len(own), len(observed) / max(1, len(own)))]
    )
    model = LogisticRegression(C=3).fit(rows, right, sample_weight=weight)
    print(f"{language}: {len(observed)} from training material, {len(own)} about the sample")
    print(f"  intercept {model.intercept_[0]:+.2f}")
    for name, value in zip(SIGNALS, model.coef_[0], strict=True):
        print(f"  {name:14} {value:+.2f}")
    chance = model.predict_proba(np.array([o.signals for o in own]))[:, 1]
    truth = np.array([o.right for o in own])
    refused, lost = np.mean(chance[~truth] < 0.5), np.mean(chance[truth] < 0.5)
    print(f"  about the sample: {refused:.2f} of the wrong refused, {lost:.2f} of the right")


if __name__ == "__main__":
    main()
