"""One offline page of a walk, to step forward and back through."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mica.errors import ConfigError
from mica.report import Finding, one_line
from mica.trace.page_script import SCRIPT
from mica.trace.page_style import STYLE
from mica.trace.step import Source, Step, Weight

__all__ = ["walk_html", "write_page"]

SHOWN_ROWS = 32  # of a large tensor; what a heat map still shows
SHOWN_COLUMNS = 64
DIGITS = 6  # significant ones of each number


def _number(value: Any) -> float | int | str:
    """JSON has no infinity and no NaN: they are words."""
    number = float(value)
    if not np.isfinite(number):
        return str(number)
    return float(f"{number:.{DIGITS}g}")


def _tensor(value: np.ndarray | None) -> dict[str, Any] | None:
    """Rows are all axes but the last; a large tensor is cut."""
    if value is None:
        return None
    columns = value.shape[-1] if value.ndim else 1
    rows = value.reshape(-1, columns) if value.size else np.zeros((0, 0))
    shown = rows[:SHOWN_ROWS, :SHOWN_COLUMNS]
    finite = value[np.isfinite(value)] if value.size else value
    return {
        "shape": list(value.shape),
        "size": int(value.size),
        "numbers": [[_number(entry) for entry in row] for row in shown],
        "low": _number(finite.min()) if finite.size else None,
        "high": _number(finite.max()) if finite.size else None,
        "cut": shown.shape != rows.shape,
    }


def _content(
    title: str,
    sources: Sequence[Source],
    steps: Sequence[Step],
    weights: Sequence[Weight],
    learning_rate: float,
) -> dict[str, Any]:
    return {
        "title": one_line(title),
        "rate": learning_rate,
        "sources": [
            {
                "name": one_line(source.name),
                "role": source.role,
                "value": _tensor(source.value),
                "gradient": _tensor(source.gradient),
            }
            for source in sources
        ],
        "steps": [
            {
                "name": one_line(step.name),
                "words": step.words,
                "formula": one_line(step.formula),
                "inputs": [one_line(name) for name in step.inputs],
                "place": one_line(step.place),
                "phase": step.phase,
                "value": _tensor(step.value),
                "gradient": _tensor(step.gradient),
                "known": step.is_known,
            }
            for step in steps
        ],
        "weights": [
            {
                "name": one_line(weight.name),
                "path": one_line(weight.path),
                "before": _tensor(weight.before),
                "gradient": _tensor(weight.gradient),
                "after": _tensor(weight.after),
            }
            for weight in weights
        ],
    }


def _finding(finding: Finding) -> str:
    text = f"{finding.where}: {finding.fact} {finding.evidence}"
    return f'<p class="card warning">{html.escape(one_line(text))}</p>'


def walk_html(
    title: str,
    sources: Sequence[Source],
    steps: Sequence[Step],
    weights: Sequence[Weight],
    *,
    learning_rate: float,
    note: str = "",
    findings: Sequence[Finding] = (),
) -> str:
    """Give a walk as the text of one whole page.

    Its script is the only one the page's own policy lets run, and it writes text
    nodes only: a layer's name can act neither in the page nor in its data.

    Args:
        title: The heading.
        sources: What the walk starts from.
        steps: What is done.
        weights: Before and after the update; empty where nothing is learned.
        learning_rate: How far the weights moved.
        note: A remark at the end.
        findings: What a reader must know first.

    Returns:
        HTML.
    """
    content = _content(title, sources, steps, weights, learning_rate)
    data = json.dumps(content, allow_nan=False).replace("<", "\\u003c")
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'"
    )
    name = html.escape(content["title"])
    buttons = "".join(
        f'<button class="phase {phase}" id="{phase}">{phase.title()}</button>'
        for phase in ("predict", "compare", "learn")
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{name}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<div class="controls">
{buttons}
<button id="back" aria-label="One step back">&#9664; Back</button>
<button id="next" aria-label="One step forward">Next &#9654;</button>
<input type="range" id="slider" min="0" value="0" aria-label="Stage">
<span id="count" aria-live="polite"></span>
<label>Follow <select id="weights"><option value="">no weight</option></select></label>
</div>
</header>
<div class="layout">
<nav aria-label="All stages"></nav>
<main>
{"".join(_finding(finding) for finding in findings)}
<section class="card" id="card" aria-live="polite"></section>
<section class="card" id="follow" hidden></section>
</main>
</div>
<footer>{html.escape(one_line(note))} Arrow keys: one step forward or back. Made by
Mica. This page holds all it needs.</footer>
<script type="application/json" id="walk">{data}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


def write_page(text: str, path: str | PathLike[str]) -> Path:
    """Write a page, by whole: an old file stays until the new one is done.

    Args:
        text: HTML.
        path: The file to write; its folder is made if missing.

    Returns:
        The path written.

    Raises:
        ConfigError: ``path`` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise ConfigError(
            f"page: expected the name of a file, got the folder {str(path)!r}. "
            'Add a name, such as "walk.html".'
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.name}.", suffix=".part"
    )
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(unfinished, 0o644)  # mkstemp keeps a file to its owner
        os.replace(unfinished, target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return target
