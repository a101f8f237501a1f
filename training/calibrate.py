"""Fits the weights of ranking, of choosing sentences and of confidence anew, and prints them.

The printed weights are rounded into ``retrieval.RANKING_WEIGHTS``, ``extractive.SENTENCE_WEIGHTS``
and ``grounding.CONFIDENCE_WEIGHTS`` by hand; docs/retrieval.md and docs/refusal.md say what was
changed since, and why. Learned from training material and from the development halves of
``eval/data``; their test halves are not read.

Usage: python -m training.calibrate [QUESTIONS]      (default 400 of each kind; 6 minutes)
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from rag.composers.extractive import SENTENCE_WEIGHTS, ExtractiveComposer
from rag.evidence import TermMatcher
from rag.factory import Application, open_application
from rag.grounding import CONFIDENCE_WEIGHTS
from rag.judges.bundled import BundledJudge
from rag.questions import understand
from rag.retrieval import RANKING_WEIGHTS, Retrieval, Retriever
from rag.settings import Settings
from rag.text import fold
from rag_eval.cases import load_cases
from training.asked import asked
from training.judging import is_held_out
from training.material import HELD_OUT_YEARS, PROJECT, SHARED, read

if TYPE_CHECKING:
    from rag.schema import Turn

CASES = PROJECT / "eval" / "data"
ASKED_OURSELVES = frozenset({"sample report", "120 reports", "pages"})
SAMPLE_CASES = ("hefei-2024", "hefei-2024-second")
REPORT_CASES = ("reports-natural", "reports-second", "reports-citizens")
CONFIDENCE_SIGNALS = sorted(
    {name for w in CONFIDENCE_WEIGHTS.values() for name in w} - {"intercept"}
)
_PARAGRAPHS = 400
_SEED = 3
_SHARPNESS = 6.0
"""Of the softmax over the candidates of one question."""
_FUNCTION_WORDS = frozenset(
    "the of and to in a for we will be on with by as that is are have has this from or an it at"  # noqa: SIM905 - as readable as it gets
    " our were was been all their more its should must also which".split()
)

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A question, what its answer holds, and where."""

    question: str
    facts: Sequence[Sequence[str]]
    """Groups of alternatives. None at all where nothing answers."""
    evidence: Sequence[str] = ()
    """Stretches of passages that answer."""
    source: str = ""
    """The only document that answers, where that is known."""
    history: Sequence[Turn] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Candidates of one question: a row of signals each, and which are right."""

    signals: Matrix
    right: npt.NDArray[np.bool_]


@dataclass(slots=True)
class Observations:
    """What asking a set of examples gave."""

    passages: list[Choice]
    sentences: list[Choice]
    drafts: list[tuple[str, list[float], bool]]
    """Language, signals, whether the draft was right."""


def main() -> None:
    """Build libraries, ask, fit, print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    sets: dict[str, Observations] = {}
    for name, paragraphs, examples in (("paragraphs", *_chinese()), ("keywords", *_english())):
        random.Random(_SEED).shuffle(examples)
        with _library() as application:
            for source, text in paragraphs:
                application.library.add_bytes(text.encode(), name=source)
            sets[name] = _observe(application, examples[:count], without=True)
    documents, examples = _asked()
    random.Random(_SEED).shuffle(examples)
    with _library() as application:
        for source, text in documents:
            application.library.add_bytes(text.encode(), name=source)
        sets["asked"] = _observe(application, examples[: 5 * count], without=False)
    for name, path, files in (
        ("sample report", PROJECT / "corpus" / "hefei-2024.txt", SAMPLE_CASES),
        ("120 reports", SHARED / "corpus" / "reports", REPORT_CASES),
        ("pages", CASES / "documents" / "pages", ("pages",)),
    ):
        with _library() as application:
            application.library.add_paths([path])
            examples = [each for file in files for each in _development(CASES / f"{file}.jsonl")]
            sets[name] = _observe(application, examples, without=False)
    _report("ranking", RANKING_WEIGHTS, {name: each.passages for name, each in sets.items()})
    _report("sentences", SENTENCE_WEIGHTS, {name: each.sentences for name, each in sets.items()})
    for language in ("zh", "en"):
        _report_confidence(language, sets)


@contextmanager
def _library() -> Iterator[Application]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "index")
        with open_application(settings) as application:
            yield application


def _chinese() -> tuple[list[tuple[str, str]], list[Example]]:
    """Questions about Wikipedia paragraphs, with the span that answers.

    Those that the judge has learned from are left out, here and below.
    """
    records = list(read("qa_mrc_zh"))
    texts = list(dict.fromkeys(record["a"] for record in records))
    sources = {text: f"{number}.txt" for number, text in enumerate(texts)}
    examples = [
        Example(
            record["q"],
            [[record["answer"].rstrip("。")]],
            evidence=[record["a"]],
            source=sources[record["a"]],
        )
        for record in records
        if record["q"].strip() and is_held_out(record["q"])
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
        text = "".join(pair["zh"].rstrip("。") + "。" for pair in group)
        paragraphs.append((source, text))
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
            fact = pair["zh"][:12].rstrip("。，")
            examples.append(Example(question, [[fact]], evidence=[text], source=source))
    return paragraphs, examples


def _asked() -> tuple[list[tuple[str, str]], list[Example]]:
    """Questions written for training, near misses among them, and the texts they are about."""
    texts: dict[str, list[str]] = {}
    examples = []
    for record in asked():
        source = f"{re.sub(r'[/:*?<>|]', '', record.title)}.txt"
        passages = texts.setdefault(source, [])
        if record.passage not in passages:
            passages.append(record.passage)
        if not is_held_out(record.title):
            continue
        facts = [[answer] for answer in record.answers]
        evidence = [_around(record.passage, answer) for answer in record.answers]
        examples.append(Example(record.question, facts, evidence=evidence, source=source))
    return [(source, "\n\n".join(passages)) for source, passages in texts.items()], examples


def _around(passage: str, answer: str) -> str:
    """An answer with what stands beside it: a figure alone may be in many passages."""
    start = passage.index(answer)
    return passage[max(0, start - 8) : start + len(answer) + 8].strip()


def _development(path: Path) -> Iterator[Example]:
    for case in load_cases(path):
        if case.split == "development":
            facts = case.expected if case.answerable else ()
            yield Example(case.question, facts, evidence=case.evidence, history=case.history)


def _observe(
    application: Application, examples: Sequence[Example], *, without: bool
) -> Observations:
    """Ask every example; ``without``: and once more without the passages that answer."""
    engine, embedder = application.library.engine, application.embedder
    matcher = TermMatcher(embedder)
    retriever = Retriever(engine=engine, embedder=embedder, matcher=matcher)
    composer = ExtractiveComposer(
        embedder=embedder,
        matcher=matcher,
        passages_of=engine.passages,
        judge=BundledJudge.load(),
    )
    documents = engine.documents(collection="default", filters={})
    known = sorted({str(d.metadata["place"]) for d in documents if "place" in d.metadata})
    seen = Observations([], [], [])
    for example in examples:
        question = understand(example.question, history=example.history, known_places=known)
        found = retriever.retrieve(question, collection="default", filters={}, limit=40)
        missing = found.scope.missing_places or found.scope.missing_years
        if question.small_talk or missing or not found.hits:
            continue
        if example.facts:
            _choices(seen, composer, example, found)
        others = tuple(hit for hit in found.hits if hit.source != example.source)
        for hits in (found.hits, others) if without else (found.hits,):
            draft = composer.compose(found.question, hits[:8])
            if not draft.signals:
                continue
            told = "".join(q.text for s in draft.sentences for q in s.quotations)
            right = bool(example.facts) and (hits is not others) and _holds(example, told)
            signals = [draft.signals.get(name, 0.0) for name in CONFIDENCE_SIGNALS]
            seen.drafts.append(("zh" if question.language == "zh" else "en", signals, right))
    return seen


def _choices(
    seen: Observations, composer: ExtractiveComposer, example: Example, found: Retrieval
) -> None:
    passages = [
        any(_bare(quote) in _bare(hit.passage.text) for quote in example.evidence)
        for hit in found.hits
    ]
    _choose(seen.passages, [hit.signals for hit in found.hits], passages, RANKING_WEIGHTS)
    sentences = composer.sentences(found.question, found.hits[:8])
    right = [
        example.source in {"", sentence.hit.source} and _holds(example, sentence.text)
        for sentence in sentences
    ]
    _choose(seen.sentences, [s.signals for s in sentences], right, SENTENCE_WEIGHTS)


def _choose(
    choices: list[Choice],
    rows: Sequence[dict[str, float]],
    right: Sequence[bool],
    names: Sequence[str],
) -> None:
    if any(right) and not all(right):
        signals = np.array([[row.get(name, 0.0) for name in names] for row in rows])
        choices.append(Choice(signals, np.array(right)))


def _bare(text: str) -> str:
    return re.sub(r"\s", "", fold(text))


def _holds(example: Example, text: str) -> bool:
    """Whether a text holds a fact of the answer, as far as one sentence can."""
    told = _bare(text)
    return any(any(_bare(fact) in told for fact in group) for group in example.facts)


def _fit(sets: Sequence[Sequence[Choice]], start: Matrix) -> Matrix:
    """Weights under which the right candidates are most probable; every set counts alike."""
    weights = start.copy()
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, 401):
        gradient = 0.02 * (weights - start)
        for choices in sets:
            for choice in choices:
                scores = _SHARPNESS * (choice.signals @ weights)
                chance = np.exp(scores - scores.max())
                chance /= chance.sum()
                wanted = chance * choice.right
                wanted /= wanted.sum()
                gradient += _SHARPNESS / len(choices) * ((chance - wanted) @ choice.signals)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        pace = np.sqrt(second / (1 - 0.99**step)) + 1e-8
        weights = weights - 0.02 * (first / (1 - 0.9**step)) / pace
    return weights


def _report(title: str, current: dict[str, float], sets: dict[str, list[Choice]]) -> None:
    start = np.array(list(current.values()))
    fitted = _fit(list(sets.values()), start)
    fitted *= np.abs(start).max() / np.abs(fitted).max()
    print(f"{title}: signal, weight in the product, weight fitted now")
    for name, before, after in zip(current, start, fitted, strict=True):
        print(f"  {name:10} {before:+.2f} {after:+.2f}")
    for name, choices in sets.items():
        shares = [
            np.mean([choice.right[np.argmax(choice.signals @ w)] for choice in choices])
            for w in (start, fitted)
        ]
        print(f"  right first, {name:13} {shares[0]:.3f} {shares[1]:.3f}  of {len(choices)}")


def _report_confidence(language: str, sets: dict[str, Observations]) -> None:
    """Training material and the questions of the development halves count alike."""
    rows, right, weight = [], [], []
    for name, seen in sets.items():
        own = [draft for draft in seen.drafts if draft[0] == language]
        rows += [signals for _, signals, _ in own]
        right += [was_right for _, _, was_right in own]
        share = 1.0 if name in ASKED_OURSELVES else 100 / max(1, len(own))
        weight += [share] * len(own)
    model = LogisticRegression(C=2, max_iter=2000).fit(rows, right, sample_weight=weight)
    current = CONFIDENCE_WEIGHTS[language]
    print(f"confidence, {language}: signal, weight in the product, weight fitted now")
    print(f"  {'intercept':14} {current['intercept']:+.2f} {model.intercept_[0]:+.2f}")
    for name, value in zip(CONFIDENCE_SIGNALS, model.coef_[0], strict=True):
        print(f"  {name:14} {current.get(name, 0.0):+.2f} {value:+.2f}")


if __name__ == "__main__":
    main()
