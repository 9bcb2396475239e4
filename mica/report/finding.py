"""What a tool found out, its evidence and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mica.report.part import Part, check_choice
from mica.report.words import joined, one_line, wrapped

__all__ = ["Finding", "Severity"]

Severity = Literal["good", "note", "warning", "problem"]


@dataclass(frozen=True)
class Finding(Part):
    """One thing a tool found out, with its evidence and what to do.

    Args:
        severity: "good", "note", "warning" or "problem".
        where: What it is about: a layer, a column, an epoch.
        fact: What is true, in one sentence.
        evidence: The numbers that show it.
        remedy: What to do.

    Raises:
        ConfigError: An unknown severity.

    Example:
        >>> print(Finding("warning", "dense_1", "Half its units never fire.",
        ...               "127 of 256 units gave 0 on every sample.",
        ...               "Lower the learning rate."))
        [warning] dense_1: Half its units never fire.
          Evidence: 127 of 256 units gave 0 on every sample.
          Remedy: Lower the learning rate.
    """

    severity: Severity
    where: str
    fact: str
    evidence: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        place = f"Finding {self.where!r}" if self.where else "Finding"
        check_choice(place, "severity", self.severity, Severity)

    def __str__(self) -> str:
        place = f"{one_line(self.where)}: " if self.where else ""
        head = wrapped(f"[{self.severity}] {place}{one_line(self.fact)}")
        more = [
            wrapped(f"{name}: {one_line(text)}", indent="  ")
            for name, text in (("Evidence", self.evidence), ("Remedy", self.remedy))
            if text
        ]
        return joined(head, *more)
