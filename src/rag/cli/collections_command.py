"""``rag collections``: list, create, rename, delete."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rag.cli.options import add_json, add_settings, settings_of, text
from rag.cli.output import line, show, write_json
from rag.cli.replies import collections_reply
from rag.schema import CollectionSettings

if TYPE_CHECKING:
    from rag.library import Library

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True)
    listing = actions.add_parser("list", help="all collections and how much is in them")
    creating = actions.add_parser("create", help="an empty collection, with settings of its own")
    creating.add_argument("name", type=text, metavar="NAME")
    creating.add_argument(
        "--passage-characters",
        type=int,
        metavar="N",
        help="length that its passages are cut to (RAG_PASSAGE_CHARACTERS)",
    )
    creating.add_argument(
        "--embedder",
        type=text,
        metavar="MODEL",
        help="embedding model of its own, named as in RAG_EMBEDDER",
    )
    renaming = actions.add_parser("rename", help="another name, and other ids of its documents")
    renaming.add_argument("name", type=text, metavar="NAME")
    renaming.add_argument("new_name", type=text, metavar="NEW_NAME")
    deleting = actions.add_parser("delete", help="a collection with all its documents")
    deleting.add_argument("name", type=text, metavar="NAME")
    for action in (listing, creating, renaming, deleting):
        add_json(action)
        add_settings(action)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action, then show what there is."""
    settings = settings_of(arguments)
    from rag.factory import open_application

    with open_application(settings, create=arguments.action == "create") as application:
        library = application.library
        if arguments.action == "create":
            own = CollectionSettings(
                passage_characters=arguments.passage_characters, embedder=arguments.embedder
            )
            library.create_collection(arguments.name, settings=own)
        elif arguments.action == "rename":
            library.rename_collection(arguments.name, arguments.new_name)
        elif arguments.action == "delete":
            library.delete_collection(arguments.name)
        _show(library, as_json=arguments.json)
    return 0


def _show(library: Library, *, as_json: bool) -> None:
    collections = library.collections()
    if as_json:
        write_json(collections_reply(collections))
        return
    lines = []
    for each in collections:
        own = each.settings.passage_characters
        size = f"  {each.documents:,} documents, {each.passages:,} passages"
        cut = f", cut to {own} characters" if own else ""
        model = f", embedded with {each.settings.embedder}" if each.settings.embedder else ""
        lines.append(line(("strong", each.name), size + cut + model))
    show(lines)
