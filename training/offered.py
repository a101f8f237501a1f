"""What the product offers its judge: the nearest sentences of whole documents.

The documents that questions were written about are indexed as a user's would be, reports, pages
and other texts each in a library of their own, and the product is asked. What its plain signals
find best there is nearer to an answer than what stands around one passage. A sentence answers if it
holds what the question was written for, or if a reader said so: ``labelled.jsonl`` has what a
language model, reading them one by one, said of sentences that the judge had thought best.

Usage: python -m training.offered     (20 minutes; .cache/training/offered.jsonl)
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.composers.extractive import ExtractiveComposer
from rag.evidence import TermMatcher
from rag.factory import Application, open_application
from rag.judges.bundled import BundledJudge
from rag.protocols import Reading
from rag.questions import understand
from rag.retrieval import Retriever
from rag.settings import Settings
from training.asked import source_text, sources
from training.judging import Choice, is_held_out
from training.material import CACHE

if TYPE_CHECKING:
    from rag.schema import Hit

__all__ = ["LABELLED", "OFFERED", "main", "offered"]

OFFERED = CACHE / "offered.jsonl"
LABELLED = Path(__file__).with_name("labelled.jsonl")
_ASKED = {"reports": 5200, "pages": 3200, "plain": 2600}
"""How many questions are asked of each library, by what the names of its sources begin with."""
_PASSAGES = 8
"""Passages that the product composes an answer from."""
_SEED = 1

Place = tuple[str, int, int]
"""A source, and where a sentence starts and ends in its text."""


class _Listening:
    """The judge, and what it was given to read."""

    def __init__(self) -> None:
        self._judge = BundledJudge.load()
        self.heard: list[Reading] = []

    def logits(self, question: str, readings: Sequence[Reading]) -> list[float]:
        self.heard.extend(readings)
        return self._judge.logits(question, readings)


def offered() -> list[Choice]:
    """Questions with the sentences that the judge was given; none where nobody has asked yet."""
    if not OFFERED.is_file():
        return []  # those with labels alone are too few to be half of what is learned
    found = []
    known = {(source, question): places for source, question, places in _read(LABELLED)}
    for source, question, places in _read(OFFERED):
        known.setdefault((source, question), places)
    for (source, question), places in known.items():
        told: dict[bool, list[Reading]] = {True: [], False: []}
        for (name, start, end), answers in places.items():
            title, text = source_text(name)
            before = text[text.rfind("\n", 0, start) + 1 : start]
            told[answers].append(Reading(sentence=text[start:end], title=title, before=before))
        title, _ = source_text(source)
        found.append(Choice(question, title, tuple(told[True]), tuple(told[False])))
    return found


def _read(file: Path) -> Iterator[tuple[str, str, dict[Place, bool]]]:
    """Each question, by the source that it was written about, and whether sentences answer it."""
    for line in file.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        places = {
            (source, start, end): bool(answers)
            for source, start, end, answers in record["sentences"]
        }
        yield record["source"], record["question"], places


def main() -> None:
    """Build the libraries, ask, and write down what the judge was given."""
    asked: dict[str, list[tuple[str, str, Sequence[str]]]] = defaultdict(list)
    for source, question, answers in sources():
        title, _ = source_text(source)
        if not is_held_out(title):
            asked[source.partition("/")[0]].append((source, question, answers))
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = OFFERED.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        for library, count in _ASKED.items():
            questions = asked[library]
            chosen = random.Random(_SEED).sample(questions, min(count, len(questions)))
            with _library(dict.fromkeys(source for source, _, _ in questions)) as application:
                for record in _offers(application, chosen):
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
            print(f"{library}: {len(chosen):,} questions asked", flush=True)
    partial.replace(OFFERED)  # what was interrupted is not learned from


@contextmanager
def _library(names: Iterable[str]) -> Iterator[Application]:
    with (
        tempfile.TemporaryDirectory() as folder,
        open_application(Settings(data_dir=Path(folder) / "index")) as application,
    ):
        for source in names:
            _, text = source_text(source)
            application.library.add_bytes(text.encode(), name=f"{source}.txt")
        yield application


def _offers(
    application: Application, questions: Sequence[tuple[str, str, Sequence[str]]]
) -> Iterator[dict[str, object]]:
    engine, embedder = application.library.engine, application.embedder
    matcher, judge = TermMatcher(embedder), _Listening()
    retriever = Retriever(engine=engine, embedder=embedder, matcher=matcher)
    composer = ExtractiveComposer(
        embedder=embedder, matcher=matcher, passages_of=engine.passages, judge=judge
    )
    places = retriever.places(collection="default", filters={})
    for source, wording, answers in questions:
        question = understand(wording, known_places=places)
        # One that names no place is asked of its document, as by somebody who has no other: in the
        # reports of other places there are answers too.
        alone = source.startswith("reports") and not question.places
        found = retriever.retrieve(
            question,
            collection="default",
            filters={"source": f"{source}.txt"} if alone else {},
            limit=_PASSAGES,
        )
        judge.heard.clear()
        composer.compose(found.question, found.hits)
        sentences = []
        for reading in judge.heard:
            for name, start, end in _places(reading, found.hits):
                right = name == source and any(each in reading.sentence for each in answers)
                sentences.append((name, start, end, int(right)))
        if sentences:
            yield {"source": source, "question": wording, "sentences": sentences}


def _places(reading: Reading, hits: Sequence[Hit]) -> Iterator[Place]:
    """Where a sentence stands in its source; nothing where reading the source has changed it."""
    told = reading.before + reading.sentence
    names = [hit.source.removesuffix(".txt") for hit in hits if hit.passage.text.startswith(told)]
    for name in names[:1]:
        end = source_text(name)[1].find(told) + len(told)
        if end >= len(told):
            yield name, end - len(reading.sentence), end


if __name__ == "__main__":
    main()
