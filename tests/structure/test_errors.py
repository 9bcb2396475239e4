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


def constants(pieces: list[str]) -> list[str]:
    """The pieces between the values; "" where a sentence begins with one."""
    return "".join(pieces).split("\0")


def pieces_of_errors(source: str) -> Iterator[tuple[int, list[str]]]:
    """(line, constant pieces) of every sentence that is raised, or made to be."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = dotted(node.exc.func).split(".")[-1]
            pieces = spelled(node.exc.args[0]) if node.exc.args else None
            if name in ERRORS and pieces:
                yield node.lineno, constants(pieces)
        elif isinstance(node, ast.Assign | ast.Return):
            pieces = spelled(node.value) or []
            if any(": expected " in piece for piece in pieces):
                yield node.lineno, constants(pieces)


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


@cache
def templates_in_tests() -> list[str]:
    """The sentences that tests put together from values, which stand as "\0"."""
    templates = set()
    for path in ROOT.glob("tests/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                templates.add(plain("".join(spelled(node) or [])))
    return [each for each in templates if len(each.replace("\0", "")) >= 2 * TELLING]


def can_be_the_same(one: str, other: str) -> bool:
    """Whether some values in place of each "\0" make two templates equal."""
    places = {(0, 0)}
    seen = set()
    while places:
        i, j = place = places.pop()
        if place == (len(one), len(other)):
            return True
        if place in seen or i > len(one) or j > len(other):
            continue
        seen.add(place)
        left, right = one[i : i + 1], other[j : j + 1]
        if left == "\0":
            places |= {(i + 1, j), (i, j + 1)}
        if right == "\0":
            places |= {(i, j + 1), (i + 1, j)}
        if left == right:
            places.add((i + 1, j + 1))
    return False


def is_said(pieces: list[str], text: str) -> bool:
    telling = [plain(piece) for piece in pieces if len(plain(piece)) >= TELLING]
    return all(piece in text for piece in telling)


def is_put_together(pieces: list[str]) -> bool:
    sentence = plain("\0".join(pieces))
    return any(can_be_the_same(sentence, other) for other in templates_in_tests())


def sentences(path: Path) -> list[tuple[int, list[str]]]:
    return list(pieces_of_errors(path.read_text(encoding="utf-8")))


MODULES = [path for path in sorted(ROOT.glob("mica/**/*.py")) if sentences(path)]


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_errors_of_a_module_are_looked_for_by_tests(module):
    text = said_in_tests()
    unseen = {
        line: said
        for line, said in sentences(module)
        if not (is_said(said, text) or is_put_together(said))
    }
    assert unseen == {}


def test_there_are_errors_to_look_for():
    assert len(MODULES) >= 10


def test_a_sentence_in_no_test_is_seen():
    source = "raise ConfigError(f'{name}: expected a purple {thing}, got it. Go.')"
    [(line, pieces)] = pieces_of_errors(source)
    assert line == 1
    assert not is_said(pieces, "Dense: expected a green 1, got it. Go.")
    assert is_said(pieces, plain(r"Dense: expected a purple 1, got it\. Go\."))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Dense: got \0. Go.", "\0: got 3. Go.", True),
        ("Dense: got \0. Go.", "\0: got 3. Stay.", False),
        ("\0: got \0.", "Dense: got 3.", True),
        ("got 3", "got 3", True),
        ("got 3", "got 3.", False),
    ],
)
def test_sentences_put_together_from_values_can_be_the_same(one, other, same):
    assert can_be_the_same(one, other) is same
