"""The renderer behind every part's show, plot, page and notebook display."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from mica.report import Part
from mica.view.figures import draw_figure, save_figure
from mica.view.page import notebook_fragment, write_page
from mica.view.terminal import print_part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ViewRenderer"]


class ViewRenderer:
    """Draws parts with the files of `mica.view`: see `mica.report.Renderer`.

    Example:
        >>> from mica.report import Text
        >>> ViewRenderer().show(Text("", "Words."))
        Words.
    """

    def show(self, part: Part) -> None:
        """Print the part to the terminal, or display it in the notebook.

        Args:
            part: What to show.
        """
        if _is_notebook():
            from IPython.display import HTML, display

            display(HTML(notebook_fragment(part)))
        else:
            print_part(part)

    def plot(self, part: Part, path: str | PathLike[str] | None = None) -> Figure:
        """Draw the part as a matplotlib figure; save it when a path is given.

        Args:
            part: What to draw.
            path: Where to save it; None saves nothing.

        Raises:
            ConfigError: There is nothing to draw, or the suffix is unknown.
        """
        figure = draw_figure(part)
        if path is not None:
            save_figure(figure, path)
        return figure

    def page(self, part: Part, path: str | PathLike[str]) -> Path:
        """Write the part as one self-contained HTML page.

        Args:
            part: What to show.
            path: The file to write.

        Raises:
            ConfigError: ``path`` is a folder.
        """
        return write_page(part, path)

    def fragment(self, part: Part) -> str:
        """Give the part as HTML for a notebook's cell.

        Args:
            part: What to show.
        """
        return notebook_fragment(part)


def _is_notebook() -> bool:
    """Whether a notebook's kernel runs this; IPython is asked only if it is loaded."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")
