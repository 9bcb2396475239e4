"""Show what a change does to the size of each file: `python tools/sizes.py [REF]`.

Compares the working tree with REF (HEAD when not given). It blocks nothing: the
marks are questions, taken from the guidance on sizes.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_PER_FILE = 400
LINES_PER_FUNCTION = 40
PUBLIC_METHODS = 12
ARGUMENTS = 10

Function = ast.FunctionDef | ast.AsyncFunctionDef


def git(*arguments: str) -> str:
    """What a git command prints; "" where it fails, as for a file that is new."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""


def questions(source: str) -> Iterator[str]:
    """What to ask about one file."""
    if len(source.splitlines()) > LINES_PER_FILE:
        yield "one story?"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield from _about_function(node)
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, Function)]
            public = [part for part in methods if not part.name.startswith("_")]
            if len(public) > PUBLIC_METHODS:
                yield f"{node.name}: {len(public)} public methods"


def _about_function(node: Function) -> Iterator[str]:
    has_docstring = ast.get_docstring(node) is not None
    body = node.body[1:] if has_docstring else node.body
    lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    if lines > LINES_PER_FUNCTION:
        yield f"{node.name}: {lines} lines"
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if len(arguments) > ARGUMENTS:
        yield f"{node.name}: {len(arguments)} arguments"


def main() -> None:
    """Print one row per changed file, then the totals."""
    reference = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    names = git("ls-files", "--cached", "--others", "--exclude-standard", "*.py")
    total = change = 0
    for name in sorted(names.split()):
        path = ROOT / name
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        now = len(source.splitlines())
        before = len(git("show", f"{reference}:{name}").splitlines())
        total, change = total + now, change + now - before
        if now != before:
            asked = "; ".join(questions(source))
            print(f"{now:6,} {now - before:+6,}  {name}  {asked}".rstrip())
    print(f"{total:6,} {change:+6,}  all Python files, against {reference}")


if __name__ == "__main__":
    main()
