"""Every module says what it offers, in order, and offers what it says (after httpx's test)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = [PROJECT / "src" / "rag", PROJECT / "ui" / "rag_ui", PROJECT / "eval" / "rag_eval"]
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
MOST_LINES = 400


def _exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            names = ast.literal_eval(node.value)
            assert isinstance(names, list)
            return names
    return None


def _defined_here(tree: ast.Module) -> set[str]:
    """Public classes and functions that the module's own text defines.

    What is handed to a router where it is defined is called by its path, not imported by its name.
    """
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not any(
            ast.unparse(decorator).startswith("router.") for decorator in node.decorator_list
        )
    }


def _bound(tree: ast.Module) -> set[str]:
    """All names that the module's text binds, also under TYPE_CHECKING."""
    names = _defined_here(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_there_are_modules() -> None:
    assert len(MODULES) > 30


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
class TestModule:
    def test_public_names_are_listed_and_sorted(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        exported = _exported(tree)
        offered = _defined_here(tree)
        if exported is None:
            assert not offered, f"{path.name} defines {sorted(offered)} but has no __all__"
            return
        # Constants first, then classes, then functions: the order that ruff's RUF022 asks for.
        assert exported == sorted(exported, key=_isort_key)
        assert len(set(exported)) == len(exported)
        assert offered - set(exported) == set(), "public, but not in __all__"
        assert set(exported) - _bound(tree) == set(), "in __all__, but not defined"

    def test_it_has_one_responsibility_that_fits(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= MOST_LINES
        assert text == "" or ast.get_docstring(ast.parse(text)), "a module says what it is for"


def _isort_key(name: str) -> tuple[int, str]:
    if name.isupper() and len(name) > 1:
        return (0, name)
    return (1, name) if name[:1].isupper() else (2, name)
