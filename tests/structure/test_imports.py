"""Imports point down, and `import mica` brings only what it needs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Imported when a feature is first used, not by `import mica`.
HEAVY = [
    "IPython",
    "keras",
    "matplotlib",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "tensorboard",
    "tokenizers",
    "torch._dynamo",
    "typer",
]


def judge_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as run; run()"
    options = ["--no-cache", "--no-logo"]
    command = [sys.executable, "-c", program, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The package and the contracts, to be broken."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "mica", tmp_path / "mica", ignore=ignored)
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_points_down():
    done = judge_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_import_that_points_up_is_found(copy):
    with (copy / "mica" / "errors.py").open("a", encoding="utf-8") as file:
        file.write("\nimport mica.registry\n")
    done = judge_imports(copy)
    assert "mica.errors is not allowed to import mica.registry" in done.stdout


def test_an_import_that_points_sideways_is_found(copy):
    with (copy / "mica" / "nested.py").open("a", encoding="utf-8") as file:
        file.write("\nimport mica.shapes\n")
    done = judge_imports(copy)
    assert "mica.nested is not allowed to import mica.shapes" in done.stdout


def test_a_new_package_needs_a_place(copy):
    (copy / "mica" / "novelty.py").write_text('"""New."""\n', encoding="utf-8")
    done = judge_imports(copy)
    assert "- mica.novelty" in done.stdout


@pytest.fixture(scope="module")
def imported() -> set[str]:
    program = "import sys, mica; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_mica_imports_torch(imported):
    assert {"mica", "torch"} <= imported


@pytest.mark.parametrize("library", HEAVY)
def test_import_mica_does_not_import(library, imported):
    assert library not in imported
