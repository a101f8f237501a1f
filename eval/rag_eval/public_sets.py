"""Question sets as the field publishes them, as cases and the documents they are about.

SQuAD's JSON and its kin (CMRC 2018, DRCD, and CMRC's own older form), and folders of a corpus,
queries and relevance judgements (BEIR, and those with answers beside the queries).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import InvalidInput, Unavailable
from rag.text import language, normalise, sentences
from rag_eval.case import Case, Place

if TYPE_CHECKING:
    from rag.schema import Language

__all__ = ["PublicSet", "SetDocument", "read_folder", "read_set", "read_squad", "write_documents"]

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 60
_JUDGEMENTS = ("qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv")
_LONGEST_ALTERNATIVE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDocument:
    """A text of a set, as the file it becomes."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """Cases, and the documents that they are asked of."""

    cases: tuple[Case, ...]
    documents: tuple[SetDocument, ...]


def read_set(path: Path) -> PublicSet:
    """Read a set in whichever of the known forms it is in. Raises InvalidInput."""
    if path.is_dir():
        return read_folder(path)
    if path.suffix.lower() == ".json":
        return read_squad(path)
    from rag_eval.cases import load_cases

    return PublicSet(cases=load_cases(path), documents=())


def read_squad(path: Path) -> PublicSet:
    """SQuAD 1.1 and 2.0, CMRC 2018, DRCD. Evidence is the sentence around the first answer.

    Raises InvalidInput for a file that cannot be read or has another form.
    """
    raw = _json(path)
    articles = raw.get("data") if isinstance(raw, dict) else raw
    documents: list[SetDocument] = []
    cases: list[Case] = []
    try:
        for number, (title, paragraphs) in enumerate(map(_article, articles or ()), start=1):
            contexts = []
            for context, questions in paragraphs:
                contexts.append(normalise(context))
                for question in questions:
                    case_id = f"{path.stem}-{len(cases) + 1:05d}"
                    cases.append(_squad_case(question, context, default_id=case_id))
            text = "\n\n".join([title, *contexts] if title else contexts)
            documents.append(SetDocument(name=_file_name(title, number), text=text))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        message = (
            f"{path} is no question set in SQuAD's form: {type(error).__name__}, {error}. Expected"
            ' {"data": [{"title": …, "paragraphs": [{"context": …, "qas": […]}]}]}, as SQuAD, CMRC'
            " 2018 and DRCD have it."
        )
        raise InvalidInput(message) from error
    if not cases:
        raise InvalidInput(f"{path} holds no questions. Expected SQuAD's form.")
    return PublicSet(cases=tuple(cases), documents=tuple(documents))


def read_folder(folder: Path) -> PublicSet:
    """``corpus.jsonl``, ``queries.jsonl`` and relevance judgements: BEIR, with or without answers.

    Of BEIR's judgements those of the test split are read, or else of dev, or else of train; only
    queries that are judged, or said to have no answer, become cases. Entries of the corpus that
    follow each other under one title are one document, and evidence in them is a quote. A query's
    ``answers`` are the alternatives of one expected fact; without any, its answer must quote a
    judged document.

    Raises InvalidInput, naming the file and line.
    """
    judged = _judgements(folder)
    documents, texts, names = _corpus(folder / "corpus.jsonl")
    cases = []
    for entry in _lines(folder / "queries.jsonl"):
        relevant = [key for key in judged.get(_id(entry), ()) if key in texts]
        answerable = entry.get("answerable", True) is not False
        if not relevant and answerable:
            continue
        answers = [str(each) for each in entry.get("answers") or () if str(each).strip()]
        short = tuple(each for each in answers if len(each) <= _LONGEST_ALTERNATIVE)
        text = str(entry["text"])
        evidence = tuple(
            Place(document=names[key]) if key in names else _quote(texts[key], answers)
            for key in relevant
        )
        cases.append(
            Case(
                case_id=_id(entry),
                question=text,
                language=_language(entry.get("lang"), text),
                answerable=answerable,
                expected=(short,) if short and answerable else (),
                evidence=evidence if answerable else (),
                tags=tuple(str(entry[key]) for key in ("type", "field") if entry.get(key)),
            )
        )
    if not cases or not documents:
        message = (
            f"{folder} holds {len(documents)} documents and {len(cases)} judged queries. Expected"
            " some of both; the ids of the judgements must be those of the corpus and the queries."
        )
        raise InvalidInput(message)
    return PublicSet(cases=tuple(cases), documents=tuple(documents))


def write_documents(documents: Sequence[SetDocument], folder: Path) -> None:
    """Write the documents as files into a folder that may exist. Raises Unavailable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for document in documents:
            (folder / document.name).write_text(document.text + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{folder} cannot be written to: {error.strerror}. Name another folder."
        raise Unavailable(message) from error


def _article(raw: Mapping[str, Any]) -> tuple[str, list[tuple[str, Sequence[Any]]]]:
    """Title and paragraphs, also of CMRC's own form, where an article is one context."""
    if "context_text" in raw:
        return str(raw.get("title") or ""), [(raw["context_text"], raw["qas"])]
    paragraphs = [(each["context"], each["qas"]) for each in raw["paragraphs"]]
    return str(raw.get("title") or ""), paragraphs


def _squad_case(raw: Mapping[str, Any], context: str, *, default_id: str) -> Case:
    question = str(raw.get("question") or raw["query_text"])
    answers = [
        (each, -1) if isinstance(each, str) else (str(each["text"]), int(each["answer_start"]))
        for each in raw.get("answers") or ()
    ]
    answerable = bool(answers) and not raw.get("is_impossible", False)
    return Case(
        case_id=str(raw.get("id") or raw.get("query_id") or default_id),
        question=question,
        language=language(question),
        answerable=answerable,
        expected=(tuple(dict.fromkeys(text for text, _ in answers)),) if answerable else (),
        evidence=(_sentence_around(context, *answers[0]),) if answerable else (),
    )


def _sentence_around(context: str, answer: str, start: int) -> str:
    """The sentence of a context that holds an answer; the answer where none does."""
    if context[start : start + len(answer)] != answer or start < 0:
        start = max(context.find(answer), 0)
    found = [(first, last) for first, last in sentences(context) if first <= start < last]
    sentence = context[slice(*found[0])].strip() if found else ""
    return sentence if answer in sentence else answer


def _corpus(path: Path) -> tuple[list[SetDocument], dict[str, str], dict[str, str]]:
    """Documents; the text of each entry; and the file of those that are a document of their own."""
    texts: dict[str, str] = {}
    groups: list[tuple[str, list[str]]] = []
    for entry in _lines(path):
        key, title = _id(entry), str(entry.get("title") or "").strip()
        texts[key] = normalise(str(entry["text"])).strip()
        if title and groups and groups[-1][0] == title:
            groups[-1][1].append(key)
        else:
            groups.append((title, [key]))
    documents, names = [], {}
    for number, (title, keys) in enumerate(groups, start=1):
        name = _file_name(keys[0] if len(keys) == 1 else title, number)
        parts = [texts[key] for key in keys]
        if title and not parts[0].startswith(title):
            parts.insert(0, title)
        documents.append(SetDocument(name=name, text="\n\n".join(parts)))
        if len(keys) == 1:
            names[keys[0]] = name
    return documents, texts, names


def _quote(text: str, answers: Sequence[str]) -> str:
    """The sentence of an entry that holds an answer, or else its first."""
    held = next((answer for answer in answers if answer in text), None)
    if held is not None:
        return _sentence_around(text, held, -1)
    first, last = sentences(text)[0] if text else (0, 0)
    return text[first:last].strip() or text


def _judgements(folder: Path) -> dict[str, list[str]]:
    path = next((folder / name for name in _JUDGEMENTS if (folder / name).is_file()), None)
    if path is None:
        message = (
            f"{folder} has no relevance judgements. Expected one of: {', '.join(_JUDGEMENTS)},"
            " beside corpus.jsonl and queries.jsonl."
        )
        raise InvalidInput(message)
    judged: dict[str, list[str]] = {}
    rows = csv.reader(_text(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, start=1):
        if number == 1 and row and row[-1] == "score":
            continue
        try:
            query, document, score = row
            if float(score) > 0:
                judged.setdefault(query, []).append(document)
        except ValueError as error:
            message = f"{path}, line {number}: found {row}, expected query, document and score."
            raise InvalidInput(message) from error
    return judged


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{path}, line {number}: not JSON ({error}).") from error
        if not isinstance(entry, dict) or not {"text"} <= set(entry) or not _id(entry):
            message = f'{path}, line {number}: expected an object with "_id" or "id", and "text".'
            raise InvalidInput(message)
        yield entry


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("_id") or entry.get("id") or "")


def _language(named: object, text: str) -> Language:
    return "zh" if str(named).startswith("zh") else "en" if named == "en" else language(text)


def _file_name(name: str, number: int) -> str:
    """A file name that says where it is from; a number keeps those apart that would be equal."""
    safe = _UNSAFE.sub("_", name).strip("_.")
    if safe == name and len(safe) <= _LONGEST_NAME:
        return f"{safe}.txt"
    digest = hashlib.sha256(f"{number}:{name}".encode()).hexdigest()[:8]
    return f"{safe[:_LONGEST_NAME]}-{digest}.txt" if safe else f"document-{number:06d}.txt"


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}.") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {path}. Check the name of the set.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}. Expected UTF-8 text.") from error
