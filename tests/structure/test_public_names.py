"""Every name Mica exports exists, is in order, and explains itself."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.rules import (
    constructor,
    expected_arguments,
    own_nodes,
    public_definitions,
    sections,
)

ROOT = Path(__file__).resolve().parents[2]
# Packages whose `__all__` is a door for users. Not here: `reference`, whose files
# are read from top to bottom, and `cli` and `recipes`, which explain themselves
# when they run.
ASIDE = {"mica.cli", "mica.recipes", "mica.reference"}


def packages() -> list[str]:
    folders = sorted(path.parent for path in ROOT.glob("mica/**/__init__.py"))
    return [".".join(folder.relative_to(ROOT).parts) for folder in folders]


def exported(package: str) -> list[str]:
    path = ROOT.joinpath(*package.split("."), "__init__.py")
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if ast.unparse(statement).startswith("__all__ = "):
            return list(ast.literal_eval(statement.value))
    return []


def definitions() -> list[tuple[str, str]]:
    """(module, name) of every class and function that a package exports."""
    found = set()
    for package in packages():
        if package in ASIDE:
            continue
        for name in exported(package):
            value = getattr(importlib.import_module(package), name, None)
            origin = getattr(value, "__module__", "") or ""
            is_definition = inspect.isroutine(value) or inspect.isclass(value)
            if is_definition and origin.startswith("mica"):
                found.add((origin, value.__name__))
    return sorted(found)


def definition(module: str, name: str) -> ast.AST:
    source = importlib.import_module(module).__file__ or ""
    tree = ast.parse(Path(source).read_text(encoding="utf-8"))
    return next(node for node in public_definitions(tree) if node.name == name)


EXPORTED = [(package, name) for package in packages() for name in exported(package)]


def test_there_are_names_to_judge():
    assert ("mica", "load") in EXPORTED


@pytest.mark.parametrize(("package", "name"), EXPORTED)
def test_every_exported_name_can_be_imported(package, name):
    assert hasattr(importlib.import_module(package), name)


@pytest.mark.parametrize("package", packages())
def test_a_package_exports_no_name_twice(package):
    names = exported(package)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("module", "name"), definitions())
def test_every_exported_definition_explains_itself(module, name):
    node = definition(module, name)
    docstring = ast.get_docstring(node) or ""
    titles = sections(docstring)
    is_error = issubclass_of_exception(getattr(importlib.import_module(module), name))
    missing = [] if is_error else missing_sections(node, docstring, titles)
    assert docstring
    assert missing == []


def issubclass_of_exception(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception)


def missing_sections(node: ast.AST, docstring: str, titles: list[str]) -> list[str]:
    wanted = []
    if expected_arguments(node):
        wanted.append("Args")
    function = constructor(node)
    if function and any(isinstance(part, ast.Raise) for part in own_nodes(function)):
        wanted.append("Raises")
    missing = [title for title in wanted if title not in titles]
    return missing if ">>> " in docstring else [*missing, "Example"]


def test_lists_of_names_are_sorted():
    command = [sys.executable, "-m", "ruff", "check", "--select", "RUF022", "mica"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
