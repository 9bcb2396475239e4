"""Write docs/reference: every part with its formula, and the table beside Keras 3.

python tools/reference.py           write the pages, from the docstrings
python tools/reference.py --check   fail if the written ones are out of date
"""

import importlib
import inspect
import os
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
WHY = ROOT / "tools" / "only_in_keras.toml"
WRITTEN = "<!-- Written by `python tools/reference.py` from the docstrings. -->"


class Chapter(NamedTuple):
    """One page: the parts of a module, and where Keras keeps its own."""

    title: str
    module: str
    keras: str
    intro: str


CHAPTERS = {
    "layers": Chapter(
        "Layers",
        "mica.layers",
        "layers",
        "What networks are built of. Shapes are channels-last, weights in torch's "
        "layout.",
    ),
    "initializers": Chapter(
        "Initializers",
        "mica.initializers",
        "initializers",
        "First values of weights. Layers take them by name or as objects.",
    ),
    "regularizers": Chapter(
        "Regularizers",
        "mica.regularizers",
        "regularizers",
        "What weights and activities cost.",
    ),
    "constraints": Chapter(
        "Constraints",
        "mica.constraints",
        "constraints",
        "What weights must be after each update.",
    ),
    "activations": Chapter(
        "Activations",
        "mica.activations",
        "activations",
        "Functions applied number by number, or over an axis.",
    ),
    "losses": Chapter(
        "Losses",
        "mica.losses",
        "losses",
        "What training makes small. Arguments come in torch's order, prediction first.",
    ),
    "metrics": Chapter(
        "Metrics", "mica.metrics", "metrics", "What is measured beside the loss."
    ),
    "optimizers": Chapter(
        "Optimizers", "mica.optimizers", "optimizers", "How weights move."
    ),
    "schedules": Chapter(
        "Schedules",
        "mica.optimizers.schedules",
        "optimizers.schedules",
        "How the learning rate changes from update to update.",
    ),
    "callbacks": Chapter(
        "Callbacks", "mica.callbacks", "callbacks", "Who listens during training."
    ),
}
FUNCTIONS = {"activations", "schedules"}  # chapters whose parts may be functions
# What stands on pages of its own, though layers export it too.
DOORS = ("initializers", "regularizers", "constraints", "activations")

INDEX = """\
# Reference

{written}

One page for each kind of part; every entry has its formula, shapes, errors, an example
that runs as a test, and its source.

| page | parts |
| --- | ---: |
{pages}

## Beside Keras 3

What Keras {version} and Mica have under the same name, what only Keras has (and why),
what only Mica has. Keras's second names of a part (`Convolution2D`, `MaxPool2D`) are
known to Mica as well and count once, and so are its functions that merge
(`layers.add([a, b])`). Its other functions in lower case are not listed:
`losses.mean_squared_error` is `losses.MeanSquaredError()`, and wherever Keras takes the
name of a part, Mica takes the same name.

| kind | both | only Keras | only Mica |
| --- | ---: | ---: | ---: |
{counts}

{lists}
"""


class Shown(NamedTuple):
    """A part on a page, and what else it is called."""

    part: Any
    other_names: list[str]


def parts_of(name: str) -> dict[str, Shown]:
    """The public classes and functions of a chapter, by their first names."""
    chapter = CHAPTERS[name]
    module = importlib.import_module(chapter.module)
    elsewhere = (
        [
            getattr(importlib.import_module(CHAPTERS[door].module), each)
            for door in DOORS
            for each in importlib.import_module(CHAPTERS[door].module).__all__
        ]
        if name == "layers"
        else []
    )
    values = {each: getattr(module, each) for each in module.__all__}
    found = {
        each: Shown(value, [])
        for each, value in sorted(values.items(), key=lambda pair: pair[0].lower())
        if callable(value)
        and not any(value is one for one in elsewhere)
        and (getattr(value, "__name__", each) == each or value.__name__ not in values)
    }
    for each, value in values.items():
        first = getattr(value, "__name__", each)
        if first != each and first in found:
            found[first].other_names.append(each)
    return found


def split_example(text: str) -> tuple[str, str, str]:
    """A docstring's body, the code of its example, and what follows."""
    match = re.search(r"^Example:\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE)
    if match is None:
        return text.rstrip(), "", ""
    code = textwrap.dedent(match.group(1)).strip("\n")
    after = (text + "\n")[match.end() :]
    return text[: match.start()].rstrip(), code, after.strip("\n")


def signature_of(name: str, part: Any) -> str:
    """How a part is called, in lines that fit."""
    try:
        signature = str(inspect.signature(part))
    except (TypeError, ValueError):
        signature = "(...)"
    signature = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", signature)
    signature = re.sub(r"<class '([\w.]+)'>", r"\1", signature)
    # Sequence says as much as collections.abc.Sequence, and can be read.
    signature = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])", "", signature)
    signature = re.sub(r" -> None$", "", signature)
    return textwrap.fill(
        f"{name}{signature}", 88, subsequent_indent="    ", break_long_words=False
    )


def entry(name: str, shown: Shown) -> Iterator[str]:
    """The lines of one part: what it does, how it is called, its docstring."""
    summary, _, rest = (inspect.getdoc(shown.part) or "").partition("\n\n")
    body, code, after = split_example(rest)
    yield f"## {name}\n"
    yield f"{' '.join(summary.split())}\n"
    if shown.other_names:
        yield f"Also called {', '.join(f'`{each}`' for each in shown.other_names)}.\n"
    # Blocks marked `python` are programs that the tests run; this one is a heading.
    yield f"```py\n{signature_of(name, shown.part)}\n```\n"
    if body:
        yield f"```text\n{body}\n```\n"
    if code:  # a session that the doctests run where it stands, in the docstring
        yield f"```pycon\n{code}\n```\n"
    if after:
        yield f"```text\n{after}\n```\n"


def links(names: list[str]) -> Iterator[str]:
    """Links to headings; where two differ in case only, a page numbers them."""
    met: dict[str, int] = {}
    for name in names:
        anchor = name.lower()
        times = met[anchor] = met.get(anchor, -1) + 1
        yield f"[{name}](#{anchor}{f'-{times}' if times else ''})"


def page(name: str) -> str:
    """One page of the reference."""
    chapter, parts = CHAPTERS[name], parts_of(name)
    lines = [f"# {chapter.title}\n", f"{WRITTEN}\n", f"{chapter.intro}\n"]
    lines.append(", ".join(links(list(parts))) + "\n")
    for each, shown in parts.items():
        lines.extend(entry(each, shown))
    return "\n".join(lines)


def names_in_keras(kind: str) -> dict[str, set[str]]:
    """Keras's public classes of a kind: each one's first name, and all its names."""
    import keras

    module: Any = keras
    for word in CHAPTERS[kind].keras.split("."):
        module = getattr(module, word)
    names: dict[int, set[str]] = {}
    firsts: dict[int, str] = {}
    for name in sorted(vars(module)):
        value = getattr(module, name)
        function = kind == "activations" and inspect.isfunction(value)
        if name.startswith("_") or not (inspect.isclass(value) or function):
            continue
        own = getattr(value, "__name__", name)
        firsts.setdefault(id(value), own if hasattr(module, own) else name)
        names.setdefault(id(value), set()).add(name)
    return {firsts[key]: names[key] for key in names}


def compare(kind: str) -> tuple[list[str], list[str], list[str]]:
    """Names of parts that both have, only Keras, only Mica."""
    parts = parts_of(kind)
    ours = {
        simple(called): name
        for name, shown in parts.items()
        for called in (name, *shown.other_names)
    }
    both, only_theirs, met = [], [], set()
    for first, names in names_in_keras(kind).items():
        hits = {ours[simple(name)] for name in names if simple(name) in ours}
        (both if hits else only_theirs).append(first)
        met |= hits
    only_ours = [
        name
        for name, shown in parts.items()
        if name not in met
        and (inspect.isclass(shown.part) or kind in FUNCTIONS)
        and not name.startswith("get_")
    ]
    if kind == "schedules":  # each is a function and the class of what it makes
        known = {simple(name) for name in met}
        only_ours = [name for name in only_ours if simple(name) not in known]
    return sorted(both), sorted(only_theirs), sorted(only_ours)


def simple(name: str) -> str:
    """A name without case and underscores: GlorotUniform is glorot_uniform."""
    return name.replace("_", "").lower()


def reasons() -> dict[str, dict[str, str]]:
    """Why Mica has no part of that name, by kind."""
    return tomllib.loads(WHY.read_text(encoding="utf-8"))


def index() -> str:
    """The first page, with the table beside Keras."""
    import keras

    why = reasons()
    pages, counts, lists = [], [], []
    for kind, chapter in CHAPTERS.items():
        pages.append(f"| [{chapter.title}]({kind}.md) | {len(parts_of(kind))} |")
        both, theirs, ours = compare(kind)
        counts.append(
            f"| {chapter.title} | {len(both)} | {len(theirs)} | {len(ours)} |"
        )
        lists.append(f"### {chapter.title}\n\nBoth: {', '.join(both)}.\n")
        lists.append(f"Only Mica: {', '.join(ours) or 'none'}.\n")
        if theirs:
            lists.append("| only Keras | why |\n| --- | --- |")
            lists += [
                f"| {name} | {why.get(kind, {}).get(name, '')} |" for name in theirs
            ]
            lists.append("")
    return INDEX.format(
        written=WRITTEN,
        pages="\n".join(pages),
        counts="\n".join(counts),
        lists="\n".join(lists).rstrip(),
        version=keras.__version__,
    )


def render() -> dict[str, str]:
    """All pages by file name."""
    return {"README.md": index(), **{f"{name}.md": page(name) for name in CHAPTERS}}


def main() -> None:
    """Write the pages, or check them."""
    pages = render()
    if "--check" in sys.argv[1:]:
        old = [
            name
            for name, text in pages.items()
            if not (FOLDER / name).exists()
            or (FOLDER / name).read_text(encoding="utf-8") != text
        ]
        if old:
            sys.exit(
                f"docs/reference: {', '.join(old)} out of date. "
                "Run: python tools/reference.py"
            )
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
