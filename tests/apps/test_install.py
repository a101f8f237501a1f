"""Installing with two commands: what make does, when it does it again, and what doctor sees."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rag.cli import installation
from rag.cli.installation import DISTRIBUTION, installation_findings

PROJECT = Path(__file__).resolve().parents[2]

FAKE_PYTHON = """#!/bin/sh
# Stands for Python: notes how it is called, and fails when told to.
echo "$*" >> "{log}"
case "$*" in
    *version_info*) exit {too_old} ;;
    "-c import ensurepip, venv") exit {no_venv} ;;
    "-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"install -c"*) exit "$(cat "{folder}/pip-status" 2>/dev/null || echo 0)" ;;
    *"doctor --installation"*) exit "$(cat "{folder}/doctor-status" 2>/dev/null || echo 0)" ;;
esac
"""


class Checkout:
    """A copy of the files that make needs, with a Python that only takes notes."""

    def __init__(self, folder: Path, *, too_old: int = 0, no_venv: int = 0) -> None:
        self.folder = folder / "checkout"
        self.folder.mkdir()
        for name in ("Makefile", "pyproject.toml", "constraints.txt", "requirements"):
            source = PROJECT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, self.folder / name)
        self.log = folder / "calls.log"
        self.python = folder / "python"
        self.python.write_text(
            FAKE_PYTHON.format(log=self.log, folder=folder, too_old=too_old, no_venv=no_venv),
            encoding="utf-8",
        )
        self.python.chmod(0o755)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("", encoding="utf-8")
        return subprocess.run(
            ["make", *words, f"PYTHON={self.python}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        )

    def calls(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()

    def installs(self) -> int:
        return sum(" install " in call for call in self.calls())


class TestMake:
    def test_help_names_what_people_need(self) -> None:
        shown = subprocess.run(
            ["make", "help"], cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout
        for target in ("run", "test", "doctor", "eval", "clean"):
            assert re.search(rf"^make {target} +\S", shown, re.MULTILINE)

    def test_the_cpu_build_of_torch_comes_first_and_nothing_is_installed_twice(
        self, tmp_path: Path
    ) -> None:
        checkout = Checkout(tmp_path)
        result = checkout.make("install")
        assert result.returncode == 0, result.stderr
        installs = [call for call in checkout.calls() if " install " in call]
        assert re.search(r"install --no-deps -r requirements/torch-cpu\.txt$", installs[0])
        assert re.search(r"install -c constraints\.txt -e \.$", installs[1])
        assert len(installs) == 2
        assert checkout.make("install").returncode == 0
        assert checkout.installs() == 0

    @pytest.mark.parametrize("broken", ["pip-status", "doctor-status"])
    def test_an_installation_that_half_failed_is_taken_up_again(
        self, tmp_path: Path, broken: str
    ) -> None:
        checkout = Checkout(tmp_path)
        (tmp_path / broken).write_text("1", encoding="utf-8")
        assert checkout.make("install").returncode != 0
        (tmp_path / broken).unlink()
        assert checkout.make("install").returncode == 0
        assert checkout.installs() == 2

    @pytest.mark.parametrize(
        "changed", ["pyproject.toml", "constraints.txt", "requirements/torch-cpu.txt"]
    )
    def test_changed_requirements_are_installed(self, tmp_path: Path, changed: str) -> None:
        checkout = Checkout(tmp_path)
        assert checkout.make("install").returncode == 0
        stamp = (checkout.folder / ".venv" / ".installed").stat().st_mtime
        os.utime(checkout.folder / changed, (stamp + 5, stamp + 5))
        assert checkout.make("install").returncode == 0
        assert checkout.installs() == 2

    def test_a_checkout_that_was_moved_gets_an_environment_of_its_own(self, tmp_path: Path) -> None:
        checkout = Checkout(tmp_path)
        assert checkout.make("install").returncode == 0
        checkout.folder = checkout.folder.rename(tmp_path / "moved")
        assert checkout.make("install").returncode == 0
        assert "-m venv .venv" in checkout.calls()
        assert checkout.installs() == 2

    def test_the_tests_need_more_than_the_product(self, tmp_path: Path) -> None:
        checkout = Checkout(tmp_path)
        assert checkout.make(".venv/.installed-test").returncode == 0
        assert any(call.endswith("-e .[test]") for call in checkout.calls())

    def test_an_old_python_is_named(self, tmp_path: Path) -> None:
        result = Checkout(tmp_path, too_old=1).make("install")
        assert result.returncode != 0
        assert "Python 3.11 or newer is needed" in result.stderr

    def test_a_missing_venv_module_is_named(self, tmp_path: Path) -> None:
        result = Checkout(tmp_path, no_venv=1).make("install")
        assert result.returncode != 0
        assert "apt-get install python3-venv" in result.stderr

    def test_port_and_host_reach_the_server(self, tmp_path: Path) -> None:
        checkout = Checkout(tmp_path)
        assert checkout.make("run", "PORT=8123", "HOST=::1").returncode == 0
        assert checkout.calls()[-1] == "-m rag.cli serve --port 8123 --host ::1"
        assert any(call == "-m rag.cli index corpus/hefei-2024.txt" for call in checkout.calls())

    def test_an_index_that_is_there_is_left_alone(self, tmp_path: Path) -> None:
        checkout = Checkout(tmp_path)
        (checkout.folder / "index").mkdir()
        (checkout.folder / "index" / "catalog.sqlite3").touch()
        assert checkout.make("run").returncode == 0
        assert not any("rag.cli index" in call for call in checkout.calls())


class TestFiles:
    def test_everything_installed_is_pinned_and_nothing_else_breaks_other_platforms(self) -> None:
        lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        pins = [Requirement(text) for text in lines if text and not text.startswith("#")]
        assert lines[0].startswith("# ")
        names = {canonicalize_name(pin.name) for pin in pins}
        assert len(names) == len(pins)
        for pin in pins:
            assert pin.url is None
            assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)), str(pin)
        assert names.isdisjoint({"torch", "triton", "rag-quotes", "pip"})
        assert not any(name.startswith("nvidia-") for name in names)
        needed, wrong = installation._requirements()
        assert wrong == []
        not_pinned = set(needed) - names - {DISTRIBUTION, "torch", "setuptools"}
        assert not_pinned == set()

    def test_torch_is_a_cpu_build_of_one_version(self) -> None:
        text = (PROJECT / "requirements" / "torch-cpu.txt").read_text(encoding="utf-8")
        versions = re.findall(r"^torch==([\d.]+)(\+cpu)?", text, re.MULTILINE)
        assert len(versions) == 2
        assert len({version for version, _ in versions}) == 1

    def test_the_metadata_people_see(self) -> None:
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        import rag

        assert project["version"] == rag.__version__
        assert project["scripts"] == {"rag": "rag.cli:main"}
        assert "Apache License" in (PROJECT / "LICENSE").read_text(encoding="utf-8")
        for name in project["license-files"]:
            assert (PROJECT / name).stat().st_size > 100
        for package in ("src/rag", "ui/rag_ui", "eval/rag_eval"):
            assert (PROJECT / package / "py.typed").exists()

    def test_the_script_of_continuous_integration_can_run(self) -> None:
        script = PROJECT / ".ci" / "run"
        assert os.access(script, os.X_OK)
        subprocess.run(["bash", "-n", str(script)], check=True)
        assert "make test" in script.read_text(encoding="utf-8")


class TestInstallationFindings:
    def test_this_installation_is_whole(self) -> None:
        findings = {finding.check: finding for finding in installation_findings()}
        assert {name: each.found for name, each in findings.items() if each.status == "fail"} == {}
        assert "CPU build" in findings["torch"].found

    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"whole", None), (b"cut", "has 3 bytes instead of 5"), (None, "is missing")],
        ids=["whole", "cut off", "missing"],
    )
    def test_a_package_that_was_half_written_is_named_with_its_cure(
        self, tmp_path: Path, content: bytes | None, expected: str | None
    ) -> None:
        information = tmp_path / "thing-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: thing\nVersion: 1.0\n", encoding="utf-8")
        (information / "RECORD").write_text(
            "thing.py,sha256=x,5\nthing-1.0.dist-info/RECORD,,\n", encoding="utf-8"
        )
        if content is not None:
            (tmp_path / "thing.py").write_bytes(content)
        finding = installation._files({"thing": metadata.PathDistribution(information)})
        if expected is None:
            assert finding.status == "ok"
            return
        assert finding.status == "fail"
        assert f"thing: thing.py {expected}" in finding.found
        assert "--force-reinstall --no-deps thing==1.0" in finding.advice

    def test_missing_and_outdated_packages_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = metadata.distribution

        def distribution(name: str) -> metadata.Distribution:
            if name == "tantivy":
                raise metadata.PackageNotFoundError(name)
            if name == "numpy":
                return _Old()
            return real(name)

        class _Old(metadata.Distribution):
            def read_text(self, filename: str) -> str | None:
                return "Name: numpy\nVersion: 1.0\n" if filename == "METADATA" else None

            def locate_file(self, path: str | os.PathLike[str]) -> Path:
                return Path(path)

        monkeypatch.setattr(metadata, "distribution", distribution)
        _, wrong = installation._requirements()
        assert any(re.match(r"numpy is 1\.0, but .* needs numpy", each) for each in wrong)
        assert any(each.startswith("tantivy") and "is missing" in each for each in wrong)

    def test_a_module_that_crashes_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installation, "_NATIVE_MODULES", ("json", "no_such_module"))
        finding = installation._imports()
        assert finding.status == "fail"
        assert "no_such_module cannot be loaded: ModuleNotFoundError" in finding.found

    def test_a_cuda_build_works_but_is_mentioned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metadata, "version", lambda _: "2.13.0+cu130")
        finding = installation._torch()
        assert finding.status == "warn"
        assert "requirements/torch-cpu.txt" in finding.advice
