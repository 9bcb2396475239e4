"""Every file of the package keeps every rule."""

import ast
from pathlib import Path, PurePosixPath

import pytest

from tests.structure.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("mica/**/*.py"))


def test_there_is_a_package_to_judge():
    assert "mica/errors.py" in FILES


@pytest.mark.parametrize("folder", sorted({str(Path(file).parent) for file in FILES}))
def test_every_folder_is_a_package_and_so_reaches_the_wheel(folder):
    assert (ROOT / folder / "__init__.py").is_file()


@pytest.mark.parametrize("file", FILES)
def test_every_file_keeps_every_rule(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    complaints = {
        name: list(rule(tree, PurePosixPath(file))) for name, rule in RULES.items()
    }
    assert {name: found for name, found in complaints.items() if found} == {}
