"""Wrapping: a layer, or a function, given one more ability."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.layers.arguments import fraction, positive_integer, real_number
from mica.layers.elementwise import Elementwise
from mica.layers.layer import Layer
from mica.layers.regularizers import L1L2

__all__ = [
    "ActivityRegularization",
    "DropConnect",
    "Lambda",
    "LowRank",
    "SpectralNormalization",
    "WeightNormalization",
    "Wrapper",
]

_TINY = 1e-12  # below any length worth dividing by


class Wrapper(Layer):
    """A layer around another one.

    Abstract: write `forward`, which calls `self.layer`.

    Args:
        layer: The layer inside; it is built from the same input.
        name: What the wrapper is called; `None` lets the model choose.

    Shape:
        x: what the layer takes
        y: what `forward` gives

    Parameters:
        layer: what the layer inside has.

    Raises:
        ConfigError: ``layer`` is not a layer.

    Example:
        >>> from mica.layers import Dense
        >>> class Twice(Wrapper):
        ...     def forward(self, x):
        ...         return self.layer(self.layer(x))
        >>> Twice(Dense(3))(torch.ones(1, 3)).shape
        torch.Size([1, 3])
    """

    def __init__(self, layer: Layer, *, name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(layer, Layer):
            got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
            raise ConfigError(
                f"{self.where}: expected a layer to wrap, got {got}. Give an object "
                "such as mica.layers.Dense(64)."
            )
        self.layer = layer

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input, in the words of the layer inside."""
        self.layer.check_input(shape, dtype)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which steps of the output are real, as the layer inside says.

        Args:
            x: The input.
            mask: Which steps of it are real.

        Returns:
            What the layer inside says.
        """
        return self.layer.compute_mask(x, mask)

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build the layer inside first, so that `build` can look at its weights.

        Args:
            *args: What `forward` would be given.
            **kwargs: Named ones.
        """
        if not self.built:
            self.layer.ensure_built(*args, **kwargs)
        super().ensure_built(*args, **kwargs)


class _Reweighted(Wrapper):
    """A wrapper that lets its layer compute with another weight than it holds."""

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build, and refuse a layer without a weight.

        Args:
            *args: What `forward` would be given.
            **kwargs: Named ones.

        Raises:
            ConfigError: The layer inside has no parameter called weight.
        """
        first = not self.built
        if first:
            self.layer.ensure_built(*args, **kwargs)
            held = self.layer._parameters.get("weight")
            if held is None or held.ndim < 2:
                raise ConfigError(
                    f"{self.where}: expected a layer with a weight of two axes or "
                    f"more, got {type(self.layer).__name__}. Wrap Dense, a convolution "
                    "or Embedding."
                )
        super().ensure_built(*args, **kwargs)

    @property
    def inner_weight(self) -> Tensor:
        """The weight that the layer inside holds."""
        return self.layer.weight  # type: ignore[return-value]  # ensure_built has seen

    def _with(self, weight: Tensor, x: Any) -> Any:
        """What the layer gives with another weight."""
        return torch.func.functional_call(self.layer, {"weight": weight}, (x,))

    def forward(self, x: Any) -> Any:
        """Let the layer compute with the other weight."""
        return self._with(self.weight_in_use(), x)

    def weight_in_use(self) -> Tensor:
        """Compute the weight that the layer multiplies by."""
        raise NotImplementedError


class DropConnect(_Reweighted):
    """In training, single weights of a layer are set to 0 by chance.

    y = layer(x) with weight W m / (1 - rate), m ~ Bernoulli(1 - rate)     in training
    y = layer(x)                                                           otherwise

    One mask serves the whole batch. Where `Dropout` silences units, this cuts single
    connections.

    Args:
        layer: A layer with a weight, such as Dense or Conv2D.
        rate: The chance that a weight is dropped, from 0 to below 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: what the layer takes
        y: what the layer gives

    Parameters:
        layer: what the layer inside has.

    Raises:
        ConfigError: ``layer`` is not a layer with a weight, or ``rate`` is not from 0
            to below 1.

    Example:
        >>> from mica.layers import Dense
        >>> layer = DropConnect(Dense(1, kernel_initializer="ones"), 0.5)
        >>> sorted({round(layer(torch.ones(1, 2)).item()) for _ in range(100)})
        [0, 2, 4]

    Source:
        Wan et al. 2013, section 3, scaled in training as `Dropout` is.
    """

    def __init__(self, layer: Layer, rate: float, *, name: str | None = None) -> None:
        super().__init__(layer, name=name)
        self.rate = fraction(rate, self.where, "rate")

    def forward(self, x: Any) -> Any:
        """Drop weights in training; else call the layer."""
        return super().forward(x) if self.training and self.rate else self.layer(x)

    def weight_in_use(self) -> Tensor:
        """Drop single values of the weight."""
        return torch.dropout(self.inner_weight, self.rate, True)


class WeightNormalization(_Reweighted):
    """A layer whose weight is a direction and a length, learned apart.

    w_j = scale_j v_j / |v_j| for each output j, v the weight of the layer inside

    It begins with the lengths of v, so that the layer computes what it did before.

    Args:
        layer: A layer with a weight, such as Dense or Conv2D.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: what the layer takes
        y: what the layer gives

    Parameters:
        layer: what the layer inside has; its weight is v.
        scale: (outputs,), the lengths of the first v_j.

    Raises:
        ConfigError: ``layer`` is not a layer with a weight.

    Example:
        >>> from mica.layers import Dense
        >>> inside = Dense(3)
        >>> layer, x = WeightNormalization(inside), torch.ones(2, 5)
        >>> torch.allclose(layer(x), inside(x))
        True

    Source:
        Salimans & Kingma 2016, eq. 2.
    """

    def __init__(self, layer: Layer, *, name: str | None = None) -> None:
        super().__init__(layer, name=name)
        self.register_parameter("scale", None)

    def build(self, shape: Any) -> None:
        """Measure the lengths of the weight inside."""
        del shape
        lengths = self._lengths().detach().flatten()
        self.scale = nn.Parameter(lengths.clone(), requires_grad=self.trainable)

    def _lengths(self) -> Tensor:
        weight = self.inner_weight
        axes = tuple(range(1, weight.ndim))
        return weight.square().sum(axes, keepdim=True).sqrt()

    def weight_in_use(self) -> Tensor:
        """Give the direction its length."""
        lengths = self._lengths()
        scale = self.scale.reshape(lengths.shape)
        return self.inner_weight * (scale / lengths.clamp(min=_TINY))


class SpectralNormalization(_Reweighted):
    """A layer whose weight is divided by its largest singular value.

    y = layer(x) with weight W / sigma,  sigma = u^T W v

    u and v are the singular vectors, found by power iteration: in each step of
    training, v = W^T u / |W^T u|, u = W v / |W v|. No input is then stretched by more
    than 1, which keeps the discriminator of a GAN steady. W has one row for each
    output; the other axes are taken together.

    Args:
        layer: A layer with a weight, such as Dense or Conv2D.
        power_iterations: Rounds in each step of training; one is enough, as weights
            change slowly.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: what the layer takes
        y: what the layer gives

    Parameters:
        layer: what the layer inside has; its weight is W.
        left: (outputs,), u: a vector of length 1 drawn at random, brought near by 15
            rounds; not learned.
        right: (inputs of one output,), v; not learned.

    Raises:
        ConfigError: ``layer`` is not a layer with a weight, or ``power_iterations`` is
            not a positive integer.

    Example:
        >>> from mica.layers import Dense
        >>> layer = SpectralNormalization(Dense(4), power_iterations=30)
        >>> _ = layer(torch.ones(1, 4))
        >>> round(torch.linalg.matrix_norm(layer.weight_in_use(), 2).item(), 2)
        1.0

    Source:
        Miyato et al. 2018, algorithm 1.
    """

    left: Tensor
    right: Tensor

    def __init__(
        self, layer: Layer, *, power_iterations: int = 1, name: str | None = None
    ) -> None:
        super().__init__(layer, name=name)
        self.power_iterations = positive_integer(
            power_iterations, self.where, "power_iterations"
        )
        self.register_buffer("left", None)
        self.register_buffer("right", None)

    def build(self, shape: Any) -> None:
        """Begin with random vectors, some rounds away from them."""
        del shape
        rows = self._rows().detach()
        self.left = _unit(torch.randn_like(rows[:, 0]))
        self.right = _unit(torch.randn_like(rows[0]))
        self._iterate(15)

    def _rows(self) -> Tensor:
        return self.inner_weight.flatten(1)

    @torch.no_grad()
    def _iterate(self, rounds: int) -> None:
        rows = self._rows()
        left, right = self.left, self.right
        for _ in range(rounds):
            right = _unit(rows.T @ left)
            left = _unit(rows @ right)
        # New tensors: a gradient may still need the old ones.
        self.left, self.right = left, right

    def forward(self, x: Any) -> Any:
        """Look for the singular vectors in training, and divide."""
        if self.training and self.trainable:
            self._iterate(self.power_iterations)
        return super().forward(x)

    def weight_in_use(self) -> Tensor:
        """Divide the weight by its largest singular value."""
        sigma = self.left @ (self._rows() @ self.right)
        return self.inner_weight / sigma


def _unit(vector: Tensor) -> Tensor:
    return vector / vector.norm().clamp(min=_TINY)


class LowRank(_Reweighted):
    """A trained layer that is adapted by a small correction of low rank (LoRA).

    y = layer(x) with weight W + (alpha / rank) B A

    The layer inside is frozen; only A and B learn, rank * (inputs + outputs) numbers
    instead of inputs * outputs. B begins at zero: nothing changes at first.

    Args:
        layer: A layer with a weight, such as Dense, a convolution or Embedding.
        rank: Rows of A, columns of B.
        alpha: The scale; None for ``rank``, so that the factor is 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: what the layer takes
        y: what the layer gives

    Parameters:
        layer: what the layer inside has, frozen.
        down: (rank, inputs of one output), A, normal with variance 1 / inputs.
        up: (outputs, rank), B, zeros.

    Raises:
        ConfigError: ``layer`` is not a layer with a weight, ``rank`` is not a positive
            integer, or ``alpha`` is not a finite number.

    Example:
        >>> from mica.layers import Dense
        >>> inside, x = Dense(64), torch.ones(2, 32)
        >>> before = inside(x)
        >>> layer = LowRank(inside, rank=4)
        >>> torch.equal(layer(x), before)
        True
        >>> sum(w.numel() for w in layer.parameters() if w.requires_grad)
        384

    Source:
        Hu et al. 2021, section 4.1.
    """

    def __init__(
        self,
        layer: Layer,
        rank: int = 8,
        *,
        alpha: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(layer, name=name)
        self.rank = positive_integer(rank, self.where, "rank")
        scale = self.rank if alpha is None else alpha
        self.alpha = real_number(scale, self.where, "alpha")
        self.register_parameter("down", None)
        self.register_parameter("up", None)
        layer.trainable = False

    def build(self, shape: Any) -> None:
        """Make A and B for the weight inside, which is frozen."""
        del shape
        weight = self.inner_weight
        inputs = weight[0].numel()
        self._build_dtype, self._build_device = weight.dtype, weight.device
        self.down = self.add_weight(
            (self.rank, inputs),
            lambda tensor: nn.init.normal_(tensor, std=inputs**-0.5),
        )
        self.up = self.add_weight((len(weight), self.rank), "zeros")
        self._keep_frozen()

    def _keep_frozen(self) -> None:
        self.layer.trainable = False

    @property
    def trainable(self) -> bool:
        """Whether A and B may change; the layer inside stays frozen."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for parameter in (self.down, self.up):
            if parameter is not None:
                parameter.requires_grad_(self._trainable)
        self._keep_frozen()

    def weight_in_use(self) -> Tensor:
        """Add the correction to the weight inside."""
        weight = self.inner_weight
        correction = (self.alpha / self.rank) * (self.up @ self.down)
        return weight + correction.reshape(weight.shape)

    @torch.no_grad()
    def merge(self) -> Layer:
        """Add the correction to the layer inside for good, and begin anew at zero.

        Returns:
            The layer inside, which now computes what this one did; still frozen.

        Example:
            >>> from mica.layers import Dense
            >>> layer, x = LowRank(Dense(3)), torch.ones(1, 2)
            >>> _ = layer(x)
            >>> _ = torch.nn.init.ones_(layer.up)
            >>> before = layer(x)
            >>> torch.allclose(layer.merge()(x), before)
            True
        """
        self.inner_weight.copy_(self.weight_in_use())
        self.up.zero_()
        return self.layer


class Lambda(Layer):
    """Any function as a layer.

    y = function(x, **arguments)

    A file can hold the layer when the function is one of torch's, or registered with
    `@mica.register`; saving says so otherwise.

    Args:
        function: Takes what the layer is called with, gives a tensor.
        arguments: Further named arguments for it.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: what the function takes
        y: what the function gives

    Raises:
        ConfigError: ``function`` cannot be called, or ``arguments`` is not a dict.

    Example:
        >>> Lambda(torch.clamp, arguments={"min": 0.0})(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        arguments: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not callable(function):
            raise ConfigError(
                f"{self.where}: expected a function, got {function!r}. Give for "
                "example lambda x: x ** 2."
            )
        if arguments is not None and not isinstance(arguments, Mapping):
            raise ConfigError(
                f"{self.where}: expected arguments to be a dict, got {arguments!r}. "
                "Write for example arguments={'dim': 1}."
            )
        self.function = function
        self.arguments = dict(arguments or {})

    def forward(self, *args: Any) -> Any:
        """Call the function."""
        return self.function(*args, **self.arguments)


class ActivityRegularization(Elementwise):
    """What passes through costs something; the values stay as they are.

    y = x,  loss <- loss + l1 sum |x| + l2 sum x^2

    Args:
        l1: Factor of the absolute values.
        l2: Factor of the squares.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: A factor is negative or not a finite number.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> from mica.layers import gather_losses
        >>> with gather_losses() as losses:
        ...     _ = ActivityRegularization(l1=0.5)(torch.tensor([[1.0, -3.0]]))
        >>> losses
        [tensor(2.)]
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self, *, l1: float = 0.0, l2: float = 0.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.regularize_activity(L1L2(l1=l1, l2=l2))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Hand x on."""
        return x
