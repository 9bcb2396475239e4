"""Sum and product nodes: no activations, the depth is in the multiplication."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ShapeError
from mica.layers.arguments import positive_integer
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.shapes import Shape, describe

__all__ = ["ProductNodes", "SumNodes"]


class SumNodes(Layer):
    """Sums with weights that are always positive.

    y_j = sum over i of w_ji x_i,  w = softplus(weight) = log(1 + exp(weight)) > 0

    Together with `ProductNodes` they make a sum-product network: a polynomial with
    positive coefficients, in which the only nonlinearity is multiplication.

    Args:
        units: Size of the output's last axis. At least 1.
        normalize: Whether the weights of each unit are divided by their sum, so that
            it gives a mixture.
        kernel_initializer: First values of the weight, before softplus.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch, features)
        y: (*batch, units)

    Parameters:
        weight: (units, features), uniform in +-sqrt(6 / (features + units)).

    Raises:
        ConfigError: ``units`` is not a positive integer, or a name is not known.
        ShapeError: x's last axis is not known, or not the one the layer was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = SumNodes(3, normalize=True)
        >>> layer(torch.full((1, 4), 2.0)).detach().round(decimals=4)
        tensor([[2., 2., 2.]])

    Source:
        Poon & Domingos 2011, section 2; Aggarwal 2018, section 1.5.3.
    """

    def __init__(
        self,
        units: int,
        *,
        normalize: bool = False,
        kernel_initializer: InitializerLike = "glorot_uniform",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.units = positive_integer(units, self.where, "units")
        self.normalize = normalize
        self.kernel_initializer = get_initializer(
            kernel_initializer, self.where, "kernel_initializer"
        )
        self.register_parameter("weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or last axis."""
        check_rank(self.where, shape, "batch features", at_least=True)
        built_for = built_dtype = None
        if self.weight is not None:
            built_for, built_dtype = self.weight.shape[1], self.weight.dtype
        check_floating(self.where, dtype, built_dtype)
        check_axis(self.where, shape, -1, built_for)

    def build(self, shape: Shape) -> None:
        """Make the weight for the last size of `shape`."""
        self.weight = self.add_weight(
            (self.units, shape[-1] or 0), self.kernel_initializer
        )

    def forward(
        self, x: Float[Tensor, "*batch features"]
    ) -> Float[Tensor, "*batch {self.units}"]:
        """Add with positive weights."""
        positive = functional.softplus(self.weight)
        if self.normalize:
            positive = positive / positive.sum(1, keepdim=True)
        return functional.linear(x, positive)


class ProductNodes(Layer):
    """Products of neighbouring features, a group for each unit; nothing is learned.

    y_j = product of x_i for i from j * size to (j + 1) * size - 1

    Args:
        size: How many features each unit multiplies. At least 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch, units * size)
        y: (*batch, units)

    Raises:
        ConfigError: ``size`` is not a positive integer.
        ShapeError: x's last axis is not a multiple of ``size``.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ProductNodes(2)(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
        tensor([[ 2., 12.]])

    Source:
        Poon & Domingos 2011, section 2; Aggarwal 2018, section 1.5.3.
    """

    def __init__(self, size: int = 2, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.size = positive_integer(size, self.where, "size")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or last axis."""
        check_rank(self.where, shape, "batch features", at_least=True)
        check_floating(self.where, dtype)
        check_axis(self.where, shape, -1, None)
        if shape[-1] % self.size:
            raise ShapeError(
                f"{self.where}: expected features that groups of {self.size} divide, "
                f"got {shape[-1]} in shape {describe(shape)}. Choose another size."
            )

    def forward(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch _"]:
        """Multiply within each group."""
        groups = x.unflatten(-1, (x.shape[-1] // self.size, self.size))
        product = groups[..., 0]
        for member in range(1, self.size):
            product = product * groups[..., member]
        return product.contiguous()
