"""The tests are in order: their folder, their names, their tolerances, their skips."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure.rules import dotted
from tools.architecture import PROOFS

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("tests/**/test_*.py"))
FEWEST_WORDS = 2  # behind `test`
TOLERANCES = {"abs", "atol", "rel", "rtol"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def short_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        words = node.name.split("_") if isinstance(node, ast.FunctionDef) else []
        if words[:1] == ["test"] and len(words) <= FEWEST_WORDS:
            yield f"{'_'.join(words)} is no sentence"


def tolerances_of_their_own(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for keyword in node.keywords if isinstance(node, ast.Call) else []:
            value = getattr(keyword.value, "value", None)
            if keyword.arg in TOLERANCES and isinstance(value, float) and value:
                yield f"line {node.lineno}: {keyword.arg} is not from tolerances.py"


def silent_skips(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        called = dotted(node.func) if isinstance(node, ast.Call) else ""
        reasons = [*node.args, *node.keywords] if isinstance(node, ast.Call) else []
        if called.endswith("xfail") or (called.endswith("skip") and not reasons):
            yield f"line {node.lineno}: {called} without a reason"
        decorators = getattr(node, "decorator_list", [])
        for mark in map(dotted, decorators):
            if mark.endswith(("mark.skip", "mark.xfail")):
                yield f"line {node.lineno}: {mark} without a reason"


CHECKS = [short_names, tolerances_of_their_own, silent_skips]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_of_tests_is_in_order(module, check):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert list(check(tree)) == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_stands_in_a_folder_and_says_what_it_proves(module):
    assert module.relative_to(ROOT / "tests").parts[0] in PROOFS
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_no_two_modules_share_a_name():
    counts = Counter(module.name for module in MODULES)
    assert [file for file, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    ("check", "source"),
    [
        (short_names, "def test_it(): ..."),
        (tolerances_of_their_own, "np.allclose(a, b, rtol=1e-3)"),
        (tolerances_of_their_own, "a == pytest.approx(b, abs=0.1)"),
        (silent_skips, "@pytest.mark.skip\ndef test_a(): ..."),
        (silent_skips, "pytest.skip()"),
        (silent_skips, "pytest.xfail('later')"),
    ],
)
def test_a_module_out_of_order_is_found(check, source):
    assert len(list(check(ast.parse(source)))) == 1
