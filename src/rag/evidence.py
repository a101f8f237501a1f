"""How much of a question a stretch of text holds: term weights and soft matching of words.

A term of the question counts as held when the text has it, and in part when the text has a word
that means nearly the same. Meaning is the cosine between word vectors of a static embedding
model, so that everyday words find the report's words (湖水, 巢湖水质) and English finds Chinese.
This is late interaction (Khattab and Zaharia, ColBERT, SIGIR 2020: for each query term the best
match among the text's terms) over static word vectors, weighted by inverse document frequency.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rag.text import contains_han, fold, stem, tagged_words, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.protocols import Embedder
    from rag.schema import Question

    FloatArray = npt.NDArray[np.float32]

__all__ = [
    "TermMatcher",
    "figure_agreement",
    "has_date",
    "has_figure",
    "has_person",
    "index_terms",
    "inverse_document_frequency",
    "weights_of",
]

_CACHE_LIMIT = 200_000
"""Words whose vectors are kept: about 200 MB at 256 dimensions."""

_SAME, _UNRELATED = 0.60, 0.15
"""Cosines between word vectors at which two words count as the same, and as unrelated."""
_RAREST = 2
_NEAR_GLOSSARY = 0.7

_KINDRED = 0.4
"""What a word counts that shares half of a term's characters."""

_SOFT_CEILING = 0.85
"""A near-synonym never counts as much as the word itself."""

_QUANTITY = r"(?:\d+(?:[.,]\d+)*|[一二三四五六七八九十百千两]+)[十百千万亿]*[余多]?"
_FIGURE = re.compile(
    r"\d+(?:\.\d+)?|[一二三四五六七八九十百千万亿两]+(?:成|倍|分之|[个家项条座次位名户人])|翻番|过半|全覆盖"
)
# Figures that name or number something instead of counting it: 1号线, 第十四届, 2024年, 12345热线.
_NAMING = re.compile(
    r"(?:19|20)\d\d\s*年|\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?|\d+\s*号|\d{4,}热线|[A-Za-z]\d+"
    r"|第?[\d一二三四五六七八九十]+(?:届|期(?!间))|第[\d一二三四五六七八九十]+次"
)

# What is asked for, the unit it comes in, and what a figure with another unit counts.
_WANTED_UNITS: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (
        re.compile(r"第几|排名|位次|名次|排第|\brank", re.I),
        r"第[\d一二三四五六七八九十]+|首位|前[\d一二三四五六七八九十]+|\d+位",
        0.3,
    ),
    (
        re.compile(r"多长|里程|多少公里|\bhow long\b|\blength\b|\bmileage\b|kilomet", re.I),
        r"(?:公里|千米|米)",
        0.0,
    ),
    (re.compile(r"多大面积|面积|平方|\barea\b", re.I), r"(?:平方|亩|公顷)", -0.6),
    (
        re.compile(
            r"人口(?:数量|总数|规模|总量)?(?:一共|总共|大概)?(?:是|有|为|达)?多少|\bpopulation\b",
            re.I,
        ),
        r"人(?!次|均)",
        -0.6,
    ),
    (re.compile(r"海拔|多高(?!的?增)|\bhow (?:tall|deep|wide)\b", re.I), r"(?:公里|千米|米)", -0.6),
    (
        # The product itself, unless its growth is asked for.
        re.compile(
            r"^(?!.*(?:增长|增速|增幅|目标|\bgr[eo]w|\btarget|\brate\b)).*"
            r"(?:生产总值|(?<![a-z])GDP(?![a-z])|\bgross (?:regional|domestic) product\b)",
            re.I | re.S,
        ),
        r"元",
        0.3,
    ),
    (re.compile(r"多重|\bhow heavy\b", re.I), r"(?:公斤|千克|吨)", -0.6),
    (
        re.compile(
            r"比[例重]|占比|[增涨降跌][速幅]|增长(?:率|多少|了多少|目标)|百分之|强度|[升降涨跌]了?多少"
            r"|percent|\brate\b|\bshare\b|\bgrowth\b|\bgr[eo]w|intensity|proportion",
            re.I,
        ),
        r"(?:%|％|成|倍|个百分点)",
        0.3,
    ),
    (
        re.compile(
            r"多少钱|(?:多少|几)[十百千万亿]*(?:美|欧|日|港)?元|[票房租单售油电水气]价|(?<!消费)价格(?!指数)|工资|薪[资酬水]"
            r"|租金|学费|\bspen[dt]|\byuan\b|\bmoney\b|\bcosts?\b|\bfares?\b"
            r"|\bhow much (?:is|are) an?\b|(?<!consumer )\bprices?\b(?!\s+ind)"
            r"|\bsalar(?:y|ies)\b|\bwages?\b",
            re.I,
        ),
        r"元",
        -0.6,
    ),
)
_CLASSIFIER = re.compile(
    r"(?:多少|几)[十百千万亿]*(?P<unit>[家户个条辆套所座项次人名位处种类列亩件支只艘台场趟班间天岁吨度倍页届年对])"
)

_DATE = re.compile(
    r"\d{4}\s*年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2}月(?:\d{1,2}日|[底初份])?|年底|上半年|下半年"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|\b(?:19|20)\d\d\b"
)


def inverse_document_frequency(frequency: int, total: int) -> float:
    """The smoothed inverse document frequency of BM25, at least 0.2 so that no term is nothing.

    A word that no passage holds counts like one that two hold: it may be another word for theirs.
    """
    counted = max(frequency, _RAREST)
    return max(0.2, math.log(1.0 + (max(total, counted) - counted + 0.5) / (counted + 0.5)))


def has_figure(text: str) -> bool:
    """Whether a quantity is written, apart from years and numbers that only name something."""
    return _FIGURE.search(_NAMING.sub("", text)) is not None


def figure_agreement(question: str, text: str) -> float:
    """Does a text hold the kind of figure that a question asks for?

    1 for a figure with the unit asked for, or any figure where no unit is; less for a figure with
    another unit (-0.6 where the question names the unit itself: 多少亿元, 几家), -1 for none.
    """
    if not has_figure(text):
        return -1.0
    classifier = _CLASSIFIER.search(question)
    if classifier and classifier["unit"] not in "个位":
        wanted, otherwise = _QUANTITY + re.escape(classifier["unit"]), -0.6
    else:
        found = next((entry for entry in _WANTED_UNITS if entry[0].search(question)), None)
        if found is None:
            return 1.0
        _, unit, otherwise = found
        wanted = unit if unit.startswith("第") else _QUANTITY + unit
    return 1.0 if re.search(wanted, _NAMING.sub("", text)) else otherwise


def has_date(text: str) -> bool:
    """Whether a date, a year or a part of a year is written."""
    return _DATE.search(text) is not None


def has_person(text: str) -> bool:
    """Whether a person's name seems to be written, by the segmenter's own judgement."""
    return any(tag.startswith("nr") for _, tag in tagged_words(text)) or bool(
        re.search(r"\b(?:Mr|Ms|Mrs|Dr|President|Premier|Mayor|Governor)\.?\s+[A-Z]", text)
    )


class TermMatcher:
    """Matches a question's terms with the words of texts. Keeps the vectors of words it has seen.

    Safe to share between threads: the cache only ever gains entries.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, FloatArray] = {}

    def matches(
        self, question: Question, texts: Sequence[str], *, contexts: Sequence[str] = ()
    ) -> FloatArray:
        """How well each text holds each term of the question.

        ``contexts`` (one a text, or none at all) are headings and titles: what only they hold
        counts half. Returns float32 of shape (len(texts), len(question.terms)) in 0..1.
        """
        import numpy as np

        terms = question.terms
        result = np.zeros((len(texts), len(terms)), dtype=np.float32)
        if not terms or not texts:
            return result
        vocabulary: dict[str, int] = {}
        word_ids = [_index(words(text), vocabulary) for text in texts]
        context_ids = [_index(words(context), vocabulary) for context in contexts]
        variants = [(term, *question.alternatives.get(term, ())) for term in terms]
        # Where the glossary gives the written words, a word that is merely near is trusted less.
        trust = [1.0 if len(forms) == 1 else _NEAR_GLOSSARY for forms in variants]
        similarity = np.stack(
            [
                factor * self._similarity(forms, list(vocabulary)).max(axis=0)
                for factor, forms in zip(trust, variants, strict=True)
            ]
        )
        foldeds = [fold(text) for text in texts]
        for row, ids in enumerate(word_ids):
            if ids:
                result[row] = similarity[:, ids].max(axis=1)
            for column, forms in enumerate(variants):
                # The segmenter cuts the same word differently in another sentence.
                if any(len(form) > 1 and form in foldeds[row] for form in forms):
                    result[row, column] = 1.0
            if contexts and context_ids[row]:
                borrowed = 0.5 * similarity[:, context_ids[row]].max(axis=1)
                result[row] = np.maximum(result[row], borrowed)
        return result

    def _similarity(self, terms: Sequence[str], vocabulary: list[str]) -> FloatArray:
        import numpy as np

        if not vocabulary:
            return np.zeros((len(terms), 0), dtype=np.float32)
        vectors = self._embed([*terms, *vocabulary])
        cosines = vectors[: len(terms)] @ vectors[len(terms) :].T
        soft = np.clip((cosines - _UNRELATED) / (_SAME - _UNRELATED), 0.0, 1.0) * _SOFT_CEILING
        index = {word: position for position, word in enumerate(vocabulary)}
        stems = [stem(word) for word in vocabulary]
        for row, term in enumerate(terms):
            figure = any(map(str.isdigit, term))
            root = stem(term)
            for word, column in index.items():
                if stems[column] == root:
                    soft[row, column] = 1.0
                elif _kindred(term, word):
                    soft[row, column] = max(soft[row, column], _KINDRED)
                elif figure or any(map(str.isdigit, word)):
                    # 5.8% and 5.9% are near in meaning and different in truth.
                    soft[row, column] = 0.0
        return np.asarray(soft, dtype=np.float32)

    def _embed(self, wanted: Sequence[str]) -> FloatArray:
        import numpy as np

        missing = [word for word in dict.fromkeys(wanted) if word not in self._vectors]
        if missing:
            if len(self._vectors) + len(missing) > _CACHE_LIMIT:
                self._vectors = {}
                missing = list(dict.fromkeys(wanted))
            vectors = self._embedder.embed_passages(missing)
            self._vectors.update(zip(missing, vectors, strict=True))
        return np.stack([self._vectors[word] for word in wanted])


def weights_of(question: Question, frequencies: Mapping[str, int], total: int) -> tuple[float, ...]:
    """The question's term weights times each term's rarity among ``total`` passages.

    ``frequencies`` counts passages by stem.

    A term that no passage holds and that is written in another script than the passages (an
    English word over Chinese text) says nothing by its absence and gets a middling rarity.
    """
    rarest = inverse_document_frequency(0, max(1, total))
    result = []
    for term, weight in zip(question.terms, question.weights, strict=True):
        forms = (term, *question.alternatives.get(term, ()))
        frequency = max(_frequency(form, frequencies) for form in forms)
        if frequency == 0 and not contains_han(term):
            rarity = 0.6 * rarest
        else:
            rarity = inverse_document_frequency(frequency, max(1, total))
        result.append(weight * rarity)
    return tuple(result)


def index_terms(question: Question) -> tuple[str, ...]:
    """The stems whose frequencies ``weights_of`` needs."""
    forms = [
        form for term in question.terms for form in (term, *question.alternatives.get(term, ()))
    ]
    return tuple(dict.fromkeys(stem(word) for form in forms for word in words(form)))


def _frequency(form: str, frequencies: Mapping[str, int]) -> int:
    """Passages with a form of one or more words: at most those with its rarest word."""
    return min((frequencies.get(stem(word), 0) for word in words(form)), default=0)


def _kindred(term: str, word: str) -> bool:
    """Chinese words built from the same characters: 签证 and 免签, 学校 and 中小学."""
    if len(term) < 2 or len(word) < 2 or not contains_han(term) or not contains_han(word):
        return False
    return 2 * len(set(term) & set(word)) >= len(set(term))


def _index(text_words: Sequence[str], vocabulary: dict[str, int]) -> list[int]:
    return [
        vocabulary.setdefault(word, len(vocabulary))
        for word in dict.fromkeys(text_words)
        if len(word) > 1 or contains_han(word) or word.isdigit()
    ]
