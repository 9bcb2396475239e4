"""The table of operations: what torch's core operations say and do, in NumPy.

One line for each: its words, its formula, and how the reference engine composes it.
A function takes the arguments of the ATen operation of that name, in that order.
Gradients need no line: they come out of the reference engine.
"""

from mica.trace.operations.rule import Rule
from mica.trace.operations.table import OPERATIONS

__all__ = ["OPERATIONS", "Rule"]
