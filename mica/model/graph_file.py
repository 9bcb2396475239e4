"""Graphs in files: their calls and constants as JSON values, and made from them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.layers import Input, Layer, SymbolicTensor, record
from mica.model.graph import Graph
from mica.model.references import Constant, Reference
from mica.nested import flatten, map_nested
from mica.registry import decode, encode

__all__ = [
    "make_constants",
    "read_graph",
    "share_weights",
    "write_constants",
    "write_graph",
]


def write_graph(graph: Graph, layer_names: dict[int, str]) -> dict[str, Any]:
    """Write a graph as JSON values.

    Args:
        graph: The graph.
        layer_names: Name of each layer by its `id`.
    """
    references = graph.references()
    names = {id(tensor): name for name, tensor in graph.constants.items()}

    def refer(leaf: Any) -> Any:
        if isinstance(leaf, SymbolicTensor):
            return references[leaf]
        return Constant(names[id(leaf)]) if isinstance(leaf, Tensor) else leaf

    calls = []
    for node in graph.nodes:
        operation = node.operation
        layer = layer_names.get(id(operation))
        calls.append(
            {
                "layer": layer,
                "function": None if layer else encode(operation),
                "args": encode(map_nested(refer, node.args)),
                "kwargs": encode(map_nested(refer, node.kwargs)),
            }
        )
    return {
        "inputs": [
            {
                "name": name,
                "shape": encode(list(tensor.shape[1:])),
                "batch_size": tensor.shape[0],
                "dtype": encode(tensor.dtype),
            }
            for name, tensor in zip(graph.input_names, graph.inputs, strict=True)
        ],
        "calls": calls,
        "outputs": encode(map_nested(refer, graph.outputs)),
    }


def read_graph(
    config: dict[str, Any], layers: dict[str, Layer], constants: dict[str, Tensor]
) -> tuple[list[SymbolicTensor], Any]:
    """Replay a graph that `write_graph` wrote.

    Args:
        config: The JSON values.
        layers: The layers by name.
        constants: The constant tensors by name.

    Returns:
        (inputs, outputs), symbolic.

    Raises:
        ConfigError: A name that is not there.
    """
    inputs = [
        Input(
            tuple(entry["shape"]),
            dtype=decode(entry["dtype"]),
            batch_size=entry["batch_size"],
            name=entry["name"],
        )
        for entry in config["inputs"]
    ]
    results: dict[int, list[Any]] = {-1: list(inputs)}

    def resolve(leaf: Any) -> Any:
        if isinstance(leaf, Reference):
            return results[leaf.node][leaf.output]
        return constants[leaf.name] if isinstance(leaf, Constant) else leaf

    try:
        for number, call in enumerate(config["calls"]):
            operation: Callable[..., Any] = (
                layers[call["layer"]] if call["layer"] else decode(call["function"])
            )
            args = map_nested(resolve, decode(call["args"]))
            kwargs = map_nested(resolve, decode(call["kwargs"]))
            called = operation if isinstance(operation, Layer) else None
            outputs = (
                called(*args, **kwargs)
                if called is not None
                else record(operation, args, kwargs)
            )
            results[number] = flatten(outputs)
        return inputs, map_nested(resolve, decode(config["outputs"]))
    except (KeyError, IndexError, TypeError) as error:
        raise ConfigError(
            f"load: expected a graph written by Mica, got an entry without a "
            f"partner ({error}). The file is damaged."
        ) from error


def _weight_that_is(constant: Tensor, layers: Mapping[str, nn.Module]) -> str | None:
    """Name the layer's weight that a graph uses a second time as a constant."""
    for layer, part in layers.items():
        for name, parameter in part.named_parameters():
            if parameter is constant:
                return f"{layer}.{name}"
    return None


def write_constants(
    model: nn.Module, graph: Graph, layers: Mapping[str, nn.Module]
) -> dict[str, Any]:
    """Write what the constants of a graph are, without their values.

    Args:
        model: The model that holds them.
        graph: Its graph.
        layers: Its layers by name.
    """
    return {
        name: {
            "shape": list(tensor.shape),
            "dtype": encode(tensor.dtype),
            "learned": isinstance(tensor, nn.Parameter),
            "weight": _weight_that_is(getattr(model, name), layers),
        }
        for name, tensor in graph.constants.items()
    }


def _empty(entry: dict[str, Any]) -> Tensor:
    tensor = torch.empty(entry["shape"], dtype=decode(entry["dtype"]))
    return nn.Parameter(tensor) if entry["learned"] else tensor


def make_constants(entries: Mapping[str, Any]) -> dict[str, Tensor]:
    """Make the constants that `write_constants` wrote; their values are to come.

    Args:
        entries: What it wrote.
    """
    return {name: _empty(entry) for name, entry in entries.items()}


def _weight_of(model: nn.Module, name: str) -> nn.Parameter:
    try:
        return model.get_parameter(name)
    except AttributeError as error:
        raise ConfigError(
            f"load: expected a graph written by Mica, got the weight {name!r} of no "
            "layer. The file is damaged."
        ) from error


def share_weights(model: nn.Module, entries: Mapping[str, Any]) -> None:
    """Let the constants that are weights of layers be these weights.

    Args:
        model: The model that holds both.
        entries: What `write_constants` wrote.
    """
    for name, entry in entries.items():
        if entry.get("weight") is not None:
            setattr(model, name, _weight_of(model, entry["weight"]))
