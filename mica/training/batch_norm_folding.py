"""Batch normalization folded into the layer before it, for prediction.

gamma (W x + b - mean) / sqrt(variance + epsilon) + beta = (s W) x + s (b - mean) + beta
with s = gamma / sqrt(variance + epsilon): one layer does the work of two.
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mica.engine import random_state, restore_random_state
from mica.layers import (
    BatchNormalization,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
    probing,
)
from mica.nested import flatten
from mica.training.calling import call

__all__ = ["Folded", "fold_batch_norms"]

# What computes is known line by line only where it is written here or in torch.
OUR_PLACES = ("mica.layers.", "mica.model.", "torch.nn.modules.")

# Layers that are linear in a weight, whose name stands beside them; the axis of the
# outputs is its first one, in transposed convolutions the second.
WEIGHTS: dict[type[nn.Module], str] = {
    **dict.fromkeys((Dense, Conv1D, Conv2D, Conv3D), "weight"),
    **dict.fromkeys((DepthwiseConv1D, DepthwiseConv2D), "weight"),
    **dict.fromkeys((SeparableConv1D, SeparableConv2D), "pointwise"),
    **dict.fromkeys((nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d), "weight"),
}
TRANSPOSED = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
TORCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
FIRST_CHANNELS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED[3:])
SHARED = (Tensor, np.ndarray)  # may be large, and are not changed
# |folded - unfolded| / max |unfolded|, at most, for each output.
BOUNDS = {torch.float32: 1e-5, torch.float64: 1e-12}


@dataclass(frozen=True)
class Folded:
    """A network that predicts what another one does, with fewer layers at work.

    Args:
        network: A copy that shares all weights but those that were folded.
        count: How many batch normalizations are parts of other layers in it.

    Example:
        >>> Folded(nn.Linear(1, 1), 0).count
        0
    """

    network: nn.Module
    count: int


class _Watch(TorchDispatchMode):
    """Sees which layer made each tensor, and who reads it."""

    def __init__(self, makers: list[nn.Module], norms: list[nn.Module]) -> None:
        super().__init__()
        self.inputs: dict[nn.Module, list[Any]] = {norm: [] for norm in norms}
        self.outputs: dict[nn.Module, list[Any]] = {maker: [] for maker in makers}
        self.read: set[nn.Module] = set()  # makers that others than a norm read
        self._by_storage: dict[int | None, nn.Module] = {}
        self._norm: nn.Module | None = None  # the one that computes now

    def handles(self) -> list[Any]:
        """Look at the layers from now on."""
        return [
            *(maker.register_forward_hook(self._made) for maker in self.outputs),
            *(norm.register_forward_pre_hook(self._begins) for norm in self.inputs),
            *(norm.register_forward_hook(self._ends) for norm in self.inputs),
        ]

    def _made(self, maker: nn.Module, _: Any, output: Any) -> None:
        self.outputs[maker].append(output)  # kept, so that its storage stays its own
        self._by_storage[_storage(output)] = maker

    def _begins(self, norm: nn.Module, given: Any) -> None:
        self.inputs[norm].append(given[0] if given else None)
        self._norm = norm

    def _ends(self, *_: Any) -> None:
        self._norm = None

    def see(self, value: Any) -> None:
        """Note who reads the tensors in a value."""
        for leaf in tree_leaves(value):
            maker = self._by_storage.get(_storage(leaf))
            if maker is None:
                continue
            norm = self._norm
            if norm is None or self.inputs[norm][-1] is not self.outputs[maker][-1]:
                self.read.add(maker)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Do the operation, and look at what it reads."""
        self.see((args, kwargs or {}))
        return func(*args, **(kwargs or {}))


def _storage(leaf: Any) -> int | None:
    plain = isinstance(leaf, Tensor) and leaf.layout is torch.strided
    return leaf.untyped_storage()._cdata if plain else None


def fold_batch_norms(model: nn.Module, x: Any) -> Folded | None:
    """Make a copy for prediction in which batch normalizations cost nothing.

    A layer with weights and without an activation, used once, whose output a batch
    normalization reads and nothing else does, takes that normalization into its weight
    and its bias. The model is not touched: its copy shares all other weights with it.
    Pairs are found by watching the copy on some rows; on the same rows the folded
    outputs must be those of the model, within 1e-5 of the largest number of an output
    (1e-12 in float64). A model with code of the user's own in it, or with hooks,
    through which somebody may look, is left alone.

    Args:
        model: A built module.
        x: Inputs of some rows, on the module's device.

    Returns:
        The copy, or None when there is nothing to fold or the numbers are not the same.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        >>> folded = fold_batch_norms(model, torch.ones(4, 2))
        >>> folded.count
        1
        >>> x = torch.randn(5, 2)
        >>> torch.allclose(folded.network(x), model.eval()(x), atol=1e-6)
        True
    """
    if not _is_worth_a_look(model):
        return None
    before = random_state()
    try:
        with torch.no_grad(), probing():
            network = _sharing_copy(model)
            expected, pairs = _find_pairs(network, x)
            for maker, norm in pairs:
                _fold(maker, norm)
            if pairs and _agree(flatten(call(network, x)), expected):
                return Folded(network, len(pairs))
    finally:
        restore_random_state(before)
    return None


def _is_worth_a_look(model: nn.Module) -> bool:
    """Whether there may be pairs, all code is known, and nobody looks on."""
    parts = list(model.modules())
    return (
        any(_is_norm(part) for part in parts)
        and any(_is_maker(part) for part in parts)
        and all(map(_is_known, parts))
        and not _global_hooks()
    )


def _global_hooks() -> bool:
    hooks = nn.modules.module
    return bool(hooks._global_forward_hooks or hooks._global_forward_pre_hooks)


def _is_known(part: nn.Module) -> bool:
    hooks = (*part._forward_hooks.values(), *part._forward_pre_hooks.values())
    return (
        type(part).forward.__module__.startswith(OUR_PLACES)
        and type(part).__call__.__module__.startswith(OUR_PLACES)
        and "forward" not in part.__dict__
        and not getattr(part, "stateful", False)
        # Our own ones count what activities cost in training.
        and all(_place(hook).startswith("mica.layers.") for hook in hooks)
    )


def _place(function: Any) -> str:
    return str(getattr(function, "__module__", None))


def _is_norm(part: Any) -> bool:
    if type(part) is not BatchNormalization and type(part) not in TORCH_NORMS:
        return False
    return part.running_mean is not None and part.running_var is not None


def _is_maker(part: nn.Module) -> bool:
    if type(part) not in WEIGHTS and type(part) not in TRANSPOSED:
        return False
    return part.__dict__.get("activation") is None


def _sharing_copy(model: nn.Module) -> nn.Module:
    """Copy all modules, and none of their tensors."""
    shared: list[Any] = [*model.parameters(), *model.buffers()]
    for part in model.modules():
        held = part.__dict__
        shared += [held.get("_session"), held.get("_arguments")]
        shared += [each for each in held.values() if isinstance(each, SHARED)]
    return copy.deepcopy(model, {id(each): each for each in shared}).eval()


def _find_pairs(
    network: nn.Module, x: Any
) -> tuple[list[Any], list[tuple[nn.Module, nn.Module]]]:
    """What a network gives for some rows, and which layers took part in it in pairs."""
    parts = list(network.modules())
    watch = _Watch(list(filter(_is_maker, parts)), list(filter(_is_norm, parts)))
    handles = watch.handles()
    try:
        with watch:
            outputs = flatten(call(network, x))
    finally:
        for handle in handles:
            handle.remove()
    watch.see(outputs)
    by_output = {
        id(made[0]): maker
        for maker, made in watch.outputs.items()
        if len(made) == 1 and maker not in watch.read
    }
    pairs: dict[nn.Module, list[nn.Module]] = {}
    for norm, given in watch.inputs.items():
        maker = by_output.get(id(given[0])) if len(given) == 1 else None
        if maker is not None:
            pairs.setdefault(maker, []).append(norm)
    return outputs, [
        (maker, norms[0])
        for maker, norms in pairs.items()
        if len(norms) == 1 and _fit(maker, norms[0], watch.outputs[maker][0].ndim)
    ]


def _fit(maker: Any, norm: Any, rank: int) -> bool:
    """Whether both mean the same axis, and hold numbers of one type in one place."""
    channels = 1 if type(maker) in FIRST_CHANNELS else rank - 1
    axis = norm.axis % rank if type(norm) is BatchNormalization else 1
    weight = getattr(maker, WEIGHTS.get(type(maker), "weight"))
    learned = (weight, maker.bias, norm.weight, norm.bias)
    tensors = (*learned, norm.running_mean, norm.running_var)
    return (
        channels == axis
        and weight.dtype in BOUNDS
        and len({(each.dtype, each.device) for each in tensors if each is not None})
        == 1
    )


def _fold(maker: Any, norm: Any) -> None:
    """Let a layer do what it and the normalization after it do."""
    name = WEIGHTS.get(type(maker), "weight")
    weight = getattr(maker, name)
    epsilon = norm.epsilon if type(norm) is BatchNormalization else norm.eps
    # The products are taken in float64 and rounded once.
    scale = (norm.running_var.double() + epsilon).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    bias = -norm.running_mean.double()
    if maker.bias is not None:
        bias = bias + maker.bias.double()
    bias = bias * scale
    if norm.bias is not None:
        bias = bias + norm.bias.double()
    if type(maker) in TRANSPOSED:  # (channels, filters of a group, *places)
        groups = maker.groups
        factors = scale.view(groups, 1, -1).expand(-1, len(weight) // groups, -1)
        factors = factors.reshape(len(weight), -1, *(1,) * (weight.ndim - 2))
    else:
        factors = scale.view(-1, *(1,) * (weight.ndim - 1))
    folded = (weight.double() * factors).to(weight.dtype)
    maker._parameters = {
        **maker._parameters,
        name: folded,
        "bias": bias.to(weight.dtype),
    }
    norm.__dict__["forward"] = _pass_on


def _pass_on(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """Give what is given: what a normalization does that is part of another layer."""
    del mask  # it counts in training alone
    return x


def _agree(given: list[Any], expected: list[Any]) -> bool:
    return len(given) == len(expected) and all(
        _is_close(one, other) for one, other in zip(given, expected, strict=True)
    )


def _is_close(one: Any, other: Any) -> bool:
    if not (isinstance(one, Tensor) and isinstance(other, Tensor)):
        return False
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if other.dtype not in BOUNDS:
        return torch.equal(one, other)
    if other.numel() == 0:
        return True
    # Written so that NaN is not close.
    difference = float((one - other).abs().max())
    return difference <= BOUNDS[other.dtype] * float(other.abs().max())
