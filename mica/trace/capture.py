"""Capture: one step of training as a graph of elementary operations, run by torch."""

from __future__ import annotations

import copy
import functools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from mica.errors import ConfigError, MicaError
from mica.layers import Layer
from mica.nested import flatten
from mica.training import Objective
from mica.training.calling import call, evaluation_mode, training_mode

__all__ = ["Beginning", "Capture", "Operation", "capture", "in_double"]

# One precision for all of a walk, whatever the model computes in.
_NARROW = (torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Beginning:
    """A tensor the step starts from.

    Args:
        name: Its name in the graph.
        role: "input", "target", "weight", "buffer" or "constant".
        title: What a person calls it: the weight's path in the model.
        path: The module it belongs to; "" for the model itself.
        value: Its numbers.
        trained: Whether a step of training changes it.
    """

    name: str
    role: str
    title: str
    path: str
    value: Tensor
    trained: bool


@dataclass(frozen=True)
class Operation:
    """One operation of the graph and what torch makes of it.

    Args:
        name: Its name in the graph.
        target: The function of torch that computes it.
        args: Its arguments: nodes of the graph, numbers, lists of them.
        kwargs: Named ones.
        path: The module of the user's model it comes from.
        kind: That module's class; "" outside of the model.
        phase: "predict" or "compare".
        value: torch's result: a tensor or a tuple of them.
        gradient: torch's gradient of the loss with respect to it, or None.
    """

    name: str
    target: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    path: str
    kind: str
    phase: str
    value: Any
    gradient: Tensor | None

    @property
    def rule(self) -> str:
        """The operation's name in ATen, such as "addmm"."""
        schema = getattr(self.target, "_schema", None)
        if schema is not None:
            return schema.name.split("::")[-1]
        return getattr(self.target, "__name__", str(self.target))

    @property
    def is_drawn(self) -> bool:
        """Whether its result is random."""
        seeded = torch.Tag.nondeterministic_seeded in getattr(self.target, "tags", ())
        return seeded or self.rule.startswith("empty")  # whatever memory held


@dataclass(frozen=True)
class Capture:
    """A step of training as torch exports and computes it, in float64.

    Args:
        beginnings: Tensors the step starts from.
        operations: What is done with them, each after what it needs.
        gradients: torch's gradients of the beginnings, by name in the graph.
        outputs: Names of the model's outputs in the graph.
        loss: Name of the loss in the graph; None where nothing is compared.
        eager: Loss, outputs and gradients by weight when the model itself runs; None
            where that says nothing.
        remark: Why it says nothing.
    """

    beginnings: tuple[Beginning, ...]
    operations: tuple[Operation, ...]
    gradients: Mapping[str, Tensor]
    outputs: tuple[str, ...]
    loss: str | None
    eager: Mapping[str, Tensor] | None
    remark: str


def in_double(value: Any) -> Any:
    """Copy nested arrays as tensors on the processor, numbers with a point as float64.

    Args:
        value: Arrays, tensors or numbers in lists, tuples and dicts.

    Returns:
        Tensors, nested the same way.

    Raises:
        ConfigError: Something that is no array of numbers.
    """

    def convert(leaf: Any) -> Any:
        if leaf is None:
            return None
        try:
            array = leaf if isinstance(leaf, Tensor) else torch.as_tensor(_array(leaf))
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"walk: expected arrays of numbers, got {type(leaf).__name__} "
                f"({error}). Encode words as numbers first."
            ) from error
        array = array.detach().cpu().clone()
        return array.double() if array.is_floating_point() else array

    if isinstance(value, dict):
        return {name: in_double(entry) for name, entry in value.items()}
    if isinstance(value, tuple) or (
        isinstance(value, list) and any(hasattr(entry, "shape") for entry in value)
    ):
        return tuple(in_double(entry) for entry in value)
    return convert(value)


def _array(value: Any) -> np.ndarray:
    # Frames and series know how to become an array.
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"its numbers are of type {array.dtype}")
    return np.ascontiguousarray(array)


class _TrainingStep(nn.Module):
    """Predict and compare as one module: what is exported."""

    def __init__(self, model: nn.Module, objective: Objective | None) -> None:
        super().__init__()
        self.model = model
        self._objective = objective

    def forward(self, x: Any, y: Any) -> Any:
        if self._objective is None:
            return None, call(self.model, x)
        outputs = self._objective.forward(self.model, x)
        return self._objective.compute(outputs, y)["loss"], outputs


def _copied(model: nn.Module) -> nn.Module:
    """The model in float64 on the processor, without its session."""
    session = getattr(model, "_session", None)
    skipped = {} if session is None else {id(session): None}
    return copy.deepcopy(model, memo=skipped).cpu().double()


def _build(model: nn.Module, x: Any) -> None:
    """Give a model that has never seen data its weights."""
    if all(part.built for part in model.modules() if isinstance(part, Layer)):
        return
    leaves = [leaf for leaf in model.parameters() if leaf.is_floating_point()]
    dtype = leaves[0].dtype if leaves else torch.get_default_dtype()
    with evaluation_mode(model), torch.no_grad():
        call(
            model,
            pytree.tree_map(
                lambda leaf: leaf.to(dtype) if leaf.is_floating_point() else leaf, x
            ),
        )


@torch.library.custom_op("mica::stop_gradient", mutates_args=())
def _stop_gradient(x: Tensor) -> Tensor:
    """Mark where a model stops the gradient: torch's export forgets it otherwise."""
    return x.clone()


@_stop_gradient.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def _mark_stops(program: Any) -> None:
    """Put marks where `detach` stands and where a `no_grad` block ends."""
    graph = program.graph_module.graph
    stop = torch.ops.mica.stop_gradient.default
    for node in list(graph.nodes):
        ends: list[fx.Node] = []
        if node.target is torch.ops.aten.detach.default:
            ends = [node]
        elif getattr(node.target, "__name__", "") == "wrap_with_set_grad_enabled":
            ends = [] if node.args[0] else list(node.users)
        for end in ends:
            if not _is_float(end.meta.get("val")):
                continue
            with graph.inserting_after(end):
                mark = graph.call_function(stop, (end,))
            mark.meta = dict(end.meta)
            end.replace_all_uses_with(mark, lambda user, mark=mark: user is not mark)
    program.graph_module.recompile()


@functools.cache
def _decompositions() -> dict[Any, Any]:
    """Torch's own table of how operations come apart; to write it out takes a while."""
    return dict(torch.export.default_decompositions().materialize())


def _exported(step: _TrainingStep, x: Any, y: Any) -> Any:
    """The step through torch.export, taken apart into core operations of ATen."""
    try:
        # NOTE: torch's own copying of its trees warns of its own deprecations.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(step, (x, y), strict=False)
            _mark_stops(program)
            return program.run_decompositions(dict(_decompositions()))
    except MicaError:
        raise
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigError(
            f"walk: expected a model that torch can export as one graph, got "
            f"{type(error).__name__}: {first}. Replace what depends on the values of "
            "tensors by tensor operations, such as torch.where."
        ) from error


def _widen(graph: fx.Graph) -> bool:
    """Let casts to a narrow type stay in float64; tell whether there were any."""
    narrow = False

    def widened(argument: Any) -> Any:
        nonlocal narrow
        if not isinstance(argument, torch.dtype) or argument not in _NARROW:
            return argument
        narrow = True
        return torch.float64

    for node in graph.nodes:
        if node.op == "call_function":
            node.args = tuple(widened(argument) for argument in node.args)
            node.kwargs = {name: widened(v) for name, v in node.kwargs.items()}
    return narrow


class _Recorder(fx.Interpreter):
    """Runs the graph with torch and keeps what every node gives."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.values: dict[str, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if n.target is torch.ops.mica.stop_gradient.default:
            result = result.detach()
        self.values[n.name] = result
        return result


def _beginnings(program: Any, x: Any, y: Any) -> list[Beginning]:
    """The placeholders of the graph with their tensors."""
    given = [
        (role, f"{letter}{pytree.keystr(place)}", leaf)
        for role, letter, nested in (("input", "x", x), ("target", "y", y))
        for place, leaf in pytree.tree_leaves_with_path(nested)
    ]
    found, position = [], 0
    roles = {"PARAMETER": "weight", "BUFFER": "buffer"}
    for spec in program.graph_signature.input_specs:
        name = getattr(spec.arg, "name", "")
        if spec.kind.name == "USER_INPUT":
            role, title, value = given[position]
            position += 1
            found.append(Beginning(name, role, title, "", value, False))
            continue
        target = spec.target or name
        held = program.state_dict.get(target)
        value = program.constants.get(target) if held is None else held
        trained = spec.kind.name == "PARAMETER" and bool(value.requires_grad)
        title = target.removeprefix("model.")
        path = title.rpartition(".")[0]
        role = roles.get(spec.kind.name, "constant")
        value = value.detach().clone() if isinstance(value, Tensor) else value
        if isinstance(value, Tensor) and value.is_floating_point():
            value = value.double()
        found.append(Beginning(name, role, title, path, value, trained))
    return found


def _place(node: fx.Node) -> tuple[str, str, str]:
    """(path, class, phase): where in the user's model a node comes from."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    inside = [
        (path.split("@")[0], kind)
        for path, kind in stack
        if path == "model" or path.startswith("model.")
    ]
    if not inside:
        return "", "", "compare"
    path, kind = inside[-1]
    kind = kind if isinstance(kind, str) else kind.__name__
    return path.removeprefix("model").lstrip("."), kind.rpartition(".")[2], "predict"


def _needed(graph: fx.Graph, ends: list[str]) -> set[str]:
    """Names of all nodes that lead to the ends."""
    by_name = {node.name: node for node in graph.nodes}
    stack, found = [by_name[name] for name in ends if name in by_name], set()
    while stack:
        node = stack.pop()
        if node.name not in found:
            found.add(node.name)
            stack += node.all_input_nodes
    return found


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _differentiated(
    values: Mapping[str, Any], loss: str | None, names: list[str]
) -> dict[str, Tensor]:
    """Torch's gradient of the loss for every value it depends on."""
    if loss is None or not values[loss].requires_grad:
        return {}
    asked = [
        name
        for name in names
        if _is_float(values[name]) and values[name].requires_grad and name != loss
    ]
    found = torch.autograd.grad(
        values[loss], [values[name] for name in asked], allow_unused=True
    )
    known = {
        name: gradient.detach()
        for name, gradient in zip(asked, found, strict=True)
        if gradient is not None
    }
    return {**known, loss: torch.ones_like(values[loss]).detach()}


def _run_eagerly(step: _TrainingStep, x: Any, y: Any) -> dict[str, Tensor]:
    """Loss, outputs and gradients as the model itself gives them."""
    step.zero_grad()
    loss, outputs = step(x, y)
    found = {f"output {i}": leaf.detach() for i, leaf in enumerate(flatten(outputs))}
    if loss is not None:
        found["loss"] = loss.detach()
        if loss.requires_grad:
            loss.backward()
    for name, weight in step.model.named_parameters():
        if weight.grad is not None:
            found[name] = weight.grad.detach()
    return found


def capture(
    model: nn.Module, x: Any, y: Any, objective: Objective | None, *, training: bool
) -> Capture:
    """Export one step of a model and let torch compute it, in float64.

    Args:
        model: Any torch module; it is copied, and built if it never saw data.
        x: Its inputs.
        y: The targets; None without an objective.
        objective: The losses, not yet bound; None to predict only.
        training: Whether dropout and the like are on.

    Returns:
        The graph, torch's values and torch's gradients.

    Raises:
        ConfigError: torch cannot export the model; inputs are no numbers.
    """
    x, y = in_double(x), in_double(y)
    # Building may draw random numbers and running does: the caller's stay untouched.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        _build(model, x)
        own = _copied(model)
        if objective is not None:
            objective.bind(own, x, y)
            with evaluation_mode(own), torch.no_grad():
                objective.check_targets(call(own, x), y)
        (training_mode if training else nn.Module.eval)(own)
        step = _TrainingStep(own, objective)
        program = _exported(step, x, y)
        graph = program.graph_module.graph
        narrow = _widen(graph)
        beginnings = _beginnings(program, x, y)
        values = _values(program.graph_module, beginnings)
        signature = program.graph_signature
        ends = [name for name in signature.user_outputs if isinstance(name, str)]
        loss = None if objective is None else ends[0]
        outputs = ends if objective is None else ends[1:]
        needed = _needed(graph, ends)
        gradients = _differentiated(values, loss, list(needed))
        operations = tuple(
            Operation(
                node.name,
                node.target,
                node.args,
                node.kwargs,
                *_place(node),
                _detached(values[node.name]),
                gradients.get(node.name),
            )
            for node in graph.nodes
            if node.op == "call_function" and node.name in needed
        )
        drawn = any(operation.is_drawn for operation in operations)
        remark = ""
        if drawn:
            remark = "The model draws random numbers; both engines used the same ones."
        elif narrow:
            remark = (
                "The model casts to a narrower type; both engines stayed in float64."
            )
        eager = None if remark else _run_eagerly(step, x, y)
    kept = tuple(b for b in beginnings if b.name in needed)
    return Capture(kept, operations, gradients, tuple(outputs), loss, eager, remark)


def _values(module: fx.GraphModule, beginnings: list[Beginning]) -> dict[str, Any]:
    """What torch computes at every node; gradients may be asked of all of them."""
    for beginning in beginnings:
        asks = beginning.role == "input" or beginning.trained
        if asks and _is_float(beginning.value):
            beginning.value.requires_grad_()
    recorder = _Recorder(module)
    recorder.run(*(beginning.value for beginning in beginnings))
    return recorder.values


def _detached(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, (tuple, list)):
        return tuple(_detached(entry) for entry in value)
    return value
