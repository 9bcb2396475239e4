"""The few numbers of a report to see first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mica.report.part import Part, store
from mica.report.words import display_width, format_value, joined, one_line, padded

__all__ = ["Highlight", "Highlights"]


@dataclass(frozen=True)
class Highlight:
    """One number that matters, for `Highlights`.

    Args:
        name: What it is: "test accuracy".
        value: The number, or a word.
        note: What to compare it with: "logistic regression 0.9694".

    Example:
        >>> Highlight("test accuracy", 0.9861).note
        ''
    """

    name: str
    value: object
    note: str = ""


@dataclass(frozen=True)
class Highlights(Part):
    """The few numbers to see first, drawn large.

    Args:
        title: The heading; "" for none.
        items: The numbers, most important first.

    Example:
        >>> print(Highlights("", [Highlight("test accuracy", 0.98611, "majority 0.1")]))
        test accuracy  0.9861  majority 0.1
    """

    title: str
    items: Sequence[Highlight]

    def __post_init__(self) -> None:
        store(self, items=tuple(self.items))

    def __str__(self) -> str:
        names = [one_line(item.name) for item in self.items]
        values = [format_value(item.value) for item in self.items]
        left = max((display_width(name) for name in names), default=0)
        middle = max((display_width(value) for value in values), default=0)
        lines = [
            f"{padded(name, left, right=False)}  {padded(value, middle, right=True)}"
            f"  {one_line(item.note)}".rstrip()
            for name, value, item in zip(names, values, self.items, strict=True)
        ]
        return joined(one_line(self.title), *lines)
