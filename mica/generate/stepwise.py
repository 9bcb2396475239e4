"""Stepwise: may a model go on from where it was, or must it see the text again?"""

from typing import Any

from torch import Tensor, nn

from mica import layers
from mica.layers.symbolic import Node, SymbolicTensor
from mica.model import Model
from mica.model.graph import Graph
from mica.nested import flatten

__all__ = ["find_obstacle", "moving_tensors"]

# What treats each step by itself in evaluation.
_EACH_STEP: tuple[type[nn.Module], ...] = (
    layers.Activation,
    layers.ActivityRegularization,
    layers.Add,
    layers.AlphaDropout,
    layers.Average,
    layers.Dense,
    layers.Dropout,
    layers.ELU,
    layers.Embedding,
    layers.GaussianDropout,
    layers.GaussianNoise,
    layers.Identity,
    layers.LeakyReLU,
    layers.Masking,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.ReLU,
    layers.Rescaling,
    layers.Softmax,
    layers.SpatialDropout1D,
    layers.StochasticDepth,
    layers.Subtract,
    layers.TimeDistributed,
)
_ALONG_FEATURES = (
    layers.Concatenate,
    layers.LayerNormalization,
    layers.RMSNormalization,
    layers.UnitNormalization,
)
_FUNCTIONS = frozenset(
    "add sub mul truediv neg eq ne lt le gt ge and_ or_ invert logical_and logical_or "
    "logical_not linear relu gelu silu tanh sigmoid".split()
)
_TABLE_ARGUMENT = "linear"  # a function whose other arguments are no steps
_RANK_OF_SEQUENCES = 3


def moving_tensors(graph: Graph) -> set[SymbolicTensor]:
    """Find what depends on a graph's last input, the text that is written.

    Args:
        graph: The graph of a model.

    Returns:
        Symbolic tensors.

    Example:
        >>> import mica
        >>> source, text = mica.Input((3,)), mica.Input((3,))
        >>> model = mica.Model([source, text], 2 * source + 3 * text)
        >>> len(moving_tensors(model.graph)), source in moving_tensors(model.graph)
        (3, False)
    """
    moving = {graph.inputs[-1]}
    for node in graph.nodes:
        if not moving.isdisjoint(node.inputs):
            moving |= {leaf for leaf in flatten(node.outputs) if _is_symbolic(leaf)}
    return moving


def find_obstacle(model: nn.Module) -> str | None:
    """Name the first part of a model that must see the whole text at every step.

    Args:
        model: A model whose last input is a text of token numbers.

    Returns:
        What it is, in words; None when the model can go on from where it was.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> steps = mica.layers.Embedding(9, 4)(text)
        >>> find_obstacle(mica.Model(text, mica.layers.LSTM(3)(steps))) is None
        True
        >>> find_obstacle(mica.Model(text, mica.layers.Conv1D(3, 2)(steps)))
        'conv1d (Conv1D), which looks at several steps'
    """
    graph = model.graph if isinstance(model, Model) else None
    if graph is None:
        return f"{type(model).__name__}, whose forward is its own"
    moving = moving_tensors(graph)
    used = {leaf for node in graph.nodes for leaf in node.inputs}
    used |= {leaf for leaf in flatten(graph.outputs) if _is_symbolic(leaf)}
    for node in graph.nodes:
        if not moving.isdisjoint(node.inputs):
            found = _obstacle_at(node, moving, used)
            if found is not None:
                return found
    return None


def _is_symbolic(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicTensor)


def _obstacle_at(
    node: Node, moving: set[SymbolicTensor], used: set[SymbolicTensor]
) -> str | None:
    operation = node.operation
    if not isinstance(operation, nn.Module):
        return None if _function_is_stepwise(node, moving) else _called(operation)
    if isinstance(operation, Model):
        others = [leaf for leaf in node.inputs if leaf not in moving]
        return find_obstacle(operation) if not others else _called(operation)
    return None if _layer_is_stepwise(node, moving, used) else _called(operation)


def _called(operation: Any) -> str:
    if isinstance(operation, layers.Layer):
        kind = type(operation).__name__
        return f"{operation.name} ({kind}), which looks at several steps"
    name = getattr(operation, "__name__", type(operation).__name__)
    return f"{name}, which may look at several steps"


def _function_is_stepwise(node: Node, moving: set[SymbolicTensor]) -> bool:
    name = getattr(node.operation, "__name__", "")
    if name not in _FUNCTIONS:
        return False
    leaves = flatten((node.args, node.kwargs))
    if name == _TABLE_ARGUMENT:
        return len(leaves) > 0 and leaves[0] in moving
    ranks = {leaf.ndim for leaf in leaves if _is_symbolic(leaf)}
    one_step = all(
        leaf in moving or (leaf.ndim == _RANK_OF_SEQUENCES and leaf.shape[1] == 1)
        for leaf in leaves
        if _is_symbolic(leaf)
    )
    no_tables = all(leaf.ndim <= 1 for leaf in leaves if isinstance(leaf, Tensor))
    return len(ranks) == 1 and one_step and no_tables


def _layer_is_stepwise(
    node: Node, moving: set[SymbolicTensor], used: set[SymbolicTensor]
) -> bool:
    layer = node.operation
    others = [*flatten(node.args[1:]), *flatten(node.kwargs)]
    if isinstance(layer, layers.RNN):
        handed = [leaf for leaf in _states_given(node) if leaf in moving]
        outputs = flatten(node.outputs)
        states = set(outputs[1:]) & used
        return not (handed or states or layer.go_backwards or layer.stateful)
    if isinstance(layer, layers.TransformerEncoder):
        return layer.use_causal_mask and node.kwargs.get("attention_mask") is None
    if isinstance(layer, layers.TransformerDecoder):
        masked = node.kwargs.get("attention_mask") is not None
        reads = any(leaf in moving for leaf in others if leaf is not _mask(node))
        return layer.use_causal_mask and not masked and not reads
    if isinstance(layer, (layers.MultiHeadAttention, layers.GroupedQueryAttention)):
        return _attention_is_stepwise(node, moving)
    if isinstance(layer, layers.RotaryEmbedding):
        return layer.sequence_axis == 1
    if isinstance(layer, (layers.PositionEmbedding, layers.SinusoidalPositionEncoding)):
        return len(node.args) == 1 and "start_index" not in node.kwargs
    if isinstance(layer, _ALONG_FEATURES):
        axis = getattr(layer, "axes", getattr(layer, "axis", None))
        return axis in (-1, (-1,), [-1])
    merged = [leaf for leaf in flatten(node.args) if _is_symbolic(leaf)]
    together = all(leaf in moving for leaf in merged)
    return together and isinstance(layer, _EACH_STEP)


def _mask(node: Node) -> Any:
    return node.kwargs.get("mask")


def _states_given(node: Node) -> list[Any]:
    given = node.args[1] if len(node.args) > 1 else node.kwargs.get("initial_state")
    return flatten(given) if given is not None else []


def _attention_is_stepwise(node: Node, moving: set[SymbolicTensor]) -> bool:
    """Whether steps look back at steps, or all of them at something that stays."""
    layer, query = node.operation, node.args[0]
    named = node.kwargs
    looked_at = [*node.args[1:], named.get("value"), named.get("key")]
    looked_at = [each for each in looked_at if _is_symbolic(each)]
    plain = named.get("attention_mask") is None
    plain = plain and not named.get("return_attention_scores", False)
    plain = plain and getattr(layer, "attention_axes", None) in (None, (1,))
    if not looked_at or all(each is query for each in looked_at):
        return plain and bool(named.get("use_causal_mask", False))
    stays = not any(each in moving for each in looked_at)
    return plain and stays and query in moving
