"""A titled sequence of parts; one within another is a section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mica.errors import ConfigError
from mica.report.part import Part, store
from mica.report.words import display_width, joined, one_line, wrapped

__all__ = ["Report"]


@dataclass(frozen=True)
class Report(Part):
    """A titled sequence of parts; a report among them is a section.

    Args:
        title: The heading.
        parts: Texts, tables, charts, matrices, images, findings and reports.
        note: A line below the heading: what, when, on which machine.

    Raises:
        ConfigError: A part is none of these.

    Example:
        >>> from mica.report import Text
        >>> print(Report("A run", [Text("", "It learned."), Report("Data", [])]))
        A run
        =====
        <BLANKLINE>
        It learned.
        <BLANKLINE>
        Data
        ----
    """

    title: str
    parts: Sequence[Part]
    note: str = ""

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        for part in parts:
            if not isinstance(part, Part):
                raise ConfigError(
                    f"Report {self.title!r}: expected parts of mica.report, got "
                    f"{type(part).__name__}. Wrap it in Text, Table, Chart, Matrix, "
                    "Images or Finding."
                )
        store(self, parts=parts)

    def walk(self) -> Iterator[Part]:
        """Give every part that is not itself a report, in reading order.

        Example:
            >>> from mica.report import Text
            >>> inner = Report("inner", [Text("", "b")])
            >>> [part.body for part in Report("", [Text("", "a"), inner]).walk()]
            ['a', 'b']
        """
        for part in self.parts:
            if isinstance(part, Report):
                yield from part.walk()
            else:
                yield part

    def __str__(self) -> str:
        return self._text("=")

    def _text(self, rule: str) -> str:
        title = one_line(self.title)
        heading = f"{title}\n{rule * display_width(title)}" if title else ""
        blocks = [
            part._text("-") if isinstance(part, Report) else str(part)
            for part in self.parts
        ]
        return "\n\n".join(
            block for block in (joined(heading, wrapped(self.note)), *blocks) if block
        )
