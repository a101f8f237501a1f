"""What can be set, in one place: ``rag.toml`` in the working directory, then ``RAG_*`` variables.

The environment wins over the file, and the command line's options win over both. A name that is
not known or a value that cannot be used is an error that says what would have been right.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path

from rag.errors import InvalidSetting

__all__ = ["ENVIRONMENT_PREFIX", "Settings", "settings_table"]

ENVIRONMENT_PREFIX = "RAG_"
TOML_NAME = "rag.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Values are checked when one is made, wherever it comes from.

    Raises InvalidSetting for a value of the wrong type or outside its range.
    """

    data_dir: Path = field(
        default=Path("index"),
        metadata={"description": "Folder of the index: documents, passages and vectors."},
    )
    host: str = field(
        default="127.0.0.1",
        metadata={
            "description": "Address that `rag serve` listens on. The default is reached from this"
            " machine only; `0.0.0.0` opens it to the network."
        },
    )
    port: int = field(
        default=8000,
        metadata={
            "description": "Port that `rag serve` listens on; 0 takes any free one.",
            "minimum": 0,
            "maximum": 65535,
        },
    )
    embedder: str = field(
        default="bundled",
        metadata={
            "description": "Embedding model: `bundled` (or `bundled:256`, `bundled:128`,"
            " `bundled:64`: its first dimensions alone, for large libraries in little memory), or"
            " `sentence-transformers:NAME_OR_PATH`"
            " for any other. An index belongs to the model that made it."
        },
    )
    engine: str = field(
        default="embedded",
        metadata={"description": "Where documents are kept: `embedded`, a folder of this machine."},
    )
    composer: str = field(
        default="auto",
        metadata={
            "description": "What writes answers, where the request does not say: `extractive`,"
            " which quotes the documents word for word; `chat`, a language model whose every"
            " sentence is checked; `auto`, which is `chat` once `llm_base_url` is set."
        },
    )
    llm_base_url: str = field(
        default="",
        metadata={
            "description": "Address of an OpenAI-compatible API, up to and with `/v1`, such as"
            " `http://127.0.0.1:11434/v1`. Without one no language model is used."
        },
    )
    llm_model: str = field(
        default="",
        metadata={"description": "Name of the language model there, such as `qwen3:8b`."},
    )
    llm_api_key: str = field(
        default="",
        repr=False,
        metadata={
            "description": "Key for it, where it wants one. It is never shown.",
            "secret": True,
        },
    )
    llm_timeout_seconds: int = field(
        default=30,
        metadata={
            "description": "How long the language model may keep silent, and how long its whole"
            " reply may take, in seconds. After that the documents are quoted; nothing is tried"
            " again.",
            "minimum": 1,
            "maximum": 3600,
        },
    )
    retrieval: str = field(
        default="hybrid",
        metadata={
            "description": "How passages are found: `hybrid`, by vectors and full text together;"
            " `dense` or `lexical`, by one of the two alone, to compare with."
        },
    )
    reranker: str = field(
        default="none",
        metadata={
            "description": "What reads the best passages once more, together with the question:"
            " `none`, or the name or folder of a cross-encoder, such as"
            " `BAAI/bge-reranker-v2-m3`. Much slower."
        },
    )
    top_k: int = field(
        default=5,
        metadata={
            "description": "Passages in a reply, where the request does not say.",
            "minimum": 1,
            "maximum": 50,
        },
    )
    passage_characters: int = field(
        default=360,
        metadata={
            "description": "Length that passages are cut to, in characters. Takes effect on"
            " documents indexed from then on.",
            "minimum": 50,
            "maximum": 5000,
        },
    )
    max_question_characters: int = field(
        default=4000,
        metadata={"description": "Longest question accepted, in characters.", "minimum": 1},
    )
    max_file_megabytes: int = field(
        default=50,
        metadata={"description": "Largest file that becomes a document, in MB.", "minimum": 1},
    )
    max_pages: int = field(
        default=2000,
        metadata={"description": "Most pages of a PDF file.", "minimum": 1},
    )
    max_parse_seconds: int = field(
        default=60,
        metadata={
            "description": "How long reading one PDF, Word, Excel, EPUB or HTML file may take, in"
            " seconds.",
            "minimum": 1,
        },
    )
    max_parse_megabytes: int = field(
        default=1024,
        metadata={
            "description": "Memory of the process that reads such files, in MB.",
            "minimum": 256,
        },
    )
    max_upload_files: int = field(
        default=50,
        metadata={"description": "Most files in one upload.", "minimum": 1},
    )
    max_request_megabytes: int = field(
        default=100,
        metadata={"description": "Largest HTTP request accepted, in MB.", "minimum": 1},
    )

    def __post_init__(self) -> None:
        """Check every value, so that no later room has to."""
        for setting in fields(self):
            _check(setting, getattr(self, setting.name), shown=setting.name)

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        toml_path: Path | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> Settings:
        """Read ``rag.toml`` (if there is one), then ``RAG_*`` variables, then ``overrides``.

        ``environ`` stands for the process's environment when given. ``toml_path`` names another
        file, which must then exist. Raises InvalidSetting, naming the place and the nearest name.
        """
        values: dict[str, object] = {}
        values.update(_from_toml(toml_path))
        values.update(_from_environment(os.environ if environ is None else environ))
        known = _by_name()
        for name, value in (overrides or {}).items():
            setting = _known(name, known, shown=name, place="the options")
            values[setting.name] = _converted(setting, value, shown=name)
        return cls(**values)  # type: ignore[arg-type]  # every value was converted and checked

    @property
    def default_composer(self) -> str:
        """What writes answers, where the request does not say."""
        if self.composer == "auto":
            return "chat" if self.llm_base_url.strip() else "extractive"
        return self.composer

    @property
    def max_file_bytes(self) -> int:
        """Largest file that becomes a document, in bytes."""
        return self.max_file_megabytes * 2**20

    @property
    def max_request_bytes(self) -> int:
        """Largest HTTP request accepted, in bytes."""
        return self.max_request_megabytes * 2**20


def settings_table() -> str:
    """All settings as a Markdown table: name in the file, variable, default, meaning."""
    lines = [
        "| `rag.toml` | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    for setting in fields(Settings):
        limits = _limits(setting)
        meaning = setting.metadata["description"] + (
            f" {limits[0].upper()}{limits[1:]}." if limits else ""
        )
        variable = ENVIRONMENT_PREFIX + setting.name.upper()
        default = f"`{setting.default}`" if setting.default != "" else "none"
        lines.append(f"| `{setting.name}` | `{variable}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _by_name() -> dict[str, Field[object]]:
    return {setting.name: setting for setting in fields(Settings)}


def _from_toml(toml_path: Path | None) -> dict[str, object]:
    import tomllib

    path = Path(TOML_NAME) if toml_path is None else toml_path
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if toml_path is None:
            return {}
        message = f"There is no settings file {path}. Expected a TOML file; check its name."
        raise InvalidSetting(message) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = (
            f"The settings file {path} cannot be read: {error}. Expected TOML in UTF-8, such as"
            " a line: port = 8000. Correct the file or move it away."
        )
        raise InvalidSetting(message) from error
    known = _by_name()
    values: dict[str, object] = {}
    for name, value in data.items():
        setting = _known(name, known, shown=name, place=str(path))
        values[name] = _converted(setting, value, shown=f"{name} in {path}")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    known = {ENVIRONMENT_PREFIX + name.upper(): each for name, each in _by_name().items()}
    values: dict[str, object] = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        setting = _known(variable, known, shown=variable, place="the environment")
        value: object = environ[variable]
        if isinstance(setting.default, int):
            value = _whole_number(setting, environ[variable], shown=variable)
        values[setting.name] = _converted(setting, value, shown=variable)
    return values


def _known(
    name: str, known: Mapping[str, Field[object]], *, shown: str, place: str
) -> Field[object]:
    if name in known:
        return known[name]
    raise InvalidSetting(f"Unknown setting {shown!r} in {place}. {_suggestion(name, known)}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    import difflib

    upper = {each.upper(): each for each in known}
    near = difflib.get_close_matches(name.upper().replace("-", "_"), upper, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {upper[near[0]]!r}? Correct or remove it."
    return f"Expected one of: {', '.join(sorted(known))}. Correct or remove it."


def _whole_number(setting: Field[object], text: str, *, shown: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        message = f"{shown} is {text!r}. Expected {_expected(setting)}."
        raise InvalidSetting(message) from None


def _converted(setting: Field[object], value: object, *, shown: str) -> object:
    if isinstance(setting.default, Path) and isinstance(value, str) and value:
        value = Path(value).expanduser()
    _check(setting, value, shown=shown)
    return value


def _check(setting: Field[object], value: object, *, shown: str) -> None:
    expected = type(setting.default)
    # A bool is an int to Python, but `port = true` is a mistake.
    right_type = isinstance(value, Path if isinstance(setting.default, Path) else expected)
    if not right_type or isinstance(value, bool):
        kind = f", of type {type(value).__name__}" if value != "" else ""
        found = "set" if "secret" in setting.metadata else repr(value)
        raise InvalidSetting(f"{shown} is {found}{kind}. Expected {_expected(setting)}.")
    # What is nothing by default may be set to nothing: variables of a container often are.
    if isinstance(value, str) and not value.strip() and setting.default != "":
        message = f"{shown} is empty. Expected {_expected(setting)}; remove it for the default."
        raise InvalidSetting(message)
    if isinstance(value, int):
        minimum = setting.metadata.get("minimum")
        maximum = setting.metadata.get("maximum")
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise InvalidSetting(f"{shown} is {value}. Expected {_expected(setting)}.")


def _expected(setting: Field[object]) -> str:
    if isinstance(setting.default, Path):
        return "the path of a folder"
    if isinstance(setting.default, int):
        return f"a whole number {_limits(setting)}"
    return f"text, such as {setting.default!r}" if setting.default else "text"


def _limits(setting: Field[object]) -> str:
    minimum = setting.metadata.get("minimum")
    maximum = setting.metadata.get("maximum")
    if minimum is None:
        return ""
    return f"from {minimum} to {maximum}" if maximum is not None else f"not below {minimum}"
