"""Every sentence an error can say is looked for by some test.

Static, so it cannot tell that a test matches the whole sentence; it can tell that a
sentence is in no test at all.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.structure.rules import ERRORS, dotted, spelled

ROOT = Path(__file__).resolve().parents[2]
# Shorter pieces are found anywhere.
TELLING = 10


def pieces_of_errors(source: str) -> Iterator[tuple[int, list[str]]]:
    """(line, constant pieces) of every sentence that is raised, or made to be."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = dotted(node.exc.func).split(".")[-1]
            pieces = spelled(node.exc.args[0]) if node.exc.args else None
            if name in ERRORS and pieces:
                yield node.lineno, [piece for piece in pieces if piece != "\0"]
        elif isinstance(node, ast.Assign | ast.Return):
            pieces = spelled(node.value) or []
            if any(": expected " in piece for piece in pieces):
                yield node.lineno, [piece for piece in pieces if piece != "\0"]


def plain(text: str) -> str:
    """A pattern or a sentence without escapes, in single spaces."""
    return " ".join(re.sub(r"\\(.)", r"\1", text).split())


@cache
def said_in_tests() -> str:
    """All strings of all tests but the structure tests, one per line."""
    strings: list[str] = []
    for path in ROOT.glob("tests/**/*.py"):
        if path.parent.name == "structure":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            strings += [piece for piece in spelled(node) or [] if piece != "\0"]
    return "\n".join(plain(string) for string in strings)


def is_said(pieces: list[str], text: str) -> bool:
    telling = [plain(piece) for piece in pieces if len(plain(piece)) >= TELLING]
    return all(piece in text for piece in telling)


def sentences(path: Path) -> list[tuple[int, list[str]]]:
    return list(pieces_of_errors(path.read_text(encoding="utf-8")))


MODULES = [path for path in sorted(ROOT.glob("mica/**/*.py")) if sentences(path)]


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_errors_of_a_module_are_looked_for_by_tests(module):
    text = said_in_tests()
    unseen = {line: said for line, said in sentences(module) if not is_said(said, text)}
    assert unseen == {}


def test_there_are_errors_to_look_for():
    assert len(MODULES) >= 10


def test_a_sentence_in_no_test_is_seen():
    source = "raise ConfigError(f'{name}: expected a purple {thing}, got it. Go.')"
    [(line, pieces)] = pieces_of_errors(source)
    assert line == 1
    assert not is_said(pieces, "Dense: expected a green 1, got it. Go.")
    assert is_said(pieces, plain(r"Dense: expected a purple 1, got it\. Go\."))
