"""docs/reference is current, and says of each name that only Keras has why."""

import doctest
import re
import sys

import pytest

from mica import activations, layers
from tools import reference

KINDS = list(reference.CHAPTERS)
SESSION = re.compile(r"^```pycon\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.render()


def test_the_reference_is_current(pages):
    for name, text in pages.items():
        written = reference.FOLDER / name
        assert written.read_text(encoding="utf-8") == text, (
            f"{name} is out of date. Run: python tools/reference.py"
        )


def test_the_reference_has_no_other_pages(pages):
    assert {path.name for path in reference.FOLDER.iterdir()} == set(pages)


@every_kind
def test_every_name_that_only_keras_has_has_a_reason_and_no_other(kind):
    _, only_keras, _ = reference.compare(kind)
    assert set(reference.reasons().get(kind, {})) == set(only_keras)


def test_there_are_reasons_of_no_other_kind():
    assert set(reference.reasons()) <= set(KINDS)


@pytest.mark.parametrize(
    "reason",
    [one for reasons in reference.reasons().values() for one in reasons.values()],
)
def test_a_reason_is_a_sentence(reason):
    assert re.match(r"^[A-Z`].+\.$", reason)
    assert "|" not in reason


@every_kind
def test_both_and_only_keras_are_all_that_keras_has(kind):
    both, only_keras, _ = reference.compare(kind)
    assert set(both) | set(only_keras) == set(reference.names_in_keras(kind))
    assert not set(both) & set(only_keras)


def test_a_second_name_stands_with_the_first():
    parts = reference.parts_of("layers")
    assert parts["MaxPooling2D"].other_names == ["MaxPool2D"]
    assert "MaxPool2D" not in parts
    assert reference.parts_of("activations")["silu"].part is activations.silu


def test_what_has_a_page_of_its_own_is_not_a_layer():
    assert "L2" not in reference.parts_of("layers")
    assert reference.parts_of("layers")["Dense"].part is layers.Dense


def test_an_entry_shows_signature_formula_example_and_source():
    shown = reference.Shown(Halve, ["Halving"])
    assert "\n".join(reference.entry("Halve", shown)) == (
        "## Halve\n\nHalf of a number.\n\nAlso called `Halving`.\n\n"
        "```py\nHalve(x: float)\n```\n\n```text\ny = x / 2\n```\n\n"
        "```pycon\n>>> Halve(2.0).y\n1.0\n```\n\n"
        "```text\nSource:\n    Common sense.\n```\n"
    )


class Halve:
    """Half of a number.

    y = x / 2

    Example:
        >>> Halve(2.0).y
        1.0

    Source:
        Common sense.
    """

    def __init__(self, x: float) -> None:
        self.y = x / 2


def test_two_headings_that_differ_in_case_have_links_of_their_own():
    names = ["Add", "add", "Dot"]
    found = ["[Add](#add)", "[add](#add-1)", "[Dot](#dot)"]
    assert list(reference.links(names)) == found


def test_no_signature_shows_where_something_lies_in_memory(pages):
    assert [name for name, text in pages.items() if " at 0x" in text] == []


def test_a_signature_names_types_without_their_modules():
    signature = reference.signature_of("Dense", layers.Dense)
    assert "kernel_initializer: str | Initializer | Callable[..., Any] =" in (
        " ".join(signature.split())
    )


def test_a_part_without_an_example_has_no_empty_block():
    assert reference.split_example("y = x\n\nArgs:\n    x: One.") == (
        "y = x\n\nArgs:\n    x: One.",
        "",
        "",
    )


def test_the_examples_on_the_pages_are_those_that_the_doctests_run(pages):
    """Each session of a page is an example that doctest finds in its docstring."""
    finder = doctest.DocTestFinder(recurse=False)
    for kind in KINDS:
        found = [
            example.source
            for shown in reference.parts_of(kind).values()
            for test in finder.find(shown.part, "part", globs={})
            for example in test.examples
        ]
        sessions = re.findall(
            r"^```pycon\n(.*?)^```$", pages[f"{kind}.md"], re.M | re.S
        )
        parser = doctest.DocTestParser()
        shown = [one.source for text in sessions for one in parser.get_examples(text)]
        assert shown == found
        assert shown


def old_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "reference")
    monkeypatch.setattr(reference, "render", lambda: {"a.md": "new\n", "b.md": "b\n"})


def test_an_old_reference_is_told(tmp_path, monkeypatch):
    old_folder(tmp_path, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["reference.py"])
    reference.main()
    (tmp_path / "reference" / "a.md").write_text("old\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["reference.py", "--check"])
    sentence = "docs/reference: a.md out of date. Run: python tools/reference.py"
    with pytest.raises(SystemExit, match=f"^{re.escape(sentence)}$"):
        reference.main()


def test_a_reference_that_was_never_written_is_told(tmp_path, monkeypatch):
    old_folder(tmp_path, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["reference.py", "--check"])
    sentence = "docs/reference: a.md, b.md out of date. Run: python tools/reference.py"
    with pytest.raises(SystemExit, match=f"^{re.escape(sentence)}$"):
        reference.main()


def test_a_current_reference_passes(tmp_path, monkeypatch):
    old_folder(tmp_path, monkeypatch)
    for arguments in (["reference.py"], ["reference.py", "--check"]):
        monkeypatch.setattr(sys, "argv", arguments)
        reference.main()
    assert (tmp_path / "reference" / "b.md").read_text(encoding="utf-8") == "b\n"
