"""TimeDistributed: one layer applied to every step of a sequence."""

from typing import Any

import torch
from torch import Tensor

from mica.layers.inputs import check_rank
from mica.layers.layer import Layer
from mica.layers.masks import masks_for
from mica.layers.wrapping import Wrapper
from mica.nested import map_nested
from mica.shapes import Shape

__all__ = ["TimeDistributed"]


class TimeDistributed(Wrapper):
    """Apply a layer to every step of a sequence, with the same weights.

    y[b, t] = layer(x[b, t])

    Steps count as samples: a batch normalization inside gathers its statistics over
    batch and time together.

    Args:
        layer: The layer for one step.
        name: What the wrapper is called; `None` lets the model choose.

    Shape:
        x: (batch, time, *what the layer takes)
        y: (batch, time, *what the layer gives)

    Parameters:
        layer: what the layer inside has.

    Raises:
        ConfigError: ``layer`` is not a layer.
        ShapeError: x has fewer than two axes, or its steps do not fit the layer.

    Example:
        >>> from mica.layers import Conv2D
        >>> TimeDistributed(Conv2D(4, 3))(torch.zeros(2, 5, 8, 8, 1)).shape
        torch.Size([2, 5, 6, 6, 4])
    """

    def __init__(self, layer: Layer, *, name: str | None = None) -> None:
        super().__init__(layer, name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input, in the words of the layer inside."""
        check_rank(self.where, shape, "batch time", at_least=True)
        self.layer.check_input((shape[0], *shape[2:]), dtype)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Pass on which steps are real: those in which anything is.

        Args:
            x: The sequences.
            mask: (batch, time, ...).

        Returns:
            (batch, time), or None.
        """
        del x
        if mask is None or len(mask.shape) == 2:
            return mask
        return mask.flatten(2).any(-1)

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build the layer inside for one step.

        Args:
            *args: What `forward` would be given.
            **kwargs: Named ones.
        """
        if not self.built:
            Layer.ensure_built(self, *args, **kwargs)

    def build(self, shape: Shape) -> None:
        """Build the layer inside for one step of `shape`."""
        sizes = [size or 1 for size in shape[2:]]
        dtype = self._input_dtype
        self.layer.ensure_built(
            torch.empty((1, *sizes), dtype=dtype, device=self._build_device)
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        """Apply the layer to all steps at once."""
        if x.ndim < 2:
            self.check_input(tuple(x.shape), x.dtype)
        batch, time = x.shape[:2]
        steps = x.reshape(batch * time, *x.shape[2:])
        inner = {}
        if mask is not None and mask.ndim > 2:
            inner = {"mask": mask.reshape(batch * time, *mask.shape[2:])}
            inner = masks_for(type(self.layer).forward, (steps,), inner) or inner
        y = self.layer(steps, **inner)
        return map_nested(lambda leaf: leaf.reshape(batch, time, *leaf.shape[1:]), y)
