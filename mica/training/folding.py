"""Folding: a last softmax or sigmoid is computed inside the loss, from logits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mica.nested import flatten

__all__ = ["LastActivation", "find_last_activations"]

UNKNOWN = "unknown"  # made by something that is not judged and not left out

_TORCH_ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.Softmax: "softmax",
    nn.Sigmoid: "sigmoid",
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.LogSoftmax: "log_softmax",
}


def _activation_name(module: nn.Module) -> str | None:
    """The name of the function a module applies last; None when it applies none."""
    if type(module) in _TORCH_ACTIVATIONS:
        return _TORCH_ACTIVATIONS[type(module)]
    activation = module.__dict__.get("activation")
    if activation is None:
        return None
    return getattr(activation, "name", None) or getattr(activation, "__name__", None)


class LastActivation:
    """The activation that makes one output of a module, and how to leave it out.

    Args:
        module: The layer that applies it last.
        name: "softmax", "sigmoid", "relu", ...
    """

    def __init__(self, module: nn.Module, name: str) -> None:
        self.module = module
        self.name = name
        # A layer holds its activation; a torch module such as nn.Softmax is one.
        self._attribute = "activation" if "activation" in module.__dict__ else "forward"
        self._original = module.__dict__.get(self._attribute)

    def leave_out(self) -> None:
        """From here the module gives logits."""
        instance = self.module.__dict__
        instance[self._attribute] = (
            None if self._attribute == "activation" else _identity
        )

    def put_back(self) -> None:
        """From here the module gives what it says."""
        instance = self.module.__dict__
        if self._original is None:
            instance.pop(self._attribute, None)
        else:
            instance[self._attribute] = self._original

    def __call__(self, logits: Tensor) -> Tensor:
        """Apply what was left out."""
        if self.name == "softmax":
            return torch.softmax(logits, dim=-1)
        return torch.sigmoid(logits)


def _identity(x: Tensor) -> Tensor:
    return x


def _over_last_axis(module: nn.Module, output: Tensor) -> bool:
    axis = getattr(module, "dim", getattr(module, "axis", -1))
    return axis in (-1, output.ndim - 1)


class _Watch:
    """Remembers, for every tensor a leaf module returned, which module it was."""

    def __init__(self) -> None:
        self.makers: dict[int, nn.Module] = {}
        self.calls: dict[nn.Module, int] = {}
        self._kept: list[Any] = []

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self.calls[module] = self.calls.get(module, 0) + 1
        for leaf in flatten(output):
            if isinstance(leaf, Tensor):
                self._kept.append(leaf)  # so that its id stays its own
                self.makers[id(leaf)] = module


@contextmanager
def _watching(module: nn.Module) -> Iterator[_Watch]:
    watch = _Watch()
    hooks = [
        part.register_forward_hook(watch)
        for part in module.modules()
        if _activation_name(part) is not None or not any(part.children())
    ]
    try:
        yield watch
    finally:
        for hook in hooks:
            hook.remove()


def find_last_activations(
    module: nn.Module, run: Callable[[], Any]
) -> list[LastActivation | None]:
    """Find, for each output, the layer whose activation makes it.

    While the module runs, its parts are watched: the part that returned the very tensor
    the module returns is the last. This holds for sequential, functional and subclassed
    models and for any torch module.

    Args:
        module: A built module.
        run: Calls the module once, in evaluation mode, and returns its outputs.

    Returns:
        One entry for each output tensor; None when a layer with weights and without an
        activation made it. The name is "unknown" when a plain function made it, or an
        activation that the module applies more than once: it is then not left out.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=-1))
        >>> found = find_last_activations(network, lambda: network(torch.ones(1, 2)))
        >>> [last.name for last in found]
        ['softmax']
    """
    with _watching(module) as watch:
        outputs = run()
    found: list[LastActivation | None] = []
    for leaf in flatten(outputs):
        maker = watch.makers.get(id(leaf))
        name = None if maker is None else _activation_name(maker)
        if maker is None:
            found.append(LastActivation(module, UNKNOWN))
        elif name is None and next(maker.parameters(recurse=False), None) is not None:
            found.append(None)
        else:
            once = watch.calls[maker] == 1
            known = once and (name != "softmax" or _over_last_axis(maker, leaf))
            found.append(LastActivation(maker, (known and name) or UNKNOWN))
    return found
