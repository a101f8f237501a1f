"""Arguments that several commands share, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import InvalidInput
from rag.schema import DEFAULT_COLLECTION, MetadataValue

if TYPE_CHECKING:
    from rag.settings import Settings

__all__ = [
    "add_collection",
    "add_collections",
    "add_filters",
    "add_json",
    "add_settings",
    "filters_of",
    "settings_of",
    "text",
]


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Where settings come from, and the one most often changed."""
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder of the index (RAG_DATA_DIR; index)"
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings file to read instead of rag.toml"
    )


def add_collection(parser: argparse.ArgumentParser) -> None:
    """Which collection."""
    parser.add_argument(
        "--collection",
        type=text,
        default=DEFAULT_COLLECTION,
        metavar="NAME",
        help=f"collection to use ({DEFAULT_COLLECTION})",
    )


def add_collections(parser: argparse.ArgumentParser) -> None:
    """Which collections."""
    parser.add_argument(
        "--collection",
        type=text,
        default=DEFAULT_COLLECTION,
        metavar="NAME[,NAME…]",
        help=f"collection to search, or several, or '*' for all ({DEFAULT_COLLECTION})",
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Restrictions on metadata."""
    parser.add_argument(
        "--filter",
        action="append",
        type=text,
        default=[],
        dest="filters",
        metavar="KEY=VALUE",
        help="only documents with this metadata, such as place=合肥市 or year=2024; repeatable",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Output for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def settings_of(
    arguments: argparse.Namespace, *, overrides: Mapping[str, object] | None = None
) -> Settings:
    """The settings, with the command line's options over them. Raises InvalidSetting.

    An option that was not given is None in ``overrides`` and changes nothing.
    """
    from rag.settings import Settings

    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    if arguments.data_dir is not None:
        given["data_dir"] = arguments.data_dir
    return Settings.load(toml_path=arguments.settings, overrides=given)


def filters_of(given: Sequence[str]) -> dict[str, MetadataValue]:
    """``key=value`` arguments as filters, whole numbers where the key takes them.

    Raises InvalidInput for an argument of another form; keys are checked by the assistant.
    """
    from rag.filters import FILTER_KEYS

    filters: dict[str, MetadataValue] = {}
    for argument in given:
        key, equals, value = argument.partition("=")
        key, value = key.strip(), value.strip()
        if not (key and equals and value):
            message = f"--filter is {argument!r}. Expected KEY=VALUE, such as year=2024."
            raise InvalidInput(message)
        if key in filters:
            message = f"--filter names {key!r} twice. Expected each key once."
            raise InvalidInput(message)
        filters[key] = value
        if FILTER_KEYS.get(key) is int:
            try:
                filters[key] = int(value)
            except ValueError:
                message = f"--filter {key} is {value!r}. Expected a whole number."
                raise InvalidInput(message) from None
    return filters


def text(argument: str) -> str:
    """An argument that is valid Unicode, which what a shell passes on need not be."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        message = "is not valid text in this terminal's encoding; set the locale to UTF-8"
        raise argparse.ArgumentTypeError(message) from None
    return argument
