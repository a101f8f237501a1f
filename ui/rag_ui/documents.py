"""The documents panel: what the library holds, files added to it, documents removed from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DocumentNotFound, DocumentReplaced, NotFound, RagError
from rag_ui.markup import escape
from rag_ui.texts import plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradio.components.chatbot import ExampleMessage

    from rag.library import Library
    from rag.schema import DocumentSummary, FileOutcome
    from rag_ui.conversation import ChatTurn
    from rag_ui.evidence import Fate, Neighbours

__all__ = ["add", "beside", "examples", "fates", "listing", "remove", "welcome"]

_MOST_LISTED = 300

_EXAMPLES_BY_REPORT = {
    # The product's sample: place and year of its report.
    ("合肥市", 2024): (
        "2024年合肥市的地区生产总值增长目标是多少？",
        "新能源汽车产量是多少？",
        "What was Hefei's GDP growth in 2023?",
        "How many new urban jobs are planned for 2024?",
    )
}


def welcome(library: Library, *, worded: bool) -> str:
    """What an empty conversation says about the library, and about answers: quoted or worded."""
    summaries = library.documents()
    if not summaries:
        about = say("welcome_empty")
    elif len(summaries) == 1:
        about = say("welcome_one", {"title": summaries[0].title})
    else:
        about = say("welcome_about", {"count": len(summaries)})
    if summaries:
        about += say("welcome_worded" if worded else "welcome_quoted")
    return f'<div class="welcome"><h2>{say("welcome")}</h2><p>{about}</p></div>'


def examples(library: Library) -> list[ExampleMessage]:
    """Questions about the product's sample report, where the library holds it; else none."""
    for summary in library.documents():
        known = (summary.metadata.get("place"), summary.metadata.get("year"))
        for report, questions in _EXAMPLES_BY_REPORT.items():
            if known == report and summary.metadata.get("kind") == "government_work_report":
                return [{"text": question} for question in questions]
    return []


def listing(library: Library) -> str:
    """The documents, each with a button that removes it after asking once more."""
    summaries = library.documents()
    if not summaries:
        return f'<div class="documents"><p class="hint">{say("no_documents")}</p></div>'
    items = "".join(_item(summary) for summary in summaries[:_MOST_LISTED])
    left = len(summaries) - _MOST_LISTED
    more = f'<p class="hint">{say("document_more", {"count": left})}</p>' if left > 0 else ""
    return f'<div class="documents"><ul>{items}</ul>{more}</div>'


def add(library: Library, files: Sequence[str]) -> str:
    """Add uploaded files and say what came of each. Their temporary copies are removed."""
    outcomes = []
    for file in files:
        path = Path(file)
        try:
            outcomes.append(_outcome(library.add_bytes(path.read_bytes(), name=path.name)))
        except RagError as error:
            outcomes.append(_line("failed", path.name, say("failed") + escape(error)))
        finally:
            path.unlink(missing_ok=True)
    return f'<ul class="outcomes">{"".join(outcomes)}</ul>'


def remove(library: Library, document_id: str) -> str:
    """Remove a document and say so."""
    try:
        title = library.document(document_id).title
        library.remove(document_id)
    except DocumentNotFound:
        return f'<ul class="outcomes">{_line("failed", "", say("gone"))}</ul>'
    except RagError as error:
        return f'<ul class="outcomes">{_line("failed", "", escape(error))}</ul>'
    return f'<ul class="outcomes">{_line("removed", title, say("removed"))}</ul>'


def fates(library: Library, turns: Sequence[ChatTurn]) -> dict[str, Fate]:
    """What became of documents that answers showed and that are there no more, by document id."""
    shown = {
        hit.passage.passage_id: hit.passage.document_id
        for turn in turns
        if turn.answer
        for hit in turn.answer.hits
    }
    there = library.engine.hits(list(shown))
    found: dict[str, Fate] = {}
    for document_id in {shown[passage_id] for passage_id in shown if passage_id not in there}:
        try:
            library.passages(document_id)
        except DocumentReplaced:
            found[document_id] = "changed"
        except DocumentNotFound:
            found[document_id] = "gone"
    return found


def beside(library: Library, turns: Sequence[ChatTurn]) -> dict[str, Neighbours]:
    """The text before and after each passage that answers quote, where it is still there."""
    quoted = {each.passage_id for turn in turns if turn.answer for each in turn.answer.citations}
    found: dict[str, Neighbours] = {}
    for passage_id in quoted:
        try:
            before, _passage, after = library.around(passage_id, neighbours=1)
        except NotFound:
            continue
        found[passage_id] = (
            "".join(each.text for each in before),
            "".join(each.text for each in after),
        )
    return found


def _outcome(outcome: FileOutcome) -> str:
    if outcome.status == "failed":
        return _line("failed", outcome.source, say("failed") + escape(outcome.error or ""))
    said = say(outcome.status, {"passages": outcome.passages})
    return _line(outcome.status, outcome.source, said)


def _line(status: str, name: str, said: str) -> str:
    return f'<li class="{status}"><strong>{escape(name)}</strong> {said}</li>'


def _item(summary: DocumentSummary) -> str:
    known = [
        str(summary.metadata[key])
        for key in ("place", "year")
        if key in summary.metadata and str(summary.metadata[key]) not in summary.title
    ]
    facts = say(
        "document_facts",
        {"passages": f"{summary.passages:,}", "characters": f"{summary.characters:,}"},
    )
    about = " · ".join([*(escape(each) for each in known), facts])
    chinese, english = plain("remove_which", {"title": summary.title})
    name = escape(f"{chinese} · {english}")
    return (
        f'<li data-document="{escape(summary.document_id)}"><div class="about">'
        f"<strong>{escape(summary.title)}</strong><span>{about}</span>"
        f'<span class="source">{escape(summary.source)}</span></div>'
        f'<button type="button" class="remove" title="{name}" aria-label="{name}">'
        f"{say('remove')}</button>"
        f'<div class="sure" role="group" hidden><span>{say("remove_sure")}</span>'
        f'<button type="button" class="yes">{say("remove")}</button>'
        f'<button type="button" class="no">{say("cancel")}</button></div></li>'
    )
