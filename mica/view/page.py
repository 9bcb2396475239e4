"""One self-contained HTML page of a report: it opens offline and runs no script."""

from __future__ import annotations

import os
import tempfile
from os import PathLike
from pathlib import Path

from mica.errors import ConfigError
from mica.report import Part, Report, one_line
from mica.view.markup import Markup, element, join, void
from mica.view.sections import draw_parts
from mica.view.stylesheet import notebook_style, page_style

__all__ = ["notebook_fragment", "page_html", "write_page"]

# A browser that obeys this loads nothing and runs nothing, whatever the page holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

# Three thin sheets, one above the other: the mineral.
SHEETS = Markup(
    '<svg class="logo" viewBox="0 0 48 40" width="48" height="40" aria-hidden="true">'
    '<path d="M24 22 46 31 24 40 2 31Z"/>'
    '<path d="M24 11 46 20 24 29 2 20Z"/>'
    '<path d="M24 0 46 9 24 18 2 9Z"/></svg>'
)


def page_html(part: Part) -> str:
    """Give a report, or any part of one, as the text of a whole page.

    Args:
        part: What to show.

    Example:
        >>> page_html(Report("A run", [])).splitlines()[0]
        '<!DOCTYPE html>'
    """
    report = _as_report(part)
    title = one_line(report.title) or "Mica"
    head = element(
        "head",
        void("meta", charset="utf-8"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        void("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", title),
        element("style", Markup(page_style())),
    )
    note = (
        element("p", one_line(report.note), class_="remark") if report.note else join()
    )
    header = element(
        "header", SHEETS, element("div", element("h1", title), note), class_="top"
    )
    body = element(
        "body",
        element("a", "To the content", href="#content", class_="skip"),
        header,
        _contents(report),
        element("main", draw_parts(report.parts, 2, anchor="part"), id="content"),
        element("footer", "Made by Mica. This page holds all it needs."),
        class_="mica",
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n{head}\n{body}\n</html>\n'


def _as_report(part: Part) -> Report:
    if isinstance(part, Report):
        return part
    return Report(getattr(part, "title", "") or type(part).__name__, [part])


def _titled(report: Report) -> list[tuple[int, str]]:
    return [
        (index, title)
        for index, part in enumerate(report.parts)
        if (title := one_line(getattr(part, "title", "")))
    ]


def _contents(report: Report) -> Markup:
    """Links to the top sections; of one or two, the page itself is the overview."""
    links = [
        element("li", element("a", title, href=f"#part-{index}"))
        for index, title in _titled(report)
    ]
    if len(links) < 3:
        return join()
    return element("nav", element("ol", *links), aria_label="Contents")


def write_page(part: Part, path: str | PathLike[str]) -> Path:
    """Write the page, by whole: an old file stays until the new one is done.

    Args:
        part: What to show.
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
            'Add a name, such as "report.html".'
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    text = page_html(part)
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


def notebook_fragment(part: Part) -> str:
    """Give a part as HTML for a notebook's cell, its style with it.

    Args:
        part: What to show.

    Example:
        >>> notebook_fragment(Report("A run", [])).startswith("<style>")
        True
    """
    style = element("style", Markup(notebook_style()))
    return join(style, element("div", draw_parts([part], 3), class_="mica notebook"))
