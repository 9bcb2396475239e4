"""Replay: a captured step once more on the reference engine, forward and backward."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import fx

from mica import reference
from mica.reference import Tensor
from mica.trace.capture import Beginning, Capture, Operation
from mica.trace.operations import OPERATIONS
from mica.trace.step import Source, Step

__all__ = ["Replay", "replay"]

# Parts of torch's names that say how, not what.
_INTERNAL = re.compile(
    r"^_+(unsafe_|to_)?|native_|_legit|_functional|_no_training|_with_indices|_default"
)


def _first_results(capture: Capture) -> dict[str, Operation]:
    """For each operation of several results, the one that picks the first."""
    several = {o.name for o in capture.operations if isinstance(o.value, tuple)}
    return {
        operation.args[0].name: operation
        for operation in capture.operations
        if operation.rule == "getitem"
        and isinstance(operation.args[0], fx.Node)
        and operation.args[0].name in several
        and operation.args[1] == 0
    }


class Replay:
    """The sources and steps of a captured step, computed by the reference engine.

    Args:
        capture: What torch exported and computed.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.values: dict[str, Any] = {}
        self.titles: dict[str, str] = {}
        self.unknown: dict[str, str] = {}  # name in the graph: why
        self._foreign: list[Operation] = []
        self.not_finite = ""
        for beginning in capture.beginnings:
            self.titles[beginning.name] = beginning.title
            self.values[beginning.name] = _beginning(beginning)
        self._firsts = _first_results(capture)
        self._name_steps()
        for operation in capture.operations:
            self.values[operation.name] = self._computed(operation)
        self.gradients = self._differentiated()

    def _name_steps(self) -> None:
        """Plain names; the first of several results is what its step gives."""
        taken = set(self.titles.values())
        for operation in self.capture.operations:
            title = plain = _INTERNAL.sub("", operation.name)
            count = 1
            while title in taken:
                count += 1
                title = f"{plain}_{count}"
            taken.add(title)
            self.titles[operation.name] = title
        for name, first in self._firsts.items():
            self.titles[first.name] = self.titles[name]

    def _computed(self, operation: Operation) -> Any:
        """The result by the table; torch's where the table has no rule."""
        rule = OPERATIONS.get(operation.rule)
        settings = {k: self._found(v) for k, v in operation.kwargs.items()}
        if operation.is_drawn and rule is None:
            return _adopted(operation.value, asks=False)
        if operation.is_drawn:
            settings["drawn"] = _arrays(operation.value)
        args = [self._found(argument) for argument in operation.args]
        if rule is None:
            return self._taken_over(operation, "no rule")
        try:
            # An overflow shows as infinity among the values, where it can be seen.
            with np.errstate(all="ignore"):
                result = rule.compute(*args, **settings)
        except Exception as error:  # noqa: BLE001 - shown as a step without a rule
            return self._taken_over(operation, f"{type(error).__name__}: {error}")
        return _wrapped(result, args)

    def _taken_over(self, operation: Operation, reason: str) -> Any:
        self.unknown[operation.name] = reason
        inputs = [self.values[node.name] for node in _nodes(operation)]
        asks = any(
            isinstance(value, Tensor) and value.requires_gradient for value in inputs
        )
        if asks:
            self._foreign.append(operation)
        return _adopted(operation.value, asks=asks)

    def _found(self, argument: Any) -> Any:
        """An argument with nodes of the graph replaced by their values."""
        if isinstance(argument, fx.Node):
            return self.values[argument.name]
        if isinstance(argument, (list, tuple)):
            return [self._found(entry) for entry in argument]
        return argument

    def _differentiated(self) -> Mapping[str, np.ndarray]:
        """The gradient of the loss at every source and step it depends on."""
        loss = None if self.capture.loss is None else self.values[self.capture.loss]
        if not isinstance(loss, Tensor) or not loss.requires_gradient:
            return {}
        roots, seeds = [loss], [None]
        try:
            with np.errstate(all="ignore"):
                found = reference.gradients(roots, seeds, retain_graph=True)
                # Behind an operation without a rule the walk goes on with torch's
                # answer to one question: how do these inputs move this output?
                for operation in reversed(self._foreign):
                    for parent, share in self._shares(operation, found):
                        roots.append(parent)
                        seeds.append(share)
                    found = reference.gradients(roots, seeds, retain_graph=True)
        except FloatingPointError as error:
            self.not_finite = str(error)
            return {}
        return {
            name: found[value].data
            for name, value in self.values.items()
            if isinstance(value, Tensor) and value in found
        }

    def _shares(self, operation: Operation, found: Any) -> list[tuple[Tensor, Any]]:
        """What an operation without a rule sends back to each of its inputs."""
        held = self.values[operation.name]
        results = held if isinstance(held, tuple) else (held,)
        asked: dict[str, torch.Tensor] = {}

        def given(argument: Any) -> Any:
            if isinstance(argument, fx.Node):
                value = self.values[argument.name]
                if not isinstance(value, Tensor):
                    return torch.as_tensor(value)
                if argument.name not in asked:
                    leaf = torch.as_tensor(np.array(value.data))
                    asked[argument.name] = leaf.requires_grad_(value.requires_gradient)
                return asked[argument.name]
            if isinstance(argument, (list, tuple)):
                return [given(entry) for entry in argument]
            return argument

        try:
            with torch.enable_grad():
                made = operation.target(
                    *map(given, operation.args),
                    **{k: given(v) for k, v in operation.kwargs.items()},
                )
        except RuntimeError as error:  # torch itself refuses these inputs
            self.unknown[operation.name] += f"; nothing flows back ({error})"
            return []
        made = made if isinstance(made, (tuple, list)) else (made,)
        sent = [
            (output, torch.as_tensor(np.array(found[result].data)))
            for output, result in zip(made, results, strict=False)
            if isinstance(result, Tensor) and result in found and output.requires_grad
        ]
        names = [name for name, leaf in asked.items() if leaf.requires_grad]
        if not sent or not names:
            return []
        shares = torch.autograd.grad(
            [output for output, _ in sent],
            [asked[name] for name in names],
            [gradient for _, gradient in sent],
            allow_unused=True,
        )
        return [
            (self.values[name], share.numpy())
            for name, share in zip(names, shares, strict=True)
            if share is not None
        ]

    def sources(self) -> list[Source]:
        """Everything the step starts from, with what flows back to it."""
        return [
            Source(
                beginning.title,
                beginning.role,
                beginning.path,
                _array(self.values[beginning.name]),
                self.gradients.get(beginning.name),
                _array_or_none(self.capture.gradients.get(beginning.name)),
            )
            for beginning in self.capture.beginnings
        ]

    def steps(self) -> list[Step]:
        """Everything that is done, in order."""
        shown_with_their_step = {first.name for first in self._firsts.values()}
        return [
            self._step(operation)
            for operation in self.capture.operations
            if operation.name not in shown_with_their_step
        ]

    def _step(self, operation: Operation) -> Step:
        rule = OPERATIONS.get(operation.rule)
        texts = [self._text(argument) for argument in operation.args]
        formula = f"{operation.rule}({', '.join(texts)})"
        if rule is not None and rule.formula.count("{") <= 8:
            formula = rule.formula.format(*texts, *["-"] * 8)
        compared = operation.phase == "compare"
        drawn = operation.is_drawn and rule is None
        words = "random numbers" if drawn else operation.rule.strip("_")
        given = self._firsts.get(operation.name, operation)
        value = self.values[given.name]
        several = isinstance(value, tuple)
        return Step(
            name=self.titles[operation.name],
            operation=operation.rule,
            words=words if rule is None else rule.words,
            formula=formula,
            inputs=tuple(self.titles[node.name] for node in _nodes(operation)),
            path=operation.path,
            kind="Loss" if compared else operation.kind,
            phase=operation.phase,
            value=None if several else _array(value),
            gradient=self.gradients.get(given.name),
            expected=None if several else _array_or_none(given.value),
            expected_gradient=_array_or_none(given.gradient),
            is_known=operation.name not in self.unknown,
            is_drawn=operation.is_drawn,
        )

    def _text(self, argument: Any) -> str:
        if isinstance(argument, fx.Node):
            return self.titles[argument.name]
        if isinstance(argument, (list, tuple)):
            return f"[{', '.join(map(self._text, argument))}]"
        return f"{argument:g}" if isinstance(argument, float) else str(argument)


def _nodes(operation: Operation) -> list[fx.Node]:
    """The nodes among an operation's arguments, each once, in order."""
    found: dict[fx.Node, None] = {}

    def visit(argument: Any) -> None:
        if isinstance(argument, fx.Node) and argument.op != "get_attr":
            found[argument] = None
        elif isinstance(argument, (list, tuple)):
            for entry in argument:
                visit(entry)

    visit(operation.args)
    visit(list(operation.kwargs.values()))
    return list(found)


def _beginning(beginning: Beginning) -> Any:
    if not isinstance(beginning.value, torch.Tensor):
        return beginning.value
    array = beginning.value.detach().numpy()
    asks = beginning.trained or beginning.role == "input"
    return Tensor(array, requires_gradient=asks and array.dtype.kind == "f")


def _adopted(value: Any, *, asks: bool) -> Any:
    """Take torch's result as the beginning of what follows."""
    if isinstance(value, (tuple, list)):
        return tuple(_adopted(entry, asks=asks) for entry in value)
    if not isinstance(value, torch.Tensor):
        return value
    array = value.numpy()
    return Tensor(array, requires_gradient=asks and array.dtype.kind == "f")


def _wrapped(result: Any, args: list[Any]) -> Any:
    """A result as tensors; one that is an input itself becomes a step of its own."""
    if isinstance(result, (tuple, list)):
        return tuple(
            None if entry is None else _wrapped(entry, args) for entry in result
        )
    result = result if isinstance(result, Tensor) else Tensor(np.asarray(result))
    if any(result is argument for argument in args):
        return result.reshape(result.shape)
    return result


def _arrays(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_arrays(entry) for entry in value)
    return value.numpy() if isinstance(value, torch.Tensor) else value


def _array(value: Any) -> np.ndarray:
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def _array_or_none(value: Any) -> np.ndarray | None:
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    return None if value is None or isinstance(value, tuple) else np.asarray(value)


def replay(capture: Capture) -> Replay:
    """Compute a captured step on the reference engine.

    Args:
        capture: What torch exported and computed.

    Returns:
        Sources and steps with values and gradients of both engines.
    """
    return Replay(capture)
