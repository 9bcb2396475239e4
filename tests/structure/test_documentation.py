"""What the documentation says is true: its code runs, its map is current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!\w+:)([^)#]+)[^)]*\)|!\[[^\]]*\]\(([^):]+)\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def code_blocks(text: str) -> list[tuple[int, str]]:
    """(line of the first statement, code) of every python block."""
    return [
        (text.count("\n", 0, found.start(1)) + 1, found.group(1))
        for found in FENCE.finditer(text)
    ]


def run_blocks(page: Path) -> int:
    """Run a page's blocks in one namespace; how many there were."""
    blocks = code_blocks(page.read_text(encoding="utf-8"))
    namespace = {"__name__": "__main__"}
    for line, code in blocks:
        # Empty lines first, so that a traceback names the page's own line.
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)
    return len(blocks)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page)


def test_the_readme_has_code():
    assert code_blocks((ROOT / "README.md").read_text(encoding="utf-8"))


def test_blocks_share_a_namespace_and_name_their_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# T\n```python\na = 1\n```\n\n```python\na / 0\n```\n")
    with pytest.raises(ZeroDivisionError) as error:
        run_blocks(page)
    assert error.traceback[-1].lineno + 1 == 7


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_files_a_page_points_to_exist(page):
    found = LINK.findall(page.read_text(encoding="utf-8"))
    targets = [link or picture for link, picture in found]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_a_link_to_nothing_is_seen():
    text = "[a](b.md#c), [d](https://e.f), ![g](h.png), [i](#j)"
    assert LINK.findall(text) == [("b.md", ""), ("", "h.png")]


def test_the_map_of_the_tree_is_current():
    command = [sys.executable, "tools/architecture.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
