"""``rag backup``: the whole index in one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.cli.options import add_json, add_settings, settings_of
from rag.cli.output import line, show, write_json
from rag.errors import InvalidInput

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="file to make")
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy the catalog, from which all else derives; 1 when it cannot be written."""
    settings = settings_of(arguments)
    if arguments.file.exists():
        message = (
            f"{arguments.file} exists already. Choose another name: a backup replaces nothing."
        )
        raise InvalidInput(message)
    from rag.catalog import Catalog

    catalog = Catalog.open(settings.data_dir, create=False)
    try:
        catalog.back_up(arguments.file)
    finally:
        catalog.close()
    size = arguments.file.stat().st_size
    if arguments.json:
        write_json({"file": str(arguments.file), "bytes": size})
    else:
        show([line(("good", "kept"), f"  {arguments.file}, {size / 2**20:.1f} MB")])
    return 0
