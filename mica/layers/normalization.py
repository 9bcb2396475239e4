"""Normalization: values brought to mean 0 and variance 1, then scaled and moved."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mica.engine import is_compiling
from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import fraction, integer, real_number
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape, describe

__all__ = ["BatchNormalization"]

_HALF_TYPES = (torch.bfloat16, torch.float16)
_SHARES: dict[tuple[int, torch.dtype], Tensor] = {}  # torch is slow with numbers
_MOST_SHARES = 1000  # batches of more sizes than that are rare


def _share(count: int, running: Tensor) -> Tensor | float:
    """(n - 1) / n, as a tensor where one that is kept may be used."""
    share = (count - 1) / count
    if is_compiling() or type(running) not in (Tensor, nn.Buffer):
        return share  # what is traced may hold no tensor from outside
    key = (count, running.dtype)
    if key not in _SHARES:
        if len(_SHARES) >= _MOST_SHARES:
            _SHARES.clear()
        with torch.inference_mode(False):
            _SHARES[key] = torch.tensor(share, dtype=running.dtype, device="cpu")
    return _SHARES[key]


class BatchNormalization(Layer):
    """Each channel is normalised over the batch and all positions.

    y = weight (x - mean) / sqrt(variance + epsilon) + bias

    In training, mean and variance are those of the batch, and the running ones move:
    running = momentum * running + (1 - momentum) * batch. Otherwise, and when the layer
    is not trainable, the running ones are used. As in Keras, ``momentum`` is what is
    kept (torch: what is new) and the running variance takes the batch's biased
    variance (torch: the unbiased one).

    Args:
        axis: The axis of the channels; not 0.
        momentum: How much of the running values is kept, from 0 to below 1.
        epsilon: Added to the variance, at least 0.
        center: Whether to add the bias.
        scale: Whether to multiply by the weight.
        beta_initializer: First values of the bias.
        gamma_initializer: First values of the weight.
        moving_mean_initializer: First values of the running mean.
        moving_variance_initializer: First values of the running variance.
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
        running_mean: (channels,), zeros; not learned.
        running_var: (channels,), ones; not learned.

    Cost:
        Bound by memory: x is read twice and written once in training.

    Raises:
        ConfigError: ``axis`` is 0 or no integer, ``momentum`` is not from 0 to below
            1, ``epsilon`` is negative, or a name is not known.
        ShapeError: x does not have the axis, or not the size it was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = BatchNormalization()
        >>> y = layer(torch.tensor([[1.0], [3.0]]))
        >>> y.mean().item(), round(y.std(unbiased=False).item(), 3)
        (0.0, 1.0)
        >>> layer.running_mean
        tensor([0.0200])

    Source:
        Ioffe & Szegedy 2015, algorithms 1 and 2.
    """

    passes_mask: ClassVar[bool] = True

    running_mean: Tensor
    running_var: Tensor

    def __init__(
        self,
        *,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.axis = integer(axis, where, "axis")
        if self.axis == 0:
            raise ConfigError(
                f"{where}: expected the axis of the channels, got axis=0, the batch. "
                "Use axis=-1, or axis=1 for channels first."
            )
        self.momentum = fraction(momentum, where, "momentum")
        self.epsilon = real_number(epsilon, where, "epsilon", minimum=0.0)
        self.center = center
        self.scale = scale
        self.beta_initializer = get_initializer(
            beta_initializer, where, "beta_initializer"
        )
        self.gamma_initializer = get_initializer(
            gamma_initializer, where, "gamma_initializer"
        )
        self.moving_mean_initializer = get_initializer(
            moving_mean_initializer, where, "moving_mean_initializer"
        )
        self.moving_variance_initializer = get_initializer(
            moving_variance_initializer, where, "moving_variance_initializer"
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
        self.register_buffer("running_mean", None)
        self.register_buffer("running_var", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or size of the channels."""
        check_rank(self.where, shape, "batch channels", at_least=True)
        if not -len(shape) < self.axis < len(shape):
            raise ShapeError(
                f"{self.where}: expected an input that has axis {self.axis} beside "
                f"the batch, got shape {describe(shape)}. Give another axis."
            )
        check_floating(self.where, dtype)
        built_for = len(self.running_mean) if self.built else None
        check_axis(self.where, shape, self.axis, built_for)

    def build(self, shape: Shape) -> None:
        """Make weight, bias and running statistics for the channels in `shape`."""
        # Half types are too coarse to gather 1 % of a batch at a time.
        if self._build_dtype in _HALF_TYPES:
            self._build_dtype = torch.float32
        channels = (shape[self.axis] or 0,)  # check_input has refused None
        if self.scale:
            self.weight = self.add_weight(
                channels,
                self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.bias = self.add_weight(
                channels,
                self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        mean = self.add_weight(channels, self.moving_mean_initializer)
        variance = self.add_weight(channels, self.moving_variance_initializer)
        self.running_mean = mean.detach()
        self.running_var = variance.detach()

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take the state of torch's layer too: its step counter has no use here."""
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def forward(
        self, x: Float[Tensor, "*shape"], mask: Tensor | None = None
    ) -> Float[Tensor, "*shape"]:
        """Normalise; the shape stays. Steps that a mask hides are not counted."""
        rank = x.ndim
        axis = self.axis % rank
        if mask is not None and self.training and self._trainable:
            return self._normalise_real(x.movedim(axis, -1), mask).movedim(-1, axis)
        if rank == 2 or axis == 1:
            return self._normalise(x)
        if axis != rank - 1:
            return self._normalise(x.movedim(axis, 1)).movedim(1, axis)
        if rank == 4:
            x = x.permute(0, 3, 1, 2)  # (B, C, H, W), a view
            return self._normalise(x).permute(0, 2, 3, 1)  # (B, H, W, C)
        return self._normalise(x.reshape(-1, x.shape[-1])).view(x.shape)

    def _normalise(self, x: Tensor) -> Tensor:
        """Normalise axis 1 with torch's kernel, and move the statistics as Keras."""
        count = x.numel() // x.shape[1]
        if not (self.training and self._trainable) or count == 0:
            return self._kernel(x, self.running_var, False)
        # NOTE: the kernel adds the unbiased variance, n / (n - 1) times too much. It
        # is given the old value made larger by the same factor, in a copy: torch
        # keeps what it is given for the gradient, so that may not change afterwards.
        running = self.running_var
        bias = _share(count, running)
        variance = running / (bias if count > 1 else 1.0)
        y = self._kernel(x, variance, True)
        if count == 1:  # unbiased: 0 / 0; biased: 0
            running.mul_(self.momentum)
        else:
            torch.mul(variance, bias, out=running)
        return y

    def _normalise_real(self, x: Tensor, mask: Tensor) -> Tensor:
        """Normalise the last axis by the entries that are real."""
        real = mask.reshape(*mask.shape, *(1,) * (x.ndim - mask.ndim)).to(x.dtype)
        axes = tuple(range(x.ndim - 1))
        real = real.expand(*x.shape[:-1], 1)
        count = real.sum().clamp(min=1.0)
        mean = (x * real).sum(axes) / count
        variance = ((x - mean).square() * real).sum(axes) / count
        for running, new in ((self.running_mean, mean), (self.running_var, variance)):
            running.lerp_(new.detach().to(running.dtype), 1.0 - self.momentum)
        y = (x - mean) * torch.rsqrt(variance + self.epsilon)
        y = y if self.weight is None else y * self.weight
        y = y if self.bias is None else y + self.bias
        return y.to(x.dtype)

    def _kernel(self, x: Tensor, running_var: Tensor, use_batch: bool) -> Tensor:
        return torch.batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            running_var,
            use_batch,
            1.0 - self.momentum,
            self.epsilon,
            torch.backends.cudnn.enabled,
        )
