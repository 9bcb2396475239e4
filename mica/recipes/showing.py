"""Showing pictures: what a recipe does with the parts it draws on the way."""

from collections.abc import Callable
from typing import TypeAlias

from mica.report import Part

__all__ = ["Show", "nothing"]

Show: TypeAlias = Callable[[Part], None]


def nothing(part: Part) -> None:
    """Show nothing: the default of a recipe that is called for its numbers.

    Args:
        part: What would be shown.

    Example:
        >>> from mica.report import Text
        >>> nothing(Text("", "A picture."))
    """
