"""Screens: where progress is shown; a terminal, a notebook, a file, or nowhere."""

import html
import os
import sys
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TextIO

__all__ = ["Kind", "Line", "Piece", "Screen", "choose_kind", "open_screen"]

Kind = Literal["silent", "lines", "terminal", "notebook"]
Piece = tuple[str, str]  # text, and how it looks: "", "bold", "dim" or "green"
Line = Sequence[Sequence[Piece]]  # groups that stay together when a line is broken

# For terminals whose encoding has no line drawing.
_PLAIN_BAR = str.maketrans({"━": "#", "─": "-"})
_CSS = {"bold": "font-weight:bold", "dim": "opacity:0.6", "green": "color:#2e9e5b"}


def _in_notebook() -> bool:
    # IPython is looked for, not imported: without it there is no notebook.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def choose_kind(verbose: Literal["auto"] | int) -> Kind:
    """Find out what can be shown where the output goes.

    Args:
        verbose: 0 silent; 1 or "auto" the best the output can show; 2 plain lines.

    Returns:
        The kind of screen.
    """
    if verbose == 0 or sys.stdout is None:
        return "silent"
    if verbose == 2:
        return "lines"
    if _in_notebook():
        return "notebook"
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return "terminal" if sys.stdout.isatty() and not dumb else "lines"


def _plain(line: Line) -> str:
    return "  ".join("".join(text for text, _ in group) for group in line)


def _markup(line: Line) -> str:
    return "  ".join(
        "".join(
            f'<span style="{_CSS[look]}">{html.escape(text)}</span>'
            if look
            else html.escape(text)
            for text, look in group
        )
        for group in line
    )


def _broken(line: Line, width: int) -> list[Piece]:
    """The pieces of a line with line breaks between groups where width demands it."""
    pieces: list[Piece] = []
    used = 0
    for group in line:
        size = sum(len(text) for text, _ in group)
        if pieces and used + 2 + size > width:
            pieces.append(("\n  ", ""))
            used = 2 + size
        else:
            pieces.append(("  " if pieces else "", ""))
            used += 2 + size if used else size
        pieces.extend(group)
    return pieces


class Screen(Protocol):
    """What progress is written to."""

    def draw(self, line: Line) -> None:
        """Show a line that the next one replaces."""

    def finish(self, line: Line) -> None:
        """Leave a line for good, in the place of the one drawn."""

    def close(self) -> None:
        """Take away a line that was not finished."""


class _Silent:
    """Shows nothing."""

    def draw(self, line: Line) -> None:
        """Ignore it."""

    def finish(self, line: Line) -> None:
        """Ignore it."""

    def close(self) -> None:
        """Do nothing."""


class _Lines:
    """Writes finished lines only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, line: Line) -> None:
        """Ignore it."""

    def finish(self, line: Line) -> None:
        self._stream.write(_plain(line) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Do nothing."""


class _Terminal:
    """A live last line below the finished ones, by rich."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)
        self._live: Any = None
        self._draws_lines = self._console.encoding.startswith("utf")

    def _text(self, line: Line) -> Any:
        from rich.text import Text

        pieces = _broken(line, self._console.width)
        if not self._draws_lines:
            pieces = [(text.translate(_PLAIN_BAR), look) for text, look in pieces]
        return Text.assemble(*pieces)

    def draw(self, line: Line) -> None:
        from rich.live import Live

        if self._live is None:
            # NOTE: no thread redraws it (auto_refresh); what a callback prints
            # meanwhile goes above the line.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._text(line), refresh=True)

    def finish(self, line: Line) -> None:
        self.close()
        self._console.print(self._text(line))

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


class _Notebook:
    """One output of a cell that grows by a line an epoch."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._marked: list[str] = []
        self._handle: Any = None

    def _show(self, line: Line) -> None:
        from IPython.display import display

        lines = [*self._lines, _plain(line)] if line else self._lines
        marked = [*self._marked, _markup(line)] if line else self._marked
        bundle = {
            "text/plain": "\n".join(lines),
            "text/html": '<pre style="line-height:1.3;white-space:pre-wrap">'
            + "\n".join(marked)
            + "</pre>",
        }
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def draw(self, line: Line) -> None:
        self._show(line)

    def finish(self, line: Line) -> None:
        self._lines.append(_plain(line))
        self._marked.append(_markup(line))

    def close(self) -> None:
        self._show(())


def open_screen(kind: Kind) -> Screen:
    """Open the screen of a kind on the standard output.

    Args:
        kind: What `choose_kind` found.

    Returns:
        The screen.
    """
    if kind == "terminal":
        return _Terminal(sys.stdout)
    if kind == "notebook":
        return _Notebook()
    return _Lines(sys.stdout) if kind == "lines" else _Silent()
