"""Paragraphs of a report."""

from __future__ import annotations

from dataclasses import dataclass

from mica.report.part import Part
from mica.report.words import joined, one_line, wrapped

__all__ = ["Text"]


@dataclass(frozen=True)
class Text(Part):
    """Paragraphs, parted by empty lines.

    A paragraph whose lines all start with "- " is a list; one whose lines are all
    indented by four spaces (commands, code) is shown as it stands; words between
    `backticks` are set as code.

    Args:
        title: The heading; "" for none.
        body: The paragraphs.

    Example:
        >>> print(Text("Next", "Three commands to go on with:"))
        Next
        Three commands to go on with:
    """

    title: str
    body: str

    def __str__(self) -> str:
        return joined(one_line(self.title), wrapped(self.body))
