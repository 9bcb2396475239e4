"""Folding: a last softmax or sigmoid is computed inside the loss, from logits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mica.layers import gather_losses
from mica.nested import flatten

__all__ = [
    "LastActivation",
    "Watch",
    "can_be_left_out",
    "find_last_activations",
    "identity",
    "poison",
    "watching",
]

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


def _is_known(module: nn.Module) -> bool:
    """Whether a class is torch's or ours, so that it is known to end as it says."""
    return type(module).__module__.split(".")[0] in ("mica", "torch")


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

    def replace(self, function: Callable[[Tensor], Tensor]) -> None:
        """From here the module applies another function instead.

        Args:
            function: From what goes into the activation to what comes out of it.
        """
        self.module.__dict__[self._attribute] = function

    def leave_out(self) -> None:
        """From here the module gives logits."""
        self.replace(identity)

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


def identity(x: Tensor) -> Tensor:
    """Give what is given: in the place of an activation that is left out.

    Args:
        x: Any tensor.

    Returns:
        The same tensor.

    Example:
        >>> identity(torch.ones(1))
        tensor([1.])
    """
    return x


def poison(x: Tensor) -> Tensor:
    """Give NaN in the same shape: whoever reads it shows that in what they give.

    Args:
        x: Any tensor of floating-point numbers.

    Returns:
        A new tensor.

    Example:
        >>> poison(torch.ones(2))
        tensor([nan, nan])
    """
    return torch.full_like(x, float("nan"))


def _run_with(
    last: LastActivation, function: Callable[[Tensor], Tensor], run: Callable[[], Any]
) -> list[Any]:
    last.replace(function)
    try:
        return flatten(run())
    finally:
        last.put_back()


def can_be_left_out(
    last: LastActivation, index: int, outputs: Any, run: Callable[[], Any]
) -> bool:
    """Try whether leaving an activation out turns one output into its logits, no more.

    It must not when something else reads the probabilities: another output, a layer
    behind one, or a loss that layers add. A NaN in their place shows that, whatever
    the weights are.

    Args:
        last: The activation.
        index: Which output it makes.
        outputs: What the module gives for some samples.
        run: Calls the module on these samples again, in evaluation mode.

    Returns:
        Whether the loss may compute it.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=-1))
        >>> run = lambda: network(torch.ones(1, 2))
        >>> can_be_left_out(LastActivation(network[1], "softmax"), 0, run(), run)
        True
        >>> can_be_left_out(LastActivation(network[1], "sigmoid"), 0, run(), run)
        False
    """
    expected = flatten(outputs)
    with gather_losses() as added:
        run()
    with gather_losses() as added_without:
        logits = _run_with(last, identity, run)
    poisoned = _run_with(last, poison, run)
    unchanged = all(
        torch.equal(leaf, other)
        for number, (leaf, other) in enumerate(zip(expected, poisoned, strict=True))
        if number != index and isinstance(leaf, Tensor)
    )
    charged_alike = all(map(torch.equal, added, added_without))
    return (
        unchanged
        and charged_alike
        and torch.allclose(last(logits[index]), expected[index])
    )


def _over_last_axis(module: nn.Module, output: Tensor) -> bool:
    axis = getattr(module, "dim", getattr(module, "axis", -1))
    return axis in (-1, output.ndim - 1)


class Watch:
    """Remembers which module made each tensor, and whether its activation did.

    Example:
        >>> Watch().makers
        {}
    """

    def __init__(self) -> None:
        self.makers: dict[int, nn.Module] = {}
        self.activated: set[int] = set()
        self.uses: dict[nn.Module, int] = {}
        self._kept: list[Any] = []

    def _note(self, module: nn.Module, output: Any) -> list[int]:
        leaves = [leaf for leaf in flatten(output) if isinstance(leaf, Tensor)]
        self._kept += leaves  # so that their ids stay their own
        self.makers.update({id(leaf): module for leaf in leaves})
        return [id(leaf) for leaf in leaves]

    def see_activation(self, module: nn.Module, output: Any) -> None:
        """Note what an activation gave.

        Args:
            module: The layer that applies it, or the activation itself.
            output: What it gave.
        """
        self.uses[module] = self.uses.get(module, 0) + 1
        self.activated.update(self._note(module, output))

    def see_output(self, module: nn.Module, output: Any) -> None:
        """Note what a layer gave, after its activation if it has one.

        Args:
            module: The layer.
            output: What it gave.
        """
        # What its own activation just gave stays so; what it only hands on does not.
        before = [self.makers.get(id(leaf)) for leaf in flatten(output)]
        for key, maker in zip(self._note(module, output), before, strict=False):
            if maker is not module:
                self.activated.discard(key)


@contextmanager
def watching(module: nn.Module) -> Iterator[Watch]:
    """Watch the parts of a module and their activations inside the block.

    Args:
        module: Any module.

    Yields:
        What is seen, while the module runs.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> with watching(network) as watch:
        ...     output = network(torch.ones(1, 2))
        >>> watch.makers[id(output)]
        ReLU()
    """
    watch = Watch()
    replaced: list[LastActivation] = []
    hooks: list[Any] = []

    def hook(part: nn.Module, _: Any, output: Any) -> None:
        see = watch.see_activation if part in torch_made else watch.see_output
        see(part, output)

    torch_made = {part for part in module.modules() if type(part) in _TORCH_ACTIVATIONS}
    try:
        for part in module.modules():
            name = _activation_name(part)
            if name is not None and part not in torch_made:
                last = LastActivation(part, name)
                last.replace(_watched(part, part.__dict__["activation"], watch))
                replaced.append(last)
            if not list(part.children()):
                hooks.append(part.register_forward_hook(hook))
        yield watch
    finally:
        for last in replaced:
            last.put_back()
        for handle in hooks:
            handle.remove()


def _watched(
    module: nn.Module, activation: Callable[[Tensor], Tensor], watch: Watch
) -> Callable[[Tensor], Tensor]:
    def apply(x: Tensor) -> Tensor:
        output = activation(x)
        watch.see_activation(module, output)
        return output

    return apply


def find_last_activations(
    module: nn.Module, run: Callable[[], Any]
) -> list[LastActivation | None]:
    """Find, for each output, the layer whose activation makes it.

    While the module runs, its parts are watched: the activation that returned the very
    tensor the module returns is the last. This holds for sequential, functional and
    subclassed models and for any torch module.

    Args:
        module: A built module.
        run: Calls the module once, in evaluation mode, and returns its outputs.

    Returns:
        One entry for each output tensor; None when a layer of Mica or torch, with
        weights and without an activation, made it. The name is "unknown" when a plain
        function or a class of the user's own made it, or an activation that the module
        applies more than once: it is then not left out.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=-1))
        >>> found = find_last_activations(network, lambda: network(torch.ones(1, 2)))
        >>> [last.name for last in found]
        ['softmax']
    """
    with watching(module) as watch:
        outputs = run()
    return [_last(leaf, module, watch) for leaf in flatten(outputs)]


def _last(leaf: Any, module: nn.Module, watch: Watch) -> LastActivation | None:
    maker = watch.makers.get(id(leaf))
    if maker is None:
        return LastActivation(module, UNKNOWN)
    if id(leaf) in watch.activated:
        name = _activation_name(maker)
        once = watch.uses[maker] == 1
        known = once and (name != "softmax" or _over_last_axis(maker, leaf))
        return LastActivation(maker, (known and name) or UNKNOWN)
    weighs = next(maker.parameters(recurse=False), None) is not None
    if weighs and _is_known(maker):
        return None
    return LastActivation(maker, UNKNOWN)
