"""Normalization inside each sample: by layer, group, channel, mean square or length."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import integer, real_number
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.elementwise import Elementwise
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape, describe

__all__ = [
    "GroupNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "UnitNormalization",
]

_TINY = 1e-12  # below the square of any length worth dividing by (as in Keras)
AxisLike = int | Sequence[int]


def _read_axes(axis: Any, where: str) -> tuple[int, ...]:
    entries = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    axes = tuple(integer(entry, where, "axis") for entry in entries)
    if 0 in axes or not axes:
        raise ConfigError(
            f"{where}: expected axes beside the batch, got axis={axis!r}. Use axis=-1 "
            "to normalise over the features."
        )
    return axes


def _check_axes(where: str, shape: Any, axes: tuple[int, ...]) -> None:
    check_rank(where, shape, "batch features", at_least=True)
    if any(not -len(shape) < axis < len(shape) for axis in axes):
        wanted = axes[0] if len(axes) == 1 else axes
        raise ShapeError(
            f"{where}: expected an input that has axis {wanted} beside the batch, got "
            f"shape {describe(shape)}. Give another axis."
        )


class _Scaled(Layer):
    """A layer that normalises, then scales and moves with learned values."""

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        *,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: InitializerLike,
        gamma_initializer: InitializerLike,
        beta_regularizer: RegularizerLike,
        gamma_regularizer: RegularizerLike,
        beta_constraint: ConstraintLike,
        gamma_constraint: ConstraintLike,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.epsilon = real_number(epsilon, where, "epsilon", minimum=0.0)
        self.center = center
        self.scale = scale
        self.beta_initializer = get_initializer(
            beta_initializer, where, "beta_initializer"
        )
        self.gamma_initializer = get_initializer(
            gamma_initializer, where, "gamma_initializer"
        )
        self.beta_regularizer = get_regularizer(
            beta_regularizer, where, "beta_regularizer"
        )
        self.gamma_regularizer = get_regularizer(
            gamma_regularizer, where, "gamma_regularizer"
        )
        self.beta_constraint = get_constraint(beta_constraint, where, "beta_constraint")
        self.gamma_constraint = get_constraint(
            gamma_constraint, where, "gamma_constraint"
        )
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def _make_weights(self, sizes: tuple[int, ...]) -> None:
        if self.scale:
            self.weight = self.add_weight(
                sizes,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.bias = self.add_weight(
                sizes,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )

    def _check_weights(self, dtype: torch.dtype | None) -> None:
        held = next(self.parameters(), None)
        check_floating(self.where, dtype, None if held is None else held.dtype)


class LayerNormalization(_Scaled):
    """Each sample is normalised over its features.

    y = weight (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of the
    values along ``axis``

    Args:
        axis: The axis of the features, or several; not 0.
        epsilon: Added to the variance, at least 0.
        center: Whether to add the bias.
        scale: Whether to multiply by the weight.
        beta_initializer: First values of the bias.
        gamma_initializer: First values of the weight.
        beta_regularizer: What the bias costs, added to the loss.
        gamma_regularizer: What the weight costs.
        beta_constraint: What the bias must be after each update.
        gamma_constraint: What the weight must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Parameters:
        weight: the sizes of the axes, ones. None when ``scale`` is False.
        bias: the sizes of the axes, zeros. None when ``center`` is False.

    Cost:
        Bound by memory: x is read once and written once.

    Raises:
        ConfigError: ``axis`` is 0 or no integer, ``epsilon`` is negative, or a name is
            not known.
        ShapeError: x does not have the axes, or not the sizes it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> LayerNormalization(epsilon=0.0)(torch.tensor([[1.0, 3.0]]))
        tensor([[-1.,  1.]], grad_fn=<NativeLayerNormBackward0>)

    Source:
        Ba et al. 2016, eq. 3 and 4.
    """

    def __init__(
        self,
        *,
        axis: AxisLike = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
        )
        self.axes = _read_axes(axis, self.where)
        self._sizes: tuple[int, ...] = ()

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or size of the features."""
        _check_axes(self.where, shape, self.axes)
        self._check_weights(dtype)
        sizes = self._sizes or (None,) * len(self.axes)
        for axis, size in zip(self.axes, sizes, strict=True):
            check_axis(self.where, shape, axis, size)

    def build(self, shape: Shape) -> None:
        """Make weight and bias for the sizes of the axes."""
        # check_input has refused None
        self._sizes = tuple(shape[axis] or 0 for axis in self.axes)
        self._make_weights(self._sizes)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Normalise; the shape stays."""
        axes = self.axes
        if axes == (-1,):
            return self._kernel(x)
        counted = [axis % x.ndim for axis in axes]
        last = list(range(-len(axes), 0))
        y = self._kernel(x.movedim(counted, last))
        return y.movedim(last, counted).contiguous()

    def _kernel(self, x: Tensor) -> Tensor:
        """Normalise over the last axes, which are those of the weights, in order."""
        return torch.layer_norm(x, self._sizes, self.weight, self.bias, self.epsilon)


class RMSNormalization(Layer):
    """Each sample is divided by the root of the mean of its squares.

    y = weight x / sqrt(mean of x^2 + epsilon), the mean along ``axis``

    Args:
        axis: The axis of the features, or several; not 0.
        epsilon: Added to the mean, at least 0.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Parameters:
        weight: the sizes of the axes, ones.

    Cost:
        Bound by memory: x is read once and written once.

    Raises:
        ConfigError: ``axis`` is 0 or no integer, or ``epsilon`` is negative.
        ShapeError: x does not have the axes, or not the sizes it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> RMSNormalization(epsilon=0.0)(torch.tensor([[1.0, 7.0]])).detach()
        tensor([[0.2000, 1.4000]])

    Source:
        Zhang & Sennrich 2019, eq. 4.
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self, *, axis: AxisLike = -1, epsilon: float = 1e-6, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.axes = _read_axes(axis, self.where)
        self.epsilon = real_number(epsilon, self.where, "epsilon", minimum=0.0)
        self._sizes: tuple[int, ...] = ()
        self.register_parameter("weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or size of the features."""
        _check_axes(self.where, shape, self.axes)
        check_floating(
            self.where, dtype, None if self.weight is None else self.weight.dtype
        )
        sizes = self._sizes or (None,) * len(self.axes)
        for axis, size in zip(self.axes, sizes, strict=True):
            check_axis(self.where, shape, axis, size)

    def build(self, shape: Shape) -> None:
        """Make the weight for the sizes of the axes."""
        self._sizes = tuple(shape[axis] or 0 for axis in self.axes)
        self.weight = self.add_weight(self._sizes, "ones")

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Divide; the shape stays."""
        if self.axes == (-1,):
            return self._kernel(x)
        counted = [axis % x.ndim for axis in self.axes]
        last = list(range(-len(counted), 0))
        y = self._kernel(x.movedim(counted, last))
        return y.movedim(last, counted).contiguous()

    def _kernel(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self._sizes, self.weight, self.epsilon)


class GroupNormalization(_Scaled):
    """Groups of channels are normalised over all positions of a sample.

    y = weight (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of one
    group of channels of one sample

    Args:
        groups: How many groups; -1 makes each channel its own, as in
            `InstanceNormalization`; 1 normalises over positions and channels together.
        axis: The axis of the channels; not 0.
        epsilon: Added to the variance, at least 0.
        center: Whether to add the bias.
        scale: Whether to multiply by the weight.
        beta_initializer: First values of the bias.
        gamma_initializer: First values of the weight.
        beta_regularizer: What the bias costs, added to the loss.
        gamma_regularizer: What the weight costs.
        beta_constraint: What the bias must be after each update.
        gamma_constraint: What the weight must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *positions, channels), or channels at ``axis``

    Parameters:
        weight: (channels,), ones. None when ``scale`` is False.
        bias: (channels,), zeros. None when ``center`` is False.

    Cost:
        Bound by memory: x is read twice and written once.

    Raises:
        ConfigError: ``groups`` is neither -1 nor positive, ``axis`` is 0 or no integer,
            ``epsilon`` is negative, or a name is not known.
        ShapeError: The channels cannot be divided into the groups, x does not have the
            axis, or not the size it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = GroupNormalization(2, epsilon=0.0)(torch.tensor([[1.0, 3.0, 5.0, 9.0]]))
        >>> y.detach()
        tensor([[-1.,  1., -1.,  1.]])

    Source:
        Wu & He 2018, eq. 7.
    """

    def __init__(
        self,
        groups: int = 32,
        *,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
        )
        self.groups = integer(groups, self.where, "groups")
        if self.groups != -1 and self.groups < 1:
            raise ConfigError(
                f"{self.where}: expected groups to be at least 1, or -1 for one for "
                f"each channel, got {groups!r}. Write for example groups=8."
            )
        (self.axis,) = _read_axes(integer(axis, self.where, "axis"), self.where)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or number of channels."""
        _check_axes(self.where, shape, (self.axis,))
        self._check_weights(dtype)
        held = next(self.parameters(), None)
        check_axis(self.where, shape, self.axis, None if held is None else len(held))
        channels = shape[self.axis]
        if channels % self.groups:
            raise ShapeError(
                f"{self.where}: expected channels that {self.groups} groups divide, "
                f"got {channels} in shape {describe(shape)}. Choose another number of "
                "groups."
            )

    def build(self, shape: Shape) -> None:
        """Make weight and bias for the channels in `shape`."""
        self._make_weights((shape[self.axis] or 0,))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Normalise; the shape stays."""
        first = x.movedim(self.axis, 1)  # (B, C, *positions), a view
        channels = first.shape[1]
        groups = channels if self.groups == -1 else self.groups
        # torch's kernel cannot go backwards through a bias without a weight.
        weight, bias = self.weight, self.bias
        kernel_bias = None if weight is None else bias
        y = torch.group_norm(
            first,
            groups,
            weight,
            kernel_bias,
            self.epsilon,
            torch.backends.cudnn.enabled,
        )
        if bias is not None and kernel_bias is None:
            y = y + bias.reshape(channels, *[1] * (y.ndim - 2))
        return y.movedim(1, self.axis).contiguous()


class InstanceNormalization(GroupNormalization):
    """Each channel of each sample is normalised over its positions.

    y = weight (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of one
    channel of one sample

    Args:
        axis: The axis of the channels; not 0.
        epsilon: Added to the variance, at least 0.
        center: Whether to add the bias.
        scale: Whether to multiply by the weight.
        beta_initializer: First values of the bias.
        gamma_initializer: First values of the weight.
        beta_regularizer: What the bias costs, added to the loss.
        gamma_regularizer: What the weight costs.
        beta_constraint: What the bias must be after each update.
        gamma_constraint: What the weight must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *positions, channels), or channels at ``axis``

    Parameters:
        weight: (channels,), ones. None when ``scale`` is False.
        bias: (channels,), zeros. None when ``center`` is False.

    Cost:
        Bound by memory: x is read twice and written once.

    Raises:
        ConfigError: ``axis`` is 0 or no integer, ``epsilon`` is negative, or a name is
            not known.
        ShapeError: x does not have the axis, or not the size it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = InstanceNormalization(epsilon=0.0)(torch.tensor([[[1.0], [3.0]]]))
        >>> y.detach().flatten()
        tensor([-1.,  1.])

    Source:
        Ulyanov et al. 2016, eq. 2.
    """

    def __init__(
        self,
        *,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            -1,
            axis=axis,
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            name=name,
        )


class UnitNormalization(Elementwise):
    """Each sample is divided by its length.

    y = x / |x|, |x| = sqrt(sum of x^2 along ``axis``)

    Args:
        axis: The axis of the features, or several; not 0.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``axis`` is 0 or no integer.
        ShapeError: x does not have the axes.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> UnitNormalization()(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """

    def __init__(self, *, axis: AxisLike = -1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axes = _read_axes(axis, self.where)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank or type."""
        super().check_input(shape, dtype)
        _check_axes(self.where, shape, self.axes)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Divide by the length; the shape stays."""
        square = x.square().sum(self.axes, keepdim=True)
        return x * square.clamp(min=_TINY).rsqrt()
