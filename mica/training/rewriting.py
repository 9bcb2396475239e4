"""Rewriting: when layers may be computed as one without anybody seeing a difference."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mica.layers import gather_losses
from mica.nested import flatten

__all__ = ["is_hooked", "is_ours", "is_read_once"]


def is_ours(part: nn.Module) -> bool:
    """Tell whether what a module computes is written here or in torch.

    Args:
        part: The module.

    Example:
        >>> is_ours(nn.Linear(1, 1))
        True
    """
    home = type(part).forward.__module__.split(".")[0]
    return home in ("mica", "torch") and "forward" not in part.__dict__


def is_hooked(*parts: nn.Module) -> bool:
    """Tell whether somebody looks at what modules give, not at the clock alone.

    Args:
        *parts: The modules.

    Example:
        >>> is_hooked(nn.Linear(1, 1))
        False
    """
    return any(
        not getattr(hook, "reads_the_clock_only", False)
        for part in parts
        for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values())
    )


def is_read_once(
    rewrites: Sequence[tuple[Any, Tensor]],
    expected: list[Any],
    run: Callable[[], Any],
) -> bool:
    """Tell whether NaN between two layers is seen by nobody else.

    Args:
        rewrites: (a rewrite with `give` and `put_back`, what its second layer gives).
        expected: What a run gives: outputs, then added losses.
        run: Calls the module once more.

    Example:
        >>> is_read_once([], [1.0], lambda: 1.0)
        True
    """
    try:
        for rewrite, output in rewrites:
            rewrite.give(output)
        with gather_losses() as added:
            given = [*flatten(run()), *added]
    finally:
        for rewrite, _ in rewrites:
            rewrite.put_back()
    return len(given) == len(expected) and all(
        torch.equal(one, other)
        for one, other in zip(given, expected, strict=True)
        if isinstance(one, Tensor)
    )
