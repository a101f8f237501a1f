"""``rag documents``: list, show and remove; what filters may name; a passage among others."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rag.cli.options import (
    add_collection,
    add_collections,
    add_filters,
    add_json,
    add_settings,
    filters_of,
    settings_of,
    text,
)
from rag.cli.output import line, show, write_json
from rag.cli.replies import document_reply, listing_reply, metadata_reply, passage_reply

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.library import Library

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)

    listing = actions.add_parser("list", help="what is in a collection")
    add_collection(listing)
    add_filters(listing)

    showing = actions.add_parser("show", help="a document's metadata and text")
    showing.add_argument("document_id", type=text, metavar="ID")

    removing = actions.add_parser("remove", help="remove documents and all that derives from them")
    removing.add_argument("document_ids", nargs="+", type=text, metavar="ID")

    naming = actions.add_parser("metadata", help="places, years and the like that filters may name")
    add_collections(naming)

    reading = actions.add_parser("passage", help="a passage and those before and after it")
    reading.add_argument("passage_id", type=text, metavar="ID")
    reading.add_argument(
        "--neighbours", type=int, default=1, metavar="N", help="how many before and after it (1)"
    )

    for action in (listing, showing, removing, naming, reading):
        add_json(action)
        add_settings(action)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action."""
    settings = settings_of(arguments)
    from rag.factory import open_application

    with open_application(settings, create=False) as application:
        library = application.library
        if arguments.action == "list":
            _list(library, arguments)
        elif arguments.action == "show":
            _show(library, arguments)
        elif arguments.action == "metadata":
            _metadata(application.assistant, arguments)
        elif arguments.action == "passage":
            _passage(library, arguments)
        else:
            _remove(library, arguments)
    return 0


def _list(library: Library, arguments: argparse.Namespace) -> None:
    summaries = library.documents(arguments.collection, filters_of(arguments.filters))
    if arguments.json:
        write_json(listing_reply(summaries, collection=arguments.collection))
        return
    passages = sum(summary.passages for summary in summaries)
    heading = f"{len(summaries)} documents, {passages:,} passages in {arguments.collection!r}"
    lines = [line(("strong", heading))]
    for summary in summaries:
        size = f"  {summary.passages} passages, {summary.characters:,} characters"
        lines += [
            line(("strong", summary.document_id), f"  {summary.title}"),
            line(("dim", summary.source + size), indent=4),
        ]
    show(lines)


def _show(library: Library, arguments: argparse.Namespace) -> None:
    document = library.document(arguments.document_id)
    passages = len(library.passages(arguments.document_id))
    if arguments.json:
        write_json(document_reply(document, passages=passages))
        return
    facts: dict[str, object] = {
        "source": document.source,
        "collection": document.collection,
        "passages": passages,
        "characters": len(document.text),
        **document.metadata,
    }
    lines = [line(("strong", document.document_id), f"  {document.title}")]
    lines += [line(("dim", f"{name}: {fact}"), indent=4) for name, fact in facts.items()]
    lines += [line(), *(line(each) for each in document.text.split("\n"))]
    show(lines)


def _metadata(assistant: Assistant, arguments: argparse.Namespace) -> None:
    found = assistant.filter_values(collection=arguments.collection)
    if arguments.json:
        write_json(metadata_reply(found, collection=arguments.collection))
        return
    lines = []
    for key, values in found.items():
        lines.append(line(("strong", key)))
        lines += [
            line(f"{key}={value}", ("dim", f"  {count} document{'s' * (count != 1)}"), indent=4)
            for value, count in values.items()
        ]
    show(lines or [line("No document here has metadata that filters may name.")])


def _passage(library: Library, arguments: argparse.Namespace) -> None:
    before, passage, after = library.around(arguments.passage_id, neighbours=arguments.neighbours)
    if arguments.json:
        write_json(passage_reply(before, passage, after))
        return
    lines = []
    for each in (*before, passage, *after):
        style = "strong" if each is passage else "plain"
        place = " › ".join([each.passage_id, *each.section])
        lines += [
            line(("dim", f"{place}  {each.start}–{each.end}")),
            line((style, " ".join(each.text.split())), indent=4),
        ]
    show(lines)


def _remove(library: Library, arguments: argparse.Namespace) -> None:
    removed = list(dict.fromkeys(arguments.document_ids))
    library.remove(*removed)
    if arguments.json:
        write_json({"removed": removed})
    else:
        show([line(("good", "removed"), f"  {document_id}") for document_id in removed])
