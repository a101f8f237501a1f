from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rag.errors import InvalidSetting
from rag.settings import Settings, settings_table

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_safe_and_need_no_configuration() -> None:
    settings = Settings.load(environ={})
    assert settings == Settings()
    assert settings.host == "127.0.0.1"
    assert settings.port == 8000
    assert settings.data_dir == Path("index")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="port"):
        Settings().port = 1  # type: ignore[misc]


def test_environment_wins_over_file_and_options_win_over_both(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_text('port = 8001\nhost = "::1"\ntop_k = 7\n', encoding="utf-8")
    settings = Settings.load(
        environ={"RAG_PORT": "8002", "RAG_HOST": "127.0.0.2", "PATH": "/bin"},
        overrides={"port": 8003},
    )
    assert (settings.port, settings.host, settings.top_k) == (8003, "127.0.0.2", 7)


def test_every_setting_can_come_from_the_environment_and_from_the_file(tmp_path: Path) -> None:
    environ = {}
    lines = []
    for field in dataclasses.fields(Settings):
        if isinstance(field.default, int):
            value = max(50, field.metadata["minimum"])
            environ["RAG_" + field.name.upper()] = f" {value} "
            lines.append(f"{field.name} = {value}")
        else:
            environ["RAG_" + field.name.upper()] = "words"
            lines.append(f'{field.name} = "words"')
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    from_environment = Settings.load(environ=environ)
    assert from_environment == Settings.load(environ={}, toml_path=path)
    for field in dataclasses.fields(Settings):
        assert getattr(from_environment, field.name) in (50, 256, "words", Path("words"))


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    loaded = Settings.load(environ={"RAG_DATA_DIR": "~/reports"})
    assert loaded.data_dir == Path("/home/somebody/reports")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"RAG_PROT": "1"},
            "Unknown setting 'RAG_PROT' in the environment. Did you mean 'RAG_PORT'",
        ),
        ({"RAG_DATADIR": "x"}, "Did you mean 'RAG_DATA_DIR'"),
        ({"RAG_ZZZ": "x"}, "Expected one of: RAG_COMPOSER, .*RAG_TOP_K"),
        ({"RAG_port": "1"}, "Did you mean 'RAG_PORT'"),
        ({"RAG_PORT": "eighty"}, "RAG_PORT is 'eighty'. Expected a whole number from 0 to 65535"),
        ({"RAG_PORT": ""}, "RAG_PORT is ''. Expected a whole number"),
        ({"RAG_PORT": "65536"}, "RAG_PORT is 65536. Expected a whole number from 0 to 65535"),
        ({"RAG_TOP_K": "0"}, "RAG_TOP_K is 0. Expected a whole number from 1 to 50"),
        ({"RAG_MAX_FILE_MEGABYTES": "-1"}, "is -1. Expected a whole number not below 1"),
        ({"RAG_HOST": " "}, "RAG_HOST is empty. Expected text, such as '127.0.0.1'"),
        ({"RAG_DATA_DIR": ""}, "RAG_DATA_DIR is ''. Expected the path of a folder"),
    ],
    ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else "",
)
def test_a_wrong_variable_says_what_would_be_right(environ: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        Settings.load(environ=environ)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("prot = 1", "Unknown setting 'prot' in rag.toml. Did you mean 'port'"),
        ('port = "8000"', "port in rag.toml is '8000', of type str. Expected a whole number"),
        ("port = true", "port in rag.toml is True, of type bool"),
        ("port = 80.5", "port in rag.toml is 80.5, of type float"),
        ("host = 1", "host in rag.toml is 1, of type int. Expected text"),
        ("[server]\nport = 1", "Unknown setting 'server' in rag.toml"),
        ("port =", "rag.toml cannot be read: .*Expected TOML in UTF-8"),
    ],
)
def test_a_wrong_file_says_what_would_be_right(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rag.toml").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidSetting, match=message):
        Settings.load(environ={})


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag.toml").write_bytes(b"host = \xff\xfe")
    with pytest.raises(InvalidSetting, match=r"rag\.toml cannot be read"):
        Settings.load(environ={})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"no settings file .*absent\.toml"):
        Settings.load(environ={}, toml_path=tmp_path / "absent.toml")


def test_options_are_checked_like_everything_else() -> None:
    with pytest.raises(InvalidSetting, match="Unknown setting 'ports' in the options"):
        Settings.load(environ={}, overrides={"ports": 1})
    with pytest.raises(InvalidSetting, match="port is 70000"):
        Settings.load(environ={}, overrides={"port": 70000})


def test_values_are_checked_without_load_too() -> None:
    with pytest.raises(InvalidSetting, match="port is '8000', of type str"):
        Settings(port="8000")  # type: ignore[arg-type]


def test_megabytes_are_counted_as_the_library_counts_them() -> None:
    settings = Settings(max_file_megabytes=3, max_request_megabytes=4)
    assert settings.max_file_bytes == 3 * 1024 * 1024
    assert settings.max_request_bytes == 4 * 1024 * 1024


def test_every_setting_is_documented_and_the_table_in_the_documentation_is_true() -> None:
    table = settings_table()
    for field in dataclasses.fields(Settings):
        assert field.metadata["description"].endswith(".")
        assert f"| `{field.name}` | `RAG_{field.name.upper()}` |" in table
    documentation = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert table in documentation, f"docs/operations.md should hold this table:\n{table}"
