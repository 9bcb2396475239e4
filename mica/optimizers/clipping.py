"""Clipping: shorten gradients in place, without waiting for the device."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value"]


@torch.no_grad()
def clip_by_value(gradients: Sequence[Tensor], limit: float) -> None:
    """Bound every entry.

    g = min(max(g, -limit), limit)

    Args:
        gradients: Changed in place; at least one.
        limit: Above 0.

    Example:
        >>> gradient = torch.tensor([3.0, -0.5])
        >>> clip_by_value([gradient], 1.0)
        >>> gradient
        tensor([ 1.0000, -0.5000])
    """
    tensors = list(gradients)
    torch._foreach_clamp_min_(tensors, -limit)
    torch._foreach_clamp_max_(tensors, limit)


@torch.no_grad()
def clip_by_norm(gradients: Sequence[Tensor], limit: float) -> None:
    """Bound the Euclidean length of each gradient on its own.

    g = g * limit / max(||g||, limit)

    Args:
        gradients: Changed in place; at least one.
        limit: Above 0.

    Example:
        >>> gradients = [torch.tensor([3.0, 4.0]), torch.tensor([0.5])]
        >>> clip_by_norm(gradients, 1.0)
        >>> gradients
        [tensor([0.6000, 0.8000]), tensor([0.5000])]
    """
    tensors = list(gradients)
    lengths = torch._foreach_norm(tensors, 2)
    torch._foreach_clamp_min_(lengths, limit)
    torch._foreach_div_(lengths, limit)
    torch._foreach_div_(tensors, lengths)


@torch.no_grad()
def clip_by_global_norm(gradients: Sequence[Tensor], limit: float) -> None:
    """Bound the Euclidean length of all gradients together; their directions stay.

    g = g * limit / max(||all g||, limit)

    An infinite length makes every gradient NaN, as in Keras: it is not to pass unseen.

    Args:
        gradients: Changed in place; at least one. They may lie on several devices.
        limit: Above 0.

    Example:
        >>> gradients = [torch.tensor([3.0]), torch.tensor([4.0])]
        >>> clip_by_global_norm(gradients, 1.0)
        >>> gradients
        [tensor([0.6000]), tensor([0.8000])]
    """
    tensors = list(gradients)
    length = torch.nn.utils.get_total_norm(tensors, 2.0)
    factor = limit / length.clamp(min=limit) + (length - length)
    for tensor_device in {tensor.device for tensor in tensors}:
        here = [tensor for tensor in tensors if tensor.device == tensor_device]
        torch._foreach_mul_(here, factor.to(tensor_device))
