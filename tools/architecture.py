"""Write docs/architecture.md: the layers and the tree, one line per file.

python tools/architecture.py           write it
python tools/architecture.py --check   fail if the written one is out of date
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("mica", "tools", "benchmarks")
PROOFS = {
    "unit": "behaviour, and every error sentence",
    "oracle": "the same numbers as Keras, torch, a closed form or a printed result",
    "laws": "true for every input: inverses, invariances, save and load",
    "contract": "what every layer, loss, metric, optimizer and callback must honour",
    "learning": "small trainings that must reach a stated number",
    "hostile": "corrupt files, absurd shapes, bad data: a clear error, nothing lost",
    "structure": "the repository itself: imports, names, docstrings, documentation",
    "gpu": "the same laws on a device; skipped, with the reason, where there is none",
}

TEMPLATE = """\
# Architecture

<!-- Written by `python tools/architecture.py`; a structure test keeps it true. -->

## Layers: imports point down

A package may import what stands below it, never what stands above or beside it
(names divided by `|`). import-linter checks this, exhaustively: a new top-level
package fails until it has a place here.

```text
{layers}
```

## The tree

One concept per file; the line beside a file is the first line of its docstring.

```text
{tree}
```

## The tests

Each folder says what kind of proof it holds.

```text
{proofs}
```
"""


def first_line(path: Path) -> str:
    """The first line of a module's docstring, without its full stop."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return docstring.splitlines()[0].rstrip(".") if docstring else ""


def tree_rows(folder: Path, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Name and line of a package, its files, and then its folders."""
    indent = "  " * depth
    opening = folder / "__init__.py"
    yield f"{indent}{folder.name}/", first_line(opening) if opening.exists() else ""
    for path in sorted(folder.glob("*.py")):
        if path != opening:
            yield f"{indent}  {path.name}", first_line(path)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(path.glob("*.py")):
            yield from tree_rows(path, depth + 1)


def layer_rows(root: Path) -> list[tuple[str, str]]:
    """Packages of each layer that exist, with the line each opens with."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(row["layers"] for row in contracts if row["type"] == "layers")
    rows = []
    for layer in layers:
        names = [name.strip(" ()") for name in layer.split("|")]
        present = [name for name in names if _module(root, name)]
        if present:
            rows.append((" | ".join(present), ""))
    return rows


def _module(root: Path, name: str) -> bool:
    package = root / "mica" / name
    return (package / "__init__.py").exists() or package.with_suffix(".py").exists()


def aligned(rows: list[tuple[str, str]]) -> str:
    """Two columns of text, the second starting at one place."""
    width = max((len(name) for name, line in rows if line), default=0) + 2
    return "\n".join(f"{name:<{width}}{line}".rstrip() for name, line in rows)


def render(root: Path = ROOT) -> str:
    """The whole page, from the files as they are."""
    trees = [
        aligned(list(tree_rows(root / name)))
        for name in PACKAGES
        if (root / name).is_dir()
    ]
    folders = [row for row in PROOFS.items() if (root / "tests" / row[0]).is_dir()]
    return TEMPLATE.format(
        layers=aligned(layer_rows(root)),
        tree="\n\n".join(trees),
        proofs=aligned([(f"tests/{name}/", line) for name, line in folders]),
    )


def main() -> None:
    """Write the page, or with --check compare it."""
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != render():
            sys.exit(f"{PAGE.name} is out of date. Run: python tools/architecture.py")
        return
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
