"""Settings to objects: the one place that names concrete embedders, engines and composers.

A backend is a string in the settings, resolved in the tables below; its modules are imported only
when it is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from rag.embedders.own import OwnModels
from rag.errors import InvalidSetting
from rag.schema import CollectionSettings

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from rag.assistant import Assistant
    from rag.composers.completions import ChatModel
    from rag.evidence import TermMatcher
    from rag.library import Library
    from rag.protocols import Composer, Embedder, Engine, Judge, Reranker, Writer
    from rag.schema import Leg
    from rag.settings import Settings

__all__ = [
    "Application",
    "open_application",
    "open_embedder",
    "open_engine",
    "open_language_model",
    "open_reranker",
]

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The product, opened: close it when done, or use it in a ``with`` statement."""

    settings: Settings
    library: Library
    assistant: Assistant
    embedder: Embedder

    def close(self) -> None:
        """Save the derived indexes and release files and locks."""
        self.library.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_application(settings: Settings, *, create: bool = True) -> Application:
    """Open the index, the embedding model and the assistant that the settings name.

    ``create`` makes an empty index where there is none. Raises InvalidSetting for a name that no
    table holds, ModelUnavailable, MissingDependency, IndexMissing (``create`` is False),
    IndexDamaged, IndexMismatch, IndexLocked, Unavailable.
    """
    from rag.assistant import Assistant
    from rag.library import Library
    from rag.readers import ParsingLimits

    language_model = open_language_model(settings)
    leg = _choose(_RETRIEVAL, settings.retrieval, setting="retrieval")
    embedder = open_embedder(settings.embedder)
    reranker = open_reranker(settings.reranker)
    models = OwnModels(embedder, open_model=open_embedder)
    engine = open_engine(settings, models=models, create=create)
    with ExitStack() as undo:
        undo.callback(engine.close)
        matcher = _term_matcher(settings, embedder)
        judge = None if settings.embedder == "ranking-fake" else _judge()
        assistant = Assistant(
            engine=engine,
            embedder=embedder,
            composers={
                name: make(embedder, matcher, engine, judge) for name, make in _COMPOSERS.items()
            },
            default_composer=settings.default_composer,
            writers=_writers(language_model, matcher),
            matcher=matcher,
            max_question_characters=settings.max_question_characters,
            leg=leg,
            reranker=reranker,
            models=models,
        )
        library = Library(
            engine=engine,
            embedder=embedder,
            passage_characters=settings.passage_characters,
            max_file_bytes=settings.max_file_bytes,
            parsing=ParsingLimits(
                pages=settings.max_pages,
                seconds=settings.max_parse_seconds,
                memory_bytes=settings.max_parse_megabytes * 2**20,
            ),
            models=models,
        )
        undo.pop_all()
    return Application(settings=settings, library=library, assistant=assistant, embedder=embedder)


def open_embedder(name: str) -> Embedder:
    """Load the embedding model a setting names: ``bundled``, ``sentence-transformers:NAME``.

    Raises InvalidSetting, ModelUnavailable, MissingDependency.
    """
    family, _, argument = name.partition(":")
    return _choose(_EMBEDDERS, family, setting="embedder")(argument.strip())


def open_reranker(name: str) -> Reranker | None:
    """Load the reranker a setting names: ``none``, or a cross-encoder's name or folder.

    Raises ModelUnavailable, MissingDependency.
    """
    return _RERANKERS.get(name, partial(_cross_encoder, name))()


def open_engine(settings: Settings, *, models: OwnModels, create: bool = True) -> Engine:
    """Open the engine the settings name, for these models' vectors. Raises as open_application."""
    make = _choose(_ENGINES, settings.engine, setting="engine")
    return make(settings.data_dir, models, create)


def open_language_model(settings: Settings) -> ChatModel | None:
    """The language model the settings name; None where they name none. Connects to nothing yet.

    Raises InvalidSetting, also for a composer that no table holds or that has no model.
    """
    _choose({"auto": None, **_COMPOSERS, **_WRITERS}, settings.composer, setting="composer")
    base_url, model = settings.llm_base_url.strip(), settings.llm_model.strip()
    if not base_url and not model:
        if settings.composer in _WRITERS:
            message = (
                f"composer is {settings.composer!r}, but no language model is set. Set"
                " RAG_LLM_BASE_URL and RAG_LLM_MODEL, or RAG_COMPOSER=extractive."
            )
            raise InvalidSetting(message)
        return None
    if not base_url or not model:
        found, absent = ("llm_model", "llm_base_url") if model else ("llm_base_url", "llm_model")
        message = (
            f"{found} is set, but {absent} is not. A language model needs both: set"
            f" RAG_{absent.upper()}, or {absent} in rag.toml."
        )
        raise InvalidSetting(message)
    from rag.composers.completions import ChatModel

    return ChatModel(
        base_url=base_url,
        model=model,
        api_key=settings.llm_api_key.strip(),
        timeout_seconds=settings.llm_timeout_seconds,
    )


def _bundled(argument: str) -> Embedder:
    from rag.embedders.bundled import NESTED, BundledEmbedder

    model = BundledEmbedder.load()
    if not argument:
        return model
    if argument not in map(str, NESTED):
        choices = ", ".join(f"bundled:{dimension}" for dimension in NESTED)
        message = (
            f"embedder is 'bundled:{argument}'. Expected 'bundled', or its first dimensions"
            f" alone: {choices}. Another model is sentence-transformers:NAME_OR_PATH."
        )
        raise InvalidSetting(message)
    return model.first(int(argument))


def _sentence_transformers(argument: str) -> Embedder:
    from rag.embedders.transformer import SentenceTransformerEmbedder

    if not argument:
        message = (
            "embedder is 'sentence-transformers' without a model. Expected"
            " sentence-transformers:NAME_OR_PATH, such as"
            " sentence-transformers:intfloat/multilingual-e5-small."
        )
        raise InvalidSetting(message)
    return SentenceTransformerEmbedder.load(argument)


def _ranking_fake(argument: str) -> Embedder:
    from rag.embedders.ranking_fake import RankingFakeEmbedder

    _refuse_argument("ranking-fake", argument)
    return RankingFakeEmbedder()


def _refuse_argument(family: str, argument: str) -> None:
    if argument:
        message = (
            f"embedder is '{family}:{argument}', but {family!r} takes nothing after it."
            f" Expected {family!r}, or sentence-transformers:{argument} for another model."
        )
        raise InvalidSetting(message)


def _no_reranker() -> None:
    """Passages stay as the signals rank them."""


def _shared_words() -> Reranker:
    from rag.rerankers.shared_words import SharedWordsReranker

    return SharedWordsReranker()


def _cross_encoder(name: str) -> Reranker:
    from rag.rerankers.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker.load(name)


def _embedded(folder: Path, models: OwnModels, create: bool) -> Engine:
    from rag.engines.embedded import EmbeddedEngine

    return EmbeddedEngine.open(
        folder,
        embedder=models.of(CollectionSettings()).info,
        create=create,
        model_of=lambda settings: models.of(settings).info,
    )


def _judge() -> Judge:
    from rag.judges.bundled import BundledJudge

    return BundledJudge.load()


def _extractive(
    embedder: Embedder, matcher: TermMatcher, engine: Engine, judge: Judge | None
) -> Composer:
    from rag.composers.extractive import ExtractiveComposer

    return ExtractiveComposer(
        embedder=embedder, matcher=matcher, passages_of=engine.passages, judge=judge
    )


def _chat(model: ChatModel, matcher: TermMatcher) -> Writer:
    from rag.composers.chat import ChatComposer

    return ChatComposer(model=model, matcher=matcher)


def _writers(model: ChatModel | None, matcher: TermMatcher) -> Mapping[str, Writer]:
    if model is None:
        return {}
    return {name: make(model, matcher) for name, make in _WRITERS.items()}


_WORD_DIMENSIONS = 256

_EMBEDDERS: Mapping[str, Callable[[str], Embedder]] = {
    "bundled": _bundled,
    "ranking-fake": _ranking_fake,  # ranks by shared words, without any model: for tests
    "sentence-transformers": _sentence_transformers,
}
_RERANKERS: Mapping[str, Callable[[], Reranker | None]] = {  # any other name is a cross-encoder's
    "none": _no_reranker,
    "shared-words": _shared_words,  # without any model: for tests
}
_ENGINES: Mapping[str, Callable[[Path, OwnModels, bool], Engine]] = {
    "embedded": _embedded,
}
_RETRIEVAL: Mapping[str, Leg | None] = {"hybrid": None, "dense": "dense", "lexical": "lexical"}
_COMPOSERS: Mapping[str, Callable[[Embedder, TermMatcher, Engine, Judge | None], Composer]] = {
    "extractive": _extractive,
}
_WRITERS: Mapping[str, Callable[[ChatModel, TermMatcher], Writer]] = {
    "chat": _chat,
}


def _term_matcher(settings: Settings, embedder: Embedder) -> TermMatcher:
    """Words are compared by a static model, which a sentence model is no substitute for.

    By few dimensions: every word of the passages that are read closely is kept and compared.
    """
    from rag.embedders.bundled import BundledEmbedder
    from rag.evidence import TermMatcher

    if isinstance(embedder, BundledEmbedder):
        few = min(_WORD_DIMENSIONS, embedder.info.dimension)
        return TermMatcher(embedder.first(few))
    if settings.embedder == "ranking-fake":
        return TermMatcher(embedder)
    return TermMatcher(open_embedder(f"bundled:{_WORD_DIMENSIONS}"))


def _choose(table: Mapping[str, _Made], name: str, *, setting: str) -> _Made:
    if name in table:
        return table[name]
    message = (
        f"{setting} is {name!r}. Expected {_one_of(table)}; set RAG_{setting.upper()},"
        f" or {setting} in rag.toml."
    )
    raise InvalidSetting(message)


def _one_of(names: Iterable[str]) -> str:
    public = [name for name in names if name != "ranking-fake"]
    return public[0] if len(public) == 1 else "one of: " + ", ".join(public)
