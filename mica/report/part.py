"""What all parts of a report can do, and the renderer that does it."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, get_args

from mica.errors import ConfigError, StateError, near_misses

__all__ = ["Part", "Renderer", "check_choice", "install_renderer", "store"]


def check_choice(where: str, what: str, value: object, choices: object) -> None:
    """Raise unless a value is among a Literal's choices."""
    known = get_args(choices)
    if value not in known:
        advice = near_misses(str(value), known)
        raise ConfigError(
            f"{where}: expected {what} to be one of {', '.join(known)}, "
            f"got {value!r}. {advice}"
        )


class Renderer(Protocol):
    """What draws parts: `mica.view` installs one when it is imported.

    Example:
        >>> import mica.view
        >>> renderer: Renderer = mica.view.ViewRenderer()
    """

    def show(self, part: Part) -> None:
        """Print the part to the terminal, or display it in the notebook."""
        ...

    def plot(self, part: Part, path: str | PathLike[str] | None) -> Any:
        """Draw the part as a matplotlib figure; save it when a path is given."""
        ...

    def page(self, part: Part, path: str | PathLike[str]) -> Path:
        """Write the part as one self-contained HTML page."""
        ...

    def fragment(self, part: Part) -> str:
        """Give the part as HTML for a notebook's cell."""
        ...


_renderer: Renderer | None = None


def install_renderer(renderer: Renderer | None) -> Renderer | None:
    """Set what draws parts from now on.

    Args:
        renderer: The renderer; None leaves plain text only.

    Returns:
        The renderer that was installed before.

    Example:
        >>> before = install_renderer(None)
        >>> install_renderer(before) is None
        True
    """
    global _renderer
    before = _renderer
    _renderer = renderer
    return before


class Part:
    """Anything a report can hold. ``str(part)`` is plain text.

    Example:
        >>> from mica.report import Text
        >>> isinstance(Text("Next", "Words."), Part)
        True
    """

    def show(self) -> None:
        """Print the part to the terminal, or display it in the notebook."""
        if _renderer is None:
            sys.stdout.write(f"{self}\n")
        else:
            _renderer.show(self)

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the part's charts, matrices and pictures with matplotlib.

        Args:
            path: Where to save the figure; the suffix (.png, .svg, .pdf) says how.
                None saves nothing.

        Returns:
            A ``matplotlib.figure.Figure`` that pyplot knows nothing about: nothing
            pops up, nothing stays open.

        Raises:
            StateError: `mica.view` was not imported.
            ConfigError: There is nothing to draw, or the suffix is unknown.
        """
        return _renderer_for("plot").plot(self, path)

    def page(self, path: str | PathLike[str]) -> Path:
        """Write one self-contained HTML page that opens offline.

        Args:
            path: The file to write, by whole: an old one stays until the new is done.

        Returns:
            The path written.

        Raises:
            StateError: `mica.view` was not imported.
            ConfigError: ``path`` is a folder.
        """
        return _renderer_for("page").page(self, path)

    def _repr_html_(self) -> str | None:
        return None if _renderer is None else _renderer.fragment(self)


def _renderer_for(method: str) -> Renderer:
    if _renderer is None:
        raise StateError(
            f"report.{method}: expected a renderer to be installed, got none. "
            "Do `import mica.view` first."
        )
    return _renderer


def store(part: object, **values: object) -> None:
    """Put the normalised values into a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(part, name, value)
