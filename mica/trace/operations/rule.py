"""Rule: how one operation of torch is said, written and computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Row", "Rule"]

# A line of a table: torch's name, and the fields of its rule.
Row = tuple[str, str, str, Callable[..., Any]]


class Rule(NamedTuple):
    """How one operation is said, written and computed.

    Args:
        words: What it does, in plain words.
        formula: Its formula; {0}, {1} stand for the arguments.
        compute: Its function on tensors of the reference engine.

    Example:
        >>> double = Rule("twice", "2 * {0}", lambda x: 2 * x)
        >>> double.formula.format("x"), double.compute(3)
        ('2 * x', 6)
    """

    words: str
    formula: str
    compute: Callable[..., Any]
