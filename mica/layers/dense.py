"""Dense: every output sees every input."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape

__all__ = ["Dense"]


class Dense(Layer):
    """A learned affine map of the last axis.

    y = activation(x W^T + b)

    Any number of axes may lead; the same map is applied at every position, as in
    Keras. The weight has torch's layout, the transpose of Keras's kernel.

    Args:
        units: Size of the output's last axis. At least 1.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add b.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (*batch, features)
        y: (*batch, units)

    Parameters:
        weight: (units, features), uniform in +-sqrt(6 / (features + units)).
        bias: (units,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * features * units FLOPs forward.

    Raises:
        ConfigError: ``units`` is not a positive integer, or a name is not known.
        ShapeError: x's last axis is not known, or not the one the layer was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Dense(3)(torch.zeros(2, 5)).shape
        torch.Size([2, 3])

    Source:
        Initialisation: Glorot & Bengio 2010, eq. 16.
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        units: int,
        *,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.units = positive_integer(units, where, "units")
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        self.kernel_regularizer = get_regularizer(
            kernel_regularizer, where, "kernel_regularizer"
        )
        self.bias_regularizer = get_regularizer(
            bias_regularizer, where, "bias_regularizer"
        )
        self.kernel_constraint = get_constraint(
            kernel_constraint, where, "kernel_constraint"
        )
        self.bias_constraint = get_constraint(bias_constraint, where, "bias_constraint")
        self.regularize_activity(activity_regularizer)
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or last axis."""
        check_rank(self.where, shape, "batch features", at_least=True)
        built_for = built_dtype = None
        if self.weight is not None:
            built_for, built_dtype = self.weight.shape[1], self.weight.dtype
        check_floating(self.where, dtype, built_dtype)
        check_axis(self.where, shape, -1, built_for)

    def build(self, shape: Shape) -> None:
        """Make the weight and the bias for the last size of `shape`."""
        features = shape[-1] or 0  # check_input has refused None
        self.weight = self.add_weight(
            (self.units, features),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def forward(
        self, x: Float[Tensor, "*batch features"]
    ) -> Float[Tensor, "*batch {self.units}"]:
        """Apply the map to the last axis."""
        y = functional.linear(x, self.weight, self.bias)
        return y if self.activation is None else self.activation(y)
