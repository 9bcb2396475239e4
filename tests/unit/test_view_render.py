"""Where a report shows: the notebook's display or the terminal."""

import subprocess
import sys
import types

import pytest

from mica.report import Report, Text


@pytest.fixture
def notebook(monkeypatch):
    """Stand in for a kernel of IPython; gives what was displayed."""
    shown: list[str] = []
    display = types.ModuleType("IPython.display")
    display.HTML = lambda text: text
    display.display = shown.append
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    ipython.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def test_a_notebook_displays_a_styled_fragment(notebook, capsys):
    Report("R", [Text("", "a < b")]).show()
    assert capsys.readouterr().out == ""
    assert notebook[0].startswith("<style>")
    assert '<div class="mica notebook">' in notebook[0]
    assert "a &lt; b" in notebook[0]


def test_the_shell_of_ipython_is_a_terminal(monkeypatch, capsys):
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    Text("", "a").show()
    assert capsys.readouterr().out == "a\n"


def test_a_notebook_follows_its_own_theme_not_the_systems():
    fragment = Text("", "a")._repr_html_()
    assert "prefers-color-scheme" not in fragment
    assert 'body[data-jp-theme-light="false"] .mica' in fragment
    assert ":root" not in fragment


def test_importing_view_imports_no_library_for_drawing():
    program = (
        "import sys, torch\n"
        "before = set(sys.modules)\n"
        "import mica.report, mica.view\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "heavy = new & {'matplotlib', 'rich', 'PIL', 'pandas', 'sklearn', 'IPython'}\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
