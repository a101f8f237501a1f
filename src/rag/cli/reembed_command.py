"""``rag reembed``: another embedding model for an index."""

from __future__ import annotations

import argparse
import sys

from rag.cli.options import add_json, add_settings, settings_of, text
from rag.cli.output import line, looks_like_terminal, show, write_json
from rag.cli.progress import bar

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--embedder", type=text, metavar="NAME", help="the model to change to (RAG_EMBEDDER)"
    )
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Embed everything anew, then switch."""
    settings = settings_of(arguments, overrides={"embedder": arguments.embedder})
    from rag.factory import open_embedder
    from rag.reembedding import reembed

    embedder = open_embedder(settings.embedder)
    with bar("embedding", shown=looks_like_terminal(sys.stderr)) as advance:
        passages = reembed(settings.data_dir, embedder=embedder, progress=advance)
    if arguments.json:
        write_json({"passages": passages, "model": embedder.info.name})
        return 0
    show(
        [
            line(("good", "done"), f"  {passages:,} passages are embedded by {embedder.info.name}"),
            line(("strong", f"→ From now on: RAG_EMBEDDER={settings.embedder}"), indent=4),
            line("Servers that run with another model have to be started again.", indent=4),
        ]
    )
    return 0
