"""Small documents with passages and vectors, for the tests of everything that stores them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.assistant import Assistant
from rag.composers.extractive import ExtractiveComposer
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.evidence import TermMatcher
from rag.schema import Document, Metadata, Passage

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.embedders.own import OwnModels
    from rag.protocols import Engine

DIMENSION = 64
FAKE = RankingFakeEmbedder(dimension=DIMENSION)

Sample = tuple[Document, tuple[Passage, ...], "npt.NDArray[np.float32]"]


def sample(
    source: str,
    *paragraphs: str,
    collection: str = "default",
    title: str = "工作报告",
    section: Sequence[str] = (),
    metadata: Metadata | None = None,
) -> Sample:
    """A document with one passage a paragraph, and the passages' vectors."""
    text = "\n".join(paragraphs)
    digest = hashlib.sha256(f"{collection}\0{source}\0{text}".encode()).hexdigest()
    document = Document(
        document_id="d" + digest[:16],
        collection=collection,
        source=source,
        title=title,
        text=text,
        metadata={"title": title} if metadata is None else metadata,
    )
    passages = []
    start = 0
    for ordinal, paragraph in enumerate(paragraphs):
        passages.append(
            Passage(
                passage_id=f"{document.document_id}-{ordinal}",
                document_id=document.document_id,
                ordinal=ordinal,
                text=paragraph,
                start=start,
                end=start + len(paragraph),
                section=tuple(section),
            )
        )
        start += len(paragraph) + 1
    return document, tuple(passages), FAKE.embed_passages(paragraphs)


def assistant_over(engine: Engine, *, models: OwnModels | None = None) -> Assistant:
    """An assistant that reads with the ranking fake."""
    matcher = TermMatcher(FAKE)
    composer = ExtractiveComposer(embedder=FAKE, matcher=matcher, passages_of=engine.passages)
    return Assistant(
        engine=engine,
        embedder=FAKE,
        composers={"extractive": composer},
        default_composer="extractive",
        matcher=matcher,
        max_question_characters=1_000,
        models=models,
    )
