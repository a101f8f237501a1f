"""Model folders that ship in the package: files held to a manifest, arrays, a tokeniser."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from rag.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tokenizers import Tokenizer

__all__ = ["REPAIR", "check_folder", "read_arrays", "read_tokenizer"]

REPAIR = "Install the product again (make run does it), or put the folder back from its source."
_MANIFEST = "manifest.json"


def check_folder(folder: Path, *, contents: bool = True) -> dict[str, Any]:
    """The model's manifest, once every file it names has the size (and hash) it names.

    ``contents`` reads every byte (some 50 ms); without it only sizes are compared.
    Raises ModelUnavailable, naming the file.
    """
    manifest = _read_manifest(folder)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            message = f"The bundled model's file {path} is missing. {REPAIR}"
            raise ModelUnavailable(message)
        size = path.stat().st_size
        if size != expected["bytes"]:
            message = (
                f"The bundled model's file {path} has {size:,} bytes;"
                f" {expected['bytes']:,} were expected. {REPAIR}"
            )
            raise ModelUnavailable(message)
        if contents and hashlib.sha256(path.read_bytes()).hexdigest() != expected["sha256"]:
            message = f"The bundled model's file {path} is damaged: its hash differs. {REPAIR}"
            raise ModelUnavailable(message)
    return manifest


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"The bundled model is missing: there is no {_MANIFEST} in {folder}. {REPAIR}"
        raise ModelUnavailable(message) from error
    except (OSError, ValueError) as error:
        message = f"The bundled model's {path} cannot be read: {error}. {REPAIR}"
        raise ModelUnavailable(message) from error
    if not isinstance(manifest, dict) or not manifest.keys() >= {"name", "revision", "files"}:
        message = f"The bundled model's {path} does not list a name, a revision and files. {REPAIR}"
        raise ModelUnavailable(message)
    return manifest


def read_arrays(path: Path, *, needed: Sequence[str]) -> dict[str, Any]:
    """The arrays of a bundled model. Raises ModelUnavailable."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
        for name in needed:
            arrays[name]
    except (OSError, KeyError, SafetensorError) as error:
        message = f"The bundled model's {path} cannot be read: {error!r}. {REPAIR}"
        raise ModelUnavailable(message) from error
    return arrays


def read_tokenizer(path: Path, *, pieces: int) -> Tokenizer:
    """The tokeniser of a bundled model of so many pieces. Raises ModelUnavailable."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises this class itself, nothing narrower
        message = f"The bundled model's {path} cannot be read: {error}. {REPAIR}"
        raise ModelUnavailable(message) from error
    if tokenizer.get_vocab_size() != pieces:
        message = (
            f"The bundled model's {path} has {tokenizer.get_vocab_size():,} pieces, its table"
            f" {pieces:,} rows. {REPAIR}"
        )
        raise ModelUnavailable(message)
    return tokenizer
