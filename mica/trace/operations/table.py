"""The table of operations: every family's lines, by torch's names."""

from mica.trace.operations.arithmetic import ARITHMETIC
from mica.trace.operations.filling import FILLING
from mica.trace.operations.moving import MOVING
from mica.trace.operations.normalization import NORMALIZATION
from mica.trace.operations.questions import QUESTIONS
from mica.trace.operations.rule import Rule
from mica.trace.operations.summing import SUMMING
from mica.trace.operations.windows import WINDOWS

__all__ = ["OPERATIONS"]

_ROWS = [
    *ARITHMETIC,
    *QUESTIONS,
    *SUMMING,
    *MOVING,
    *WINDOWS,
    *NORMALIZATION,
    *FILLING,
]

OPERATIONS: dict[str, Rule] = {
    name: Rule(words, formula, compute) for name, words, formula, compute in _ROWS
}
