"""Models that sentence-transformers loads: from a folder, from the hub's local cache, or the hub.

What embedders and rerankers share of it, above all what is said when a model cannot be had. Torch
is imported only here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import MissingDependency, ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["PretrainedKind"]

# OSError: not found, or no connection; the others: files that are damaged or contradict each other.
_UNUSABLE = (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError)
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin")
_TOKENISERS = ("tokenizer.json", "vocab.txt", "*.model", "vocab.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedKind:
    """A kind of model: how messages call it, which setting names it, and what makes it."""

    called: str
    article: str
    setting: str
    """What stands before the model's name where it is set."""
    saved_by: str
    """The class whose ``save_pretrained`` writes such a folder."""
    example: str

    def folder(self, name: str) -> Path | None:
        """The folder that a name means, checked for what it lacks; None for a name of the hub.

        Raises ModelUnavailable.
        """
        folder = Path(name).expanduser()
        if folder.is_dir():
            self._check_folder(folder)
            return folder
        if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
            message = (
                f"There is no folder {name} to load {self.article} {self.called} from. Expected a"
                f" folder with a sentence-transformers model, or a hub name such as {self.example}."
            )
            raise ModelUnavailable(message)
        return None

    def load(self, name: str, make: Callable[[ModuleType, str], Any]) -> Any:
        """What ``make`` makes of the imported library and a folder or hub name.

        Raises ModelUnavailable, MissingDependency.
        """
        try:
            import sentence_transformers
            from safetensors import SafetensorError
        except ImportError as error:
            message = (
                f"The {self.called} {name} needs sentence-transformers and torch, which cannot be"
                f" imported ({error}). Install them: pip install sentence-transformers"
            )
            raise MissingDependency(message) from error
        try:
            return make(sentence_transformers, name)
        except ImportError as error:
            message = f"The {self.called} {name} needs a package that is not installed: {error}"
            raise MissingDependency(message) from error
        except (*_UNUSABLE, SafetensorError) as error:
            first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            message = (
                f"The {self.called} {name} cannot be loaded: {first_line} {self._advice(name)}"
            )
            raise ModelUnavailable(message) from error

    def _check_folder(self, folder: Path) -> None:
        """Name what a folder lacks before a library says so in its own words."""
        config = folder / "config.json"
        if not (folder / "modules.json").is_file() and not config.is_file():
            message = (
                f"The folder {folder} is no {self.called}: it has neither modules.json"
                " (sentence-transformers) nor config.json (transformers). Expected the folder that"
                f" {self.saved_by}.save_pretrained or `hf download NAME --local-dir FOLDER` writes."
            )
            raise ModelUnavailable(message)
        needs = (("weights", _WEIGHTS), ("a tokeniser", _TOKENISERS))
        missing = [
            f"{what} ({', '.join(patterns)})"
            for what, patterns in needs
            if not any(found for pattern in patterns for found in folder.rglob(pattern))
        ]
        if missing:
            message = (
                f"The {self.called} in {folder} is incomplete: missing {' and '.join(missing)}."
                " Copy or download it again: hf download NAME --local-dir FOLDER."
            )
            raise ModelUnavailable(message)

    def _advice(self, name: str) -> str:
        if Path(name).is_dir():
            return "The folder is damaged or of another kind. Copy or download it again."
        return (
            "It is neither a folder here nor complete in the local cache of the hub, and the"
            f" hub did not give it. Where there is a network: hf download {name}; or download"
            f" it elsewhere (hf download {name} --local-dir FOLDER), copy the folder here and"
            f" set {self.setting}FOLDER."
        )
