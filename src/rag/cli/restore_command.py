"""``rag restore``: a backup in the place of the index."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.cli.options import add_json, add_settings, settings_of
from rag.cli.output import line, show, write_json

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="file that rag backup made")
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restore; what was there before is kept beside it."""
    settings = settings_of(arguments)
    from rag.catalog import Catalog, restore

    before = restore(arguments.file, settings.data_dir)
    catalog = Catalog.open(settings.data_dir, create=False)
    try:
        with catalog.snapshot() as snapshot:
            documents = sum(each.documents for each in snapshot.collections())
    finally:
        catalog.close()
    if arguments.json:
        write_json({"documents": documents, "before": before and str(before)})
        return 0
    lines = [line(("good", "restored"), f"  {documents:,} documents from {arguments.file}")]
    if before is not None:
        lines.append(line(("dim", f"what was there before is kept as {before}"), indent=4))
    show(lines)
    return 0
