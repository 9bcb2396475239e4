"""Layers that only apply an activation."""

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.layers.activation import ActivationLike, get_activation, softmax
from mica.layers.arguments import integer, real_number
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.elementwise import Elementwise
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape, describe

__all__ = ["ELU", "Activation", "Identity", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class Activation(Elementwise):
    """An activation as a layer of its own.

    y = activation(x)

    Args:
        activation: A name such as "relu", or a function; `None` passes x on.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: The name is not known.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Activation("relu")(torch.tensor([[-1.0, 2.0]]))
        tensor([[0., 2.]])
    """

    def __init__(self, activation: ActivationLike, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.activation = get_activation(activation, self.where)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*new_shape"]:
        """Apply the activation; the shape stays but for glu, which halves an axis."""
        return x if self.activation is None else self.activation(x)


class ReLU(Elementwise):
    """A rectifier with a ceiling, a leak and a threshold, each if wanted.

    y = max_value                          where x >= max_value
    y = x                                  where threshold < x < max_value
    y = negative_slope * (x - threshold)   elsewhere

    Args:
        max_value: The ceiling, at least 0; `None` is no ceiling.
        negative_slope: The slope below the threshold, at least 0.
        threshold: Where the unit switches on, at least 0.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: A number is negative or not finite.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ReLU(max_value=6.0)(torch.tensor([[-1.0, 2.0, 9.0]]))
        tensor([[0., 2., 6.]])

    Source:
        Nair & Hinton 2010; Keras's layer of the same name.
    """

    def __init__(
        self,
        *,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.max_value = None
        if max_value is not None:
            self.max_value = real_number(
                max_value, self.where, "max_value", minimum=0.0
            )
        self.negative_slope = real_number(
            negative_slope, self.where, "negative_slope", minimum=0.0
        )
        self.threshold = real_number(threshold, self.where, "threshold", minimum=0.0)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Rectify every value; the shape stays."""
        if self.threshold == 0.0:
            y = torch.relu(x)
        else:
            y = torch.where(x > self.threshold, x, 0.0)
        if self.max_value is not None:
            y = y.clamp(max=self.max_value)
        if self.negative_slope != 0.0:
            y = y - self.negative_slope * torch.relu(self.threshold - x)
        return y


class LeakyReLU(Elementwise):
    """A rectifier that lets a part of negative values through.

    y = x if x > 0 else negative_slope * x

    Args:
        negative_slope: The part, at least 0; 0.3 as in Keras's layer.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``negative_slope`` is negative or not finite.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> LeakyReLU()(torch.tensor([[-1.0, 2.0]]))
        tensor([[-0.3000,  2.0000]])

    Source:
        Maas, Hannun & Ng 2013, eq. 2.
    """

    def __init__(self, negative_slope: float = 0.3, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.negative_slope = real_number(
            negative_slope, self.where, "negative_slope", minimum=0.0
        )

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Rectify every value; the shape stays."""
        return functional.leaky_relu(x, self.negative_slope)


class ELU(Elementwise):
    """A rectifier with a smooth, bounded negative part.

    y = x if x > 0 else alpha * (exp(x) - 1)

    Args:
        alpha: Minus the value at minus infinity, at least 0.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``alpha`` is negative or not finite.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ELU()(torch.tensor([[-1.0, 2.0]]))
        tensor([[-0.6321,  2.0000]])

    Source:
        Clevert, Unterthiner & Hochreiter 2016, eq. 15.
    """

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.alpha = real_number(alpha, self.where, "alpha", minimum=0.0)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Rectify every value; the shape stays."""
        return functional.elu(x, self.alpha)


class Softmax(Elementwise):
    """Probabilities from scores that may differ by a constant.

    y_k = exp(x_k) / sum_j exp(x_j)

    Args:
        axis: Along which the results sum to 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``axis`` is not an integer.
        DataError: x is not a tensor of floating-point numbers.
        ShapeError: x does not have that axis.

    Example:
        >>> Softmax()(torch.tensor([[0.0, 1.0, 2.0]]))
        tensor([[0.0900, 0.2447, 0.6652]])

    Source:
        Bridle 1990.
    """

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = integer(axis, self.where, "axis")
        # The function itself on the last axis: a loss that folds it recognises it.
        self.activation = (
            softmax if axis == -1 else functools.partial(softmax, axis=axis)
        )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input, an axis that does not exist included."""
        super().check_input(shape, dtype)
        if not -len(shape) <= self.axis < len(shape):
            raise ShapeError(
                f"{self.where}: expected an input that has axis {self.axis}, got shape "
                f"{describe(shape)}. Give another axis."
            )

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Make the values along the axis sum to 1; the shape stays."""
        return x if self.activation is None else self.activation(x)


class Identity(Layer):
    """Whatever comes in goes out: a place holder.

    y = x

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: anything

    Example:
        >>> Identity()(torch.ones(2))
        tensor([1., 1.])
    """

    passes_mask: ClassVar[bool] = True

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def forward(self, x: Any) -> Any:
        """Hand x on."""
        return x


class PReLU(Layer):
    """A rectifier whose leak is learned, for each feature.

    y = x where x >= 0, weight x elsewhere

    Args:
        alpha_initializer: First values of the weight.
        alpha_regularizer: What the weight costs, added to the loss.
        alpha_constraint: What the weight must be after each update.
        shared_axes: Axes along which all positions have the same leak, for images
            (1, 2): one for each channel.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Parameters:
        weight: shape, with 1 on the shared axes; zeros.

    Raises:
        ConfigError: A shared axis is 0 or no integer, or a name is not known.
        ShapeError: x does not have the axes, or not the sizes it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = PReLU(alpha_initializer=lambda w: w.fill_(0.5))
        >>> layer(torch.tensor([[-2.0, 3.0]])).detach()
        tensor([[-1.,  3.]])

    Source:
        He et al. 2015, eq. 1.
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        *,
        alpha_initializer: InitializerLike = "zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: int | Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.alpha_initializer = get_initializer(
            alpha_initializer, where, "alpha_initializer"
        )
        self.alpha_regularizer = get_regularizer(
            alpha_regularizer, where, "alpha_regularizer"
        )
        self.alpha_constraint = get_constraint(
            alpha_constraint, where, "alpha_constraint"
        )
        given = [] if shared_axes is None else shared_axes
        axes = list(given) if isinstance(given, (list, tuple)) else [given]
        self.shared_axes = tuple(integer(axis, where, "shared_axes") for axis in axes)
        if 0 in self.shared_axes:
            raise ConfigError(
                f"{where}: expected shared_axes beside the batch, got {shared_axes!r}. "
                "Write for example shared_axes=(1, 2) for images."
            )
        self.register_parameter("weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or sizes."""
        check_rank(self.where, shape, "batch features", at_least=True)
        check_floating(
            self.where, dtype, None if self.weight is None else self.weight.dtype
        )
        rank = len(shape)
        if any(not -rank < axis < rank for axis in self.shared_axes):
            raise ShapeError(
                f"{self.where}: expected an input that has the axes {self.shared_axes} "
                f"beside the batch, got shape {describe(shape)}. Give other axes."
            )
        shared = {axis % rank for axis in self.shared_axes}
        for axis in set(range(1, rank)) - shared:
            fits = self.weight is not None and self.weight.ndim == rank - 1
            built_for = self.weight.shape[axis - 1] if fits else None
            check_axis(self.where, shape, axis, built_for)

    def build(self, shape: Shape) -> None:
        """Make the weight for the sizes of `shape`."""
        shared = {axis % len(shape) for axis in self.shared_axes}
        sizes = tuple(
            1 if axis in shared else size or 0  # check_input has refused None
            for axis, size in enumerate(shape)
        )
        self.weight = self.add_weight(
            sizes[1:],
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Scale what is negative; the shape stays."""
        return functional.relu(x) - self.weight * functional.relu(-x)
