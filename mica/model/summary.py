"""Summary: the book's table of a network: layer, output shape, parameters."""

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mica.errors import MicaError, StateError
from mica.layers import Layer
from mica.layers.symbolic import Node, SymbolicTensor
from mica.model.signature import symbolic_call
from mica.nested import flatten, map_nested
from mica.report import Table
from mica.shapes import describe

if TYPE_CHECKING:
    from mica.model.model import Model

__all__ = ["summarize"]


def _numbers(part: nn.Module) -> dict[int, Tensor]:
    return {id(each): each for each in (*part.parameters(), *part.buffers())}


def _shape_text(outputs: Any) -> str:
    shapes = [
        describe(leaf.shape)
        for leaf in flatten(outputs)
        if isinstance(leaf, SymbolicTensor)
    ]
    return shapes[0] if len(shapes) == 1 else ", ".join(shapes)


def _graph_rows(model: "Model") -> list[tuple[str, str, int, str]]:
    graph = model.graph
    assert graph is not None
    names = {id(part): name for name, part in model.named_children()}
    made: dict[Node, str] = {}
    rows = [
        (f"{name} (Input)", describe(tensor.shape), 0, "")
        for name, tensor in zip(graph.input_names, graph.inputs, strict=True)
    ]
    sources = dict(zip(map(id, graph.inputs), graph.input_names, strict=True))
    seen: set[int] = set()
    for node in graph.nodes:
        part = node.operation
        name = names.get(id(part), getattr(part, "__name__", type(part).__name__))
        made[node] = name
        kind = f" ({type(part).__name__})" if isinstance(part, nn.Module) else ""
        given = flatten((node.args, node.kwargs))
        tensors = {id(each): each for each in given if isinstance(each, Tensor)}
        if isinstance(part, nn.Module):
            tensors = _numbers(part)
        fresh = [each for key, each in tensors.items() if key not in seen]
        seen.update(tensors)
        count = sum(tensor.numel() for tensor in fresh)
        origins = [
            made[leaf.node] if leaf.node in made else sources.get(id(leaf), "?")
            for leaf in node.inputs
        ]
        rows.append((name + kind, _shape_text(node.outputs), count, ", ".join(origins)))
    return rows


def _part_rows(model: "Model") -> list[tuple[str, str, int, str]]:
    """Rows of a subclassed model: shapes come from a call on symbolic sizes."""
    parts = list(model.named_children())
    shapes: dict[nn.Module, list[Any]] = {}
    for which in (0, 1):
        hooks = [
            part.register_forward_hook(
                lambda module, _, output: shapes.setdefault(module, []).append(
                    [tuple(leaf.shape) for leaf in flatten(output)]
                )
            )
            for part in model.children()
        ]
        try:
            args, kwargs = map_nested(
                lambda leaf, index=which: (
                    leaf.samples[index] if isinstance(leaf, SymbolicTensor) else leaf
                ),
                symbolic_call(model.signature),
            )
            model.infer(*args, **kwargs)
        except (MicaError, RuntimeError, TypeError):
            # It looks at values, or calls a part that does: some shapes stay unknown.
            return [_part_row(name, part, "unknown") for name, part in parts]
        finally:
            for hook in hooks:
                hook.remove()
    return [
        _part_row(name, part, _merge_shapes(shapes.get(part, [])))
        for name, part in parts
    ]


def _part_row(name: str, part: nn.Module, shape: str) -> tuple[str, str, int, str]:
    count = sum(tensor.numel() for tensor in _numbers(part).values())
    return f"{name} ({type(part).__name__})", shape, count, ""


def _merge_shapes(found: list[Any]) -> str:
    if not found:
        return "not called"
    first, second = found[0], found[len(found) // 2]
    merged = [
        tuple(a if a == b else None for a, b in zip(one, other, strict=True))
        for one, other in zip(first, second, strict=True)
    ]
    return ", ".join(describe(shape) for shape in merged)


def summarize(model: "Model") -> Table:
    """Make the table of a network's layers.

    Args:
        model: A built model.

    Returns:
        Rows of layer, output shape and number of parameters; the totals in the note.

    Raises:
        StateError: The model is not built yet.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3, name="out"))
        >>> print(summarize(model))
        Sequential
        ...
        out (Dense)  (None, 3)     15
        Total parameters: 15 (60 bytes)
        Trainable parameters: 15
        Non-trainable parameters: 0
    """
    if not model.built:
        raise StateError(
            f"{type(model).__name__}: expected a built model for its summary, got one "
            "without sizes. Put mica.Input(shape) first, or call the model on data."
        )
    chain = model.graph is not None and all(
        len(node.inputs) == 1 for node in model.graph.nodes
    )
    rows = _part_rows(model) if model.graph is None else _graph_rows(model)
    columns: tuple[str, ...] = ("Layer (type)", "Output shape", "Parameters")
    if model.graph is not None and not chain:
        columns = (*columns, "Connected to")
    elif type(model).__name__ == "Sequential":
        rows = [row for row in rows if not row[0].endswith("(Input)")]
    return Table(
        model.name or type(model).__name__,
        columns,
        tuple(row[: len(columns)] for row in rows),
        _totals(model),
    )


def _bytes_text(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.2f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"


def _totals(model: "Model") -> str:
    frozen = {
        id(parameter)
        for part in model.modules()
        if isinstance(part, Layer) and not part.trainable
        for parameter in part.parameters(recurse=False)
    }
    tensors = _numbers(model)
    trained = sum(
        tensor.numel()
        for key, tensor in tensors.items()
        if tensor.requires_grad and key not in frozen
    )
    total = sum(tensor.numel() for tensor in tensors.values())
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    return (
        f"Total parameters: {total:,} ({_bytes_text(size)})\n"
        f"Trainable parameters: {trained:,}\n"
        f"Non-trainable parameters: {total - trained:,}"
    )
