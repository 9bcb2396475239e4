"""Graph: a recorded computation from inputs to outputs, checked and ready to run."""

import functools
from collections.abc import Sequence
from itertools import compress, count
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError, ShapeError
from mica.layers import Layer, SymbolicTensor, attach_masks, record, show_masks
from mica.layers.symbolic import Node
from mica.model.references import Constant, Reference
from mica.nested import flatten, map_nested
from mica.shapes import describe

__all__ = ["Graph"]


def _nodes_between(
    inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]
) -> list[Node]:
    """Order the calls that lead from inputs to outputs, each after what it needs."""
    boundary = set(inputs)
    order: list[Node] = []
    done: set[int] = set()
    # Depth first without recursion: a graph may be thousands of calls deep.
    stack = [(tensor, False) for tensor in reversed(outputs)]
    while stack:
        tensor, children_done = stack.pop()
        if tensor in boundary:
            continue
        node = tensor.node
        if node is None:
            given = ", ".join(describe(each.shape) for each in inputs) or "none"
            raise ConfigError(
                "Model: expected every input that the outputs depend on, got "
                f"{given} without {tensor!r}. Add it to inputs."
            )
        if id(node) in done:
            continue
        if children_done:
            done.add(id(node))
            order.append(node)
        else:
            stack.append((tensor, True))
            stack.extend((each, False) for each in reversed(node.inputs))
    return order


class _Place:
    """Where in the list of values an argument lies."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Samples:
    """The two samples of a symbolic tensor, without the calls that led to it."""

    __slots__ = ("pair",)

    def __init__(self, pair: tuple[Tensor, Tensor]) -> None:
        self.pair = pair


def _samples_of(leaf: Any) -> Any:
    return _Samples(leaf.samples) if isinstance(leaf, SymbolicTensor) else leaf


def _symbolic_of(node: Node, leaf: Any) -> Any:
    return SymbolicTensor(leaf.pair, node) if isinstance(leaf, _Samples) else leaf


class _Step:
    """One call, with its values' places worked out beforehand."""

    __slots__ = ("drop", "operation", "places", "simple", "target", "where")

    def __init__(self, node: Node, places: dict[SymbolicTensor, int], where: Any):
        self.operation = node.operation
        self.places = [
            places[leaf] if isinstance(leaf, SymbolicTensor) else None
            for leaf in flatten(node.outputs)
        ]
        # The common case, a layer called on one tensor, needs no search at run time.
        self.simple = (
            len(node.args) == 1
            and not node.kwargs
            and isinstance(node.args[0], SymbolicTensor)
            and isinstance(node.outputs, SymbolicTensor)
        )
        self.where = places[node.args[0]] if self.simple else where
        self.target = places[node.outputs] if self.simple else -1
        self.drop: list[int] = []


class Graph:
    """The calls between symbolic inputs and outputs.

    Args:
        inputs: Symbolic tensors, nested; intermediate ones are allowed.
        outputs: Symbolic tensors that depend on no other inputs, nested.

    Raises:
        ConfigError: Something is not symbolic, or an output needs a missing input.

    Example:
        >>> import torch
        >>> from mica.layers import Input
        >>> x = Input((2,))
        >>> graph = Graph(x, torch.relu(x) + 1)
        >>> graph.run(nn.Module(), [torch.tensor([[-1.0, 2.0]])])
        tensor([[1., 3.]])
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs = self._symbolic(inputs, "inputs")
        self.outputs = outputs
        leaves = self._symbolic(outputs, "outputs")
        self.masks = self._masks_within(leaves)
        self.nodes = _nodes_between(self.inputs, [*leaves, *self._present_masks()])
        self.input_names = self._name_inputs(inputs)
        self.layers = self._distinct_layers()
        self.constants = self._distinct_constants()
        self._compile(leaves)

    @staticmethod
    def _symbolic(structure: Any, what: str) -> list[SymbolicTensor]:
        leaves = flatten(structure)
        for leaf in leaves:
            if not isinstance(leaf, SymbolicTensor):
                raise ConfigError(
                    f"Model: expected symbolic tensors as {what}, got "
                    f"{type(leaf).__name__}. Start from mica.Input(shape) and call the "
                    "layers on it."
                )
        if not leaves:
            raise ConfigError(
                f"Model: expected at least one symbolic tensor as {what}, got none. "
                "Start from mica.Input(shape) and call the layers on it."
            )
        return leaves

    def _masks_within(
        self, outputs: list[SymbolicTensor]
    ) -> list[SymbolicTensor | None]:
        """The outputs' masks that follow from the inputs; [] when there is none."""
        masks = [leaf.mask for leaf in outputs]
        for index, mask in enumerate(masks):
            if mask is None:
                continue
            try:
                _nodes_between(self.inputs, [mask])
            except ConfigError:  # it came from before the inputs
                masks[index] = None
        return masks if any(mask is not None for mask in masks) else []

    def _present_masks(self) -> list[SymbolicTensor]:
        return [mask for mask in self.masks if mask is not None]

    @property
    def uses_masks(self) -> bool:
        """Whether masks travel in this graph."""
        return bool(self.masks) or any(
            isinstance(value, SymbolicTensor) and name.endswith("mask")
            for node in self.nodes
            for name, value in node.kwargs.items()
        )

    def with_masks(self, present: Sequence[bool]) -> "Graph":
        """Make the same graph with masks of its inputs as further inputs.

        Args:
            present: Which of the inputs has a mask.

        Returns:
            A graph of the same layers; its inputs are these and then the masks.
        """
        inputs = [SymbolicTensor(each.samples, name=each.name) for each in self.inputs]
        masks: list[SymbolicTensor] = []
        for each, has_mask in zip(inputs, present, strict=True):
            if has_mask:
                one, other = (
                    torch.empty(sample.shape[:2], dtype=torch.bool, device="meta")
                    for sample in each.samples
                )
                mask = SymbolicTensor((one, other), name=f"mask_{len(masks)}")
                attach_masks(each, mask)
                masks.append(mask)
        values: dict[SymbolicTensor, Any] = dict(zip(self.inputs, inputs, strict=True))

        def put(leaf: Any) -> Any:
            return values.get(leaf, leaf) if isinstance(leaf, SymbolicTensor) else leaf

        for node in self.nodes:
            args, kwargs = map_nested(put, (node.args, node.kwargs))
            layer = node.operation if isinstance(node.operation, Layer) else None
            outputs = (
                record(node.operation, args, kwargs)
                if layer is None
                else layer(*args, **kwargs)
            )
            pairs = zip(flatten(node.outputs), flatten(outputs), strict=True)
            values.update(pair for pair in pairs if isinstance(pair[0], SymbolicTensor))
        return Graph([*inputs, *masks], map_nested(put, self.outputs))

    def replay_masks(self, values: list[Any]) -> list[Any] | None:
        """Record, for other symbolic inputs, what the masks of the outputs come from.

        Args:
            values: One symbolic tensor for each input.

        Returns:
            One mask or None for each output; None when there is none at all.
        """
        found: dict[SymbolicTensor, Any] = dict(zip(self.inputs, values, strict=True))

        def put(leaf: Any) -> Any:
            return found.get(leaf, leaf) if isinstance(leaf, SymbolicTensor) else leaf

        for node in _nodes_between(self.inputs, self._present_masks()):
            args, kwargs = map_nested(put, (node.args, node.kwargs))
            outputs = record(node.operation, args, kwargs)
            pairs = zip(flatten(node.outputs), flatten(outputs), strict=True)
            found.update(pair for pair in pairs if isinstance(pair[0], SymbolicTensor))
        masks = [None if mask is None else found[mask] for mask in self.masks]
        return masks or None

    def _name_inputs(self, inputs: Any) -> list[str]:
        if isinstance(inputs, dict):
            return [str(key) for key in inputs]
        names: list[str] = []
        for index, tensor in enumerate(self.inputs):
            default = "input" if index == 0 else f"input_{index}"
            names.append(tensor.name or default)
        if len(set(names)) < len(names):
            raise ConfigError(
                f"Model: expected a name of its own for each input, got {names}. Name "
                "them: Input(shape, name=...)."
            )
        return names

    def _distinct_layers(self) -> list[nn.Module]:
        seen: dict[int, nn.Module] = {}
        for node in self.nodes:
            if isinstance(node.operation, nn.Module):
                seen.setdefault(id(node.operation), node.operation)
        return list(seen.values())

    def _distinct_constants(self) -> dict[str, Tensor]:
        tensors: dict[int, Tensor] = {}
        for node in self.nodes:
            for leaf in flatten((node.args, node.kwargs)):
                if isinstance(leaf, Tensor):
                    tensors.setdefault(id(leaf), leaf)
        return {
            f"constant_{index}": leaf for index, leaf in enumerate(tensors.values())
        }

    def _compile(self, outputs: list[SymbolicTensor]) -> None:
        places: dict[SymbolicTensor, int] = {}
        for tensor in self.inputs:
            places[tensor] = len(places)
        for node in self.nodes:
            for leaf in flatten(node.outputs):
                if isinstance(leaf, SymbolicTensor):
                    places.setdefault(leaf, len(places))
        floating = [each.dtype.is_floating_point for each in self.inputs]
        # Beside tokens, amounts may come as whole numbers, too.
        self._amounts = [] if all(floating) else [*compress(count(), floating)]
        self._size = len(places)
        self._output_places = [places[leaf] for leaf in outputs]
        self._mask_places = [
            None if mask is None else places[mask] for mask in self.masks
        ]
        names = {id(tensor): name for name, tensor in self.constants.items()}

        def locate(leaf: Any) -> Any:
            if isinstance(leaf, SymbolicTensor):
                return _Place(places[leaf])
            return Constant(names[id(leaf)]) if isinstance(leaf, Tensor) else leaf

        self._steps: list[_Step] = []
        last_use: dict[int, _Step] = {}
        for node in self.nodes:
            located = map_nested(locate, (node.args, node.kwargs))
            step = _Step(node, places, located)
            self._steps.append(step)
            for leaf in node.inputs:
                last_use[places[leaf]] = step
        for place, step in last_use.items():
            if place not in self._output_places + self._mask_places:
                step.drop.append(place)

    def run(self, owner: nn.Module, inputs: list[Any]) -> Any:
        """Compute the outputs.

        Args:
            owner: The module that holds the constants.
            inputs: One tensor for each input.

        Returns:
            The outputs in the structure they were given.
        """
        values: list[Any] = inputs + [None] * (self._size - len(inputs))
        for step in self._steps:
            if step.simple:
                values[step.target] = step.operation(values[step.where])
            else:
                self._run_step(owner, step, values)
            for place in step.drop:  # free what no later call needs
                values[place] = None
        if self._mask_places:
            show_masks(
                owner,
                [None if at is None else values[at] for at in self._mask_places],
            )
        found = iter([values[place] for place in self._output_places])
        if isinstance(self.outputs, SymbolicTensor):
            return next(found)
        return map_nested(lambda _: next(found), self.outputs)

    @staticmethod
    def _run_step(owner: nn.Module, step: _Step, values: list[Any]) -> None:
        def fetch(leaf: Any) -> Any:
            if isinstance(leaf, _Place):
                return values[leaf.index]
            return getattr(owner, leaf.name) if isinstance(leaf, Constant) else leaf

        args, kwargs = map_nested(fetch, step.where)
        result = step.operation(*args, **kwargs)
        for place, leaf in zip(step.places, flatten(result), strict=True):
            if place is not None:
                values[place] = leaf

    def arrange_inputs(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> list[Any]:
        """Bring what a model was called with into the order of the inputs.

        Args:
            args: One tensor for each input, or one list, tuple or dict of them.
            kwargs: Tensors by input name.

        Returns:
            One value for each input.

        Raises:
            ShapeError: Too few, too many, or unknown names.
        """
        if len(args) == 1 and not kwargs and isinstance(args[0], (list, tuple, dict)):
            (given,) = args
            if isinstance(given, dict):
                kwargs, args = given, ()
            else:
                args = tuple(given)
        if kwargs:
            if set(kwargs) != set(self.input_names) or args:
                raise ShapeError(
                    f"Model: expected inputs named {self.input_names}, got "
                    f"{sorted(kwargs)}. Give each input under its name."
                )
            return self._with_amounts([kwargs[name] for name in self.input_names])
        if len(args) != len(self.inputs):
            raise ShapeError(
                f"Model: expected {len(self.inputs)} inputs {self.input_names}, got "
                f"{len(args)}. Give one tensor for each input."
            )
        return self._with_amounts(list(args))

    def _with_amounts(self, values: list[Any]) -> list[Any]:
        """Whole numbers where an input takes amounts, as floating-point numbers."""
        for place in self._amounts:
            value = values[place]
            if isinstance(value, Tensor) and value.dtype in (torch.int32, torch.int64):
                values[place] = value.to(torch.get_default_dtype())
        return values

    def output_names(self, layer_names: dict[int, str]) -> list[str]:
        """Name each output: its key in a dict, else the layer that makes it.

        Args:
            layer_names: Name of each layer by its `id`.
        """
        leaves = flatten(self.outputs)
        if isinstance(self.outputs, dict) and len(self.outputs) == len(leaves):
            return [str(key) for key in self.outputs]
        names: list[str] = []
        for index, leaf in enumerate(leaves):
            operation = None if leaf.node is None else leaf.node.operation
            name = layer_names.get(id(operation), f"output_{index}")
            names.append(f"{name}_{index}" if name in names else name)
        return names

    def references(self) -> dict[SymbolicTensor, Reference]:
        """Where each value comes from."""
        references = {
            tensor: Reference(-1, index) for index, tensor in enumerate(self.inputs)
        }
        for number, node in enumerate(self.nodes):
            for index, leaf in enumerate(flatten(node.outputs)):
                if isinstance(leaf, SymbolicTensor):
                    references.setdefault(leaf, Reference(number, index))
        return references

    # Calls are copied in a row: chained as they are, a deep graph would recurse.

    def __getstate__(self) -> dict[str, Any]:
        references = self.references()

        def refer(leaf: Any) -> Any:
            return references[leaf] if isinstance(leaf, SymbolicTensor) else leaf

        return {
            "inputs": [(tensor.samples, tensor.name) for tensor in self.inputs],
            "input_names": self.input_names,
            "calls": [
                (
                    node.operation,
                    map_nested(refer, (node.args, node.kwargs)),
                    map_nested(_samples_of, node.outputs),
                )
                for node in self.nodes
            ],
            "outputs": map_nested(refer, self.outputs),
            "masks": map_nested(refer, self.masks),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.inputs = [
            SymbolicTensor(samples, name=name) for samples, name in state["inputs"]
        ]
        self.input_names = state["input_names"]
        results: dict[int, list[Any]] = {-1: list(self.inputs)}

        def resolve(leaf: Any) -> Any:
            if isinstance(leaf, Reference):
                return results[leaf.node][leaf.output]
            return leaf

        self.nodes = []
        for number, (operation, given, samples) in enumerate(state["calls"]):
            node = Node(operation, *map_nested(resolve, given))
            node.outputs = map_nested(functools.partial(_symbolic_of, node), samples)
            results[number] = flatten(node.outputs)
            self.nodes.append(node)
        self.outputs = map_nested(resolve, state["outputs"])
        self.masks = map_nested(resolve, state["masks"])
        if self.masks:
            attach_masks(self.outputs, self.masks)
        self.layers = self._distinct_layers()
        self.constants = self._distinct_constants()
        self._compile(flatten(self.outputs))
