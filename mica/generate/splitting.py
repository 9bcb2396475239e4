"""Splitting a model: what is computed once, and what at every step of writing."""

from mica.errors import ConfigError
from mica.generate.stepwise import moving_tensors
from mica.layers.symbolic import SymbolicTensor
from mica.model import Model
from mica.nested import flatten

__all__ = ["split_model"]


def split_model(model: Model) -> tuple[Model | None, Model]:
    """Part a model of several inputs: the source is read once, the text grows.

    Args:
        model: A functional model; its last input is the text that is written, the
            others are what it is written about.

    Returns:
        (reader, writer): the reader takes the other inputs and gives what the writer
        needs of them; the writer takes that and the text. Both share the layers. The
        reader is None when there is one input.

    Raises:
        ConfigError: The model has no graph, or its outputs do not depend on the text.

    Example:
        >>> import torch
        >>> import mica
        >>> source, text = mica.Input((2,)), mica.Input((2,))
        >>> model = mica.Model([source, text], 2 * source + text)
        >>> reader, writer = split_model(model)
        >>> writer([*reader([torch.ones(1, 2)]), torch.ones(1, 2)])
        tensor([[3., 3.]])
    """
    graph = model.graph
    if graph is None:
        raise ConfigError(
            f"generate: expected a model made from inputs and outputs, got "
            f"{type(model).__name__}. Write mica.Model([source, text], outputs)."
        )
    if len(graph.inputs) == 1:
        return None, model
    moving = moving_tensors(graph)
    outputs = flatten(graph.outputs)
    if not all(leaf in moving for leaf in outputs):
        raise ConfigError(
            "generate: expected outputs that depend on the last input, the text, got "
            "others. Write mica.Model([source, text], outputs)."
        )
    needed: dict[SymbolicTensor, None] = {}
    for node in graph.nodes:
        if not moving.isdisjoint(node.inputs):
            needed.update(dict.fromkeys(x for x in node.inputs if x not in moving))
    *sources, text = graph.inputs
    # Only inputs that are needed: a graph refuses to end where it does not begin.
    reader = Model(sources, list(needed))
    return reader, Model([*needed, text], graph.outputs)
