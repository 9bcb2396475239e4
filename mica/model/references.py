"""References: where a value in a graph comes from, in copies and in files."""

from mica.registry import Configurable

__all__ = ["Constant", "Reference"]


class Reference(Configurable):
    """Where a value in a graph comes from: output `output` of call `node`.

    Args:
        node: Number of the call in running order, -1 for the graph's inputs.
        output: Which of its outputs.
    """

    def __init__(self, node: int, output: int) -> None:
        self.node = node
        self.output = output


class Constant(Configurable):
    """A tensor that a graph's call was given: held by the model, under this name.

    Args:
        name: The model's parameter or buffer.
    """

    def __init__(self, name: str) -> None:
        self.name = name
